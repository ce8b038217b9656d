"""What does a row of the organisers' spreadsheet, or an item of a file, say about a question?"""

from __future__ import annotations

import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from core.documents import SheetRow, column_letter, read_sheet, write_sheet
from core.errors import Refusal
from core.text import clean, fold
from quiz.pools import PoolOption
from quiz.question_drafts import (
    LONGEST_CODE,
    LONGEST_NAME,
    MOST_OPTIONS,
    QuestionDraft,
    cleaned,
    faults_of,
    option_field,
)
from quiz.questions import DIFFICULTIES, KINDS

ROW_LIMIT = 5_000
OPTION_COLUMNS = 6
# Field → the column's name in the template; a file may have them in any order.
COLUMNS: dict[str, str] = {
    "code": "Mã",
    "topic": "Chủ đề",
    "difficulty": "Mức độ",
    "kind": "Loại",
    "text": "Câu hỏi",
    **{
        option_field(index): f"Phương án {string.ascii_uppercase[index]}"
        for index in range(OPTION_COLUMNS)
    },
    "answer": "Đáp án",
    "explanation": "Giải thích",
    "source": "Văn bản",
    "article": "Điều",
    "link_url": "Liên kết",
    "valid_from": "Hiệu lực từ",
    "valid_to": "Hiệu lực đến",
}
REQUIRED = ("code", "topic", "difficulty", "kind", "text", "option_a", "option_b", "answer")

_FIELDS = {fold(name): name_field for name_field, name in COLUMNS.items()}
_DIFFICULTIES = {fold(name): code for code, name in DIFFICULTIES.items()} | {
    "tb": "medium",
    "vua": "medium",
}
_KINDS = {fold(name): code for code, name in KINDS.items()} | {
    "1 dap an": "single",
    "mot lua chon": "single",
    "nhieu lua chon": "multiple",
}
TRUE_FALSE = ("Đúng", "Sai")
_TRUE_FALSE_ANSWERS = {"dung": "A", "sai": "B", "true": "A", "false": "B"}
_DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?: 00:00)?|(\d{4})-(\d\d)-(\d\d)")
# "Cả A và B", "Chỉ A đúng": shuffled, such options would point at the wrong ones.
_NAMES_LETTERS = re.compile(
    r"\b[a-f](?: va| hoac)? [a-f]\b|\b(?:chi|chi co|dap an|phuong an|y) [a-f]\b"
)
_NAMES_ALL = re.compile(
    r"\b(?:tat ca|ca (?:hai|ba|bon|nam|[2-5]))\b.*\b(?:tren|dung|sai)\b"
    r"|\bkhong co\b.*\bnao\b.*\bdung\b"
)


@dataclass
class QuestionRow:
    """A row on its way in: what it says, and what is wrong with it by field."""

    number: int
    typed: Mapping[str, str]
    draft: QuestionDraft
    topic_name: str
    faults: dict[str, str] = field(default_factory=dict)

    def blame(self, name: str, sentence: str) -> None:
        self.faults.setdefault(name, sentence)


def template() -> bytes:
    """The spreadsheet that organisers fill in: the columns, two examples, and notes."""
    examples = (
        ("CDS-001", "Chuyển đổi số", "dễ", "một đáp án",
         "Ngày Chuyển đổi số quốc gia là ngày nào?", "10/10", "22/12", "26/3", "2/9", "", "", "A",
         "Quyết định số 505/QĐ-TTg lấy ngày 10/10 hằng năm.",
         "Quyết định số 505/QĐ-TTg ngày 22/04/2022", "", "", "22/04/2022", ""),
        ("CDS-002", "Chuyển đổi số", "trung bình", "nhiều đáp án",
         "Những nội dung nào là trụ cột của Chương trình Chuyển đổi số quốc gia?", "Chính phủ số",
         "Kinh tế số", "Xã hội số", "Lịch sử số", "", "", "A, B, C", "",
         "Quyết định số 749/QĐ-TTg ngày 03/06/2020", "", "", "03/06/2020", ""),
    )  # fmt: skip
    return write_sheet(
        "Ngân hàng câu hỏi",
        list(COLUMNS.values()),
        examples,
        notes=(
            "Mỗi dòng là một câu hỏi. Xóa hai dòng mẫu trước khi nhập; giữ nguyên dòng tiêu đề.",
            "Mã: mỗi câu một mã riêng. Nhập lại cùng mã với nội dung khác sẽ tạo phiên bản mới, "
            "phải duyệt lại.",
            "Mức độ: dễ, trung bình hoặc khó.",
            "Loại: một đáp án, nhiều đáp án hoặc đúng sai.",
            "Phương án: từ hai đến sáu, không bỏ trống giữa chừng. Câu đúng sai có thể để trống.",
            "Đáp án: chữ của phương án đúng, như B hoặc A, C. Câu đúng sai ghi Đúng hoặc Sai.",
            "Phương án được xáo trộn khi thi; phương án kiểu “Cả A và B” hay “Tất cả đều đúng” thì "
            "không.",
            "Liên kết: địa chỉ https:// của thủ tục thật; để trống thì giữ liên kết đang có.",
            "Hiệu lực từ, Hiệu lực đến: ngày/tháng/năm. Câu hết hiệu lực không được ra đề nữa.",
            "Không gộp ô, không dùng công thức. Mỗi tệp nhận tối đa 5.000 câu.",
        ),
    )


