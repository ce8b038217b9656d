"""How does a file of questions wait for somebody to look at it, and how does it get into the bank?

Nothing of a staged file is in the bank until `accept_import` has taken it there; what it could not
take stays where it is.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from core.clock import now
from core.db import Connection, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.text import clean, fold
from people.audit import record
from quiz import question_alike
from quiz.exchange.formats import understand
from quiz.exchange.item import Item, Understood
from quiz.images import keep_fitting_image
from quiz.import_entries import (
    Defaults,
    Entry,
    Retyped,
    as_question,
    entry_from,
    faults_in,
    from_file,
    retyped,
)
from quiz.question_alike import held_questions, twins_among
from quiz.question_codes import new_codes
from quiz.question_drafts import LONGEST_CODE
from quiz.question_writing import (
    LONGEST_TAG,
    MOST_TAGS,
    lock_bank,
    with_kept_links,
    write_questions,
    write_topic,
)

MOST_LISTED = 20
LONGEST_FILE_NAME = 100  # characters
# A full file takes some 3 s; one that takes ten times as long is meant to.
LONGEST_READING_SECONDS = 30


@dataclass(frozen=True)
class UnknownTable:
    """A table whose columns were not recognised: their names, and the fields that need one."""

    names: Sequence[str]
    missing: Sequence[str]
    content: bytes = b""  # the file, for reading it again


@dataclass(frozen=True)
class ImportShown:
    """A staged file with all that a person needs to judge it; `faults` are by entry and field."""

    id: int
    bank_id: int
    bank_code: str
    bank_name: str
    file_name: str
    file_format: str
    state: str  # open, done, discarded
    revision: int
    entries: Sequence[Entry]
    losses: Sequence[str]
    faults: Mapping[int, Mapping[str, str]]
    topics: Sequence[str]  # names that the bank has
    codes: frozenset[str]  # of questions that the bank has
    table: UnknownTable | None  # waits for somebody to say which column is what

    @property
    def ready(self) -> list[Entry]:
        """What "nhập" would take into the bank now."""
        return [each for each in self.entries if each.is_waiting and each.id not in self.faults]

    @property
    def taken(self) -> list[Entry]:
        return [each for each in self.entries if each.taken_as]

    @property
    def new_topics(self) -> list[str]:
        """Topics that the bank would get with what is ready."""
        held = {fold(name) for name in self.topics}
        wanted = {fold(each.draft.topic): each.draft.topic for each in self.ready}
        return sorted(name for key, name in wanted.items() if key not in held)


@dataclass(frozen=True)
class ImportListed:
    """A line of the list of files that wait."""

    id: int
    file_name: str
    bank_name: str
    by_name: str
    created_at: datetime


@dataclass(frozen=True)
class Accepted:
    """What `accept_import` took: the bank's questions, by id, and how many are left to mend."""

    question_ids: Sequence[int]
    left_count: int


@dataclass(frozen=True)
class _Kept:
    bank_id: int
    state: str
    revision: int
    entries: Sequence[Entry]


@dataclass(frozen=True)
class _Topics:
    """Code by folded name or code, and the names of those that have to be made, by code."""

    codes: Mapping[str, str]
    made: Mapping[str, str]


async def read_file(content: bytes, file_name: str) -> Understood | UnknownTable:
    """Understand a file of questions, beside the event loop.

    Refuses what `quiz.exchange.formats.understand` refuses, but for columns that it does not know,
    and "slow_file" after half a minute.
    """
    try:
        return await _understand(content, file_name)
    except Refusal as refusal:
        names = refusal.detail.get("names")
        if refusal.code != "wrong_columns" or not isinstance(names, Sequence):
            raise
        missing = refusal.detail.get("missing")
        return UnknownTable(names, missing if isinstance(missing, Sequence) else (), content)


