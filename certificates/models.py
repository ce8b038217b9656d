"""Which tables hold certificates: the books of numbers, the designs, the batches, the papers' truth?"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class CertificateSeries(Model):
    """A book of numbers: one symbol and year, counted without a gap."""

    id = fields.BigIntField(primary_key=True)
    symbol = fields.CharField(max_length=40)  # GCN-BTC
    year = fields.SmallIntField()
    width = fields.SmallIntField(db_default=5)  # digits, with zeros in front
    last_number = fields.BigIntField(db_default=0)
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "certificate_series"


class CertificateSigner(Model):
    """Who signs in whose name, as it is printed; never edited, only ended."""

    id = fields.BigIntField(primary_key=True)
    superior = fields.CharField(max_length=255, db_default="")  # ỦY BAN NHÂN DÂN TỈNH LAI CHÂU
    issuer = fields.CharField(max_length=255)  # BAN TỔ CHỨC CUỘC THI …
    place = fields.CharField(max_length=120)  # Lai Châu
    authority = fields.CharField(max_length=255)  # TM. BAN TỔ CHỨC
    title = fields.CharField(max_length=255)  # TRƯỞNG BAN
    name = fields.CharField(max_length=120)
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "certificate_signer"


class CertificateImage(Model):
    """An emblem, a seal or a signature, by its content."""

    id = fields.BigIntField(primary_key=True)
    digest = fields.CharField(max_length=64, unique=True)  # SHA-256 of the bytes
    media_type = fields.CharField(max_length=30)
    content = fields.BinaryField()

    class Meta:
        table = "certificate_image"


class CertificateDesign(Model):
    """What an office made of one of the finished designs."""

    id = fields.BigIntField(primary_key=True)
    base = fields.CharField(max_length=40)  # trang-trong, hien-dai, tap-the
    name = fields.CharField(max_length=120)
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "certificate_design"


class CertificateDesignVersion(Model):
    """A design as it was at one time; rows are only added, certificates keep theirs."""

    id = fields.BigIntField(primary_key=True)
    design: fields.ForeignKeyRelation[CertificateDesign] = fields.ForeignKeyField(
        "certificates.CertificateDesign", on_delete=fields.RESTRICT, related_name="versions"
    )
    number = fields.IntField()
    content: fields.JSONField[Any] = fields.JSONField()  # as certificates.designs reads it
    digest = fields.CharField(max_length=64)  # SHA-256 of the content's JSON
    created_by_id = fields.BigIntField(null=True)
    created_at = fields.DatetimeField()

    class Meta:
        table = "certificate_design_version"


class CertificateBatch(Model):
    """A list of certificates that one person proposed and a second one approves."""

    id = fields.BigIntField(primary_key=True)
    contest_id = fields.BigIntField()
    purpose = fields.CharField(max_length=10)  # issue, mend
    # participation, pass, prize, unit_prize; empty in a mending, which takes all kinds
    kind = fields.CharField(max_length=16)
    rule: fields.JSONField[Any] = fields.JSONField()  # certificates.owed.Rule as JSON
    # Empty in a mending: a corrected certificate keeps what the old one had.
    design_version: fields.ForeignKeyNullableRelation[CertificateDesignVersion] = (
        fields.ForeignKeyField(
            "certificates.CertificateDesignVersion",
            null=True,
            on_delete=fields.RESTRICT,
            related_name="batches",
        )
    )
    series: fields.ForeignKeyNullableRelation[CertificateSeries] = fields.ForeignKeyField(
        "certificates.CertificateSeries",
        null=True,
        on_delete=fields.RESTRICT,
        related_name="batches",
    )
    signer: fields.ForeignKeyNullableRelation[CertificateSigner] = fields.ForeignKeyField(
        "certificates.CertificateSigner",
        null=True,
        on_delete=fields.RESTRICT,
        related_name="batches",
    )
    title = fields.CharField(max_length=120, db_default="")  # GIẤY CHỨNG NHẬN
    statement = fields.CharField(max_length=255, db_default="")  # đã hoàn thành bài thi của
    reason = fields.TextField(db_default="")  # of a mending, for the office
    public_reason = fields.TextField(db_default="")  # of a mending, for whoever checks
    state = fields.CharField(max_length=10)  # in_review, approved, issuing, done, withdrawn
    owed_count = fields.IntField()
    issued_count = fields.IntField(db_default=0)
    skipped_count = fields.IntField(db_default=0)
    made_by_id = fields.BigIntField(null=True)
    made_at = fields.DatetimeField()
    approved_by_id = fields.BigIntField(null=True)
    approved_at = fields.DatetimeField(null=True)
    issued_on = fields.DateField(null=True)  # the day of the approval stands on every paper
    closed_at = fields.DatetimeField(null=True)  # done or withdrawn

    class Meta:
        table = "certificate_batch"


class Certificate(Model):
    """A numbered statement; never edited, only revoked, superseded or made nameless."""

    id = fields.BigIntField(primary_key=True)
    number = fields.CharField(max_length=80, unique=True)  # 00123/2026/GCN-BTC
    series: fields.ForeignKeyRelation[CertificateSeries] = fields.ForeignKeyField(
        "certificates.CertificateSeries", on_delete=fields.RESTRICT, related_name="certificates"
    )
    series_number = fields.BigIntField()
    check_code = fields.CharField(max_length=20)  # 60 random bits, as receipts are written
    contest_id = fields.BigIntField()
    kind = fields.CharField(max_length=16)
    prize_id = fields.BigIntField(null=True)
    # Whose it is; the person is the participant's, which two merged records share.
    participant_id = fields.BigIntField(null=True)
    unit_id = fields.BigIntField(null=True)  # a collective prize's winner
    printed_name = fields.CharField(max_length=255)
    name_key = fields.CharField(max_length=255)  # folded, for search without marks
    unit_name = fields.CharField(max_length=255)
    result = fields.CharField(max_length=255)
    # What the result rested on, so that a rescoring shows whose certificate no longer holds.
    attempt_id = fields.UUIDField(null=True)
    points = fields.BigIntField(null=True)
    correct_count = fields.IntField(null=True)
    question_count = fields.IntField(null=True)
    duration_ms = fields.BigIntField(null=True)
    face: fields.JSONField[Any] = fields.JSONField()  # certificates.face.Face as JSON
    design_version: fields.ForeignKeyRelation[CertificateDesignVersion] = fields.ForeignKeyField(
        "certificates.CertificateDesignVersion",
        on_delete=fields.RESTRICT,
        related_name="certificates",
    )
    # Under whose rule it stands; a correction stays under the rule of what it corrects.
    batch: fields.ForeignKeyRelation[CertificateBatch] = fields.ForeignKeyField(
        "certificates.CertificateBatch", on_delete=fields.RESTRICT, related_name="certificates"
    )
    issued_on = fields.DateField()
    issued_at = fields.DatetimeField()
    state = fields.CharField(max_length=10)  # issued, revoked, superseded
    state_at = fields.DatetimeField()
    superseded_by_id = fields.BigIntField(null=True)
    public_reason = fields.TextField(db_default="")
    erased_at = fields.DatetimeField(
        null=True
    )  # the person asked to be forgotten: no name any more

    class Meta:
        table = "certificate"


class CertificateOwed(Model):
    """A line of a batch's list as it was approved: what becomes of one person or unit."""

    id = fields.BigIntField(primary_key=True)
    batch: fields.ForeignKeyRelation[CertificateBatch] = fields.ForeignKeyField(
        "certificates.CertificateBatch", on_delete=fields.RESTRICT, related_name="owed"
    )
    position = fields.IntField()  # the order of the numbers
    deed = fields.CharField(max_length=10)  # issue, correct, revoke
    participant_id = fields.BigIntField(null=True)
    unit_id = fields.BigIntField(null=True)
    prize_id = fields.BigIntField(null=True)
    replaces_id = fields.BigIntField(null=True)  # the certificate that is corrected or revoked
    state = fields.CharField(max_length=10)  # waiting, issued, skipped
    certificate_id = fields.BigIntField(null=True)
    skipped_because = fields.CharField(max_length=20, db_default="")

    class Meta:
        table = "certificate_owed"


