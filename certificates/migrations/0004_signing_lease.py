"""Who signs a list holds it for a while: a worker that dies lets it go by itself."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    """Adds a column."""

    dependencies = [("certificates", "0003_papers")]
    operations = [
        ops.AddField(
            model_name="CertificateSigning",
            name="lease_until",
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
    ]