async def stage_import(
    bank_id: int,
    read: Understood | UnknownTable,
    file_name: str,
    *,
    defaults: Defaults,
    by: int | None,
) -> int:
    """Keep what was understood of a file until somebody has looked at it; return its id.

    Refuses "empty_file" when there is nothing to look at. A table whose columns nobody knows is
    kept whole: `map_columns` goes on with it.
    """
    if isinstance(read, UnknownTable):
        table = {
            "content": base64.b64encode(read.content).decode(),
            "names": list(read.names),
            "missing": list(read.missing),
            "defaults": asdict(defaults),
        }
        file_format, count, losses = "table", 0, list[str]()
        content = json_text({"revision": 0, "entries": [], "table": table})
    else:
        entries = await _entries(bank_id, read, defaults)
        file_format, count, losses = read.file_format, len(entries), list(read.losses)
        content = _content(1, entries)
    async with transaction() as connection:
        import_id: int = await connection.fetchval(
            "INSERT INTO question_import (bank_id, file_name, file_format, items, losses, state, "
            "created_by_id, created_at) VALUES ($1, $2, $3, $4::jsonb, $5::jsonb, 'open', $6, $7) "
            "RETURNING id",
            bank_id,
            clean(file_name)[:LONGEST_FILE_NAME],
            file_format,
            content,
            json_text(losses),
            by,
            now(),
        )
        await _record_staged(connection, bank_id, import_id, count, by)
    return import_id


async def map_columns(import_id: int, mapping: Mapping[str, int], *, by: int | None) -> None:
    """Read a kept table again, now that somebody has said which column is what.

    Refuses what reading refuses; a table that has been read already stays as it is.
    """
    row = await pool().fetchrow(
        "SELECT bank_id, file_name, items FROM question_import WHERE id = $1 AND state = 'open'",
        import_id,
    )
    if row is None:
        raise _unknown()
    table = row["items"].get("table")
    if table is None:
        return
    content = base64.b64decode(table["content"])
    understood = await _understand(content, row["file_name"], mapping)
    entries = await _entries(row["bank_id"], understood, Defaults(**table["defaults"]))
    async with transaction() as connection:
        await connection.execute(
            "UPDATE question_import SET items = $2::jsonb, losses = $3::jsonb, file_format = $4 "
            "WHERE id = $1 AND state = 'open' AND items ? 'table'",
            import_id,
            _content(1, entries),
            json_text(list(understood.losses)),
            understood.file_format,
        )
        await _record_staged(connection, row["bank_id"], import_id, len(entries), by)


async def get_import(import_id: int) -> ImportShown:
    row = await pool().fetchrow(
        "SELECT i.id, i.bank_id, b.code AS bank_code, b.name AS bank_name, i.file_name, "
        "i.file_format, i.state, i.items, i.losses FROM question_import i "
        "JOIN question_bank b ON b.id = i.bank_id WHERE i.id = $1",
        import_id,
    )
    if row is None:
        raise _unknown()
    found = dict(row)
    kept = found.pop("items")
    entries = [entry_from(each) for each in kept["entries"]]
    table = kept.get("table")
    held = await held_questions(pool(), found["bank_id"])
    topics = await pool().fetch(
        "SELECT name FROM topic WHERE bank_id = $1 ORDER BY name", found["bank_id"]
    )
    return ImportShown(
        **found,
        revision=kept["revision"],
        entries=entries,
        faults=faults_in(entries, twins=twins_among(held)),
        topics=[topic["name"] for topic in topics],
        codes=frozenset(each.code for each in held),
        table=UnknownTable(table["names"], table["missing"]) if table else None,
    )


async def open_imports() -> list[ImportListed]:
    """Files that still wait for somebody, the newest first."""
    rows = await pool().fetch(
        "SELECT i.id, i.file_name, b.name AS bank_name, coalesce(p.full_name, '') AS by_name, "
        "i.created_at FROM question_import i JOIN question_bank b ON b.id = i.bank_id "
        "LEFT JOIN account a ON a.id = i.created_by_id LEFT JOIN person p ON p.id = a.person_id "
        "WHERE i.state = 'open' ORDER BY i.created_at DESC, i.id DESC LIMIT $1",
        MOST_LISTED,
    )
    return [ImportListed(**row) for row in rows]


async def save_import(
    import_id: int,
    typed: Mapping[int, Retyped],
    *,
    revision: int,
    revived: int | None = None,
) -> None:
    """Keep what a person typed; `revived` is a part that was not understood, to be a question now.

    Refuses "changed_meanwhile" when somebody else has changed the same entries since `revision`,
    and "closed_import" when the file is done with.
    """
    async with transaction() as connection:
        kept = await _lock(connection, import_id)
        entries = await _retype(connection, kept, typed, revision)
        entries = [as_question(entry) if entry.id == revived else entry for entry in entries]
        if entries != kept.entries:
            await _keep(connection, import_id, replace(kept, entries=entries))


