"""Which questions does a bank hold, in which words, and which of them may be asked on a day?"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import orjson

from core.clock import now
from core.db import Connection, json_text, pool, transaction
from core.errors import Refusal
from core.text import clean, clean_lines, fold
from people.audit import record
from quiz.pools import PoolOption, PoolQuestion

KINDS = {"single": "một đáp án", "multiple": "nhiều đáp án", "true_false": "đúng sai"}
DIFFICULTIES = {"easy": "dễ", "medium": "trung bình", "hard": "khó"}
FEWEST_OPTIONS, MOST_OPTIONS = 2, 8
LONGEST_CODE = 60
LONGEST_TEXT = 2_000  # characters; a phone shows some 400 on a screen
LONGEST_OPTION = 500
LONGEST_NAME = 255
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
class QuestionDraft:
    """A question as somebody wrote it; topic is a code of the bank, source a document's name."""

    code: str
    topic: str
    difficulty: str
    kind: str
    text: str
    options: tuple[PoolOption, ...]
    explanation: str = ""
    source: str = ""
    article: str = ""
    image_id: int | None = None
    image_alt: str = ""
    valid_from: date | None = None
    valid_to: date | None = None


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


@dataclass(frozen=True)
class Written:
    """What became of drafts: version ids by code, and the codes by what was done."""

    version_ids: Mapping[str, int]
    made: Sequence[str]
    changed: Sequence[str]
    unchanged: Sequence[str]


async def make_bank(*, code: str, name: str, by: int | None = None) -> int:
    async with transaction() as connection:
        bank_id: int | None = await connection.fetchval(
            "INSERT INTO question_bank (code, name) VALUES ($1, $2) "
            "ON CONFLICT (code) DO NOTHING RETURNING id",
            clean(code),
            clean(name),
        )
        if bank_id is None:
            raise Refusal("bank_exists", f"Đã có ngân hàng câu hỏi mang mã {clean(code)}.")
        await record(connection, by=by, action="make_bank", subject=f"bank:{bank_id}")
    return bank_id


async def find_bank(code: str) -> int | None:
    bank_id: int | None = await pool().fetchval(
        "SELECT id FROM question_bank WHERE code = $1", clean(code)
    )
    return bank_id


async def add_topic(bank_id: int, *, code: str, name: str) -> int:
    """Add a topic, or give the one that has this code a new name; return its id."""
    async with transaction() as connection:
        return await write_topic(connection, bank_id, code=code, name=name)


async def write_topic(connection: Connection, bank_id: int, *, code: str, name: str) -> int:
    """Do `add_topic` inside the caller's transaction."""
    topic_id: int = await connection.fetchval(
        "INSERT INTO topic (bank_id, code, name) VALUES ($1, $2, $3) "
        "ON CONFLICT (bank_id, code) DO UPDATE SET name = excluded.name RETURNING id",
        bank_id,
        clean(code),
        clean(name),
    )
    return topic_id


async def topics_of(bank_id: int) -> dict[str, str]:
    """Code → name, by name."""
    rows = await pool().fetch(
        "SELECT code, name FROM topic WHERE bank_id = $1 ORDER BY name, code", bank_id
    )
    return {row["code"]: row["name"] for row in rows}


async def add_source(
    document: str, *, url: str = "", valid_from: date | None = None, valid_to: date | None = None
) -> int:
    """Add a legal document, or replace what is known of it; return its id.

    Setting `valid_to` takes the questions that rest on it out of every later pool.
    """
    if valid_from and valid_to and valid_to < valid_from:
        raise Refusal("bad_dates", "Ngày hết hiệu lực phải sau ngày có hiệu lực.")
    async with transaction() as connection:
        source_id: int = await connection.fetchval(
            "INSERT INTO legal_source (document, url, valid_from, valid_to) "
            "VALUES ($1, $2, $3, $4) ON CONFLICT (document) DO UPDATE SET url = excluded.url, "
            "valid_from = excluded.valid_from, valid_to = excluded.valid_to RETURNING id",
            clean(document),
            url,
            valid_from,
            valid_to,
        )
    return source_id


