"""What is a table in a question paper: questions in rows, the key, or only a way to set text?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from core.text import clean, fold
from quiz.exchange.docx_lines import entries_of, label_of
from quiz.exchange.docx_text import Cell, Line, Spot, Table

HEADER_ROWS = 3  # a title may stand above the header
MOST_OPTIONS = 8

_ROLES = {
    "number": r"stt|tt|so tt|so thu tu|thu tu|so|cau|cau so|no|so cau|ma cau",
    "text": r"(?:noi dung )?(?:cau hoi|phat bieu|menh de|nhan dinh)(?: trac nghiem)?|noi dung|de bai|question"
    r"|cau hoi va (?:dap an|phuong an)(?: tra loi| lua chon)?|noi dung cau hoi va .*",
    "options": r"(?:cac |noi dung )?(?:phuong an|lua chon|cau tra loi|y tra loi)(?: tra loi| lua chon)?|tra loi|cac dap an"
    r"|dap an lua chon|options?",
    "answer": r"dap an(?: dung| chinh xac| chon)?|(?:phuong an|cau tra loi|lua chon|tra loi) (?:dung|chinh xac|chon)|ket qua|da|answer|key|dap an la",
    "topic": r"chu de|linh vuc|chuyen de|chuyen muc|nhom",
    "difficulty": r"muc do(?: nhan thuc| kho)?|do kho|cap do",
    "explanation": r"giai thich.*|loi giai.*|huong dan.*|dien giai|ly do",
    "source": r"can cu.*|co so phap li|nguon.*|van ban.*|trich dan.*|tai lieu.*|theo van ban",
    "article": r"dieu(?: khoan)?",
    "link_url": r"link|duong dan|lien ket|url",
    "code": r"ma|ma cau hoi|ma so",
    "tags": r"tu khoa|the|nhan",
}  # fmt: skip
_OPTION = re.compile(
    r"(?:phuong an|dap an|lua chon|option|pa|cau tra loi|tra loi|y)? ?(?:([a-h])|([1-8]))"
)
_NUMBER = re.compile(r"(?:c[âa]u(?:\s*hỏi)?\s*)?(\d{1,4})\s*[.):]?", re.IGNORECASE)
_VALUE = re.compile(r"[A-H](?:\s*[,;&+\s]\s*[A-H])*\.?|[A-H]{2,4}|đúng|sai|đ|s", re.IGNORECASE)
_BARE_LETTER = re.compile(r"[(\[]?[A-Ha-h]\s*[.):/\]]?")
_SIGN = re.compile(r"[xX✓✔√☑☒*]|đúng|Đ|đ|\([xX]\)")


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """What a list or table of keys says of a question number."""

    number: int
    value: str
    spot: Spot
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class KeyTable:
    """A table of keys; `trouble` tells why it cannot be used."""

    entries: Sequence[KeyEntry]
    spot: Spot
    written: str
    trouble: str = ""


@dataclass(slots=True)
class QuestionRow:
    """A question in one or more rows of a table, its cells by what their columns are for."""

    lines: dict[str, list[Line]] = field(default_factory=dict)
    options: list[tuple[int | None, list[Line]]] = field(default_factory=list)
    ticked: list[int] = field(default_factory=list)  # options in whose row a sign stands
    says: str = ""  # Đúng or Sai where a column of that name is ticked
    written: list[str] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)


Piece = Line | QuestionRow | KeyTable


def pieces_of(table: Table) -> list[Piece]:
    """What a table gives: rows that are questions, a key, or lines as in running text."""
    if key := _key_table(table):
        return [key]
    for place, header in enumerate(table.rows[:HEADER_ROWS]):
        if roles := _roles(header, table.rows[place + 1 :]):
            return [
                *_flattened(table.rows[:place]),
                *_question_rows(table.rows[place + 1 :], roles),
            ]
    return list(_flattened(table.rows))


def _roles(header: Sequence[Cell], below: Sequence[Sequence[Cell]]) -> dict[int, str] | None:
    """Column → role, or None when the row is no header of questions."""
    roles: dict[int, str] = {}
    for cell in header:
        name = fold(cell.text)
        option = _OPTION.fullmatch(name)
        if option and name:
            letter, digit = option.groups()
            roles[cell.column] = f"option_{ord(letter) - ord('a') if letter else int(digit) - 1}"
        elif name in {"dung", "sai"}:
            roles[cell.column] = name
        else:
            for role, names in _ROLES.items():
                if re.fullmatch(names, name) and role not in roles.values():
                    roles[cell.column] = role
                    break
    found = set(roles.values())
    if "text" not in found and "number" in found and "option_0" in found:
        # "Câu | A | B | C | D": the column named for numbers holds the questions.
        column = next(column for column, role in roles.items() if role == "number")
        texts = [cell.text for row in below for cell in row if cell.column == column]
        if not all(_NUMBER.fullmatch(text) for text in texts if text):
            roles[column] = "text"
            found.add("text")
    if not {"dung", "sai"} <= found:
        roles = {column: "answer" if role == "dung" else role for column, role in roles.items()}
    has_answers = found & {"options", "answer", "option_0", "option_1"} or {"dung", "sai"} <= found
    return roles if "text" in found and has_answers and len(roles) > 1 else None


def _question_rows(rows: Sequence[Sequence[Cell]], roles: dict[int, str]) -> Iterator[Piece]:
    current: QuestionRow | None = None
    for cells in rows:
        by_role = {roles[cell.column]: cell for cell in cells if cell.column in roles}
        text = by_role.get("text")
        spot = next((line.spot for cell in cells for line in cell.lines()), None)
        if spot is None:
            continue
        if len(cells) == 1 or _is_repeated_header(by_role):
            if len(cells) == 1:
                yield from (replace(line, outline=line.outline or 0) for line in cells[0].lines())
            continue
        begins = text is not None and not text.is_continued and text.text
        if begins or current is None:
            if current is not None:
                yield current
            current = QuestionRow()
        _fill(current, by_role, spot, begins=bool(begins))
        current.written.append(" | ".join(cell.text for cell in cells if cell.text))
    if current is not None:
        yield current


def _is_repeated_header(by_role: dict[str, Cell]) -> bool:
    text = by_role.get("text")
    return text is not None and re.fullmatch(_ROLES["text"], fold(text.text)) is not None


def _fill(row: QuestionRow, by_role: dict[str, Cell], spot: Spot, *, begins: bool) -> None:
    row.spots.append(spot)
    first_new = len(row.options)
    for role, cell in by_role.items():
        lines = list(cell.lines())
        if not lines or cell.is_continued:
            continue
        if role.startswith("option_"):
            row.options.append((int(role.removeprefix("option_")), lines))
        elif role == "options":
            row.options += [(None, [line]) for line in lines]
        elif role in {"dung", "sai"}:
            if _SIGN.fullmatch(cell.text):
                row.says = "Đúng" if role == "dung" else ("cả hai" if row.says else "Sai")
        elif role == "answer" and _SIGN.fullmatch(cell.text) and "options" in by_role:
            row.ticked += range(first_new, max(len(row.options), first_new + 1))
        elif begins or role != "number":
            row.lines.setdefault(role, []).extend(lines)


def _key_table(table: Table) -> KeyTable | None:
    """The table as keys: "1.A" in cells, or numbers above or beside letters."""
    grid = [[(cell.column, cell.text, cell) for cell in row if cell.text] for row in table.rows]
    filled = sum(len(row) for row in grid)
    spots = [line.spot for row in table.rows for cell in row for line in cell.lines()]
    if not spots or not filled:
        return None
    for found in (_paired_in_cells(grid), _numbers_above(grid), _numbers_beside(grid)):
        entries, used, trouble = found
        if len(entries) + bool(trouble) >= 1 and used * 10 >= filled * 6:  # most cells say it
            written = "\n".join(" | ".join(text for _, text, _ in row) for row in grid)
            return KeyTable(entries, spots[0], written, trouble)
    return None


_Grid = list[list[tuple[int, str, Cell]]]
_Found = tuple[list[KeyEntry], int, str]


def _spot(cell: Cell) -> Spot:
    return next(line.spot for line in cell.lines())


def _paired_in_cells(grid: _Grid) -> _Found:
    entries = []
    used = 0
    for row in grid:
        for _, text, cell in row:
            found = entries_of(text)
            used += bool(found) or "dap an" in fold(text)
            entries += [KeyEntry(number, value, _spot(cell)) for number, value in found]
    return (entries, used, "") if len(entries) > 1 else ([], 0, "")


def _numbers_above(grid: _Grid) -> _Found:
    entries: list[KeyEntry] = []
    used = 0
    for upper, lower in pairwise(grid):
        numbers = {
            column: int(found[1]) for column, text, _ in upper if (found := _NUMBER.fullmatch(text))
        }
        values = {column: (text, cell) for column, text, cell in lower if _VALUE.fullmatch(text)}
        shared = [column for column in numbers if column in values]
        is_named = any(re.fullmatch(_ROLES["answer"], fold(text)) for _, text, _ in lower)
        if (len(numbers) > 1 or is_named) and len(shared) * 2 > len(numbers):
            entries += [
                KeyEntry(numbers[column], values[column][0], _spot(values[column][1]))
                for column in shared
            ]
            used += len(upper) + len(lower)
    return entries, used, ""


def _numbers_beside(grid: _Grid) -> _Found:
    entries: list[KeyEntry] = []
    used = 0
    is_several = False
    header = {column: fold(text) for column, text, _ in grid[0]}
    for row in grid:
        place = 0
        while place + 1 < len(row):
            number, value = _NUMBER.fullmatch(row[place][1]), row[place + 1][1]
            if number is None or not _VALUE.fullmatch(value):
                place += 1
                continue
            following = row[place + 2] if place + 2 < len(row) else None
            explanation = ""
            taken = 2
            if following and _VALUE.fullmatch(following[1]):
                is_several = True
                taken = len(row) - place
            elif following and re.fullmatch(
                f"{_ROLES['explanation']}|{_ROLES['source']}|ghi chu", header.get(following[0], "")
            ):
                explanation = following[1]
                taken = 3
            entries.append(KeyEntry(int(number[1]), value, _spot(row[place + 1][2]), explanation))
            used += taken
            place += taken
    used += (
        len(grid[0]) if entries and not _NUMBER.fullmatch(grid[0][0][1] if grid[0] else "1") else 0
    )
    if len(entries) < 2 and not any("dap an" in name for name in header.values()):  # noqa: PLR2004 — one pair may be anything
        return [], 0, ""
    if is_several:
        trouble = (
            "Bảng đáp án có nhiều cột đáp án (nhiều mã đề) nên không biết dùng cột nào. Hãy chỉ để "
            "lại cột của đề này rồi gửi lại."
        )
        return [], used, trouble
    return entries, used, ""


def _flattened(rows: Sequence[Sequence[Cell]]) -> Iterator[Line]:
    """The lines of a table that only sets text: options beside each other, numbers in a column."""
    lines = [
        line
        for row in rows
        for line in _row_lines([cell for cell in row if any(True for _ in cell.lines())])
    ]
    labels = [label_of(line) for line in lines]
    places = [label.place if label else -1 for label in labels]
    if sorted(places) == list(range(len(places))):
        # Options set column by column are read in the order of their letters.
        lines = [
            line for _, line in sorted(zip(places, lines, strict=True), key=lambda pair: pair[0])
        ]
    yield from lines


def _row_lines(row: Sequence[Cell]) -> Iterator[Line]:
    place = 0
    while place < len(row):
        cell = row[place]
        following = row[place + 1] if place + 1 < len(row) else None
        lines = list(cell.lines())
        number = _NUMBER.fullmatch(cell.text)
        if (
            following is not None
            and number
            and (len(row) > place + 2 or len(list(following.lines())) > 1)
        ):
            yield from _led(f"Câu {number[1]}. ", lines[0], list(following.lines()))
            place += 2
        elif following is not None and _BARE_LETTER.fullmatch(cell.text):
            inner = list(following.lines())
            letter = clean(cell.text)
            lead = letter + ("" if letter[-1] in ".):/]" else ".") + " "
            if place + 2 < len(row) and _SIGN.fullmatch(row[place + 2].text):
                lead = "*" + lead
                place += 1
            yield from _led(lead, lines[0], inner)
            place += 2
        else:
            yield from lines
            place += 1


def _led(lead: str, leading: Line, lines: Sequence[Line]) -> Iterator[Line]:
    """Lines with what stood in the cell before put before them, looking as it looked there."""
    look = leading.looks[0]
    first = lines[0]
    yield replace(
        first,
        text=lead + first.text,
        looks=[look] * len(lead) + list(first.looks),
        numbering=None,
        pictures=leading.pictures + first.pictures,
        losses=leading.losses + first.losses,
    )
    yield from lines[1:]
