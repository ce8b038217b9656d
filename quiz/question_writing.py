"""How do questions come into a bank, and how do their words change?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import orjson

from core.clock import now
from core.db import Connection, json_text, transaction
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from quiz.pools import PoolOption
from quiz.question_drafts import QuestionDraft, cleaned, faults_of
from quiz.questions import DIFFICULTIES

MOST_TAGS = 10
LONGEST_TAG = 40

_Values = dict[str, Any]  # columns of question_version that a draft decides
_Current = dict[str, Any]  # question_id, number, values


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
    link_url: str = "",
    valid_from: date | None = None,
    valid_to: date | None = None,
    seen_number: int | None = None,
) -> int:
    """Keep a question under its code and return the id of its current version.

    The same words again change nothing. Other words make a new version, which waits for approval;
    attempts keep the version that they were given. Refuses "bad_question" with each field's fault.
    `seen_number` is the version that an editor had in view, 0 for a question that is to be new:
    when the bank holds another one, "edited_meanwhile" or "code_taken" is refused.
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
            link_url=link_url,
            valid_from=valid_from,
            valid_to=valid_to,
        )
    )
    faults = faults_of(draft)
    async with transaction() as connection:
        await lock_bank(connection, bank_id)
        if seen_number is not None:
            await _refuse_unseen(connection, bank_id, draft.code, seen_number)
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
    values, current, written = await _compare(connection, bank_id, drafts)
    question_ids = {code: kept["question_id"] for code, kept in current.items()}
    for row in await connection.fetch(
        "INSERT INTO question (bank_id, code, state, author_id) "
        "SELECT $1, code, 'draft', $3 FROM unnest($2::text[]) code RETURNING id, code",
        bank_id,
        written.made,
        by,
    ):
        question_ids[row["code"]] = row["id"]
    changed_ids = [question_ids[code] for code in written.changed]
    await connection.execute(
        "UPDATE question_version SET is_current = false "
        "WHERE question_id = ANY($1::bigint[]) AND is_current",
        changed_ids,
    )
    await _wait_for_approval(connection, changed_ids, by)
    await _insert_versions(
        connection,
        [
            (
                question_ids[code],
                current[code]["number"] + 1 if code in current else 1,
                values[code],
            )
            for code in (*written.made, *written.changed)
        ],
        by,
    )
    version_ids = await connection.fetch(
        "SELECT q.code, v.id FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.id = ANY($1::bigint[])",
        list(question_ids.values()),
    )
    return replace(written, version_ids={row["code"]: row["id"] for row in version_ids})


async def with_kept_links(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft]
) -> list[QuestionDraft]:
    """Drafts of a file, which keep the link that the bank has where they name none."""
    current = await _current_values(connection, bank_id, [draft.code for draft in drafts])
    links = {code: str(kept["values"]["link_url"]) for code, kept in current.items()}
    return [
        draft if draft.link_url else replace(draft, link_url=links.get(draft.code, ""))
        for draft in drafts
    ]


async def compare_questions(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft]
) -> Written:
    """What `write_questions` would do, without doing it; topics may be missing still."""
    _, _, written = await _compare(connection, bank_id, drafts)
    return written


async def reclassify_questions(
    question_ids: Iterable[int],
    *,
    topic_id: int | None = None,
    difficulty: str | None = None,
    by: int | None,
) -> int:
    """Give questions of one bank another topic or difficulty and return how many changed.

    Each change is a new version that waits for approval, as every edit is.
    """
    if difficulty is not None and difficulty not in DIFFICULTIES:
        raise Refusal("bad_difficulty", "Hãy chọn mức độ trong danh sách.")
    wanted = sorted(question_ids)
    async with transaction() as connection:
        if topic_id is not None:
            wanted = await _within_topics_bank(connection, topic_id, wanted)
        # Rows of `question` first and in order, as everybody who changes them takes them.
        await connection.execute(
            "SELECT id FROM question WHERE id = ANY($1::bigint[]) ORDER BY id FOR UPDATE", wanted
        )
        changed = await connection.fetch(
            "UPDATE question_version SET is_current = false "
            "WHERE question_id = ANY($1::bigint[]) AND is_current "
            "AND (topic_id, difficulty) "
            "<> (coalesce($2::bigint, topic_id), coalesce($3::text, difficulty)) "
            "RETURNING id, question_id",
            wanted,
            topic_id,
            difficulty,
        )
        await connection.execute(
            "INSERT INTO question_version (question_id, number, is_current, topic_id, difficulty, "
            "kind, text, text_key, options, explanation, source_id, source_article, image_id, "
            "image_alt, link_url, valid_from, valid_to, created_by_id, created_at) "
            "SELECT question_id, number + 1, true, coalesce($2::bigint, topic_id), "
            "coalesce($3::text, difficulty), kind, text, text_key, options, explanation, "
            "source_id, source_article, image_id, image_alt, link_url, valid_from, valid_to, "
            "$4, $5 FROM question_version WHERE id = ANY($1::bigint[])",
            [row["id"] for row in changed],
            topic_id,
            difficulty,
            by,
            now(),
        )
        changed_ids = [row["question_id"] for row in changed]
        await _wait_for_approval(connection, changed_ids, by)
        await record_by_bank(connection, changed_ids, action="reclassify_questions", by=by)
    return len(changed)


