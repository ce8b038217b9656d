"""Which tables hold people, the units they belong to, and what they may do?"""

from __future__ import annotations

from typing import Any

from tortoise import fields
from tortoise.models import Model


class Unit(Model):
    """A node in the dated tree of organisations; never deleted, only ended."""

    id = fields.BigIntField(primary_key=True)
    code = fields.CharField(max_length=40, unique=True)
    name = fields.CharField(max_length=255)
    name_key = fields.CharField(max_length=255)  # folded, for search without marks
    sort_key = fields.TextField()  # COLLATE "C"
    kind = fields.CharField(max_length=20)  # province, commune, department, agency, school
    block = fields.CharField(max_length=40, default="")  # ranked apart in collective prizes
    parent: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", null=True, on_delete=fields.RESTRICT, related_name="children"
    )
    path = fields.TextField(default="")  # "/1/7/": every ancestor and itself
    valid_from = fields.DateField(null=True)
    valid_to = fields.DateField(null=True)  # the last day

    class Meta:
        table = "unit"


class UnitAlias(Model):
    """Another or former name under which people look for a unit."""

    id = fields.BigIntField(primary_key=True)
    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", on_delete=fields.CASCADE, related_name="aliases"
    )
    name = fields.CharField(max_length=255)
    name_key = fields.CharField(max_length=255)

    class Meta:
        table = "unit_alias"


class UnitSuccession(Model):
    """Who took over from whom, and when; an old district has several successors."""

    id = fields.BigIntField(primary_key=True)
    predecessor: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", on_delete=fields.RESTRICT, related_name="successions"
    )
    successor: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", on_delete=fields.RESTRICT, related_name="precessions"
    )
    succeeded_on = fields.DateField()

    class Meta:
        table = "unit_succession"


class Headcount(Model):
    """How many people a unit has, for participation rates."""

    id = fields.BigIntField(primary_key=True)
    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", on_delete=fields.CASCADE, related_name="headcounts"
    )
    counted_on = fields.DateField()
    people_count = fields.IntField()
    source = fields.CharField(max_length=255, default="")

    class Meta:
        table = "headcount"


class Person(Model):
    """A human."""

    id = fields.BigIntField(primary_key=True)
    full_name = fields.CharField(max_length=120)
    name_key = fields.CharField(max_length=120)
    sort_key = fields.TextField()  # COLLATE "C": given name, family name, middle names
    birth_year = fields.SmallIntField(null=True)
    unit: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", null=True, on_delete=fields.RESTRICT, related_name="persons"
    )
    division_code = fields.CharField(max_length=40, default="")  # declared at sign-up
    job_title = fields.CharField(max_length=120, db_default="")  # an official's position
    created_at = fields.DatetimeField(auto_now_add=True)
    erased_at = fields.DatetimeField(null=True)
    merged_into_id = fields.BigIntField(null=True)  # the person that a duplicate became

    class Meta:
        table = "person"


class Account(Model):
    """The means to sign in: citizens by phone and code, staff by name and password."""

    id = fields.BigIntField(primary_key=True)
    person: fields.OneToOneRelation[Person] = fields.OneToOneField(
        "people.Person", on_delete=fields.RESTRICT, related_name="account"
    )
    phone = fields.CharField(max_length=16, null=True, unique=True)  # E.164
    username = fields.CharField(max_length=60, null=True, unique=True)
    password_hash = fields.TextField(null=True)  # Argon2id
    is_active = fields.BooleanField(default=True)
    failed_count = fields.SmallIntField(default=0)  # wrong passwords since the last right one
    locked_until = fields.DatetimeField(null=True)
    totp_secret = fields.TextField(null=True)  # encrypted with a key made from SECRET_KEY
    totp_confirmed_at = fields.DatetimeField(null=True)  # empty: no second factor yet
    totp_last_step = fields.BigIntField(null=True)  # a code works once
    recovery_hashes: fields.JSONField[Any] = fields.JSONField(null=True)  # SHA-256, each used once
    must_change_password = fields.BooleanField(db_default=False)  # it was handed over by another
    created_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "account"


