"""Which formats do question files come and go in, and which one is this file?

A file is known by what is in it; its name decides only where the content leaves a choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core.errors import Refusal
from quiz.exchange.aiken import is_answer_line, read_aiken
from quiz.exchange.decoding import decode
from quiz.exchange.docx_reading import read_docx
from quiz.exchange.docx_writing import write_docx
from quiz.exchange.gift import read_gift, write_gift
from quiz.exchange.item import Item, Understood, Written
from quiz.exchange.moodle_xml import read_moodle_xml, write_moodle_xml
from quiz.exchange.packages import kind_of_archive
from quiz.exchange.qti import read_qti_item, read_qti_package
from quiz.exchange.qti_writing import write_qti
from quiz.exchange.tables import read_table, recognised_count, write_xlsx
from quiz.exchange.xml_trees import looks_like_xml, root_name


@dataclass(frozen=True, slots=True)
class Format:
    """A format by the name that organisers know it by."""

    name: str
    extensions: tuple[str, ...]
    is_read: bool = True
    is_written: bool = True


FORMATS: Mapping[str, Format] = {
    "docx": Format("Văn bản Word", (".docx",)),
    "xlsx": Format("Bảng tính Excel", (".xlsx",)),
    "csv": Format("Bảng CSV", (".csv", ".tsv"), is_written=False),
    "gift": Format("GIFT (Moodle)", (".gift", ".txt")),
    "aiken": Format("Aiken", (".txt",), is_written=False),
    "moodle_xml": Format("Moodle XML", (".xml",)),
    "qti": Format("QTI", (".zip", ".xml")),
}
_ZIP = b"PK\x03\x04"
_OLE = bytes.fromhex("d0cf11e0a1b11ae1")
_GIFT = re.compile(
    r"^[ \t]*::|^[ \t]*\$CATEGORY:|(?<!\\)\{\s*(?:[=~#}]|(?:T|F|TRUE|FALSE)\s*[#}])", re.MULTILINE
)
_AIKEN_OPTION = re.compile(r"^[ \t]*\*?[Aa][ \t]*[.)]", re.MULTILINE)


def understand(
    content: bytes, file_name: str, *, mapping: Mapping[str, int] | None = None
) -> Understood:
    """Read a file of questions; `mapping` gives the fields of a table their columns, from 0.

    Refuses "bad_file", "file_bomb", "too_many_rows", "empty_sheet" and "wrong_columns", each with
    a sentence. 5,000 questions take up to 10 s: call it in a thread.
    """
    if not content.strip():
        raise Refusal("bad_file", "Tệp rỗng. Hãy chọn lại tệp có câu hỏi.")
    match format_of(content, file_name, has_mapping=mapping is not None):
        case "docx":
            return read_docx(content)
        case "gift":
            return read_gift(content)
        case "aiken":
            return read_aiken(content)
        case "moodle_xml":
            return read_moodle_xml(content)
        case "qti":
            is_zip = content.startswith(_ZIP)
            return read_qti_package(content) if is_zip else read_qti_item(content)
        case table:
            return read_table(content, table, mapping=mapping)


def format_of(content: bytes, file_name: str, *, has_mapping: bool = False) -> str:
    """The key of FORMATS that a file is read as; refuses "bad_file" when there is none."""
    extension = file_name.rpartition(".")[2].lower()
    if content.startswith(_ZIP):
        return kind_of_archive(content)
    if content.startswith(_OLE):  # too old, or with a password: its reader says what to do
        return "docx" if extension in ("doc", "docx") else "xlsx"
    if content.startswith(b"%PDF"):
        raise Refusal(
            "bad_file",
            "Tệp PDF không đọc được thành câu hỏi. Hãy gửi tệp Word hoặc Excel mà từ đó có tệp PDF.",
        )
    if looks_like_xml(content):
        return _xml_format(content)
    return "csv" if has_mapping else _text_format(decode(content).text, extension)


def _xml_format(content: bytes) -> str:
    match root_name(content):
        case "quiz":
            return "moodle_xml"
        case "qti-assessment-item" | "assessmentItem":
            return "qti"
        case "qti-assessment-test" | "assessmentTest" | "manifest":
            raise Refusal(
                "bad_file", "Đây là một phần của gói QTI, không có câu hỏi. Hãy gửi cả gói .zip."
            )
        case "questestinterop":
            raise Refusal(
                "bad_file", "Đây là QTI 1.2. Hãy xuất lại theo QTI 2.1 trở lên, hoặc Moodle XML."
            )
    raise Refusal("bad_file", "Đây không phải tệp câu hỏi Moodle XML hay QTI.")


def _text_format(text: str, extension: str) -> str:
    if extension in ("csv", "tsv"):
        return "csv"
    if extension == "gift":
        return "gift"
    has_answer = any(map(is_answer_line, text.split("\n")))
    if has_answer and _AIKEN_OPTION.search(text):
        return "aiken"
    if _GIFT.search(text):
        return "gift"
    if recognised_count(text) > 1:
        return "csv"
    if has_answer or _AIKEN_OPTION.search(text):
        return "aiken"
    raise Refusal(
        "bad_file",
        "Không nhận ra câu hỏi trong tệp này. Các loại tệp nhận được: "
        + ", ".join(each.name for each in FORMATS.values() if each.is_read)
        + ".",
    )


def write(items: Sequence[Item], file_format: str, *, title: str, watermark: str = "") -> Written:
    """Write questions with their keys; `watermark` says whose copy it is."""
    named = " · ".join(filter(None, (title, watermark)))
    writers: Mapping[str, Callable[[], Written]] = {
        "docx": lambda: write_docx(items, title=title, with_key=True, watermark=watermark),
        "gift": lambda: write_gift(items, title=named),
        "moodle_xml": lambda: write_moodle_xml(items, title=named),
        "qti": lambda: write_qti(items, title=named),
        "xlsx": lambda: write_xlsx(items, title=title, watermark=watermark),
    }
    if file_format not in writers:
        raise Refusal("bad_format", "Không xuất được theo định dạng này. Hãy chọn định dạng khác.")
    return writers[file_format]()
