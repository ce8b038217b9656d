from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from uuid import uuid4
from tortoise import fields


class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("happened_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("account_id", fields.BigIntField(null=True)),
                ("action", fields.CharField(max_length=60)),
                ("subject", fields.CharField(max_length=120)),
                ("detail", fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={
                "table": "audit_entry",
                "app": "people",
                "pk_attr": "id",
                "table_description": "Who did what, when; rows are only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="ConsentText",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("purpose", fields.CharField(max_length=30)),
                ("version", fields.IntField()),
                ("body", fields.TextField(unique=False)),
                ("published_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "consent_text",
                "app": "people",
                "pk_attr": "id",
                "table_description": "The words that people agreed to, by purpose and version.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="SignInCode",
            fields=[
                (
                    "id",
                    fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True),
                ),
                ("phone", fields.CharField(max_length=16)),
                ("sign_up", fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ("state", fields.CharField(default="asked", max_length=10)),
                ("code_hash", fields.TextField(null=True, unique=False)),
                ("tries_count", fields.SmallIntField(default=0)),
                ("asked_from", fields.CharField(default="", max_length=64)),
                ("asked_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("sent_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "sign_in_code",
                "app": "people",
                "pk_attr": "id",
                "table_description": "A one-time code that was asked for; the job that sends it draws it and keeps its hash.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Unit",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("code", fields.CharField(unique=True, max_length=40)),
                ("name", fields.CharField(max_length=255)),
                ("name_key", fields.CharField(max_length=255)),
                ("sort_key", fields.TextField(unique=False)),
                ("kind", fields.CharField(max_length=20)),
                ("block", fields.CharField(default="", max_length=40)),
                (
                    "parent",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="parent_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="children",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("path", fields.TextField(default="", unique=False)),
                ("valid_from", fields.DateField(null=True)),
                ("valid_to", fields.DateField(null=True)),
            ],
            options={
                "table": "unit",
                "app": "people",
                "pk_attr": "id",
                "table_description": "A node in the dated tree of organisations; never deleted, only ended.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Headcount",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="unit_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="headcounts",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("counted_on", fields.DateField()),
                ("people_count", fields.IntField()),
                ("source", fields.CharField(default="", max_length=255)),
            ],
            options={
                "table": "headcount",
                "app": "people",
                "pk_attr": "id",
                "table_description": "How many people a unit has, for participation rates.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("full_name", fields.CharField(max_length=120)),
                ("name_key", fields.CharField(max_length=120)),
                ("sort_key", fields.TextField(unique=False)),
                ("birth_year", fields.SmallIntField(null=True)),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="unit_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="persons",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("division_code", fields.CharField(default="", max_length=40)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("erased_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "person",
                "app": "people",
                "pk_attr": "id",
                "table_description": "A human.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "person",
                    fields.OneToOneField(
                        "people.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="account",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("phone", fields.CharField(null=True, unique=True, max_length=16)),
                ("username", fields.CharField(null=True, unique=True, max_length=60)),
                ("password_hash", fields.TextField(null=True, unique=False)),
                ("is_active", fields.BooleanField(default=True)),
                ("failed_count", fields.SmallIntField(default=0)),
                (
                    "locked_until",
                    fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
                ),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "account",
                "app": "people",
                "pk_attr": "id",
                "table_description": "The means to sign in: citizens by phone and code, staff by name and password.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "person",
                    fields.ForeignKeyField(
                        "people.Person",
                        source_field="person_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                (
                    "text",
                    fields.ForeignKeyField(
                        "people.ConsentText",
                        source_field="text_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="consents",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("is_given", fields.BooleanField()),
                ("recorded_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
            ],
            options={
                "table": "consent",
                "app": "people",
                "pk_attr": "id",
                "table_description": "A person said yes or withdrew it; rows are only added.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Role",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "account",
                    fields.ForeignKeyField(
                        "people.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="roles",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("name", fields.CharField(max_length=30)),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="unit_id",
                        null=True,
                        db_constraint=True,
                        to_field="id",
                        related_name="roles",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("contest_id", fields.BigIntField(null=True)),
                ("granted_by_id", fields.BigIntField(null=True)),
                ("granted_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("ended_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "role",
                "app": "people",
                "pk_attr": "id",
                "table_description": "A permission over a unit and all beneath it, or over one contest; ended, never deleted.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="Session",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                ("token_hash", fields.CharField(unique=True, max_length=64)),
                (
                    "account",
                    fields.ForeignKeyField(
                        "people.Account",
                        source_field="account_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="sessions",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("browser", fields.CharField(default="", max_length=200)),
                ("created_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("seen_at", fields.DatetimeField(auto_now=False, auto_now_add=True)),
                ("expires_at", fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ("revoked_at", fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={
                "table": "session",
                "app": "people",
                "pk_attr": "id",
                "table_description": "One signed-in browser; revocable.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UnitAlias",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "unit",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="unit_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="aliases",
                        on_delete=OnDelete.CASCADE,
                    ),
                ),
                ("name", fields.CharField(max_length=255)),
                ("name_key", fields.CharField(max_length=255)),
            ],
            options={
                "table": "unit_alias",
                "app": "people",
                "pk_attr": "id",
                "table_description": "Another or former name under which people look for a unit.",
            },
            bases=["Model"],
        ),
        ops.CreateModel(
            name="UnitSuccession",
            fields=[
                (
                    "id",
                    fields.BigIntField(
                        generated=True, primary_key=True, unique=True, db_index=True
                    ),
                ),
                (
                    "predecessor",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="predecessor_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="successions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                (
                    "successor",
                    fields.ForeignKeyField(
                        "people.Unit",
                        source_field="successor_id",
                        db_constraint=True,
                        to_field="id",
                        related_name="precessions",
                        on_delete=OnDelete.RESTRICT,
                    ),
                ),
                ("succeeded_on", fields.DateField()),
            ],
            options={
                "table": "unit_succession",
                "app": "people",
                "pk_attr": "id",
                "table_description": "Who took over from whom, and when; an old district has several successors.",
            },
            bases=["Model"],
        ),
    ]
