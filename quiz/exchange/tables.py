"""What do the tables that organisers keep their questions in say, whatever their columns are called?

XLSX and CSV (comma, semicolon or tab). Columns are found by their names, without marks and case,
or told by the caller. Only a question, two options and an answer are needed; the rest may be given
when the questions are taken into the bank. A row is read by `quiz.question_sheet`.
"""

from __future__ import annotations

import csv
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import StringIO

from core.documents import SheetRow, cell_text, column_letter, read_sheet, write_sheet
from core.errors import Refusal
from core.text import clean, date_shown, fold
from quiz.exchange.bank_tags import guess_pins
from quiz.exchange.decoding import decode
from quiz.exchange.item import Item, ItemFault, ItemOption, Understood, Written
from quiz.question_drafts import MOST_OPTIONS, option_field
from quiz.question_sheet import (
    COLUMNS,
    REQUIRED,
    ROW_LIMIT,
    TRUE_FALSE,
    option_texts,
    parse_fields,
    says_true_or_false,
)
from quiz.questions import DIFFICULTIES, KINDS

COLUMN_LIMIT = 60
LONGEST_HEADER = 100
NEEDED = ("text", "option_a", "option_b", "answer")
# Field → what its column is called here; the template's names and those that it lacks.
TABLE_COLUMNS: dict[str, str] = {
    **{name: shown for name, shown in COLUMNS.items() if name in ("code", "topic", "difficulty",
                                                                   "kind", "text")},
    **{option_field(i): f"Phương án {string.ascii_uppercase[i]}" for i in range(MOST_OPTIONS)},
    "answer": COLUMNS["answer"],
    "pinned": "Giữ chỗ",
    **{name: COLUMNS[name] for name in ("explanation", "source", "article")},
    "link_url": "Liên kết",
    "valid_from": COLUMNS["valid_from"],
    "valid_to": COLUMNS["valid_to"],
    "tags": "Nhãn",
}  # fmt: skip
_OTHER_NAMES = {
    "code": ("mã câu hỏi", "mã câu", "id", "code"),
    "topic": ("lĩnh vực", "chuyên đề", "nhóm", "phần", "topic", "category"),
    "difficulty": ("độ khó", "mức", "cấp độ", "difficulty", "level"),
    "kind": ("loại câu hỏi", "dạng", "dạng câu hỏi", "type", "kind"),
    "text": ("nội dung", "nội dung câu hỏi", "câu hỏi trắc nghiệm", "question", "đề bài"),
    "answer": (
        "đáp án đúng", "phương án đúng", "trả lời", "câu trả lời đúng", "kết quả", "answer",
        "correct", "correct answer", "key", "đáp án chính xác",
    ),
    "explanation": ("lời giải", "giải thích đáp án", "hướng dẫn", "explanation", "feedback"),
    "source": (
        "căn cứ", "nguồn", "căn cứ pháp lý", "văn bản căn cứ", "tài liệu", "trích dẫn", "source",
    ),
    "article": ("điều khoản", "điều, khoản", "article"),
    "link_url": ("đường dẫn", "link", "url"),
    "tags": ("từ khóa", "thẻ", "tags"),
    "valid_from": ("ngày hiệu lực", "có hiệu lực từ"),
    "valid_to": ("ngày hết hiệu lực", "hết hiệu lực"),
}  # fmt: skip
_OPTION_NAMES = ("phuong an", "dap an", "lua chon", "pa", "da", "option", "choice", "tra loi")
_NAMES = {fold(shown): name for name, shown in TABLE_COLUMNS.items()} | {
    fold(other): name for name, others in _OTHER_NAMES.items() for other in others
}
_OPTION_NAME = re.compile(
    rf"(?:(?:{'|'.join(_OPTION_NAMES)}) )?([a-h])|(?:{'|'.join(_OPTION_NAMES)}) ?([1-8])"
)
_LETTERS = re.compile(r"[A-Ha-h](?:\s*[,;]\s*[A-Ha-h])*")
_SEARCHED_ROWS = 10  # a title and the name of an agency may stand over the header
_DELIMITERS = ",;\t"
_SEPARATOR_LINE = re.compile(r"sep=(.)\n", re.IGNORECASE)
# Left empty in a file, these are asked for when its questions are taken in.
_MAY_BE_SILENT = ("code", "topic", "difficulty", "kind")

