"""Which questions does a bank hold, and which of them may be asked on a day?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import orjson

from core.db import Connection, pool
from core.text import clean, fold
from quiz.pools import PoolOption, PoolQuestion

KINDS = {"single": "một đáp án", "multiple": "nhiều đáp án", "true_false": "đúng sai"}
DIFFICULTIES = {"easy": "dễ", "medium": "trung bình", "hard": "khó"}
PAGE_SIZE = 50

# Approved, current, and in force from the first day to the last, the legal source included.
_USABLE = """
FROM question q
JOIN question_version v ON v.question_id = q.id AND v.is_current
JOIN topic t ON t.id = v.topic_id
LEFT JOIN legal_source s ON s.id = v.source_id
LEFT JOIN image i ON i.id = v.image_id
WHERE q.bank_id = $1 AND q.state = 'approved'
    AND greatest(v.valid_from, s.valid_from, $2) = $2
    AND least(v.valid_to, s.valid_to, $3) = $3
"""
_SHOWN = """
SELECT q.id, q.code, q.state, v.id AS version_id, v.number, t.code AS topic, t.name AS topic_name,
       v.difficulty, v.kind, v.text, v.options, v.explanation,
       coalesce(s.document, '') AS source, v.source_article AS article, i.digest AS image_digest,
       v.image_alt, v.valid_from, v.valid_to, s.valid_to AS source_valid_to,
       v.created_by_id AS author_id, q.approver_id
FROM question q
JOIN question_version v ON v.question_id = q.id AND v.is_current
JOIN topic t ON t.id = v.topic_id
LEFT JOIN legal_source s ON s.id = v.source_id
LEFT JOIN image i ON i.id = v.image_id
"""
_COUNTED = """
SELECT count(*) FROM question q
JOIN question_version v ON v.question_id = q.id AND v.is_current
JOIN topic t ON t.id = v.topic_id
"""
_FILTER = """
WHERE q.bank_id = $1
    AND (strpos(v.text_key, $2) > 0 OR lower(q.code) = lower($3))
    AND ($4::text IS NULL OR t.code = $4)
    AND ($5::text IS NULL OR v.difficulty = $5)
    AND ($6::text IS NULL OR q.state = $6)
"""


@dataclass(frozen=True)
class QuestionShown:
    """The current version of a question, as organisers see it."""

    id: int
    code: str
    state: str
    version_id: int
    number: int
    topic: str
    topic_name: str
    difficulty: str
    kind: str
    text: str
    options: tuple[PoolOption, ...]
    explanation: str
    source: str
    article: str
    image_digest: str | None
    image_alt: str
    valid_from: date | None
    valid_to: date | None
    source_valid_to: date | None
    author_id: int | None
    approver_id: int | None


async def find_bank(code: str) -> int | None:
    bank_id: int | None = await pool().fetchval(
        "SELECT id FROM question_bank WHERE code = $1", clean(code)
    )
    return bank_id


async def topics_of(bank_id: int) -> dict[str, str]:
    """Code → name, by name."""
    rows = await pool().fetch(
        "SELECT code, name FROM topic WHERE bank_id = $1 ORDER BY name, code", bank_id
    )
    return {row["code"]: row["name"] for row in rows}


async def find_questions(
    bank_id: int,
    text: str = "",
    *,
    topic: str | None = None,
    difficulty: str | None = None,
    state: str | None = None,
    page: int = 1,
) -> list[QuestionShown]:
    """One page of a bank's questions by code, found by words without marks or by the code."""
    rows = await pool().fetch(
        f"{_SHOWN} {_FILTER} "
        "ORDER BY regexp_replace(q.code, '[0-9]+$', ''), "
        "nullif(substring(q.code FROM '[0-9]+$'), '')::numeric, q.code "
        "LIMIT $7 OFFSET $8",
        *_filter_values(bank_id, text, topic, difficulty, state),
        PAGE_SIZE,
        (max(page, 1) - 1) * PAGE_SIZE,
    )
    return [QuestionShown(**{**row, "options": options_from(row["options"])}) for row in rows]


async def count_questions(
    bank_id: int,
    text: str = "",
    *,
    topic: str | None = None,
    difficulty: str | None = None,
    state: str | None = None,
) -> int:
    """How many questions `find_questions` has in all its pages."""
    count: int = await pool().fetchval(
        _COUNTED + _FILTER, *_filter_values(bank_id, text, topic, difficulty, state)
    )
    return count


async def available_counts(
    bank_id: int, *, on: date, through: date | None = None
) -> dict[tuple[str, str], int]:
    """(topic, difficulty) → questions that may be asked on a day, or on each day through another."""
    rows = await pool().fetch(
        f"SELECT t.code, v.difficulty, count(*) AS count {_USABLE} GROUP BY t.code, v.difficulty",
        bank_id,
        on,
        through or on,
    )
    return {(row["code"], row["difficulty"]): row["count"] for row in rows}


async def usable_questions(
    connection: Connection, bank_id: int, *, since: date, through: date
) -> tuple[PoolQuestion, ...]:
    """The questions that a pool may freeze, by version; inside the caller's transaction."""
    rows = await connection.fetch(
        "SELECT v.id, q.id AS question_id, t.code AS topic, v.difficulty, v.kind, v.text, "
        "v.options, v.explanation, concat_ws(', ', nullif(v.source_article, ''), s.document) "
        f"AS source, i.digest AS image_digest, v.image_alt {_USABLE} ORDER BY v.id",
        bank_id,
        since,
        through,
    )
    return tuple(PoolQuestion(**{**row, "options": options_from(row["options"])}) for row in rows)


def options_from(kept: str | Sequence[Mapping[str, Any]]) -> tuple[PoolOption, ...]:
    """The options column, which is text inside `transaction()` and a list from `pool()`."""
    options = orjson.loads(kept) if isinstance(kept, str) else kept
    return tuple(PoolOption(**option) for option in options)


def _filter_values(
    bank_id: int, text: str, topic: str | None, difficulty: str | None, state: str | None
) -> tuple[object, ...]:
    return bank_id, fold(text), clean(text), topic, difficulty, state