async def tag_questions(
    question_ids: Iterable[int],
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    by: int | None,
) -> int:
    """Put tags on questions or take them off, and return how many questions changed.

    Tags are no part of a question's words: its version and its approval stay.
    """
    added, removed = {checked_tag(each) for each in add}, {clean(each) for each in remove}
    async with transaction() as connection:
        rows = await connection.fetch(
            "SELECT id, coalesce(tags, '[]') AS tags FROM question WHERE id = ANY($1::bigint[]) "
            "ORDER BY id FOR UPDATE",
            sorted(question_ids),
        )
        held = {row["id"]: set(orjson.loads(row["tags"])) for row in rows}
        changed = {
            question_id: sorted((tags | added) - removed)
            for question_id, tags in held.items()
            if (tags | added) - removed != tags
        }
        if any(len(tags) > MOST_TAGS for tags in changed.values()):
            raise Refusal("too_many_tags", f"Mỗi câu có nhiều nhất {MOST_TAGS} nhãn.")
        await connection.executemany(
            "UPDATE question SET tags = $2::jsonb WHERE id = $1",
            [(question_id, json_text(tags)) for question_id, tags in changed.items()],
        )
        await record_by_bank(connection, list(changed), action="tag_questions", by=by)
    return len(changed)


def checked_tag(typed: str) -> str:
    tag = clean(typed).lower()
    if not tag or len(tag) > LONGEST_TAG or "," in tag:
        sentence = f"Mỗi nhãn từ 1 đến {LONGEST_TAG} ký tự, không có dấu phẩy."
        raise Refusal("bad_tag", sentence, fields={"tags": sentence})
    return tag


async def record_by_bank(
    connection: Connection,
    question_ids: Sequence[int],
    *,
    action: str,
    by: int | None,
    **detail: object,
) -> None:
    """Say in the audit trail of each bank which of its questions something was done to."""
    rows = await connection.fetch(
        "SELECT bank_id, array_agg(id ORDER BY id) AS ids FROM question "
        "WHERE id = ANY($1::bigint[]) GROUP BY bank_id ORDER BY bank_id",
        question_ids,
    )
    for row in rows:
        await record(
            connection,
            by=by,
            action=action,
            subject=f"bank:{row['bank_id']}",
            detail={"question_ids": row["ids"], **detail},
        )


async def _within_topics_bank(
    connection: Connection, topic_id: int, question_ids: Sequence[int]
) -> list[int]:
    """Refuse a topic of another bank than the questions'."""
    rows = await connection.fetch(
        "SELECT q.id FROM question q JOIN topic t ON t.bank_id = q.bank_id "
        "WHERE t.id = $1 AND q.id = ANY($2::bigint[]) ORDER BY q.id",
        topic_id,
        question_ids,
    )
    if len(rows) < len(question_ids):
        raise Refusal("other_bank", "Hãy chọn chủ đề của chính ngân hàng này.")
    return [row["id"] for row in rows]


async def _wait_for_approval(
    connection: Connection, question_ids: Sequence[int], by: int | None
) -> None:
    await connection.execute(
        "UPDATE question SET state = 'draft', author_id = $2, approver_id = NULL "
        "WHERE id = ANY($1::bigint[])",
        question_ids,
        by,
    )


async def _refuse_unseen(connection: Connection, bank_id: int, code: str, seen_number: int) -> None:
    number = await connection.fetchval(
        "SELECT v.number FROM question q "
        "JOIN question_version v ON v.question_id = q.id AND v.is_current "
        "WHERE q.bank_id = $1 AND q.code = $2",
        bank_id,
        code,
    )
    if (number or 0) == seen_number:
        return
    if seen_number == 0:
        sentence = f"Ngân hàng đã có câu mang mã {code}. Hãy chọn mã khác."
        raise Refusal("code_taken", sentence, fields={"code": sentence})
    raise Refusal(
        "edited_meanwhile",
        "Trong lúc bạn sửa, người khác đã lưu một phiên bản mới của câu này.",
    )


async def _compare(
    connection: Connection, bank_id: int, drafts: Sequence[QuestionDraft]
) -> tuple[dict[str, _Values], dict[str, _Current], Written]:
    """By code what the drafts say and what the bank holds, and what becomes of the drafts."""
    topics = await _topic_ids(connection, bank_id)
    sources = await _source_ids(connection, {draft.source for draft in drafts})
    values = {draft.code: _values(draft, topics, sources) for draft in drafts}
    current = await _current_values(connection, bank_id, list(values))
    changed = [code for code, kept in current.items() if kept["values"] != values[code]]
    written = Written(
        version_ids={},
        made=[code for code in values if code not in current],
        changed=changed,
        unchanged=[code for code in current if code not in changed],
    )
    return values, current, written


def _values(draft: QuestionDraft, topics: Mapping[str, int], sources: Mapping[str, int]) -> _Values:
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
        "link_url": draft.link_url,
        "valid_from": draft.valid_from,
        "valid_to": draft.valid_to,
    }


async def _current_values(
    connection: Connection, bank_id: int, codes: Sequence[str]
) -> dict[str, _Current]:
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
        "image_alt, link_url, valid_from, valid_to, created_by_id, created_at) VALUES ($1, $2, true, "
        "$3, $4, $5, $6, $7, $8::jsonb, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
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