IMAGES_LOST = "Bảng tính không chứa được hình ảnh: {count} câu mất hình."
FEEDBACK_UNWRITTEN = "Lời nhận xét riêng cho từng phương án không ghi vào bảng tính."


@dataclass(frozen=True, slots=True)
class TableHeader:
    """The names of a table's columns, which fields they are taken for, and what is not found."""

    names: tuple[str, ...]
    mapping: Mapping[str, int]
    missing: tuple[str, ...]


def read_header(content: bytes, file_format: str) -> TableHeader:
    """Look at a table's columns before it is read, so that a person may say which is which."""
    rows, _ = _rows(content, file_format)
    names = rows[_header_place(rows)].cells
    mapping = _recognised(names)
    return TableHeader(names, mapping, tuple(each for each in NEEDED if each not in mapping))


def read_table(
    content: bytes, file_format: str, *, mapping: Mapping[str, int] | None = None
) -> Understood:
    """Read every row under the header; `mapping` gives fields their columns, from 0.

    Refuses what `read_sheet` and `decode` refuse, "empty_sheet", "too_many_rows", and
    "wrong_columns" when a needed field has no column; its `names` and `missing` help to ask.
    """
    rows, losses = _rows(content, file_format)
    header_place = _header_place(rows)
    header = rows[header_place]
    places = _recognised(header.cells) if mapping is None else dict(mapping)
    missing = [TABLE_COLUMNS[name] for name in _needed(places) if name not in places]
    is_outside = any(not 0 <= place < len(header.cells) for place in places.values())
    if missing or is_outside or not places.keys() <= TABLE_COLUMNS.keys():
        raise Refusal(
            "wrong_columns",
            f"Chưa biết cột nào là {', '.join(f'“{name}”' for name in missing)}. Hãy chọn cột cho "
            "từng mục." if missing else "Cột đã chọn không có trong bảng. Hãy chọn lại.",
            names=header.cells,
            missing=missing,
        )  # fmt: skip
    if len(rows) == header_place + 1:
        raise Refusal("empty_sheet", "Bảng chưa có câu hỏi nào dưới dòng tiêu đề.")
    ignored = [
        name for place, name in enumerate(header.cells) if name and place not in places.values()
    ]
    if ignored:
        losses = (*losses, f"Các cột không dùng đến: {', '.join(ignored)}.")
    if header_place:
        losses = (*losses, f"Bỏ qua phần phía trên dòng tiêu đề (dòng {header.number}).")
    items = [
        _item(number, row, places, header.cells)
        for number, row in enumerate(rows[header_place + 1 :], start=1)
    ]
    return Understood(file_format, items, (), losses)


def recognised_count(text: str) -> int:
    """How many fields the first rows of a text name, taken as CSV."""
    rows = _csv_rows("\n".join(text.split("\n", _SEARCHED_ROWS)[:_SEARCHED_ROWS]))
    return max((len(_recognised(row.cells)) for row in rows), default=0)


def _rows(content: bytes, file_format: str) -> tuple[list[SheetRow], tuple[str, ...]]:
    losses: tuple[str, ...] = ()
    if file_format == "xlsx":
        rows = read_sheet(content, row_limit=ROW_LIMIT, column_limit=COLUMN_LIMIT)
    else:
        decoded = decode(content)
        rows, losses = _csv_rows(decoded.text), decoded.losses
    if not rows:
        raise Refusal("empty_sheet", "Bảng chưa có câu hỏi nào dưới dòng tiêu đề.")
    return rows, losses


