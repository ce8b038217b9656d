"""Rehearsals, and the shadow of a contest that they play against."""

from tortoise import fields, migrations
from tortoise.fields.data import JSON_DUMPS
from tortoise.migrations import operations as ops
from orjson import loads

FORWARD = """
ALTER TABLE rehearsal
    ADD CONSTRAINT rehearsal_of_a_round FOREIGN KEY (round_id) REFERENCES round (id)
        ON DELETE CASCADE,
    ADD CONSTRAINT rehearsal_state_known CHECK
        (state IN ('waiting', 'preparing', 'running', 'done', 'failed', 'cancelled'));
CREATE UNIQUE INDEX rehearsal_one_at_a_time ON rehearsal ((true))
    WHERE state IN ('waiting', 'preparing', 'running');
CREATE INDEX rehearsal_round ON rehearsal (round_id, id);
ALTER TABLE contest DROP CONSTRAINT contest_state_known;
ALTER TABLE contest ADD CONSTRAINT contest_state_known
    CHECK (state IN ('draft', 'in_review', 'approved', 'final', 'rehearsal'));
-- A shadow never becomes a contest, nor a contest a shadow: what may be removed is decided at birth.
CREATE TRIGGER contest_rehearsal_stays BEFORE UPDATE ON contest
    FOR EACH ROW WHEN ((OLD.state = 'rehearsal') IS DISTINCT FROM (NEW.state = 'rehearsal'))
    EXECUTE FUNCTION refuse_change();
-- Papers stay for ever, but for those of a shadow.
CREATE FUNCTION refuse_change_but_of_a_rehearsal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND EXISTS (
        SELECT FROM round r JOIN contest c ON c.id = r.contest_id
        WHERE r.id = OLD.round_id AND c.state = 'rehearsal'
    ) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION '% keeps what happened: rows are only added', TG_TABLE_NAME;
END $$;
DROP TRIGGER pool_only_added ON pool;
CREATE TRIGGER pool_only_added BEFORE UPDATE OR DELETE ON pool
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but_of_a_rehearsal();
"""


class Migration(migrations.Migration):
    """Adds the table with the DDL that matters, and lets a shadow's papers be removed."""

    dependencies = [("quiz", "0005_platform_switch")]

    operations = [
        ops.CreateModel(
            name="Rehearsal",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("round_id", fields.BigIntField()),
                ("state", fields.CharField(default="waiting", max_length=12)),
                ("expected_count", fields.IntField()),
                ("asked_by_id", fields.BigIntField(null=True)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("began_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "lease_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                (
                    "stop_asked_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("shadow_round_id", fields.BigIntField(null=True)),
                ("progress", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("sheet", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("reason", fields.TextField(db_default="", unique=False)),
            ],
            options={
                "table": "rehearsal",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A crowd that played against a shadow of a round, and what came of it.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
