"""What Tortoise's migrations do not write: constraints, indexes, collations, append-only tables."""

from tortoise import migrations
from tortoise.migrations import operations as ops

FORWARD = """
ALTER TABLE unit ALTER COLUMN sort_key TYPE text COLLATE "C";
ALTER TABLE person ALTER COLUMN sort_key TYPE text COLLATE "C";
ALTER TABLE unit
    ADD CONSTRAINT unit_kind_known CHECK (kind IN
        ('province', 'commune', 'department', 'agency', 'school', 'district')),
    ADD CONSTRAINT unit_dates_ordered CHECK (valid_to IS NULL OR valid_to >= valid_from);
CREATE INDEX unit_parent ON unit (parent_id);
CREATE INDEX unit_path ON unit (path text_pattern_ops);
CREATE INDEX unit_alias_unit ON unit_alias (unit_id);
CREATE UNIQUE INDEX unit_succession_once ON unit_succession (predecessor_id, successor_id);
CREATE INDEX unit_succession_successor ON unit_succession (successor_id);
CREATE UNIQUE INDEX headcount_once_a_day ON headcount (unit_id, counted_on);
ALTER TABLE headcount ADD CONSTRAINT headcount_not_negative CHECK (people_count >= 0);
CREATE INDEX person_name_key ON person (name_key text_pattern_ops);
CREATE INDEX person_unit_sorted ON person (unit_id, sort_key);
ALTER TABLE account
    ADD CONSTRAINT account_has_a_name CHECK (phone IS NOT NULL OR username IS NOT NULL),
    ADD CONSTRAINT account_phone_e164 CHECK (phone ~ '^\\+84[0-9]{9}$');
CREATE INDEX sign_in_code_by_phone ON sign_in_code (phone, asked_at);
CREATE INDEX sign_in_code_by_time ON sign_in_code (asked_at);
CREATE INDEX sign_in_code_waiting ON sign_in_code (asked_at) WHERE state = 'asked';
ALTER TABLE sign_in_code ADD CONSTRAINT sign_in_code_state_known
    CHECK (state IN ('asked', 'sent', 'used', 'refused'));
CREATE INDEX session_account ON session (account_id);
CREATE INDEX role_account ON role (account_id);
ALTER TABLE role ADD CONSTRAINT role_over_one_thing CHECK (num_nonnulls(unit_id, contest_id) = 1);
CREATE UNIQUE INDEX consent_text_version ON consent_text (purpose, version);
CREATE INDEX consent_person ON consent (person_id, id);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% keeps what happened: rows are only added', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_entry_only_added BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE INDEX audit_entry_subject ON audit_entry (subject, id);
"""


class Migration(migrations.Migration):
    """Adds the DDL that matters."""

    dependencies = [("people", "0001_initial")]
    operations = [ops.RunSQL(FORWARD)]
