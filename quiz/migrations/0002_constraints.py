"""What Tortoise's migrations do not write: constraints, indexes, storage of the hot tables."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
CREATE UNIQUE INDEX topic_code ON topic (bank_id, code);
CREATE UNIQUE INDEX question_code ON question (bank_id, code);
ALTER TABLE question ADD CONSTRAINT question_state_known
    CHECK (state IN ('draft', 'approved', 'retired'));
CREATE UNIQUE INDEX question_version_number ON question_version (question_id, number);
CREATE UNIQUE INDEX question_version_current ON question_version (question_id) WHERE is_current;
CREATE INDEX question_version_topic ON question_version (topic_id);
CREATE INDEX question_version_text_key ON question_version (md5(text_key));
ALTER TABLE question_version
    ADD CONSTRAINT question_version_kind_known
        CHECK (kind IN ('single', 'multiple', 'true_false')),
    ADD CONSTRAINT question_version_difficulty_known
        CHECK (difficulty IN ('easy', 'medium', 'hard'));
ALTER TABLE contest
    ADD CONSTRAINT contest_state_known
        CHECK (state IN ('draft', 'in_review', 'approved', 'final')),
    ADD CONSTRAINT contest_prediction_known
        CHECK (prediction IN ('', 'people', 'attempts', 'people_all_correct')),
    ADD CONSTRAINT contest_approved_by_a_second_person
        CHECK (approved_by_id IS NULL OR approved_by_id IS DISTINCT FROM created_by_id);
CREATE UNIQUE INDEX rules_text_version ON rules_text (contest_id, version);
CREATE UNIQUE INDEX division_code ON division (contest_id, code);
CREATE UNIQUE INDEX round_number ON round (contest_id, number);
ALTER TABLE round
    ADD CONSTRAINT round_window_ordered CHECK (closes_at > opens_at),
    ADD CONSTRAINT round_time_limit_sensible CHECK (time_limit_seconds BETWEEN 30 AND 86400),
    ADD CONSTRAINT round_attempt_limit_positive CHECK (attempt_limit > 0),
    ADD CONSTRAINT round_counting_known CHECK (counting IN ('best', 'last', 'first')),
    ADD CONSTRAINT round_result_known CHECK (result IN ('none', 'provisional', 'final'));
CREATE UNIQUE INDEX blueprint_line_once
    ON blueprint_line (round_id, coalesce(division_id, 0), topic_id, difficulty);
ALTER TABLE blueprint_line ADD CONSTRAINT blueprint_line_positive CHECK (question_count > 0);
CREATE UNIQUE INDEX pool_once ON pool (round_id, coalesce(division_id, 0));
CREATE TRIGGER pool_only_added BEFORE UPDATE OR DELETE ON pool
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE UNIQUE INDEX exclusion_phone ON exclusion (contest_id, phone);
CREATE UNIQUE INDEX participant_once ON participant (contest_id, person_id);
CREATE INDEX participant_person ON participant (person_id);
ALTER TABLE participant
    ADD CONSTRAINT participant_is_a_person FOREIGN KEY (person_id) REFERENCES person (id),
    ADD CONSTRAINT participant_in_a_unit FOREIGN KEY (unit_id) REFERENCES unit (id);
-- Saves rewrite a row up to a hundred times: room on its own page keeps them heap-only, and no
-- index below names a column that a save changes.
ALTER TABLE attempt SET (fillfactor = 50);
CREATE UNIQUE INDEX attempt_number ON attempt (participant_id, round_id, number);
CREATE UNIQUE INDEX attempt_one_open ON attempt (participant_id, round_id) WHERE state = 'open';
CREATE INDEX attempt_deadline ON attempt (deadline_at) WHERE state = 'open';
CREATE INDEX attempt_unscored ON attempt (closed_at) WHERE state <> 'open' AND NOT is_scored;
CREATE UNIQUE INDEX attempt_receipt ON attempt (receipt) WHERE receipt IS NOT NULL;
CREATE INDEX attempt_round_closed ON attempt (round_id, closed_at) WHERE state <> 'open';
ALTER TABLE attempt
    ADD CONSTRAINT attempt_state_known CHECK (state IN ('open', 'submitted', 'expired')),
    ADD CONSTRAINT attempt_closed_or_open CHECK ((state = 'open') = (closed_at IS NULL)),
    ADD CONSTRAINT attempt_scored_after_closing CHECK (NOT is_scored OR state <> 'open');
ALTER TABLE score ADD CONSTRAINT score_of_an_attempt
    FOREIGN KEY (attempt_id) REFERENCES attempt (id);
CREATE UNIQUE INDEX standing_once ON standing (round_id, participant_id);
CREATE INDEX standing_ranked ON standing (round_id, division_id, rank_key);
CREATE INDEX standing_participant ON standing (participant_id);
CREATE UNIQUE INDEX standing_bucket_once ON standing_bucket (round_id, division_id, bucket);
CREATE UNIQUE INDEX participation_once
    ON participation (round_id, unit_id, division_id, hour_at);
CREATE UNIQUE INDEX score_tally_once ON score_tally (round_id, division_id, correct_count);
CREATE UNIQUE INDEX board_snapshot_once ON board_snapshot (round_id);
"""


class Migration(migrations.Migration):
    """Adds the DDL that matters."""

    dependencies = [("quiz", "0001_initial"), ("people", "0002_constraints")]
    operations = [ops.RunSQL(FORWARD)]
