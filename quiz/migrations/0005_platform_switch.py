"""Switches over the whole platform, and when it could serve."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
CREATE UNIQUE INDEX platform_switch_once ON platform_switch (name);
ALTER TABLE platform_switch ADD CONSTRAINT platform_switch_known
    CHECK (name IN ('lite', 'sign_up', 'starts'));
ALTER TABLE service_span ADD CONSTRAINT service_span_ordered CHECK (began_at <= seen_at);
"""


class Migration(migrations.Migration):
    """Adds both tables with the DDL that matters."""

    dependencies = [("quiz", "0004_office_constraints")]

    operations = [
        ops.CreateModel(
            name="PlatformSwitch",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("name", fields.CharField(max_length=20)),
                ("is_on", fields.BooleanField()),
                ("reason", fields.TextField(unique=False)),
                ("switched_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("switched_by_id", fields.BigIntField(null=True)),
            ],
            options={
                "table": "platform_switch",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A switch over the whole platform, as it was last thrown or released.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ServiceSpan",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("began_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("seen_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "service_span",
                "app": "quiz",
                "pk_attr": "id",
                "table_description": "A stretch of time in which some process could write; a gap between two is an outage.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
