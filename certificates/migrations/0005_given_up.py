"""Bytes that have to leave the store are noted until they have, wherever the store is."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds a table."""

    dependencies = [("certificates", "0004_signing_lease")]
    operations = [
        ops.CreateModel(
            name="CertificateGivenUp",
            fields=[
                (
                    "digest",
                    fields.CharField(primary_key=True, unique=True, db_index=True, max_length=64),
                ),
                ("given_up_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_given_up",
                "app": "certificates",
                "pk_attr": "digest",
                "table_description": "Bytes that have to leave the store: the person asked to be forgotten, or others came instead.",
            },
            bases=["Model"],
        ),
    ]