def pinned(texts: Sequence[str]) -> tuple[bool, ...]:
    """Which options keep their places: "tất cả đều đúng"; every one when one names letters."""
    folded = [fold(text) for text in texts]
    if any(_NAMES_LETTERS.search(text) for text in folded):
        return (True,) * len(texts)
    return tuple(bool(_NAMES_ALL.search(text)) for text in folded)


def parse_sheet(content: bytes) -> tuple[list[QuestionRow], dict[str, int], tuple[str, ...]]:
    """Read the rows of a sheet, each field's column, and the names of columns that nobody reads."""
    rows = read_sheet(content, row_limit=ROW_LIMIT)
    if len(rows) < 2:  # noqa: PLR2004 — a header and something below it
        raise Refusal("empty_sheet", "Bảng tính chưa có câu hỏi nào dưới dòng tiêu đề.")
    places, ignored = _find_columns(rows[0])
    return [_parse_row(row, places) for row in rows[1:]], places, ignored


def _find_columns(header: SheetRow) -> tuple[dict[str, int], tuple[str, ...]]:
    """Field → index of its column, and the names of columns that nobody reads."""
    places: dict[str, int] = {}
    ignored = []
    for index, name in enumerate(header.cells):
        found = _FIELDS.get(fold(name))
        if found is None:
            if name:
                ignored.append(name)
        elif found in places:
            raise Refusal(
                "wrong_columns",
                f"Cột “{name}” có hai lần ({column_letter(places[found])} và "
                f"{column_letter(index)}). Hãy bỏ một cột.",
            )
        else:
            places[found] = index
    missing = [f"“{COLUMNS[name]}”" for name in REQUIRED if name not in places]
    if missing:
        raise Refusal(
            "wrong_columns",
            f"Dòng tiêu đề (dòng {header.number}) thiếu cột {', '.join(missing)}. Hãy tải tệp mẫu "
            "và giữ nguyên dòng tiêu đề.",
        )
    return places, tuple(ignored)


def _parse_row(row: SheetRow, places: Mapping[str, int]) -> QuestionRow:
    return parse_fields(row.number, {name: row.cells[index] for name, index in places.items()})


def parse_fields(number: int, typed: Mapping[str, str]) -> QuestionRow:
    """Read one row by its fields: those of REQUIRED, "" where nothing is said, and any others."""
    faults: dict[str, str] = {}
    kind = kind_from(typed["kind"])
    texts = option_texts(typed)
    if kind == "true_false" and not texts:
        texts = list(TRUE_FALSE)
    letters = _answer_letters(typed["answer"], kind, texts)
    if letters is None:
        faults["answer"] = "Đáp án phải là chữ của các phương án đã điền, như B hoặc A, C."
    options = tuple(
        PoolOption(text, letter in (letters or ()), is_pinned)
        for letter, text, is_pinned in zip(
            string.ascii_uppercase, texts, pinned(texts), strict=False
        )
    )
    draft = QuestionDraft(
        code=typed["code"],
        topic="",
        difficulty=difficulty_from(typed["difficulty"]),
        kind=kind,
        text=typed["text"],
        options=options,
        explanation=typed.get("explanation", ""),
        source=typed.get("source", ""),
        article=typed.get("article", ""),
        link_url=clean(typed.get("link_url", "")),
        valid_from=_day(typed, "valid_from", faults),
        valid_to=_day(typed, "valid_to", faults),
    )
    return _checked(QuestionRow(number, typed, draft, clean(typed["topic"]), faults))


