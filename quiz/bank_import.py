"""How does a bank of questions come in from a file, whole or not at all?"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.db import Connection, transaction
from core.documents import column_letter
from core.errors import Refusal
from core.text import fold
from people.audit import record
from quiz.question_sheet import COLUMNS, QuestionRow, parse_item, parse_sheet
from quiz.question_writing import (
    compare_questions,
    find_twins,
    lock_bank,
    with_kept_links,
    write_questions,
    write_topic,
)


@dataclass(frozen=True)
class CellFault:
    """One wrong cell: where it is, what was typed there, and what to do about it."""

    row: int
    column: str  # the letter; "" when the file has no such column
    column_name: str
    typed: str
    sentence: str


@dataclass(frozen=True)
class BankReport:
    """What an import did, or would do; with faults it did nothing."""

    row_count: int
    made_count: int = 0
    changed_count: int = 0
    unchanged_count: int = 0
    new_topics: Sequence[str] = ()
    ignored_columns: Sequence[str] = ()
    faults: Sequence[CellFault] = ()
    is_written: bool = False


async def import_bank(
    bank_id: int, content: bytes, *, by: int | None, is_dry_run: bool = False
) -> BankReport:
    """Read an XLSX file of questions into a bank: all of its rows, or none when one is wrong.

    A code that the bank has gets a new version when its words differ; new topics are made and
    named in the report. Refuses files that are no such table ("bad_file", "too_many_rows",
    "file_bomb", "wrong_columns", "empty_sheet"); wrong cells come in the report instead.
    """
    # Thousands of rows take seconds, and the event loop has citizens to serve.
    rows, places, ignored = await asyncio.to_thread(parse_sheet, content)
    report = await _take_in(bank_id, rows, places, by=by, is_dry_run=is_dry_run)
    return replace(report, ignored_columns=ignored)


async def import_questions(
    bank_id: int, items: Iterable[Mapping[str, Any]], *, by: int | None
) -> BankReport:
    """Read questions in the form of web/demo/questions.json, all or none.

    Refuses "bad_questions" with the first fault and the number of its item; topics are codes.
    """
    parsed = [parse_item(number, item) for number, item in enumerate(items, start=1)]
    report = await _take_in(bank_id, parsed, {}, by=by, is_dry_run=False)
    if report.faults:
        first = report.faults[0]
        code = parsed[first.row - 1].draft.code
        sentence = f"Câu thứ {first.row} (mã {code}): {first.sentence}"
        raise Refusal("bad_questions", sentence, faults=report.faults)
    return report


async def _take_in(
    bank_id: int,
    rows: Sequence[QuestionRow],
    places: Mapping[str, int],
    *,
    by: int | None,
    is_dry_run: bool,
) -> BankReport:
    async with transaction() as connection:
        await lock_bank(connection, bank_id)
        new_topics = await _match_topics(connection, bank_id, rows)
        _blame_repetitions(rows)
        drafts = await with_kept_links(connection, bank_id, [row.draft for row in rows])
        twins = await find_twins(connection, bank_id, drafts)
        for row in rows:
            if row.draft.code in twins:
                twin = twins[row.draft.code]
                row.blame("text", f"Câu này trùng với câu {twin} đã có trong ngân hàng.")
        faults = [fault for row in rows for fault in _cell_faults(row, places)]
        if faults:
            return BankReport(row_count=len(rows), faults=faults)
        if is_dry_run:
            written = await compare_questions(connection, bank_id, drafts)
        else:
            for code, name in new_topics.items():
                await write_topic(connection, bank_id, code=code, name=name)
            written = await write_questions(connection, bank_id, drafts, by=by)
        report = BankReport(
            row_count=len(rows),
            made_count=len(written.made),
            changed_count=len(written.changed),
            unchanged_count=len(written.unchanged),
            new_topics=tuple(new_topics.values()),
            is_written=not is_dry_run,
        )
        if not is_dry_run:
            detail: dict[str, object] = {"made": report.made_count, "changed": report.changed_count}
            await record(
                connection, by=by, action="import_bank", subject=f"bank:{bank_id}", detail=detail
            )
    return report


async def _match_topics(
    connection: Connection, bank_id: int, rows: Sequence[QuestionRow]
) -> dict[str, str]:
    """Give each row its topic's code, found by code or name; return the new ones, code → name."""
    kept = await connection.fetch("SELECT code, name FROM topic WHERE bank_id = $1", bank_id)
    codes = {fold(row["name"]): row["code"] for row in kept}
    codes |= {fold(row["code"]): row["code"] for row in kept}
    made: dict[str, str] = {}
    for row in rows:
        key = fold(row.topic_name)
        if key in codes:
            row.draft = replace(row.draft, topic=codes[key])
        elif row.draft.topic:
            made.setdefault(row.draft.topic, row.topic_name)
    return made


def _blame_repetitions(rows: Sequence[QuestionRow]) -> None:
    codes: dict[str, int] = {}
    texts: dict[str, int] = {}
    for row in rows:
        first = codes.setdefault(row.draft.code, row.number)
        if row.draft.code and first != row.number:
            row.blame("code", f"Mã này đã dùng ở dòng {first}.")
        first = texts.setdefault(fold(row.draft.text), row.number)
        if row.draft.text and first != row.number:
            row.blame("text", f"Câu này trùng với câu ở dòng {first}.")


def _cell_faults(row: QuestionRow, places: Mapping[str, int]) -> list[CellFault]:
    faults = [
        CellFault(
            row=row.number,
            column=column_letter(places[name]) if name in places else "",
            column_name=COLUMNS.get(name, name),
            typed=row.typed.get(name, ""),
            sentence=sentence,
        )
        for name, sentence in row.faults.items()
    ]
    return sorted(faults, key=lambda fault: _sheet_order(fault.column))


def _sheet_order(column: str) -> tuple[int, str]:
    """Letters in the order of a sheet: Z before AA, cells that the file lacks at the end."""
    return (len(column) or len("XFD") + 1, column)
