"""Which questions does a bank hold, and which of them may be asked on a day?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypedDict, Unpack

import asyncpg
import orjson

from core.clock import local_day, now
from core.db import Connection, pool
from core.errors import Refusal
from core.text import clean, fold
from quiz.pools import PoolOption, PoolQuestion

KINDS = {"single": "một đáp án", "multiple": "nhiều đáp án", "true_false": "đúng sai"}
DIFFICULTIES = {"easy": "dễ", "medium": "trung bình", "hard": "khó"}
STATES = {
    "draft": "bản nháp",
    "in_review": "chờ thẩm định",
    "approved": "đã duyệt",
    "retired": "ngừng dùng",
}
LAPSES = {"lapsed": "hết hiệu lực", "lapsing": "sắp hết hiệu lực"}
# A question that lapses within two months may lapse in a contest that is being prepared.
LAPSING_DAYS = 60
ORDERS = {"code": "theo mã", "newest": "mới sửa trước", "oldest": "lâu chưa sửa trước"}
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
SELECT q.id, q.bank_id, q.code, q.state, v.id AS version_id, v.number, t.code AS topic,
       t.name AS topic_name, v.difficulty, v.kind, v.text, v.options, v.explanation,
       coalesce(s.document, '') AS source, v.source_article AS article, i.digest AS image_digest,
       v.image_alt, v.link_url, v.valid_from, v.valid_to, s.valid_to AS source_valid_to,
       v.created_by_id AS author_id, v.created_at AS written_at, q.assignee_id, q.approver_id,
       coalesce(q.tags, '[]'::jsonb) AS tags
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
LEFT JOIN legal_source s ON s.id = v.source_id
"""
_FILTER = """
WHERE q.bank_id = $1
    AND (strpos(v.text_key, $2) > 0 OR lower(q.code) = lower($3))
    AND ($4::text IS NULL OR t.code = $4)
    AND ($5::text IS NULL OR v.difficulty = $5)
    AND ($6::text IS NULL OR q.state = $6)
    AND ($7::jsonb IS NULL OR q.tags @> $7)
    AND ($8::bigint IS NULL OR v.created_by_id = $8)
    AND ($9::bigint IS NULL OR (q.assignee_id = $9 AND q.state = 'in_review'))
    AND ($10::date IS NULL OR (q.state <> 'retired'
         AND least(v.valid_to, s.valid_to) BETWEEN $10 AND $11))
"""
_BY_CODE = (
    "regexp_replace(q.code, '[0-9]+$', ''), "
    "nullif(substring(q.code FROM '[0-9]+$'), '')::numeric, q.code"
)
_ORDER_BY = {
    "code": _BY_CODE,
    "newest": f"v.created_at DESC, {_BY_CODE}",
    "oldest": f"v.created_at, {_BY_CODE}",
}


class Chosen(TypedDict, total=False):
    """Which questions of a bank are wanted; what is left out or None does not narrow."""

    topic: str | None
    difficulty: str | None
    state: str | None
    tag: str | None
    author_id: int | None  # of the current words
    assignee_id: int | None  # who was asked to review what waits for review
    lapse: str | None  # lapsed, lapsing


@dataclass(frozen=True)
class QuestionShown:
    """The current version of a question, as organisers see it."""

    id: int
    bank_id: int
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
    link_url: str
    valid_from: date | None
    valid_to: date | None
    source_valid_to: date | None
    author_id: int | None
    written_at: datetime
    assignee_id: int | None
    approver_id: int | None
    tags: tuple[str, ...]

    @property
    def last_day(self) -> date | None:
        """The last day on which it may be asked; its law may lapse before itself."""
        return min(filter(None, (self.valid_to, self.source_valid_to)), default=None)

    def lapse(self, on: date) -> str | None:
        """A key of LAPSES, or None while it has long to go."""
        if self.last_day is None or self.last_day > on + timedelta(days=LAPSING_DAYS):
            return None
        return "lapsed" if self.last_day < on else "lapsing"


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
    page: int = 1,
    order: str = "code",
    **chosen: Unpack[Chosen],
) -> list[QuestionShown]:
    """One page of a bank's questions, found by words without marks or by the code."""
    rows = await pool().fetch(
        f"{_SHOWN} {_FILTER} ORDER BY {_ORDER_BY.get(order, _BY_CODE)} LIMIT $12 OFFSET $13",
        *_filter_values(bank_id, text, chosen),
        PAGE_SIZE,
        (max(page, 1) - 1) * PAGE_SIZE,
    )
    return [_question(row) for row in rows]


