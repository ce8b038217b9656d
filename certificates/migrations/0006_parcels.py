"""Papers that were signed elsewhere come back in parcels of any size."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE certificate_parcel
    ADD CONSTRAINT certificate_parcel_of_a_contest FOREIGN KEY (contest_id) REFERENCES contest (id),
    ADD CONSTRAINT certificate_parcel_state_known
        CHECK (state IN ('receiving', 'waiting', 'done', 'refused')),
    ADD CONSTRAINT certificate_parcel_adds_up
        CHECK (taken_count + known_count <= checked_count AND checked_count <= file_count);
ALTER TABLE certificate_parcel_piece
    ADD CONSTRAINT certificate_parcel_piece_of_a_parcel
        FOREIGN KEY (parcel_id) REFERENCES certificate_parcel (id);
ALTER TABLE certificate_parcel_file
    ADD CONSTRAINT certificate_parcel_file_of_a_parcel
        FOREIGN KEY (parcel_id) REFERENCES certificate_parcel (id),
    ADD CONSTRAINT certificate_parcel_file_outcome_known
        CHECK (outcome IN ('taken', 'known', 'refused'));
CREATE INDEX certificate_parcel_shown ON certificate_parcel (contest_id, id);
CREATE INDEX certificate_parcel_waiting ON certificate_parcel (id)
    WHERE state IN ('receiving', 'waiting');
CREATE UNIQUE INDEX certificate_parcel_piece_once ON certificate_parcel_piece (parcel_id, number);
CREATE UNIQUE INDEX certificate_parcel_file_once ON certificate_parcel_file (parcel_id, position);
CREATE INDEX certificate_parcel_file_certificate ON certificate_parcel_file (certificate_id);
"""


def _key() -> fields.BigIntField:
    return fields.BigIntField(generated=True, primary_key=True, unique=True, db_index=True)


class Migration(migrations.Migration):
    """Adds three tables."""

    dependencies = [("certificates", "0005_given_up")]
    operations = [
        ops.CreateModel(
            name="CertificateParcel",
            fields=[
                ("id", _key()),
                ("contest_id", fields.BigIntField()),
                ("file_name", fields.CharField(max_length=100)),
                ("size", fields.BigIntField(db_default=0)),
                ("sent_by_id", fields.BigIntField(null=True)),
                ("sent_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(max_length=10)),
                ("file_count", fields.IntField(db_default=0)),
                ("checked_count", fields.IntField(db_default=0)),
                ("taken_count", fields.IntField(db_default=0)),
                ("known_count", fields.IntField(db_default=0)),
                ("fault", fields.TextField(db_default="", unique=False)),
                (
                    "lease_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_parcel",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "Papers that were signed elsewhere, as somebody sent them back: a ZIP file.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateParcelPiece",
            fields=[
                ("id", _key()),
                ("parcel_id", fields.BigIntField()),
                ("number", fields.IntField()),
                ("digest", fields.CharField(max_length=64)),
            ],
            options={
                "table": "certificate_parcel_piece",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "Bytes of a parcel that waits; they are in the store under their SHA-256.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateParcelFile",
            fields=[
                ("id", _key()),
                ("parcel_id", fields.BigIntField()),
                ("position", fields.IntField()),
                ("file_name", fields.CharField(max_length=100)),
                ("number", fields.CharField(max_length=80)),
                ("certificate_id", fields.BigIntField(null=True)),
                ("outcome", fields.CharField(max_length=8)),
                ("sentence", fields.TextField(unique=False)),
            ],
            options={
                "table": "certificate_parcel_file",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "What became of one file of a parcel.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