class SignInCode(Model):
    """A one-time code that was asked for; the job that sends it draws it and keeps its hash."""

    id = fields.UUIDField(primary_key=True)  # the browser holds it between the two forms
    phone = fields.CharField(max_length=16)
    sign_up: fields.JSONField[dict[str, Any] | None] = fields.JSONField(
        null=True
    )  # what the sign-up form said, until the code proves it
    state = fields.CharField(max_length=10, default="asked")  # asked, sent, used, refused
    code_hash = fields.TextField(null=True)
    tries_count = fields.SmallIntField(default=0)
    asked_from = fields.CharField(max_length=64, default="")  # address, hashed
    asked_at = fields.DatetimeField(auto_now_add=True)
    sent_at = fields.DatetimeField(null=True)
    expires_at = fields.DatetimeField()

    class Meta:
        table = "sign_in_code"


class SignInCodeDay(Model):
    """How many codes were asked for on a day of Việt Nam: the money budget."""

    day = fields.DateField(primary_key=True)
    asked_count = fields.IntField(default=0)

    class Meta:
        table = "sign_in_code_day"


class Session(Model):
    """One signed-in browser; revocable."""

    id = fields.BigIntField(primary_key=True)
    token_hash = fields.CharField(max_length=64, unique=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "people.Account", on_delete=fields.CASCADE, related_name="sessions"
    )
    browser = fields.CharField(max_length=200, default="")
    created_at = fields.DatetimeField(auto_now_add=True)
    seen_at = fields.DatetimeField(auto_now_add=True)
    expires_at = fields.DatetimeField()
    revoked_at = fields.DatetimeField(null=True)

    class Meta:
        table = "session"


class Role(Model):
    """A permission over a unit and all beneath it, or over one contest; ended, never deleted."""

    id = fields.BigIntField(primary_key=True)
    account: fields.ForeignKeyRelation[Account] = fields.ForeignKeyField(
        "people.Account", on_delete=fields.RESTRICT, related_name="roles"
    )
    name = fields.CharField(max_length=30)
    unit: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "people.Unit", null=True, on_delete=fields.RESTRICT, related_name="roles"
    )
    contest_id = fields.BigIntField(null=True)  # no foreign key: contests live one floor up
    granted_by_id = fields.BigIntField(null=True)
    granted_at = fields.DatetimeField(auto_now_add=True)
    ended_at = fields.DatetimeField(null=True)

    class Meta:
        table = "role"


class ConsentText(Model):
    """The words that people agreed to, by purpose and version."""

    id = fields.BigIntField(primary_key=True)
    purpose = fields.CharField(max_length=30)  # take_part, messages
    version = fields.IntField()
    body = fields.TextField()
    published_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "consent_text"


class Consent(Model):
    """A person said yes or withdrew it; rows are only added."""

    id = fields.BigIntField(primary_key=True)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "people.Person", on_delete=fields.CASCADE, related_name="consents"
    )
    text: fields.ForeignKeyRelation[ConsentText] = fields.ForeignKeyField(
        "people.ConsentText", on_delete=fields.RESTRICT, related_name="consents"
    )
    is_given = fields.BooleanField()
    recorded_at = fields.DatetimeField(auto_now_add=True)

    class Meta:
        table = "consent"


class AuditEntry(Model):
    """Who did what, when; rows are only added."""

    id = fields.BigIntField(primary_key=True)
    happened_at = fields.DatetimeField(auto_now_add=True)
    account_id = fields.BigIntField(null=True)
    action = fields.CharField(max_length=60)
    subject = fields.CharField(max_length=120)  # "contest:12"
    detail: fields.JSONField[dict[str, Any]] = fields.JSONField(default=dict)

    class Meta:
        table = "audit_entry"


class AuditSeal(Model):
    """A link of the chain over audit entries: each seal covers its entry and the seal before it."""

    entry_id = fields.BigIntField(primary_key=True, generated=False)
    number = fields.BigIntField(unique=True)
    seal = fields.CharField(max_length=64)  # SHA-256

    class Meta:
        table = "audit_seal"
