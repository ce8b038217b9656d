"""What of a Word document from outside may be parsed?"""

from __future__ import annotations

import re
from xml.parsers import expat

from lxml import etree

from core.errors import Refusal
from core.office_archive import (
    OfficeArchive,
    OfficeKind,
    refuse,
    refuse_bomb,
    refuse_other_formats,
)

# Word itself nests some 30 levels with tables and text boxes; lxml would follow to 256.
DEPTH_LIMIT = 120
# What stands between the ends of two paragraphs. Long ones have some 20 kB.
PIECE_LIMIT_BYTES = 2_000_000
PIECE_ELEMENT_LIMIT = 40_000
# 5,000 questions have 30,000 paragraphs and 2 million characters.
PARAGRAPH_LIMIT = 60_000
TEXT_LIMIT = 4_000_000

WORD_DOCUMENT = OfficeKind(
    program="Word",
    extension=".docx",
    old="tệp Word kiểu cũ (.doc)",
    save_as="Hãy mở bằng Word, chọn Lưu thành (Save As) loại “Word Document (*.docx)” rồi gửi lại.",
    contents="đoạn và định dạng",
    excerpt="các câu hỏi",
    other_package="một văn bản Word",
    # 2,000 questions typed by hand, each run with its own font and size, have some 15 MB.
    parts_limit_bytes=24_000_000,
    element_limit=500_000,
)

_PARAGRAPH = "main}p"
_PIECE_ENDS = (_PARAGRAPH, "main}style", "main}abstractNum")
_STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main",
     b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships",
     b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (b"http://purl.oclc.org/ooxml/officeDocument/math",
     b"http://schemas.openxmlformats.org/officeDocument/2006/math"),
    (b"http://purl.oclc.org/ooxml/drawingml/main",
     b"http://schemas.openxmlformats.org/drawingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing",
     b"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"),
)  # fmt: skip


class WordArchive(OfficeArchive):
    """The parts of a DOCX that were unpacked under limits and hold no trap for a parser."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content, WORD_DOCUMENT)

    def inspect(self, name: str, xml: bytes) -> int:
        del name
        return _Inspection(xml, self).element_count

    def tree(self, name: str) -> etree._Element | None:
        """A part as a tree, in the namespaces of the usual (transitional) dialect."""
        if name not in self.NameToInfo:
            return None
        xml = self.read(name)
        for strict, usual in _STRICT:
            xml = xml.replace(strict, usual)
        parser = etree.XMLParser(
            resolve_entities=False, load_dtd=False, no_network=True, remove_comments=True,
            remove_pis=True,
        )  # fmt: skip
        return etree.fromstring(xml, parser)


def open_word(content: bytes) -> WordArchive:
    """Open a DOCX as far as its table of contents.

    Refuses "bad_file" (another format, a password, macros, rotten) and "file_bomb".
    """
    refuse_other_formats(content, WORD_DOCUMENT)
    try:
        archive = WordArchive(content)
        archive.check_directory()
        types = archive.read("[Content_Types].xml").decode("utf-8", "replace")
    except Refusal:
        raise
    except Exception as fault:
        raise rotten() from fault
    if "macroEnabled" in types or "vbaProject" in types:
        refuse("Tệp có macro hoặc ở dạng .docm, .dotm. " + WORD_DOCUMENT.save_as)
    if not re.search(r"wordprocessingml\.(?:document|template)\.main", types):
        refuse("Tệp này không phải văn bản Word. " + WORD_DOCUMENT.save_as)
    return archive


def rotten() -> Refusal:
    return Refusal("bad_file", "Tệp bị hỏng, không đọc được. " + WORD_DOCUMENT.save_as)


class _Inspection:
    """Counts what a part holds, as told by expat; refuses too much."""

    def __init__(self, xml: bytes, archive: OfficeArchive) -> None:
        self.element_count = 0
        self._limit = archive.left_elements
        self._depth = self._piece_count = self._piece_start = 0
        self._paragraph_count = self._text_length = 0
        self._parser = expat.ParserCreate(namespace_separator="}")
        self._parser.StartDoctypeDeclHandler = archive.refuse_doctype
        self._parser.StartElementHandler = self._open
        self._parser.EndElementHandler = self._close
        self._parser.CharacterDataHandler = self._count_text
        self._parser.buffer_text = True
        self._parser.Parse(xml, True)
        self._end_piece()

    def _open(self, _name: str, _attributes: dict[str, str]) -> None:
        self._depth += 1
        self._piece_count += 1
        if self._depth > DEPTH_LIMIT or self._piece_count > PIECE_ELEMENT_LIMIT:
            refuse_bomb(WORD_DOCUMENT)

    def _close(self, name: str) -> None:
        self._depth -= 1
        if name.endswith(_PIECE_ENDS):
            self._paragraph_count += name.endswith(_PARAGRAPH)
            self._end_piece()

    def _count_text(self, text: str) -> None:
        self._text_length += len(text)
        if self._text_length > TEXT_LIMIT:
            refuse_bomb(WORD_DOCUMENT)

    def _end_piece(self) -> None:
        position = self._parser.CurrentByteIndex
        self.element_count += self._piece_count
        if (
            position - self._piece_start > PIECE_LIMIT_BYTES
            or self._piece_count > PIECE_ELEMENT_LIMIT
            or self._paragraph_count > PARAGRAPH_LIMIT
            or self.element_count > self._limit
        ):
            refuse_bomb(WORD_DOCUMENT)
        self._piece_start = position
        self._piece_count = 0
