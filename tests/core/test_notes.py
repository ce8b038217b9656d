from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from core import db, log, notes
from core.log import REQUEST_ID
from core.notes import FAULTS, STATEMENTS, Notes

PHONE = "0912345678"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    for each in (FAULTS, STATEMENTS):
        each.clear()
    yield
    for each in (FAULTS, STATEMENTS):
        each.clear()


def test_what_happens_again_is_one_note_and_the_quietest_makes_room() -> None:
    kept = Notes()
    for number in range(notes.MOST_KINDS + 5):
        kept.add(f"kind {number}")
    kept.add("kind 7", request_id="b", seconds=2.0)
    kept.add("kind 7", request_id="c", seconds=1.0)
    shown = kept.shown()
    assert len(shown) == notes.MOST_KINDS
    first = shown[0]
    assert (first["words"], first["count"], first["request_id"]) == ("kind 7", 3, "c")
    assert first["longest_seconds"] == 2.0
    assert "kind 0" not in {note["words"] for note in shown}


def test_an_error_in_the_log_is_noted_without_what_it_says() -> None:
    log.configure("warning")
    token = REQUEST_ID.set("req-1")
    try:
        try:
            int(PHONE + "x")
        except ValueError as error:
            log.logger.error("unexpected", route="/dang-ky", exc_info=error)
        try:
            {}[PHONE]
        except KeyError:
            logging.getLogger("arq.worker").exception("job failed for %s", PHONE)
        log.logger.warning("only a warning")
    finally:
        REQUEST_ID.reset(token)
    shown = FAULTS.shown()
    assert [(note["route"], note["request_id"]) for note in shown] == [
        ("", "req-1"),
        ("/dang-ky", "req-1"),
    ]
    assert shown[0]["words"].startswith("arq.worker: KeyError (test_notes.py:")
    assert shown[1]["words"].startswith("unexpected: ValueError (test_notes.py:")
    assert PHONE not in str(shown)


async def test_a_slow_statement_is_noted_by_its_words_and_never_by_its_values(
    database: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notes, "SLOW_STATEMENT_SECONDS", 0.05)
    token = REQUEST_ID.set("req-2")
    try:
        await db.pool().fetchval("SELECT pg_sleep(0.06),\n   $1::text", PHONE)
        await db.pool().fetchval("SELECT 1")
    finally:
        REQUEST_ID.reset(token)
    [note] = [each for each in STATEMENTS.shown() if "pg_sleep" in each["words"]]
    assert note["words"] == "SELECT pg_sleep(0.06), $1::text"
    assert note["longest_seconds"] >= 0.05
    assert note["request_id"] == "req-2"
    assert PHONE not in str(STATEMENTS.shown())


def test_what_the_log_writes_hides_telephone_numbers_and_secrets() -> None:
    event = log.mask(None, "", {"event": f"gọi {PHONE}", "ma": "123456", "n": 3})
    assert event == {"event": "gọi 091***678", "ma": "***", "n": 3}
