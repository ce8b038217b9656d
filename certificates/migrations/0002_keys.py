"""The public keys that vouch for certificates, and the batches that are being signed."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE certificate_key
    ADD CONSTRAINT certificate_key_id_known CHECK (id ~ '^[0-9a-f]{8}$'),
    ADD CONSTRAINT certificate_key_of_32_bytes CHECK (octet_length(public_key) = 32),
    ADD CONSTRAINT certificate_key_distrusted_when_ended
        CHECK (distrusted_at IS NULL OR ended_at IS NOT NULL);
CREATE TRIGGER certificate_key_stays BEFORE DELETE ON certificate_key
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_key_is_itself BEFORE UPDATE OF id, public_key, registered_at
    ON certificate_key FOR EACH ROW EXECUTE FUNCTION refuse_change();
ALTER TABLE certificate_signing
    ADD CONSTRAINT certificate_signing_of_a_batch
        FOREIGN KEY (batch_id) REFERENCES certificate_batch (id);
CREATE UNIQUE INDEX certificate_signing_one_open ON certificate_signing (batch_id)
    WHERE closed_at IS NULL;
"""


class Migration(migrations.Migration):
    """Adds two tables."""

    dependencies = [("certificates", "0001_initial")]
    operations = [
        ops.CreateModel(
            name="CertificateKey",
            fields=[
                (
                    "id",
                    fields.CharField(primary_key=True, max_length=8, unique=True, db_index=True),
                ),
                ("public_key", fields.BinaryField()),
                ("registered_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                (
                    "distrusted_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
            ],
            options={
                "table": "certificate_key",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A public key that vouches for certificates, kept for ever.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateSigning",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("batch_id", fields.BigIntField()),
                ("asked_by_id", fields.BigIntField(null=True)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("signed_count", fields.IntField(db_default=0)),
                ("fault", fields.TextField(db_default="", unique=False)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_signing",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A wish that the platform's key signs the papers of a batch.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
