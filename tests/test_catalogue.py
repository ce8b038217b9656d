"""The constraints and indexes that Tortoise's migrations would drop without a word."""

from __future__ import annotations

import pytest
from tortoise import Tortoise

from core import db
from core.db import TABLE_PACKAGES

EXPECTED_INDEXES = {
    "attempt_number", "attempt_one_open", "attempt_deadline",
    "attempt_receipt", "standing_once", "standing_ranked", "standing_bucket_once",
    "participation_once", "score_tally_once", "participant_once", "pool_once", "question_code",
    "question_version_current", "rules_text_version", "division_code", "round_number",
    "blueprint_line_once", "exclusion_phone", "headcount_once_a_day", "consent_text_version",
    "unit_succession_once", "board_snapshot_once", "correction_one_waiting", "award_place",
    "disqualification_once", "result_snapshot_once", "suspicion_once", "round_minute_once",
    "topic_statistic_once", "question_statistic_once", "eligibility_phone", "rehearsal_one_at_a_time", "platform_switch_once",
    "certificate_once", "certificate_numbered_once", "certificate_series_once", "certificate_batch_one_open",
    "certificate_signing_one_open", "certificate_owed_once", "certificate_owed_position", "certificate_design_version_once",
    "unscored_fault",
    "certificate_paper_once", "certificate_drawn_ahead", "certificate_parcel_piece_once", "certificate_parcel_file_once",
}  # fmt: skip
EXPECTED_CONSTRAINTS = {
    "attempt_state_known", "attempt_closed_or_open",
    "contest_approved_by_a_second_person", "round_window_ordered", "role_over_one_thing",
    "account_phone_e164", "participant_is_a_person",
    "audit_entry_detail_is_an_object", "correction_approved_by_a_second_person", "award_to_one",
    "extension_for_one_scope", "rehearsal_state_known", "rehearsal_of_a_round", "platform_switch_known", "service_span_ordered",
    "certificate_batch_approved_by_a_second_person", "certificate_batch_adds_up", "certificate_to_one",
    "certificate_state_known", "certificate_key_of_32_bytes", "certificate_kind_known", "certificate_code_sixty_bits", "certificate_of_a_participant",
    "certificate_paper_or_fault", "certificate_paper_form_known",
    "certificate_parcel_state_known", "certificate_parcel_adds_up", "certificate_parcel_file_outcome_known",
}  # fmt: skip


async def test_every_promise_of_the_tables_is_in_the_catalogue(clean: None) -> None:
    indexes = {row[0] for row in await db.pool().fetch("SELECT indexname FROM pg_indexes")}
    constraints = {row[0] for row in await db.pool().fetch("SELECT conname FROM pg_constraint")}
    assert indexes >= EXPECTED_INDEXES
    assert constraints >= EXPECTED_CONSTRAINTS


async def test_the_tables_are_what_the_models_say(clean: None) -> None:
    rows = await db.pool().fetch(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns "
        "WHERE table_schema = 'public'"
    )
    found = {(row["table_name"], row["column_name"]): row["is_nullable"] == "YES" for row in rows}
    for package in TABLE_PACKAGES:
        for model in (Tortoise.apps or {})[package].values():
            for name in model._meta.db_fields:
                field = model._meta.fields_map[model._meta.fields_db_projection_reverse[name]]
                key = (model._meta.db_table, name)
                assert key in found, key
                assert found[key] == field.null, key


@pytest.mark.parametrize(
    "table",
    ["audit_entry", "audit_seal", "pool", "certificate_design_version", "certificate_event"],
)
async def test_what_happened_stays(clean: None, table: str) -> None:
    triggers = await db.pool().fetchval(
        "SELECT count(*) FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname LIKE '%only_added'",
        table,
    )
    assert triggers == 1


async def test_a_saved_answer_moves_no_index(clean: None) -> None:
    """The columns that a save changes stand in no index, so a save stays on its page."""
    hot = {"answers", "prediction", "saved_seq", "saved_at"}
    rows = await db.pool().fetch("SELECT indexdef FROM pg_indexes WHERE tablename = 'attempt'")
    for row in rows:
        assert not any(column in row["indexdef"] for column in hot), row["indexdef"]
