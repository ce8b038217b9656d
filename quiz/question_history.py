"""What has become of a question: its versions, what was said, where it is used, how it did?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.db import pool
from quiz.question_drafts import QuestionDraft
from quiz.questions import options_from


@dataclass(frozen=True)
class VersionShown:
    number: int
    words: QuestionDraft
    topic_name: str
    image_digest: str | None
    author_id: int | None
    written_at: datetime


@dataclass(frozen=True)
class CommentShown:
    version_number: int
    kind: str  # said, sent, returned, approved
    body: str
    by: int | None
    said_at: datetime


@dataclass(frozen=True)
class UseShown:
    """A round whose frozen pool holds the question, or whose blueprint may still draw it."""

    slug: str
    contest_name: str
    round_name: str
    division_name: str | None
    version_number: int | None  # the frozen one; None: nothing is frozen yet
    frozen_at: datetime | None


@dataclass(frozen=True)
class StatisticShown:
    """Item analysis as quiz.models.QuestionStatistic keeps it."""

    contest_name: str
    round_name: str
    version_number: int
    content: Mapping[str, Any]
    computed_at: datetime


async def versions_of(question_id: int) -> list[VersionShown]:
    """The newest first."""
    rows = await pool().fetch(
        "SELECT v.*, q.code, t.code AS topic, t.name AS topic_name, "
        "coalesce(s.document, '') AS source, i.digest AS image_digest "
        "FROM question_version v JOIN question q ON q.id = v.question_id "
        "JOIN topic t ON t.id = v.topic_id LEFT JOIN legal_source s ON s.id = v.source_id "
        "LEFT JOIN image i ON i.id = v.image_id WHERE v.question_id = $1 ORDER BY v.number DESC",
        question_id,
    )
    same = ("code", "topic", "difficulty", "kind", "text", "explanation", "source", "image_id")
    also = ("image_alt", "link_url", "valid_from", "valid_to")
    return [
        VersionShown(
            number=row["number"],
            words=QuestionDraft(
                **{name: row[name] for name in (*same, *also)},
                options=options_from(row["options"]),
                article=row["source_article"],
            ),
            topic_name=row["topic_name"],
            image_digest=row["image_digest"],
            author_id=row["created_by_id"],
            written_at=row["created_at"],
        )
        for row in rows
    ]


async def comments_of(question_id: int) -> list[CommentShown]:
    """In the order in which they were said."""
    rows = await pool().fetch(
        "SELECT version_number, kind, body, created_by_id AS by, created_at AS said_at "
        "FROM question_comment WHERE question_id = $1 ORDER BY created_at, id",
        question_id,
    )
    return [CommentShown(**row) for row in rows]


async def uses_of(question_id: int) -> list[UseShown]:
    """Rounds that have it in a frozen pool, and rounds to come whose blueprint may draw it."""
    rows = await pool().fetch(
        "SELECT c.slug, c.name AS contest_name, r.name AS round_name, d.name AS division_name, "
        "v.number AS version_number, p.frozen_at, r.opens_at "
        "FROM pool p CROSS JOIN LATERAL jsonb_array_elements(p.content->'questions') x "
        "JOIN question_version v ON v.id = (x->>'id')::bigint "
        "JOIN round r ON r.id = p.round_id JOIN contest c ON c.id = r.contest_id "
        "LEFT JOIN division d ON d.id = p.division_id "
        "WHERE v.question_id = $1 AND c.state <> 'rehearsal' "
        "UNION ALL "
        "SELECT c.slug, c.name, r.name, d.name, NULL, NULL, r.opens_at FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "JOIN blueprint_line b ON b.topic_id = v.topic_id AND b.difficulty = v.difficulty "
        "JOIN round r ON r.id = b.round_id JOIN contest c ON c.id = r.contest_id "
        "LEFT JOIN division d ON d.id = b.division_id "
        "WHERE q.id = $1 AND q.state <> 'retired' "
        "AND NOT EXISTS (SELECT 1 FROM pool p WHERE p.round_id = r.id) "
        "ORDER BY opens_at DESC, division_name NULLS FIRST",
        question_id,
    )
    return [UseShown(**{k: v for k, v in row.items() if k != "opens_at"}) for row in rows]


async def statistics_of(question_id: int) -> list[StatisticShown]:
    """By round, the newest first."""
    rows = await pool().fetch(
        "SELECT c.name AS contest_name, r.name AS round_name, v.number AS version_number, "
        "s.content, s.computed_at FROM question_statistic s "
        "JOIN question_version v ON v.id = s.question_version_id "
        "JOIN round r ON r.id = s.round_id JOIN contest c ON c.id = r.contest_id "
        "WHERE s.question_id = $1 ORDER BY r.opens_at DESC, v.number DESC",
        question_id,
    )
    return [StatisticShown(**row) for row in rows]