def _csv_rows(text: str) -> list[SheetRow]:
    text = text.lstrip("\ufeff")
    declared = _SEPARATOR_LINE.match(text)
    delimiter = declared[1] if declared else _delimiter(text)
    reader = csv.reader(StringIO(text), delimiter=delimiter)
    rows: list[SheetRow] = []
    first_line = 1
    try:
        for cells in reader:
            number, first_line = first_line, reader.line_num + 1
            if not any(cell.strip() for cell in cells) or (declared and number == 1):
                continue
            if len(rows) > ROW_LIMIT:
                raise Refusal(
                    "too_many_rows",
                    "Mỗi tệp chỉ nhận 5.000 dòng dưới dòng tiêu đề. Hãy chia thành nhiều tệp.",
                )
            if len(cells) > COLUMN_LIMIT:
                raise Refusal("bad_file", f"Dòng {reader.line_num} có hơn {COLUMN_LIMIT} cột.")
            rows.append(SheetRow(number, tuple(cell_text(cell) for cell in cells)))
    except csv.Error as fault:
        raise Refusal(
            "bad_file",
            f"Tệp CSV bị hỏng ở dòng {reader.line_num}; có thể thiếu một dấu ngoặc kép. Hãy lưu "
            "lại tệp dạng .xlsx rồi gửi lại.",
        ) from fault
    width = max((len(row.cells) for row in rows), default=0)
    return [replace(row, cells=(*row.cells, *[""] * (width - len(row.cells)))) for row in rows]


def _delimiter(text: str) -> str:
    """The one that shows the most known columns; among equals the one that is there most."""
    beginning = text.split("\n", _SEARCHED_ROWS)[:_SEARCHED_ROWS]

    def known_count(delimiter: str) -> tuple[int, int]:
        named = max((len(_recognised(line.split(delimiter))) for line in beginning), default=0)
        return named, beginning[0].count(delimiter)

    return max(_DELIMITERS, key=known_count)


def _header_place(rows: Sequence[SheetRow]) -> int:
    counts = [len(_recognised(row.cells)) for row in rows[:_SEARCHED_ROWS]]
    # One name alone may be an answer: "A" under a header that nobody knows.
    return counts.index(max(counts)) if max(counts) > 1 else 0


def _recognised(names: Sequence[str]) -> dict[str, int]:
    """Field → column by the names; the first of two that mean the same."""
    places: dict[str, int] = {}
    for place, name in enumerate(names[:COLUMN_LIMIT]):
        found = _field(fold(name[:LONGEST_HEADER]))
        if found and found not in places:
            places[found] = place
    return places


def _field(name: str) -> str | None:
    if name in _NAMES:
        return _NAMES[name]
    option = _OPTION_NAME.fullmatch(name)
    if option is None:
        return None
    return option_field("abcdefgh".index(option[1]) if option[1] else int(option[2]) - 1)


def _needed(places: Mapping[str, int]) -> tuple[str, ...]:
    """True-false questions alone need no options, when the kind has a column."""
    has_options = option_field(0) in places
    return NEEDED if has_options or "kind" not in places else ("text", "answer")


def _item(number: int, row: SheetRow, places: Mapping[str, int], names: Sequence[str]) -> Item:
    typed = dict.fromkeys(REQUIRED, "") | {name: row.cells[at] for name, at in places.items()}
    typed["answer"] = _as_letters(typed["answer"], option_texts(typed))
    if not typed["kind"]:
        typed["kind"] = KINDS[_guessed_kind(typed)]
    question = parse_fields(row.number, typed)
    draft = question.draft
    faults = tuple(
        ItemFault(name, _in_place(sentence, name, row, places))
        for name, sentence in question.faults.items()
        if name not in _MAY_BE_SILENT or (name in places and row.cells[places[name]])
    )
    written = "\n".join(
        f"{names[at] or column_letter(at)}: {cell}" for at, cell in enumerate(row.cells) if cell
    )
    item = Item(
        number,
        draft.text,
        tuple(ItemOption(each.text, each.is_correct, each.is_pinned) for each in draft.options),
        place=f"dòng {row.number}",
        written=written,
        code=draft.code,
        topic=question.topic_name,
        difficulty=draft.difficulty,
        kind=draft.kind,
        explanation=draft.explanation,
        source=draft.source,
        article=draft.article,
        link_url=clean(typed.get("link_url", "")),
        tags=tuple(filter(None, map(clean, re.split(r"[;\n]", typed.get("tags", ""))))),
        valid_from=draft.valid_from,
        valid_to=draft.valid_to,
        faults=faults,
    )
    return _pinned_as_told(item, typed.get("pinned", ""))


