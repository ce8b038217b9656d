from tortoise import migrations
from tortoise.migrations import operations as ops
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields


class Migration(migrations.Migration):
    dependencies = [("people", "0003_sign_in_budget")]

    initial = False

    operations = [
        ops.CreateModel(
            name="AuditSeal",
            fields=[
                ("entry_id", fields.BigIntField(primary_key=True, unique=True, db_index=True)),
                ("number", fields.BigIntField(unique=True)),
                ("seal", fields.CharField(max_length=64)),
            ],
            options={
                "table": "audit_seal",
                "app": "people",
                "pk_attr": "entry_id",
                "table_description": "A link of the chain over audit entries: each seal covers its entry and the seal before it.",
            },
            bases=["Model"],
        ),
        ops.AddField(
            model_name="Account",
            name="recovery_hashes",
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name="Account",
            name="totp_confirmed_at",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name="Account",
            name="totp_last_step",
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name="Account",
            name="totp_secret",
            field=fields.TextField(null=True, unique=False),
        ),
        ops.AddField(
            model_name="Person",
            name="merged_into_id",
            field=fields.BigIntField(null=True),
        ),
    ]