async def save_question(
    bank_id: int,
    *,
    code: str,
    topic: str,
    difficulty: str,
    kind: str,
    text: str,
    options: Sequence[PoolOption],
    by: int | None,
    explanation: str = "",
    source: str = "",
    article: str = "",
    image_id: int | None = None,
    image_alt: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> int:
    """Keep a question under its code and return the id of its current version.

    The same words again change nothing. Other words make a new version, which waits for approval;
    attempts keep the version that they were given. Refuses "bad_question" with each field's fault.
    """
    draft = cleaned(
        QuestionDraft(
            code=code,
            topic=topic,
            difficulty=difficulty,
            kind=kind,
            text=text,
            options=tuple(options),
            explanation=explanation,
            source=source,
            article=article,
            image_id=image_id,
            image_alt=image_alt,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    )
    faults = faults_of(draft)
    async with transaction() as connection:
        await lock_bank(connection, bank_id)
        for twin in (await find_twins(connection, bank_id, [draft])).values():
            faults.setdefault("text", f"Câu này trùng với câu {twin} đã có trong ngân hàng.")
        if draft.topic not in await _topic_ids(connection, bank_id):
            faults.setdefault("topic", f"Ngân hàng không có chủ đề {draft.topic}.")
        if faults:
            raise Refusal("bad_question", next(iter(faults.values())), fields=faults)
        written = await write_questions(connection, bank_id, [draft], by=by)
        if written.made or written.changed:
            await record(
                connection,
                by=by,
                action="save_question",
                subject=f"bank:{bank_id}",
                detail={"code": draft.code, "version": written.version_ids[draft.code]},
            )
    return written.version_ids[draft.code]


def cleaned(draft: QuestionDraft) -> QuestionDraft:
    return QuestionDraft(
        code=clean(draft.code),
        topic=clean(draft.topic),
        difficulty=draft.difficulty,
        kind=draft.kind,
        text=clean_lines(draft.text),
        options=tuple(
            PoolOption(clean(each.text), each.is_correct, each.is_pinned) for each in draft.options
        ),
        explanation=clean_lines(draft.explanation),
        source=clean(draft.source),
        article=clean(draft.article),
        image_id=draft.image_id,
        image_alt=clean(draft.image_alt),
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
    )


def faults_of(draft: QuestionDraft) -> dict[str, str]:
    """What is wrong with a cleaned draft: field → sentence; options are option_a, option_b …"""
    faults: dict[str, str] = {}
    for field, longest, name in (
        ("code", LONGEST_CODE, "mã câu hỏi"),
        ("topic", LONGEST_CODE, "chủ đề"),
        ("text", LONGEST_TEXT, "nội dung câu hỏi"),
    ):
        value = getattr(draft, field)
        if not value:
            faults[field] = f"Thiếu {name}."
        elif len(value) > longest:
            faults[field] = f"{name.capitalize()} dài quá {longest} ký tự."
    for field in ("source", "article"):
        if len(getattr(draft, field)) > LONGEST_NAME:
            faults[field] = f"Tên văn bản hoặc điều khoản dài quá {LONGEST_NAME} ký tự."
    if draft.difficulty not in DIFFICULTIES:
        faults["difficulty"] = f"Mức độ phải là một trong: {', '.join(DIFFICULTIES.values())}."
    if draft.kind not in KINDS:
        faults["kind"] = f"Loại câu hỏi phải là một trong: {', '.join(KINDS.values())}."
    if draft.image_id is not None and not draft.image_alt:
        faults["image_alt"] = "Hãy mô tả hình bằng lời cho người không nhìn thấy hình."
    if draft.valid_from and draft.valid_to and draft.valid_to < draft.valid_from:
        faults["valid_to"] = "Ngày hết hiệu lực phải sau ngày có hiệu lực."
    return faults | _option_faults(draft)


def option_field(index: int) -> str:
    return f"option_{string.ascii_lowercase[index]}"


def _option_faults(draft: QuestionDraft) -> dict[str, str]:
    faults: dict[str, str] = {}
    count = len(draft.options)
    if count < FEWEST_OPTIONS:
        faults[option_field(count)] = "Cần ít nhất hai phương án."
    elif draft.kind == "true_false" and count > FEWEST_OPTIONS:
        faults[option_field(FEWEST_OPTIONS)] = "Câu đúng sai chỉ có hai phương án."
    elif count > MOST_OPTIONS:
        faults[option_field(MOST_OPTIONS)] = f"Nhiều nhất {MOST_OPTIONS} phương án."
    seen: dict[str, str] = {}
    letters = string.ascii_uppercase
    for index, (letter, option) in enumerate(zip(letters, draft.options, strict=False)):
        twin = seen.setdefault(_option_key(option.text), letter)
        if not option.text:
            faults[option_field(index)] = "Phương án này để trống."
        elif len(option.text) > LONGEST_OPTION:
            faults[option_field(index)] = f"Phương án dài quá {LONGEST_OPTION} ký tự."
        elif twin != letter:
            faults[option_field(index)] = f"Phương án này trùng với phương án {twin}."
    answer_fault = _answer_fault(draft)
    return faults | ({"answer": answer_fault} if answer_fault else {})


def _answer_fault(draft: QuestionDraft) -> str:
    correct_count = sum(option.is_correct for option in draft.options)
    if draft.kind != "multiple":
        return "" if correct_count == 1 else "Phải có đúng một đáp án đúng."
    if correct_count < 2:  # noqa: PLR2004 — "several" begins at two
        return "Câu nhiều đáp án phải có ít nhất hai đáp án đúng."
    if correct_count == len(draft.options):
        return "Câu nhiều đáp án phải có ít nhất một phương án sai."
    return ""


def _option_key(text: str) -> str:
    """Less than core.text.fold takes away: 5 and 5%, má and mà are different options."""
    return re.sub(r"[\s.;,]+", "", text.casefold())


async def lock_bank(connection: Connection, bank_id: int) -> None:
    """Let one writer at a time into a bank, so that nothing is made twice."""
    found = await connection.fetchval(
        "SELECT id FROM question_bank WHERE id = $1 FOR UPDATE", bank_id
    )
    if found is None:
        raise Refusal("not_found", "Không tìm thấy ngân hàng câu hỏi này.")


async def find_twins(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft]
) -> dict[str, str]:
    """Codes of drafts → codes of other questions of the bank with the same folded words.

    Questions with pictures may share their words: "Biểu tượng sau là của ứng dụng nào?"
    """
    keys = {fold(draft.text): draft.code for draft in drafts if draft.image_id is None}
    rows = await connection.fetch(
        "SELECT v.text_key, q.code FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.bank_id = $1 AND q.state <> 'retired' AND v.image_id IS NULL "
        "AND md5(v.text_key) = ANY(SELECT md5(k) FROM unnest($2::text[]) k)",
        bank_id,
        list(keys),
    )
    return {
        keys[row["text_key"]]: row["code"] for row in rows if keys[row["text_key"]] != row["code"]
    }


async def write_questions(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft], *, by: int | None
) -> Written:
    """Keep checked drafts, each code once, inside the caller's transaction; a few statements in all."""
    await _write_sources(connection, {draft.source for draft in drafts if draft.source})
    topics = await _topic_ids(connection, bank_id)
    sources = await _source_ids(connection, {draft.source for draft in drafts})
    values = {draft.code: _values(draft, topics, sources) for draft in drafts}
    current = await _current_values(connection, bank_id, list(values))
    made = [code for code in values if code not in current]
    changed = [code for code, kept in current.items() if kept["values"] != values[code]]
    question_ids = {code: kept["question_id"] for code, kept in current.items()}
    for row in await connection.fetch(
        "INSERT INTO question (bank_id, code, state, author_id) "
        "SELECT $1, code, 'draft', $3 FROM unnest($2::text[]) code RETURNING id, code",
        bank_id,
        made,
        by,
    ):
        question_ids[row["code"]] = row["id"]
    changed_ids = [question_ids[code] for code in changed]
    await connection.execute(
        "UPDATE question_version SET is_current = false "
        "WHERE question_id = ANY($1::bigint[]) AND is_current",
        changed_ids,
    )
    await connection.execute(
        "UPDATE question SET state = 'draft', author_id = $2, approver_id = NULL "
        "WHERE id = ANY($1::bigint[])",
        changed_ids,
        by,
    )
    await _insert_versions(
        connection,
        [
            (
                question_ids[code],
                current[code]["number"] + 1 if code in current else 1,
                values[code],
            )
            for code in (*made, *changed)
        ],
        by,
    )
    version_ids = await connection.fetch(
        "SELECT q.code, v.id FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.id = ANY($1::bigint[])",
        list(question_ids.values()),
    )
    return Written(
        version_ids={row["code"]: row["id"] for row in version_ids},
        made=made,
        changed=changed,
        unchanged=[code for code in current if code not in changed],
    )