def option_texts(typed: Mapping[str, str]) -> list[str]:
    texts = [typed.get(option_field(index), "") for index in range(MOST_OPTIONS)]
    while texts and not texts[-1]:
        texts.pop()
    return texts


def says_true_or_false(answer: str) -> bool:
    return fold(answer) in _TRUE_FALSE_ANSWERS


def _checked(row: QuestionRow) -> QuestionRow:
    """The row with its draft cleaned and all that is wrong with it alone."""
    row.draft = replace(cleaned(row.draft), topic=_topic_code(row.topic_name))
    if len(row.topic_name) > LONGEST_NAME:
        row.blame("topic", f"Tên chủ đề dài quá {LONGEST_NAME} ký tự.")
    for name, sentence in faults_of(row.draft).items():
        row.blame(name, sentence)
    return row


def _topic_code(name: str) -> str:
    return fold(name).replace(" ", "-")[:LONGEST_CODE]


def _answer_letters(typed: str, kind: str, texts: Sequence[str]) -> tuple[str, ...] | None:
    """The letters of right options; None when the cell says something else."""
    if kind == "true_false" and fold(typed) in _TRUE_FALSE_ANSWERS:
        return _true_false_letters(_TRUE_FALSE_ANSWERS[fold(typed)], texts)
    words = re.sub(r"\b(?:va|dap an|phuong an)\b", " ", fold(typed)).upper()
    letters = tuple(words.replace(" ", ""))
    allowed = string.ascii_uppercase[: len(texts)]
    if not letters or len(set(letters)) != len(letters) or not set(letters) <= set(allowed):
        return None
    return letters


def _true_false_letters(letter: str, texts: Sequence[str]) -> tuple[str, ...]:
    """Which option says what "Đúng" (A) or "Sai" (B) says, wherever the author put it."""
    wanted = fold(TRUE_FALSE[string.ascii_uppercase.index(letter)])
    said = [place for place, text in enumerate(texts) if fold(text) == wanted]
    return (string.ascii_uppercase[said[0]],) if said else (letter,)


def _day(typed: Mapping[str, str], name: str, faults: dict[str, str]) -> date | None:
    text = typed.get(name, "")
    day = day_from(text)
    if text and day is None:
        faults[name] = "Không phải ngày. Hãy ghi như 05/10/2026."
    return day


def day_from(text: str) -> date | None:
    """05/10/2026 or 2026-10-05 as a day; None when the text says none."""
    match = _DAY.fullmatch(text)
    if match is None:
        return None
    day, month, year = match.group(1, 2, 3) if match[1] else match.group(6, 5, 4)
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def difficulty_from(text: str) -> str:
    """The code of a difficulty however it is spelt; "" when it is none."""
    return _DIFFICULTIES.get(fold(text), "")


def kind_from(text: str) -> str:
    return _KINDS.get(fold(text), "")


def parse_item(number: int, item: Mapping[str, Any]) -> QuestionRow:
    """Read one question in the form of web/demo/questions.json."""
    source = item.get("source") or {}
    options = item.get("options") or ()
    texts = [str(option.get("text", "")) for option in options]
    faults: dict[str, str] = {}
    typed = {name: str(item.get(name) or "") for name in ("code", "valid_from", "valid_to")}
    draft = QuestionDraft(
        code=typed["code"],
        topic="",
        difficulty=str(item.get("difficulty", "")),
        kind=str(item.get("kind", "")),
        text=str(item.get("text", "")),
        options=tuple(
            PoolOption(text, bool(option.get("correct")), is_pinned)
            for text, option, is_pinned in zip(texts, options, pinned(texts), strict=True)
        ),
        explanation=str(item.get("explanation") or ""),
        source=str(source.get("document") or ""),
        article=str(source.get("article") or ""),
        valid_from=_day(typed, "valid_from", faults),
        valid_to=_day(typed, "valid_to", faults),
    )
    return _checked(QuestionRow(number, typed, draft, clean(str(item.get("topic", ""))), faults))
