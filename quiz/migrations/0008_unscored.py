"""Who waits for a score stands in a table of its own, and so does who cannot be scored.

A flag in the attempt was part of an index's condition, so taking an attempt up wrote it anew into
every index of a large table: a third of what scoring cost the database.
"""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FILL = """
INSERT INTO unscored (attempt_id, round_id, closed_at)
SELECT id, round_id, closed_at FROM attempt WHERE state <> 'open' AND NOT is_scored
ORDER BY closed_at;
"""
# Whoever closes an attempt, by whatever statement: it waits for its score from the same commit on.
FORWARD = """
CREATE INDEX unscored_fault ON unscored (fault_at) WHERE fault IS NOT NULL;
CREATE FUNCTION wait_for_score() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unscored (attempt_id, round_id, closed_at)
    VALUES (NEW.id, NEW.round_id, NEW.closed_at);
    RETURN NULL;
END $$;
CREATE TRIGGER attempt_waits_for_score AFTER UPDATE OF state ON attempt FOR EACH ROW
    WHEN (OLD.state = 'open' AND NEW.state <> 'open') EXECUTE FUNCTION wait_for_score();
CREATE TRIGGER attempt_laid_waits_for_score AFTER INSERT ON attempt FOR EACH ROW
    WHEN (NEW.state <> 'open') EXECUTE FUNCTION wait_for_score();
"""
# A score and a standing are written from rows that their transaction holds, so asking whether these
# exist, three times an attempt, only cost; that nothing goes from under them is still asked.
DELETIONS = """
ALTER TABLE score DROP CONSTRAINT score_of_an_attempt;
ALTER TABLE standing DROP CONSTRAINT standing_round_id_fkey,
    DROP CONSTRAINT standing_participant_id_fkey;
CREATE FUNCTION refuse_while_referred() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_referred bool;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[0], TG_ARGV[1])
        INTO is_referred USING OLD.id;
    IF is_referred THEN
        RAISE foreign_key_violation
            USING MESSAGE = format('%s %s has a %s', TG_TABLE_NAME, OLD.id, TG_ARGV[0]);
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER attempt_with_score_stays BEFORE DELETE ON attempt FOR EACH ROW
    EXECUTE FUNCTION refuse_while_referred('score', 'attempt_id');
CREATE TRIGGER participant_with_standing_stays BEFORE DELETE ON participant FOR EACH ROW
    EXECUTE FUNCTION refuse_while_referred('standing', 'participant_id');
CREATE TRIGGER round_with_standing_stays BEFORE DELETE ON round FOR EACH ROW
    EXECUTE FUNCTION refuse_while_referred('standing', 'round_id');
"""


class Migration(migrations.Migration):
    """Adds the table, takes the flag away, asks about references only when something goes."""

    dependencies = [("quiz", "0007_board_index")]

    operations = [
        ops.CreateModel(
            name="Unscored",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("attempt_id", fields.UUIDField()),
                ("round_id", fields.BigIntField()),
                ("closed_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("fault", fields.TextField(null=True, unique=False)),
                ("fault_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "unscored",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A closed attempt that waits for its score; with a fault: one that cannot be scored.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FILL),
        ops.RemoveField(model_name="Attempt", name="is_scored"),
        ops.RunSQL(FORWARD),
        ops.RunSQL(DELETIONS),
    ]