async def compare_questions(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft]
) -> Written:
    """What `write_questions` would do, without doing it; topics may be missing still."""
    topics = await _topic_ids(connection, bank_id)
    sources = await _source_ids(connection, {draft.source for draft in drafts})
    values = {draft.code: _values(draft, topics, sources) for draft in drafts}
    current = await _current_values(connection, bank_id, list(values))
    changed = [code for code, kept in current.items() if kept["values"] != values[code]]
    return Written(
        version_ids={},
        made=[code for code in values if code not in current],
        changed=changed,
        unchanged=[code for code in current if code not in changed],
    )


async def approve_questions(question_ids: Iterable[int], *, by: int | None) -> int:
    """Approve the current versions of drafts and return how many; repeating changes nothing.

    A second person approves: whoever wrote the current words is refused ("own_question"), and then
    nothing of the list is approved. `by` None is the command line, which has no second person: who
    runs it can write to the database anyway, and the audit trail says that it was the platform.
    """
    wanted = list(question_ids)
    async with transaction() as connection:
        own = await connection.fetch(
            "SELECT q.code FROM question q "
            "JOIN question_version v ON v.question_id = q.id AND v.is_current "
            "WHERE q.id = ANY($1::bigint[]) AND q.state = 'draft' AND v.created_by_id = $2 "
            "ORDER BY q.code",
            wanted,
            by,
        )
        if own:
            codes = ", ".join(row["code"] for row in own)
            raise Refusal(
                "own_question", f"Câu {codes} do chính bạn viết. Hãy nhờ người khác duyệt."
            )
        approved = await connection.fetch(
            "UPDATE question SET state = 'approved', approver_id = $2 "
            "WHERE id = ANY($1::bigint[]) AND state = 'draft' RETURNING id, bank_id",
            wanted,
            by,
        )
        for bank_id in {row["bank_id"] for row in approved}:
            ids = sorted(row["id"] for row in approved if row["bank_id"] == bank_id)
            await record(
                connection,
                by=by,
                action="approve_questions",
                subject=f"bank:{bank_id}",
                detail={"question_ids": ids},
            )
    return len(approved)


