"""Certificates: the tables, and what Tortoise would drop without a word."""

from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields

FORWARD = """
ALTER TABLE certificate_series
    ADD CONSTRAINT certificate_series_counts CHECK (last_number >= 0 AND width BETWEEN 1 AND 9);
CREATE UNIQUE INDEX certificate_series_once ON certificate_series (symbol, year);
CREATE TRIGGER certificate_series_keeps_its_name BEFORE UPDATE OF symbol, year, width
    ON certificate_series FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER certificate_signer_kept
    BEFORE UPDATE OF superior, issuer, place, authority, title, name
    ON certificate_signer FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE UNIQUE INDEX certificate_design_version_once
    ON certificate_design_version (design_id, number);
CREATE TRIGGER certificate_design_version_only_added BEFORE UPDATE OR DELETE
    ON certificate_design_version FOR EACH ROW EXECUTE FUNCTION refuse_change();

ALTER TABLE certificate_batch
    ADD CONSTRAINT certificate_batch_of_a_contest FOREIGN KEY (contest_id) REFERENCES contest (id),
    ADD CONSTRAINT certificate_batch_purpose_known CHECK (
        (purpose = 'issue' AND kind IN ('participation', 'pass', 'prize', 'unit_prize')
         AND num_nulls(design_version_id, series_id, signer_id) = 0)
        OR (purpose = 'mend' AND kind = '')),
    ADD CONSTRAINT certificate_batch_state_known
        CHECK (state IN ('in_review', 'approved', 'issuing', 'done', 'withdrawn')),
    ADD CONSTRAINT certificate_batch_approved_by_a_second_person
        CHECK (approved_by_id IS NULL OR approved_by_id IS DISTINCT FROM made_by_id),
    ADD CONSTRAINT certificate_batch_dated_when_approved
        CHECK (state IN ('in_review', 'withdrawn') OR issued_on IS NOT NULL),
    ADD CONSTRAINT certificate_batch_adds_up
        CHECK (issued_count + skipped_count <= owed_count
               AND (state <> 'done' OR issued_count + skipped_count = owed_count));
CREATE INDEX certificate_batch_contest ON certificate_batch (contest_id, id);
CREATE UNIQUE INDEX certificate_batch_one_open ON certificate_batch (contest_id, purpose, kind)
    WHERE state IN ('in_review', 'approved', 'issuing');
CREATE INDEX certificate_batch_waiting ON certificate_batch (id)
    WHERE state IN ('approved', 'issuing');

ALTER TABLE certificate
    ADD CONSTRAINT certificate_of_a_contest FOREIGN KEY (contest_id) REFERENCES contest (id),
    ADD CONSTRAINT certificate_of_a_prize FOREIGN KEY (prize_id) REFERENCES prize (id),
    ADD CONSTRAINT certificate_of_a_participant
        FOREIGN KEY (participant_id) REFERENCES participant (id),
    ADD CONSTRAINT certificate_of_a_unit FOREIGN KEY (unit_id) REFERENCES unit (id),
    ADD CONSTRAINT certificate_superseded_by FOREIGN KEY (superseded_by_id)
        REFERENCES certificate (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT certificate_to_one CHECK (num_nonnulls(participant_id, unit_id) = 1),
    ADD CONSTRAINT certificate_kind_known CHECK (
        (kind IN ('participation', 'pass') AND prize_id IS NULL AND unit_id IS NULL)
        OR (kind = 'prize' AND prize_id IS NOT NULL AND unit_id IS NULL)
        OR (kind = 'unit_prize' AND prize_id IS NOT NULL AND unit_id IS NOT NULL)),
    ADD CONSTRAINT certificate_state_known CHECK (
        (state = 'issued' AND superseded_by_id IS NULL) OR state = 'revoked'
        OR (state = 'superseded' AND superseded_by_id IS NOT NULL)),
    ADD CONSTRAINT certificate_code_sixty_bits
        CHECK (check_code ~ '^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$');
-- One of a kind for each, however many corrections it took: the newest counts.
CREATE UNIQUE INDEX certificate_once ON certificate
    (contest_id, kind, coalesce(prize_id, 0), coalesce(participant_id, -unit_id))
    WHERE superseded_by_id IS NULL;
CREATE UNIQUE INDEX certificate_numbered_once ON certificate (series_id, series_number);
CREATE INDEX certificate_participant ON certificate (participant_id);
CREATE INDEX certificate_contest ON certificate (contest_id, id);
CREATE INDEX certificate_batch_id ON certificate (batch_id);
CREATE INDEX certificate_superseded ON certificate (superseded_by_id)
    WHERE superseded_by_id IS NOT NULL;
CREATE TRIGGER certificate_kept BEFORE DELETE OR UPDATE OF
    number, series_id, series_number, check_code, contest_id, kind, prize_id, participant_id,
    unit_id, attempt_id, points, correct_count, question_count, duration_ms, design_version_id, batch_id,
    issued_on, issued_at ON certificate FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- What is printed goes once, when the person is forgotten, and never changes.
CREATE TRIGGER certificate_face_kept BEFORE UPDATE OF
    printed_name, name_key, unit_name, result, face ON certificate FOR EACH ROW
    WHEN (OLD.erased_at IS NOT NULL OR NEW.erased_at IS NULL) EXECUTE FUNCTION refuse_change();

ALTER TABLE certificate_owed
    ADD CONSTRAINT certificate_owed_deed_known CHECK (deed IN ('issue', 'correct', 'revoke')
        AND (deed = 'issue') = (replaces_id IS NULL)),
    ADD CONSTRAINT certificate_owed_to_one CHECK (num_nonnulls(participant_id, unit_id) = 1),
    ADD CONSTRAINT certificate_owed_state_known CHECK (
        (state = 'waiting' AND certificate_id IS NULL)
        OR (state = 'issued' AND certificate_id IS NOT NULL)
        OR (state = 'skipped' AND certificate_id IS NULL AND skipped_because <> ''));
CREATE UNIQUE INDEX certificate_owed_position ON certificate_owed (batch_id, position);
CREATE UNIQUE INDEX certificate_owed_once ON certificate_owed
    (batch_id, coalesce(replaces_id, 0), coalesce(prize_id, 0),
     coalesce(participant_id, -unit_id));
CREATE INDEX certificate_owed_waiting ON certificate_owed (batch_id, position)
    WHERE state = 'waiting';

CREATE INDEX certificate_event_certificate ON certificate_event (certificate_id, id);
CREATE TRIGGER certificate_event_only_added BEFORE DELETE OR UPDATE OF
    certificate_id, action, by_id, happened_at
    ON certificate_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- Reasons may name people: they go when the person is forgotten.
CREATE TRIGGER certificate_event_reason_kept BEFORE UPDATE OF reason, public_reason
    ON certificate_event FOR EACH ROW WHEN (NEW.reason <> '' OR NEW.public_reason <> '')
    EXECUTE FUNCTION refuse_change();
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = [("people", "0005_second_factor"), ("quiz", "0007_board_index")]

    operations = [
        ops.CreateModel(
            name="CertificateDesign",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("base", fields.CharField(max_length=40)),
                ("name", fields.CharField(max_length=120)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_design",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "What an office made of one of the finished designs.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateDesignVersion",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "design",
                    fields.ForeignKeyField(
                        "certificates.CertificateDesign",
                        source_field="design_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="versions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("number", fields.IntField()),
                ("content", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ("digest", fields.CharField(max_length=64)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_design_version",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A design as it was at one time; rows are only added, certificates keep theirs.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateImage",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("digest", fields.CharField(unique=True, max_length=64)),
                ("media_type", fields.CharField(max_length=30)),
                ("content", fields.BinaryField()),
            ],
            options={
                "table": "certificate_image",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "An emblem, a seal or a signature, by its content.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateSeries",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("symbol", fields.CharField(max_length=40)),
                ("year", fields.SmallIntField()),
                ("width", fields.SmallIntField(db_default=5)),
                ("last_number", fields.BigIntField(db_default=0)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_series",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A book of numbers: one symbol and year, counted without a gap.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateSigner",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("superior", fields.CharField(db_default="", max_length=255)),
                ("issuer", fields.CharField(max_length=255)),
                ("place", fields.CharField(max_length=120)),
                ("authority", fields.CharField(max_length=255)),
                ("title", fields.CharField(max_length=255)),
                ("name", fields.CharField(max_length=120)),
                ("created_by_id", fields.BigIntField(null=True)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_signer",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "Who signs in whose name, as it is printed; never edited, only ended.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateBatch",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("contest_id", fields.BigIntField()),
                ("purpose", fields.CharField(max_length=10)),
                ("kind", fields.CharField(max_length=16)),
                ("rule", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                (
                    "design_version",
                    fields.ForeignKeyField(
                        "certificates.CertificateDesignVersion",
                        source_field="design_version_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="batches",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "series",
                    fields.ForeignKeyField(
                        "certificates.CertificateSeries",
                        source_field="series_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="batches",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "signer",
                    fields.ForeignKeyField(
                        "certificates.CertificateSigner",
                        source_field="signer_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="batches",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("title", fields.CharField(db_default="", max_length=120)),
                ("statement", fields.CharField(db_default="", max_length=255)),
                ("reason", fields.TextField(db_default="", unique=False)),
                ("public_reason", fields.TextField(db_default="", unique=False)),
                ("state", fields.CharField(max_length=10)),
                ("owed_count", fields.IntField()),
                ("issued_count", fields.IntField(db_default=0)),
                ("skipped_count", fields.IntField(db_default=0)),
                ("made_by_id", fields.BigIntField(null=True)),
                ("made_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("approved_by_id", fields.BigIntField(null=True)),
                (
                    "approved_at",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("issued_on", fields.DateField(null=True)),
                ("closed_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_batch",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A list of certificates that one person proposed and a second one approves.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Certificate",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("number", fields.CharField(unique=True, max_length=80)),
                (
                    "series",
                    fields.ForeignKeyField(
                        "certificates.CertificateSeries",
                        source_field="series_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="certificates",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("series_number", fields.BigIntField()),
                ("check_code", fields.CharField(max_length=20)),
                ("contest_id", fields.BigIntField()),
                ("kind", fields.CharField(max_length=16)),
                ("prize_id", fields.BigIntField(null=True)),
                ("participant_id", fields.BigIntField(null=True)),
                ("unit_id", fields.BigIntField(null=True)),
                ("printed_name", fields.CharField(max_length=255)),
                ("name_key", fields.CharField(max_length=255)),
                ("unit_name", fields.CharField(max_length=255)),
                ("result", fields.CharField(max_length=255)),
                ("attempt_id", fields.UUIDField(null=True)),
                ("points", fields.BigIntField(null=True)),
                ("correct_count", fields.IntField(null=True)),
                ("question_count", fields.IntField(null=True)),
                ("duration_ms", fields.BigIntField(null=True)),
                ("face", fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                (
                    "design_version",
                    fields.ForeignKeyField(
                        "certificates.CertificateDesignVersion",
                        source_field="design_version_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="certificates",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "batch",
                    fields.ForeignKeyField(
                        "certificates.CertificateBatch",
                        source_field="batch_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="certificates",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("issued_on", fields.DateField()),
                ("issued_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("state", fields.CharField(max_length=10)),
                ("state_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("superseded_by_id", fields.BigIntField(null=True)),
                ("public_reason", fields.TextField(db_default="", unique=False)),
                ("erased_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A numbered statement; never edited, only revoked, superseded or made nameless.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateEvent",
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
                        related_name="events",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("action", fields.CharField(max_length=12)),
                ("reason", fields.TextField(db_default="", unique=False)),
                ("public_reason", fields.TextField(db_default="", unique=False)),
                ("by_id", fields.BigIntField(null=True)),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "certificate_event",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "What happened to a certificate, who did it and why; rows are only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="CertificateOwed",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "batch",
                    fields.ForeignKeyField(
                        "certificates.CertificateBatch",
                        source_field="batch_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="owed",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("position", fields.IntField()),
                ("deed", fields.CharField(max_length=10)),
                ("participant_id", fields.BigIntField(null=True)),
                ("unit_id", fields.BigIntField(null=True)),
                ("prize_id", fields.BigIntField(null=True)),
                ("replaces_id", fields.BigIntField(null=True)),
                ("state", fields.CharField(max_length=10)),
                ("certificate_id", fields.BigIntField(null=True)),
                ("skipped_because", fields.CharField(db_default="", max_length=20)),
            ],
            options={
                "table": "certificate_owed",
                "app": "certificates",
                "pk_attr": "id",
                "table_description": "A line of a batch's list as it was approved: what becomes of one person or unit.",
            },
            bases=["Model"],
        ),
        ops.RunSQL(FORWARD),
    ]
