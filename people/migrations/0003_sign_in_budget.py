"""Bounds on what sign-in codes cost, and the search for people by any word of their names."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
CREATE INDEX sign_in_code_by_address ON sign_in_code (asked_from, asked_at);
CREATE INDEX person_name_words ON person USING gin (string_to_array(name_key, ' '));
"""


class Migration(migrations.Migration):
    """Adds the daily counter of codes and two indexes."""

    dependencies = [("people", "0002_constraints")]
    operations = [
        ops.CreateModel(
            name="SignInCodeDay",
            fields=[
                ("day", fields.DateField(primary_key=True, unique=True, db_index=True)),
                ("asked_count", fields.IntField(default=0)),
            ],
            options={
                "table": "sign_in_code_day",
                "app": "people",
                "pk_attr": "day",
                "table_description": "How many codes were asked for on a day of Việt Nam: the money budget.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
