"""The papers of certificates; their bytes are in the store."""

from tortoise import fields, migrations
from tortoise.fields.base import OnDelete
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE certificate_paper
    ADD CONSTRAINT certificate_paper_form_known
        CHECK (form IN ('plain', 'signed', 'outside_signed')),
    ADD CONSTRAINT certificate_paper_or_fault CHECK ((digest IS NULL) = (fault <> '')),
    ADD CONSTRAINT certificate_paper_digest CHECK (digest ~ '^[0-9a-f]{64}$');
CREATE UNIQUE INDEX certificate_paper_once ON certificate_paper (certificate_id, form);
CREATE INDEX certificate_paper_digest ON certificate_paper (digest);
-- What is drawn ahead of time is found without a look at the hundred thousands of others.
CREATE INDEX certificate_drawn_ahead ON certificate (id)
    WHERE kind IN ('prize', 'unit_prize') AND state = 'issued' AND erased_at IS NULL;
"""


class Migration(migrations.Migration):
    """Adds a table."""

    dependencies = [("certificates", "0002_keys")]
    operations = [
        ops.CreateModel(
            name="CertificatePaper",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "certificate",
                    fields.ForeignKeyField(
                        "certificates.Certificate",
                        source_field="certificate_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="papers",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("form", fields.CharField(max_length=16)),
                ("digest", fields.CharField(null=True, max_length=64)),
                ("size", fields.IntField(db_default=0)),
                ("fault", fields.TextField(db_default="", unique=False)),
                ("stored_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_paper",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A PDF of a certificate; its bytes are in the store under their SHA-256.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