async def accept_import(
    import_id: int, typed: Mapping[int, Retyped], *, revision: int, by: int | None
) -> Accepted:
    """Keep what a person typed and take every chosen question without a fault into the bank.

    All of it in one transaction; sent twice, the second finds nothing left to take. Questions with
    faults stay for mending, and the file is done with when none is left. A code that the file names
    and the bank has becomes that question's next version; no other code is touched. Refuses what
    `save_import` refuses.
    """
    async with transaction() as connection:
        kept = await _lock(connection, import_id)
        entries = await _retype(connection, kept, typed, revision)
        await lock_bank(connection, kept.bank_id)
        held = await held_questions(connection, kept.bank_id)
        faults = faults_in(entries, twins=twins_among(held))
        ready = [each for each in entries if each.is_waiting and each.id not in faults]
        codes = await _write(connection, kept.bank_id, ready, by=by)
        entries = [replace(each, taken_as=codes.get(each.id, each.taken_as)) for each in entries]
        is_done = not any(each.is_waiting or each.miss for each in entries)
        if entries != kept.entries:
            state = "done" if is_done else "open"
            await _keep(connection, import_id, replace(kept, entries=entries, state=state))
        question_ids = await connection.fetch(
            "SELECT id FROM question WHERE bank_id = $1 AND code = ANY($2::text[]) ORDER BY id",
            kept.bank_id,
            list(codes.values()),
        )
        if ready:
            await record(
                connection,
                by=by,
                action="import_bank",
                subject=f"bank:{kept.bank_id}",
                detail={"import_id": import_id, "question_count": len(ready)},
            )
    return Accepted([row["id"] for row in question_ids], len(faults))


async def discard_import(import_id: int, *, by: int | None) -> None:
    """Lay a file aside for good; what it brought into the bank stays there. May run again."""
    async with transaction() as connection:
        bank_id = await connection.fetchval(
            "UPDATE question_import SET state = 'discarded' WHERE id = $1 AND state = 'open' "
            "RETURNING bank_id",
            import_id,
        )
        if bank_id is not None:
            await record(
                connection,
                by=by,
                action="discard_import",
                subject=f"bank:{bank_id}",
                detail={"import_id": import_id},
            )


async def _understand(
    content: bytes, file_name: str, mapping: Mapping[str, int] | None = None
) -> Understood:
    try:
        return await asyncio.wait_for(
            asyncio.to_thread(understand, content, file_name, mapping=mapping),
            LONGEST_READING_SECONDS,
        )
    except TimeoutError:
        raise Refusal(
            "slow_file",
            "Đọc tệp này quá lâu nên đã dừng lại. Hãy chia tệp thành nhiều phần nhỏ rồi gửi lại.",
        ) from None


async def _entries(bank_id: int, understood: Understood, defaults: Defaults) -> list[Entry]:
    entries = from_file(understood.items, understood.misses, defaults)
    if not entries:
        raise Refusal("empty_file", "Không tìm thấy câu hỏi nào trong tệp này.")
    entries = await _with_images(entries, understood.items)
    held = await held_questions(pool(), bank_id)
    every_id = {entry.id for entry in entries}
    return await question_alike.with_alike(entries, held, changed=every_id)


async def _record_staged(
    connection: Connection, bank_id: int, import_id: int, question_count: int, by: int | None
) -> None:
    await record(
        connection,
        by=by,
        action="stage_import",
        subject=f"bank:{bank_id}",
        detail={"import_id": import_id, "question_count": question_count},
    )


async def _with_images(entries: Sequence[Entry], items: Iterable[Item]) -> list[Entry]:
    """The entries with their pictures kept; one that cannot be is told, and holds its entry back."""
    in_order = iter(items)
    found = []
    for entry in entries:
        image = None if entry.miss else next(in_order).image
        if image is None:
            found.append(entry)
            continue
        try:
            image_id, digest = await keep_fitting_image(image.content)
        except Refusal as refusal:
            doubts = {**entry.doubts, "image": f"Không nhận được hình: {refusal.sentence}"}
            found.append(replace(entry, doubts=doubts))
        else:
            draft = replace(entry.draft, image_id=image_id)
            found.append(replace(entry, draft=draft, image_digest=digest))
    return found


async def _lock(connection: Connection, import_id: int) -> _Kept:
    row = await connection.fetchrow(
        "SELECT bank_id, state, items FROM question_import WHERE id = $1 FOR UPDATE", import_id
    )
    if row is None:
        raise _unknown()
    kept: dict[str, Any] = json_value(row["items"])
    entries = [entry_from(each) for each in kept["entries"]]
    return _Kept(row["bank_id"], row["state"], kept["revision"], entries)


