"""Attempts that cannot be scored, put aside so that they hold up nobody."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE unscorable ADD CONSTRAINT unscorable_is_an_attempt
    FOREIGN KEY (attempt_id) REFERENCES attempt (id);
CREATE INDEX unscorable_round ON unscorable (round_id);
"""


class Migration(migrations.Migration):
    """Adds the table with the DDL that matters."""

    dependencies = [("quiz", "0007_board_index")]

    operations = [
        ops.CreateModel(
            name="Unscorable",
            fields=[
                ("attempt_id", fields.UUIDField(primary_key=True, unique=True, db_index=True)),
                ("round_id", fields.BigIntField()),
                ("reason", fields.TextField(unique=False)),
                ("found_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "unscorable",
                "app": "quiz",
                "pk_attr": "attempt_id",
                "table_description": "An attempt that stops whatever scores it, put aside with the reason.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