def _in_place(sentence: str, name: str, row: SheetRow, places: Mapping[str, int]) -> str:
    return (
        f"Ô {column_letter(places[name])}{row.number}: {sentence}" if name in places else sentence
    )


def _as_letters(answer: str, texts: Sequence[str]) -> str:
    """An answer told by number or by an option's own words, as letters; others stay as they are."""
    if _LETTERS.fullmatch(answer):
        return answer
    said = [place for place, text in enumerate(texts) if text and fold(text) == fold(answer)]
    if len(said) == 1:
        return string.ascii_uppercase[said[0]]
    numbers = re.split(r"[\s,;]+", answer)
    if all(re.fullmatch(r"[1-8]", each) for each in numbers):
        return ", ".join(string.ascii_uppercase[int(each) - 1] for each in numbers)
    return answer


def _guessed_kind(typed: Mapping[str, str]) -> str:
    texts = option_texts(typed)
    if says_true_or_false(typed["answer"]) and not texts:
        return "true_false"
    if tuple(map(fold, texts)) == tuple(map(fold, TRUE_FALSE)):
        return "true_false"
    letters = re.findall(r"\b[A-H]\b", re.sub(r"[A-H]{2,}", " A B ", typed["answer"].upper()))
    return "multiple" if len(letters) > 1 else "single"


def _pinned_as_told(item: Item, told: str) -> Item:
    if not told:
        return item
    letters = set(re.findall(r"\b[A-H]\b", told.upper()))
    options = tuple(
        replace(option, is_pinned=letter in letters)
        for letter, option in zip(string.ascii_uppercase, item.options, strict=False)
    )
    return replace(item, options=options)


def write_xlsx(items: Sequence[Item], *, title: str, watermark: str = "") -> Written:
    """Write one row a question under the template's names; a semicolon in a tag becomes a comma."""
    rows = [[_cells(item).get(name) for name in TABLE_COLUMNS] for item in items]
    image_count = sum(item.image is not None for item in items)
    losses = [IMAGES_LOST.format(count=image_count)] if image_count else []
    if any(option.feedback for item in items for option in item.options):
        losses.append(FEEDBACK_UNWRITTEN)
    return Written(
        write_sheet(
            title, list(TABLE_COLUMNS.values()), rows, notes=(watermark,) if watermark else ()
        ),
        "cau-hoi.xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        losses,
    )


def _cells(item: Item) -> dict[str, object]:
    letters = string.ascii_uppercase
    rights = [x for x, option in zip(letters, item.options, strict=False) if option.is_correct]
    pins = tuple(option.is_pinned for option in item.options)
    stay = ", ".join(x for x, pin in zip(letters, pins, strict=False) if pin) or "không"
    return {
        "code": item.code,
        "topic": item.topic,
        "difficulty": DIFFICULTIES.get(item.difficulty, ""),
        "kind": KINDS.get(item.kind, ""),
        "text": item.text,
        **{option_field(place): option.text for place, option in enumerate(item.options)},
        "answer": ", ".join(rights),
        "pinned": "" if pins == guess_pins(item.options) else stay,
        "explanation": item.explanation,
        "source": item.source,
        "article": item.article,
        "link_url": item.link_url,
        "valid_from": date_shown(item.valid_from) if item.valid_from else "",
        "valid_to": date_shown(item.valid_to) if item.valid_to else "",
        "tags": "; ".join(tag.replace(";", ",") for tag in item.tags),
    }