async def _retype(
    connection: Connection, kept: _Kept, typed: Mapping[int, Retyped], revision: int
) -> list[Entry]:
    """The kept entries as somebody typed them; those that are in the bank already are let be."""
    entries = [
        retyped(entry, typed[entry.id])
        if entry.id in typed and not entry.taken_as and not entry.miss
        else entry
        for entry in kept.entries
    ]
    changed = {new.id for new, old in zip(entries, kept.entries, strict=True) if new != old}
    # A file that is done takes the second of two clicks without a word.
    if kept.state == "discarded" or (kept.state == "done" and changed):
        raise Refusal("closed_import", "Tệp này đã xong, không sửa được nữa.")
    if revision != kept.revision and changed:
        raise Refusal(
            "changed_meanwhile",
            "Trong lúc bạn sửa, tệp này đã được lưu ở nơi khác. Những gì bạn vừa gõ vẫn ở dưới "
            "đây, chưa lưu. Bấm lưu lần nữa nếu muốn giữ bản của bạn.",
        )
    if not changed:
        return entries
    texts = {old.id: old.draft.text for old in kept.entries}
    reworded = {entry.id for entry in entries if texts[entry.id] != entry.draft.text}
    held = await held_questions(connection, kept.bank_id) if reworded else []
    return await question_alike.with_alike(entries, held, changed=reworded)


async def _write(
    connection: Connection, bank_id: int, ready: Sequence[Entry], *, by: int | None
) -> dict[int, str]:
    """Take checked entries into a locked bank; return their codes by the entries' ids."""
    topics = await _match_topics(connection, bank_id, ready)
    for code, name in topics.made.items():
        await write_topic(connection, bank_id, code=code, name=name)
    taken = await connection.fetch("SELECT code FROM question WHERE bank_id = $1", bank_id)
    used = {row["code"] for row in taken} | {entry.draft.code for entry in ready}
    drafts = {
        entry.id: replace(entry.draft, topic=topics.codes[fold(entry.draft.topic)])
        for entry in ready
    }
    nameless = [number for number, draft in drafts.items() if not draft.code]
    made = new_codes([drafts[number].topic for number in nameless], used)
    for number, code in zip(nameless, made, strict=True):
        drafts[number] = replace(drafts[number], code=code)
    kept = await with_kept_links(connection, bank_id, list(drafts.values()))
    await write_questions(connection, bank_id, kept, by=by)
    await connection.executemany(
        "UPDATE question SET tags = $3::jsonb WHERE bank_id = $1 AND code = $2",
        [
            (bank_id, drafts[entry.id].code, json_text(_tags(entry)))
            for entry in ready
            if entry.tags
        ],
    )
    return {number: draft.code for number, draft in drafts.items()}


def _tags(entry: Entry) -> list[str]:
    """The tags of a file that the bank takes: short ones, each once."""
    found = {tag.replace(",", " ").lower() for tag in map(clean, entry.tags)}
    return sorted(tag for tag in map(clean, found) if 0 < len(tag) <= LONGEST_TAG)[:MOST_TAGS]


async def _match_topics(connection: Connection, bank_id: int, entries: Iterable[Entry]) -> _Topics:
    """Find topics by name or code without marks, "A/B" also by its last part; the rest are new."""
    kept = await connection.fetch("SELECT code, name FROM topic WHERE bank_id = $1", bank_id)
    codes = {fold(row["name"]): row["code"] for row in kept}
    codes |= {fold(row["code"]): row["code"] for row in kept}
    made: dict[str, str] = {}
    for entry in entries:
        name = entry.draft.topic
        key = fold(name)
        if key in codes:
            continue
        last = fold(name.rpartition("/")[2])
        if last in codes:
            codes[key] = codes[last]
            continue
        code = key.replace(" ", "-")[:LONGEST_CODE] or "chu-de"
        codes[key] = code
        made.setdefault(code, name)
    return _Topics(codes, made)


async def _keep(connection: Connection, import_id: int, kept: _Kept) -> None:
    await connection.execute(
        "UPDATE question_import SET items = $2::jsonb, state = $3 WHERE id = $1",
        import_id,
        _content(kept.revision + 1, kept.entries),
        kept.state,
    )


def _content(revision: int, entries: Iterable[Entry]) -> str:
    return json_text({"revision": revision, "entries": [asdict(entry) for entry in entries]})


def _unknown() -> Refusal:
    return Refusal("not_found", "Không tìm thấy tệp này.")