class CertificateEvent(Model):
    """What happened to a certificate, who did it and why; rows are only added."""

    id = fields.BigIntField(primary_key=True)
    certificate: fields.ForeignKeyRelation[Certificate] = fields.ForeignKeyField(
        "certificates.Certificate", on_delete=fields.RESTRICT, related_name="events"
    )
    # issued, revoked, superseded, corrected, erased, signed, downloaded
    action = fields.CharField(max_length=12)
    reason = fields.TextField(db_default="")  # for the office
    public_reason = fields.TextField(db_default="")  # for whoever checks
    by_id = fields.BigIntField(null=True)
    happened_at = fields.DatetimeField()

    class Meta:
        table = "certificate_event"


class CertificateKey(Model):
    """A public key that vouches for certificates, kept for ever."""

    id = fields.CharField(primary_key=True, max_length=8)  # as certificates.payload.key_id, in hex
    public_key = fields.BinaryField()
    registered_at = fields.DatetimeField()
    ended_at = fields.DatetimeField(null=True)  # another key signs since then
    distrusted_at = fields.DatetimeField(null=True)  # what it signed counts for nothing any more

    class Meta:
        table = "certificate_key"


class CertificateSigning(Model):
    """A wish that the platform's key signs the papers of a batch."""

    id = fields.BigIntField(primary_key=True)
    batch_id = fields.BigIntField()
    asked_by_id = fields.BigIntField(null=True)
    asked_at = fields.DatetimeField()
    signed_count = fields.IntField(db_default=0)
    lease_until = fields.DatetimeField(null=True)  # a worker signs it until then
    fault = fields.TextField(db_default="")  # why it stopped, for the office
    closed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "certificate_signing"


