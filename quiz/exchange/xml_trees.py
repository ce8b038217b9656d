"""Which XML from outside may be read, and how, without harm?

No DOCTYPE at all, so no entities and nothing fetched; no more elements than real files have, and
none of them kept longer than its question.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NoReturn

from lxml import etree

from core.errors import Refusal
from quiz.exchange.decoding import encoding_of

FILE_LIMIT_BYTES = 10_000_000
# 5,000 questions of eight options with feedback have 300,000; each takes some 2 µs.
ELEMENT_LIMIT = 400_000
# Of one question, and of whatever stands beside questions; a real one has under 200.
PIECE_ELEMENT_LIMIT = 5_000

_BOMB = "Tệp có cấu trúc quá lớn hoặc quá rối, không giống một tệp câu hỏi. Hãy xuất lại tệp."


def refuse_bomb() -> NoReturn:
    raise Refusal("file_bomb", _BOMB)


def read_tree(content: bytes, *, element_limit: int = PIECE_ELEMENT_LIMIT) -> Any:
    """The root of a small file; refuses "bad_file" and "file_bomb"."""
    fresh = _checked(content)
    if fresh.count(b"<") > 2 * element_limit:
        refuse_bomb()
    parser = etree.XMLParser(
        encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    try:
        return etree.fromstring(fresh, parser)
    except etree.XMLSyntaxError as fault:
        raise Refusal("bad_file", _broken(fault)) from fault


def children_of_root(content: bytes) -> Iterator[Any]:
    """Each child of the root in turn, whole; it is emptied when the next is asked for."""
    events = etree.iterparse(
        BytesIO(_checked(content)), events=("start", "end"), encoding="utf-8",
        resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    depth = count = piece_count = 0
    try:
        for event, element in events:
            if event == "start":
                depth += 1
                count += 1
                piece_count += 1
                if count > ELEMENT_LIMIT or piece_count > PIECE_ELEMENT_LIMIT:
                    refuse_bomb()
                continue
            depth -= 1
            if depth == 1:
                yield element
                _empty(element)
                piece_count = 0
    except etree.XMLSyntaxError as fault:
        raise Refusal("bad_file", _broken(fault)) from fault


def root_name(content: bytes) -> str:
    """The local name of the root, "" when this is no XML; looks only at the beginning."""
    try:
        fresh = _checked(content[: _sample_length(content)])
        for _, element in etree.iterparse(
            BytesIO(fresh), events=("start",), encoding="utf-8", recover=True,
            resolve_entities=False, no_network=True, load_dtd=False,
        ):  # fmt: skip
            return local_name(element)
    except etree.XMLSyntaxError:
        pass
    return ""


def looks_like_xml(content: bytes) -> bool:
    start = content[:200].decode(encoding_of(content), "replace").lstrip("\ufeff \r\n\t")
    return start.startswith(("<?xml", "<!--", "<!DOCTYPE")) or start[:1] == "<" != start[1:2]


def local_name(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def storable(text: str) -> str:
    """Text without the few letters that XML cannot hold."""
    return re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "", text)


def _sample_length(content: bytes) -> int:
    length = min(len(content), 20_000)
    return length - length % 4  # whole letters of UTF-16 and UTF-32


def _checked(content: bytes) -> bytes:
    """The file in UTF-8, once it is sure that no DOCTYPE stands before its root."""
    if len(content) > FILE_LIMIT_BYTES:
        raise Refusal("bad_file", "Tệp lớn hơn 10 MB. Hãy chia thành nhiều tệp.")
    encoding = encoding_of(content)
    if encoding != "utf-8":
        try:
            content = content.decode(encoding).encode()
        except UnicodeError as fault:
            raise Refusal("bad_file", "Không đọc được chữ trong tệp XML.") from fault
    if _has_doctype(content):
        raise Refusal(
            "bad_file", "Tệp chứa khai báo XML bị cấm (DOCTYPE). Hãy xuất lại tệp từ phần mềm gốc."
        )
    return content.lstrip()


def _has_doctype(content: bytes) -> bool:
    position = 0
    while (position := content.find(b"<", position)) >= 0:
        if content.startswith(b"<!--", position):
            end, position = b"-->", position + 4
        elif content.startswith(b"<?", position):
            end, position = b"?>", position + 2
        else:
            return content.startswith(b"<!", position)
        position = content.find(end, position)
        if position < 0:
            return False
    return False


def _empty(element: Any) -> None:
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]


def _broken(fault: etree.XMLSyntaxError) -> str:
    return (
        f"Tệp XML bị hỏng ở dòng {fault.position[0]}, không đọc được. Hãy xuất lại tệp từ phần mềm gốc, đừng "
        "sửa bằng tay."
    )