async def retire_questions(question_ids: Iterable[int], *, by: int | None) -> int:
    """Take questions out of later pools and return how many; published papers keep them."""
    async with transaction() as connection:
        retired = await connection.fetch(
            "UPDATE question SET state = 'retired' "
            "WHERE id = ANY($1::bigint[]) AND state <> 'retired' RETURNING id, bank_id",
            list(question_ids),
        )
        for bank_id in {row["bank_id"] for row in retired}:
            ids = sorted(row["id"] for row in retired if row["bank_id"] == bank_id)
            await record(
                connection,
                by=by,
                action="retire_questions",
                subject=f"bank:{bank_id}",
                detail={"question_ids": ids},
            )
    return len(retired)


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


def _values(
    draft: QuestionDraft, topics: Mapping[str, int], sources: Mapping[str, int]
) -> dict[str, Any]:
    return {
        "topic_id": topics.get(draft.topic),
        "difficulty": draft.difficulty,
        "kind": draft.kind,
        "text": draft.text,
        "text_key": fold(draft.text),
        "options": [asdict(option) for option in draft.options],
        "explanation": draft.explanation,
        # A source that is new is no kept version's source.
        "source_id": sources.get(draft.source, -1) if draft.source else None,
        "source_article": draft.article,
        "image_id": draft.image_id,
        "image_alt": draft.image_alt if draft.image_id is not None else "",
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
    }


async def _current_values(
    connection: Connection, bank_id: int, codes: Sequence[str]
) -> dict[str, dict[str, Any]]:
    rows = await connection.fetch(
        "SELECT q.code, v.* FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.bank_id = $1 AND q.code = ANY($2::text[])",
        bank_id,
        codes,
    )
    columns = _values(QuestionDraft("", "", "", "", "", ()), {}, {})
    return {
        row["code"]: {
            "question_id": row["question_id"],
            "number": row["number"],
            "values": {name: row[name] for name in columns}
            | {"options": orjson.loads(row["options"])},
        }
        for row in rows
    }


async def _insert_versions(
    connection: Connection,
    versions: Sequence[tuple[int, int, Mapping[str, Any]]],
    by: int | None,
) -> None:
    made_at = now()
    await connection.executemany(
        "INSERT INTO question_version (question_id, number, is_current, topic_id, difficulty, "
        "kind, text, text_key, options, explanation, source_id, source_article, image_id, "
        "image_alt, valid_from, valid_to, created_by_id, created_at) VALUES ($1, $2, true, $3, $4, "
        "$5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        [
            (
                question_id,
                number,
                *(
                    json_text(value) if name == "options" else value
                    for name, value in values.items()
                ),
                by,
                made_at,
            )
            for question_id, number, values in versions
        ],
    )


async def _topic_ids(connection: Connection, bank_id: int) -> dict[str, int]:
    rows = await connection.fetch("SELECT code, id FROM topic WHERE bank_id = $1", bank_id)
    return {row["code"]: row["id"] for row in rows}


async def _source_ids(connection: Connection, documents: Iterable[str]) -> dict[str, int]:
    rows = await connection.fetch(
        "SELECT document, id FROM legal_source WHERE document = ANY($1::text[])", list(documents)
    )
    return {row["document"]: row["id"] for row in rows}


async def _write_sources(connection: Connection, documents: Iterable[str]) -> None:
    await connection.execute(
        "INSERT INTO legal_source (document, url) SELECT document, '' "
        "FROM unnest($1::text[]) document ON CONFLICT (document) DO NOTHING",
        sorted(documents),
    )