async def every_question(
    bank_id: int, text: str = "", **chosen: Unpack[Chosen]
) -> list[QuestionShown]:
    """All pages of `find_questions` at once, for files."""
    rows = await pool().fetch(
        f"{_SHOWN} {_FILTER} ORDER BY {_BY_CODE}", *_filter_values(bank_id, text, chosen)
    )
    return [_question(row) for row in rows]


async def count_questions(bank_id: int, text: str = "", **chosen: Unpack[Chosen]) -> int:
    """How many questions `find_questions` has in all its pages."""
    count: int = await pool().fetchval(_COUNTED + _FILTER, *_filter_values(bank_id, text, chosen))
    return count


async def get_question(question_id: int) -> QuestionShown:
    row = await pool().fetchrow(f"{_SHOWN} WHERE q.id = $1", question_id)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy câu hỏi này.")
    return _question(row)


async def find_question(bank_id: int, code: str) -> int | None:
    """The id of the question with this code."""
    question_id: int | None = await pool().fetchval(
        "SELECT id FROM question WHERE bank_id = $1 AND code = $2", bank_id, clean(code)
    )
    return question_id


async def tags_of(bank_id: int) -> list[str]:
    """Every tag that a question of the bank carries."""
    rows = await pool().fetch(
        "SELECT DISTINCT tag FROM question q, jsonb_array_elements_text(q.tags) tag "
        "WHERE q.bank_id = $1 ORDER BY tag",
        bank_id,
    )
    return [row["tag"] for row in rows]


async def authors_of(bank_id: int) -> list[int]:
    """Accounts that wrote current words of the bank."""
    rows = await pool().fetch(
        "SELECT DISTINCT v.created_by_id AS id FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.bank_id = $1 AND v.created_by_id IS NOT NULL",
        bank_id,
    )
    return [row["id"] for row in rows]


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
        f"AS source, i.digest AS image_digest, v.image_alt, v.link_url AS link {_USABLE} "
        "ORDER BY v.id",
        bank_id,
        since,
        through,
    )
    return tuple(PoolQuestion(**{**row, "options": options_from(row["options"])}) for row in rows)


def options_from(kept: str | Sequence[Mapping[str, Any]]) -> tuple[PoolOption, ...]:
    """The options column, which is text inside `transaction()` and a list from `pool()`."""
    options = orjson.loads(kept) if isinstance(kept, str) else kept
    return tuple(PoolOption(**option) for option in options)


def _question(row: asyncpg.Record) -> QuestionShown:
    return QuestionShown(
        **{**row, "options": options_from(row["options"]), "tags": tuple(row["tags"])}
    )


def _filter_values(bank_id: int, text: str, chosen: Chosen) -> tuple[object, ...]:
    tag, today = chosen.get("tag"), local_day(now())
    first, last = {
        "lapsed": (date.min, today - timedelta(days=1)),
        "lapsing": (today, today + timedelta(days=LAPSING_DAYS)),
    }.get(chosen.get("lapse") or "", (None, None))
    return (
        bank_id,
        fold(text),
        clean(text),
        chosen.get("topic"),
        chosen.get("difficulty"),
        chosen.get("state"),
        [tag] if tag else None,
        chosen.get("author_id"),
        chosen.get("assignee_id"),
        first,
        last,
    )