class CertificatePaper(Model):
    """A PDF of a certificate; its bytes are in the store under their SHA-256."""

    id = fields.BigIntField(primary_key=True)
    certificate: fields.ForeignKeyRelation[Certificate] = fields.ForeignKeyField(
        "certificates.Certificate", on_delete=fields.RESTRICT, related_name="papers"
    )
    form = fields.CharField(max_length=16)  # plain, signed, outside_signed
    digest = fields.CharField(max_length=64, null=True)  # none: it could not be drawn
    size = fields.IntField(db_default=0)
    fault = fields.TextField(db_default="")  # why not, as a sentence
    stored_at = fields.DatetimeField()

    class Meta:
        table = "certificate_paper"


class CertificateGivenUp(Model):
    """Bytes that have to leave the store: the person asked to be forgotten, or others came instead."""

    digest = fields.CharField(primary_key=True, max_length=64)
    given_up_at = fields.DatetimeField()

    class Meta:
        table = "certificate_given_up"


class CertificateParcel(Model):
    """Papers that were signed elsewhere, as somebody sent them back: a ZIP file."""

    id = fields.BigIntField(primary_key=True)
    contest_id = fields.BigIntField()
    file_name = fields.CharField(max_length=100)
    size = fields.BigIntField(db_default=0)
    sent_by_id = fields.BigIntField(null=True)
    sent_at = fields.DatetimeField()
    state = fields.CharField(max_length=10)  # receiving, waiting, done, refused
    file_count = fields.IntField(db_default=0)  # 0 until somebody looked into it
    checked_count = fields.IntField(db_default=0)
    taken_count = fields.IntField(db_default=0)
    known_count = fields.IntField(db_default=0)  # had come before
    fault = fields.TextField(db_default="")  # why it was refused as a whole
    lease_until = fields.DatetimeField(null=True)  # it comes in, or is looked at, until then
    closed_at = fields.DatetimeField(null=True)

    class Meta:
        table = "certificate_parcel"


class CertificateParcelPiece(Model):
    """Bytes of a parcel that waits; they are in the store under their SHA-256."""

    id = fields.BigIntField(primary_key=True)
    parcel_id = fields.BigIntField()
    number = fields.IntField()
    digest = fields.CharField(max_length=64)

    class Meta:
        table = "certificate_parcel_piece"


class CertificateParcelFile(Model):
    """What became of one file of a parcel."""

    id = fields.BigIntField(primary_key=True)
    parcel_id = fields.BigIntField()
    position = fields.IntField()
    file_name = fields.CharField(max_length=100)
    number = fields.CharField(max_length=80)  # of the certificate; empty when it is none of ours
    certificate_id = fields.BigIntField(null=True)
    outcome = fields.CharField(max_length=8)  # taken, known, refused
    sentence = fields.TextField()

    class Meta:
        table = "certificate_parcel_file"
