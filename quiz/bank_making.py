"""How do staff set up a bank: its name, its topics, the legal documents that questions rest on?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.clock import local_day, now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from quiz.question_drafts import LONGEST_CODE, LONGEST_NAME, is_link
from quiz.question_writing import lock_bank


@dataclass(frozen=True)
class TopicShown:
    id: int
    code: str
    name: str
    question_count: int  # by current version, retired ones too
    is_used: bool  # by any version or blueprint: it stays


@dataclass(frozen=True)
class SourceShown:
    id: int
    document: str
    url: str
    valid_from: date | None
    valid_to: date | None
    question_count: int  # current versions of questions not retired, in every bank
    approved_count: int
    is_lapsed: bool


async def name_bank(name: str, *, by: int | None) -> str:
    """Make a bank whose code follows from its name, and return the code."""
    title = _name(name, "Hãy đặt tên cho ngân hàng câu hỏi.")
    async with transaction() as connection:
        taken = await connection.fetch("SELECT code, name FROM question_bank FOR UPDATE")
        if any(fold(row["name"]) == fold(title) for row in taken):
            sentence = f"Đã có ngân hàng câu hỏi tên “{title}”."
            raise Refusal("bank_exists", sentence, fields={"name": sentence})
        code = _free_code(title, {row["code"] for row in taken})
        bank_id = await connection.fetchval(
            "INSERT INTO question_bank (code, name) VALUES ($1, $2) RETURNING id", code, title
        )
        await record(connection, by=by, action="make_bank", subject=f"bank:{bank_id}")
    return code


async def name_topic(bank_id: int, name: str, *, by: int | None) -> str:
    """Add a topic whose code follows from its name, and return the code."""
    title = _name(name, "Hãy đặt tên cho chủ đề.")
    async with transaction() as connection:
        taken = await _lock_topics(connection, bank_id)
        _refuse_twin(title, taken)
        code = _free_code(title, set(taken))
        await connection.execute(
            "INSERT INTO topic (bank_id, code, name) VALUES ($1, $2, $3)", bank_id, code, title
        )
        await _record_topic(connection, bank_id, code, action="make_topic", by=by)
    return code


async def rename_topic(bank_id: int, code: str, name: str, *, by: int | None) -> None:
    """Give a topic another name; its code, which frozen pools know, stays."""
    title = _name(name, "Hãy đặt tên cho chủ đề.")
    async with transaction() as connection:
        taken = await _lock_topics(connection, bank_id)
        if code not in taken:
            raise _unknown_topic()
        _refuse_twin(title, {other: held for other, held in taken.items() if other != code})
        await connection.execute(
            "UPDATE topic SET name = $3 WHERE bank_id = $1 AND code = $2", bank_id, code, title
        )
        await _record_topic(connection, bank_id, code, action="rename_topic", by=by)


async def remove_topic(bank_id: int, code: str, *, by: int | None) -> None:
    """Remove a topic that no version of a question and no blueprint ever used."""
    async with transaction() as connection:
        taken = await _lock_topics(connection, bank_id)
        if code not in taken:
            raise _unknown_topic()
        removed = await connection.fetchval(
            "DELETE FROM topic t WHERE bank_id = $1 AND code = $2 "
            "AND NOT EXISTS (SELECT 1 FROM question_version v WHERE v.topic_id = t.id) "
            "AND NOT EXISTS (SELECT 1 FROM blueprint_line b WHERE b.topic_id = t.id) RETURNING id",
            bank_id,
            code,
        )
        if removed is None:
            raise Refusal(
                "topic_used", f"Chủ đề “{taken[code]}” đã có câu hỏi hoặc ma trận đề dùng đến."
            )
        await _record_topic(connection, bank_id, code, action="remove_topic", by=by)


async def topics_shown(bank_id: int) -> list[TopicShown]:
    """By name."""
    rows = await pool().fetch(
        "SELECT t.id, t.code, t.name, "
        "count(v.id) FILTER (WHERE v.is_current)::int AS question_count, "
        "count(v.id) > 0 OR EXISTS (SELECT 1 FROM blueprint_line b WHERE b.topic_id = t.id) "
        "AS is_used "
        "FROM topic t LEFT JOIN question_version v ON v.topic_id = t.id "
        "WHERE t.bank_id = $1 GROUP BY t.id ORDER BY t.name, t.code",
        bank_id,
    )
    return [TopicShown(**row) for row in rows]


async def sources() -> list[SourceShown]:
    """Every legal document: the lapsed ones first, then the others by name."""
    rows = await pool().fetch(
        "SELECT s.id, s.document, s.url, s.valid_from, s.valid_to, "
        "count(q.id)::int AS question_count, "
        "count(q.id) FILTER (WHERE q.state = 'approved')::int AS approved_count, "
        "coalesce(s.valid_to < $1, false) AS is_lapsed FROM legal_source s "
        "LEFT JOIN question_version v ON v.source_id = s.id AND v.is_current "
        "LEFT JOIN question q ON q.id = v.question_id AND q.state <> 'retired' "
        "GROUP BY s.id ORDER BY is_lapsed DESC, s.document",
        local_day(now()),
    )
    return [SourceShown(**row) for row in rows]


async def revise_source(
    source_id: int,
    *,
    url: str,
    valid_from: date | None,
    valid_to: date | None,
    by: int | None,
) -> int:
    """Say where a legal document is and when in force; return how many questions rest on it.

    An end takes the questions that rest on it out of every later pool; frozen pools keep them.
    """
    faults = {}
    if url and not is_link(url):
        faults["url"] = "Địa chỉ phải đầy đủ, bắt đầu bằng https://."
    if valid_from and valid_to and valid_to < valid_from:
        faults["valid_to"] = "Ngày hết hiệu lực phải sau ngày có hiệu lực."
    if faults:
        raise Refusal("bad_source", next(iter(faults.values())), fields=faults)
    async with transaction() as connection:
        found = await connection.fetchval(
            "UPDATE legal_source SET url = $2, valid_from = $3, valid_to = $4 WHERE id = $1 "
            "RETURNING id",
            source_id,
            url,
            valid_from,
            valid_to,
        )
        if found is None:
            raise Refusal("not_found", "Không tìm thấy văn bản này.")
        count: int = await connection.fetchval(
            "SELECT count(*) FROM question_version v JOIN question q ON q.id = v.question_id "
            "WHERE v.source_id = $1 AND v.is_current AND q.state <> 'retired'",
            source_id,
        )
        detail: dict[str, object] = {
            "url": url,
            "valid_from": valid_from.isoformat() if valid_from else None,
            "valid_to": valid_to.isoformat() if valid_to else None,
            "question_count": count,
        }
        await record(
            connection, by=by, action="revise_source", subject=f"source:{source_id}", detail=detail
        )
    return count


def _name(typed: str, when_empty: str) -> str:
    name = clean(typed)
    sentence = ""
    if not fold(name):
        sentence = when_empty
    elif len(name) > LONGEST_NAME:
        sentence = f"Tên dài quá {LONGEST_NAME} ký tự."
    if sentence:
        raise Refusal("bad_name", sentence, fields={"name": sentence})
    return name


def _free_code(name: str, taken: set[str]) -> str:
    """The name without marks, words joined by dashes; numbered when another one has it."""
    stem = fold(name).replace(" ", "-")[: LONGEST_CODE - 4].strip("-")
    code, number = stem, 1
    while code in taken:
        number += 1
        code = f"{stem}-{number}"
    return code


async def _lock_topics(connection: Connection, bank_id: int) -> dict[str, str]:
    """Code → name of a bank's topics, for one writer at a time."""
    await lock_bank(connection, bank_id)
    rows = await connection.fetch("SELECT code, name FROM topic WHERE bank_id = $1", bank_id)
    return {row["code"]: row["name"] for row in rows}


def _refuse_twin(name: str, taken: dict[str, str]) -> None:
    if fold(name) in {fold(held) for held in taken.values()}:
        sentence = f"Ngân hàng đã có chủ đề tên “{name}”."
        raise Refusal("topic_exists", sentence, fields={"name": sentence})


def _unknown_topic() -> Refusal:
    return Refusal("not_found", "Không tìm thấy chủ đề này.")


async def _record_topic(
    connection: Connection, bank_id: int, code: str, *, action: str, by: int | None
) -> None:
    await record(
        connection, by=by, action=action, subject=f"bank:{bank_id}", detail={"topic": code}
    )
