"""Constraints and indexes of what organisers do: review, correct, extend, decide, draw, publish."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE question DROP CONSTRAINT question_state_known;
ALTER TABLE question ADD CONSTRAINT question_state_known
    CHECK (state IN ('draft', 'in_review', 'approved', 'retired'));
CREATE INDEX question_assignee ON question (assignee_id) WHERE state = 'in_review';
CREATE INDEX question_tags ON question USING gin (tags jsonb_path_ops);
CREATE INDEX question_comment_question ON question_comment (question_id, created_at);
ALTER TABLE question_comment ADD CONSTRAINT question_comment_kind_known
    CHECK (kind IN ('said', 'sent', 'returned', 'approved'));
CREATE TRIGGER question_comment_only_added BEFORE UPDATE ON question_comment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX question_import_bank ON question_import (bank_id, created_at);
ALTER TABLE question_import ADD CONSTRAINT question_import_state_known
    CHECK (state IN ('open', 'done', 'discarded'));
CREATE UNIQUE INDEX question_statistic_once
    ON question_statistic (round_id, question_version_id);
CREATE INDEX question_statistic_question ON question_statistic (question_id);
CREATE UNIQUE INDEX topic_statistic_once ON topic_statistic (round_id, unit_id, topic);
CREATE INDEX attachment_contest ON attachment (contest_id);
CREATE UNIQUE INDEX eligibility_phone ON eligibility (contest_id, phone);
CREATE INDEX prize_contest ON prize (contest_id, position);
ALTER TABLE prize
    ADD CONSTRAINT prize_kind_known CHECK (kind IN ('individual', 'collective')),
    ADD CONSTRAINT prize_measure_known CHECK (measure IN ('', 'rate', 'people', 'points')),
    ADD CONSTRAINT prize_count_positive CHECK (prize_count > 0);
CREATE INDEX award_prize ON award (prize_id, place);
CREATE INDEX award_participant ON award (participant_id);
ALTER TABLE award
    ADD CONSTRAINT award_state_known CHECK (state IN ('given', 'declined', 'replaced')),
    ADD CONSTRAINT award_to_one CHECK ((participant_id IS NULL) <> (unit_id IS NULL));
CREATE UNIQUE INDEX award_place ON award (prize_id, place) WHERE state = 'given';
ALTER TABLE correction
    ADD CONSTRAINT correction_kind_known CHECK (kind IN ('rekey', 'full_marks', 'drop')),
    ADD CONSTRAINT correction_state_known
        CHECK (state IN ('proposed', 'approved', 'applied', 'withdrawn')),
    ADD CONSTRAINT correction_approved_by_a_second_person
        CHECK (approved_by_id IS NULL OR approved_by_id IS DISTINCT FROM proposed_by_id);
CREATE INDEX correction_round ON correction (round_id, created_at);
CREATE UNIQUE INDEX correction_one_waiting ON correction (round_id, question_version_id)
    WHERE state IN ('proposed', 'approved');
CREATE INDEX disqualification_participant ON disqualification (participant_id);
CREATE UNIQUE INDEX disqualification_once
    ON disqualification (participant_id, coalesce(round_id, 0)) WHERE lifted_at IS NULL;
CREATE INDEX appeal_round ON appeal (round_id, created_at);
CREATE INDEX appeal_participant ON appeal (participant_id);
ALTER TABLE appeal
    ADD CONSTRAINT appeal_subject_known
        CHECK (subject IN ('question', 'score', 'exclusion', 'other')),
    ADD CONSTRAINT appeal_state_known
        CHECK (state IN ('open', 'accepted', 'rejected', 'withdrawn'));
ALTER TABLE draw ADD CONSTRAINT draw_purpose_known CHECK (purpose IN ('tie', 'lucky'));
CREATE INDEX draw_round ON draw (round_id);
CREATE UNIQUE INDEX result_snapshot_once
    ON result_snapshot (contest_id, coalesce(round_id, 0));
CREATE INDEX extension_round ON extension (round_id, created_at);
ALTER TABLE extension
    ADD CONSTRAINT extension_positive CHECK (seconds BETWEEN 1 AND 604800),
    ADD CONSTRAINT extension_for_one_scope CHECK (unit_id IS NULL OR participant_id IS NULL);
CREATE TRIGGER extension_only_added BEFORE UPDATE OR DELETE ON extension
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX notice_contest ON notice (contest_id, ends_at);
CREATE UNIQUE INDEX round_minute_once ON round_minute (round_id, minute_at);
CREATE UNIQUE INDEX suspicion_once ON suspicion (round_id, participant_id, pattern);
ALTER TABLE suspicion ADD CONSTRAINT suspicion_state_known
    CHECK (state IN ('new', 'dismissed', 'pursued'));
-- The board shows the ranked only.
DROP INDEX standing_ranked;
CREATE INDEX standing_ranked ON standing (round_id, division_id, rank_key) WHERE is_ranked;
"""


class Migration(migrations.Migration):
    """Adds the DDL that matters."""

    dependencies = [("quiz", "0003_office"), ("people", "0004_office")]
    operations = [ops.RunSQL(FORWARD)]
