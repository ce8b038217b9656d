"""What staff sign-in and the sealed audit trail still needed, and an official's position."""

from tortoise import fields, migrations
from tortoise.migrations import operations as ops

FORWARD = """
CREATE TRIGGER audit_seal_only_added BEFORE UPDATE OR DELETE ON audit_seal
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX audit_entry_account ON audit_entry (account_id, id);
CREATE INDEX audit_entry_action ON audit_entry (action, id);
-- On a connection that speaks jsonb by itself, JSON handed over as text would become a string.
ALTER TABLE audit_entry ADD CONSTRAINT audit_entry_detail_is_an_object
    CHECK (jsonb_typeof(detail) = 'object');
CREATE INDEX person_merged ON person (merged_into_id) WHERE merged_into_id IS NOT NULL;
ALTER TABLE person
    ADD CONSTRAINT person_not_merged_into_itself CHECK (merged_into_id <> id);
"""


class Migration(migrations.Migration):
    """Adds two columns, three indexes and the trigger that keeps seals as they are."""

    dependencies = [("people", "0004_office")]
    operations = [
        ops.AddField(
            model_name="Account",
            name="must_change_password",
            field=fields.BooleanField(db_default=False),
        ),
        ops.AddField(
            model_name="Person",
            name="job_title",
            field=fields.CharField(db_default="", max_length=120),
        ),
        ops.RunSQL(FORWARD),
    ]
