"""What do people read in a piece of HTML, and how is plain text written as HTML?"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from core.text import clean, clean_lines

# Fifty times the longest question that the bank takes.
MARKUP_LIMIT = 100_000
_ITEM = "\x01"  # begins a list item; no text has it, either
_BREAK = "\x00"  # between blocks; no text has it

_BLOCKS = frozenset(
    [
        "p",
        "div",
        "li",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "table",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "caption",
        "blockquote",
        "pre",
        "section",
        "article",
        "header",
        "footer",
        "figure",
        "figcaption",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "form",
        "fieldset",
        "address",
        "center",
    ]
)
_UNSEEN = frozenset(["script", "style", "head", "title", "template", "noscript"])
_LETTERING = frozenset(
    ["b", "strong", "i", "em", "u", "s", "strike", "del", "ins", "font", "mark", "big", "small"]
)
_PLAYED = frozenset(["audio", "video", "iframe", "object", "embed", "applet", "canvas"])
_SUPERSCRIPT = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPT = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")
_DATA_ADDRESS = re.compile(r"""data:image/[\w.+-]+;base64,([A-Za-z0-9+/=\s]+)""")
_LOOKS_MARKED = re.compile(r"</?[A-Za-z][^<>]*>|&(?:[A-Za-z]{2,8}|#\d{1,7}|#x[0-9A-Fa-f]{1,6});")

LOST_LETTERING = "Chữ đậm, nghiêng, gạch chân hoặc màu không giữ được."
LOST_TABLE = "Bảng được viết thành từng dòng chữ, các ô cách nhau bằng dấu |."
LOST_MEDIA = "Âm thanh, video hoặc nội dung nhúng không chuyển được."
LOST_SCRIPT = "Chỉ số trên hoặc dưới được viết thành ^ hoặc _."


@dataclass(frozen=True, slots=True)
class Picture:
    """An img: where its bytes are, or the bytes themselves in base64."""

    address: str
    alt: str
    base64: str = ""


@dataclass(slots=True)
class Plain:
    """Text without markup, the pictures that stood in it, and what the text cannot say."""

    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)

    def lose(self, sentence: str) -> None:
        if sentence not in self.losses:
            self.losses.append(sentence)


def looks_marked(text: str) -> bool:
    return _LOOKS_MARKED.search(text) is not None


def plain_text(markup: str) -> Plain:
    """Read HTML soup as a person sees it: blocks and br as lines, list items with a dash."""
    if not markup or markup.isspace():
        return Plain()
    embedded: list[str] = []

    def keep(match: re.Match[str]) -> str:
        embedded.append(match[1])
        return f"data:{len(embedded) - 1}"

    short = _DATA_ADDRESS.sub(keep, markup)
    plain = Plain()
    if len(short) > MARKUP_LIMIT:
        plain.lose(f"Chỉ đọc {MARKUP_LIMIT} ký tự đầu của đoạn này.")
        short = short[:MARKUP_LIMIT]
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True
    )
    root = etree.fromstring(f"<div>{_storable(short)}</div>".encode(), parser)
    if root is None:
        return plain
    reader = _Reader(plain, embedded)
    for event, element in etree.iterwalk(root, events=("start", "end")):
        reader.open(element) if event == "start" else reader.close(element)
    plain.text = _joined(reader.pieces)
    return plain


def plain_element(element: Any) -> Plain:
    """The same for a piece of an XML tree in which HTML stands as elements (QTI)."""
    plain = Plain()
    reader = _Reader(plain, [])
    for event, each in etree.iterwalk(element, events=("start", "end")):
        if not isinstance(each.tag, str):
            continue
        reader.open(each) if event == "start" else reader.close(each, is_root=each is element)
    plain.text = _joined(reader.pieces)
    return plain


def marked_up(text: str) -> str:
    """Plain text as one HTML paragraph; its line breaks stay."""
    lines = html.escape(text, quote=False).split("\n")
    return f"<p>{'<br>'.join(lines)}</p>" if text else ""


class _Reader:
    """Gathers what is seen while walking a tree once, without recursion."""

    def __init__(self, plain: Plain, embedded: list[str]) -> None:
        self.pieces: list[str] = []
        self._plain = plain
        self._embedded = embedded
        self._unseen = self._kept = 0
        self._scripts: list[str] = []

    def open(self, element: Any) -> None:
        name = _name(element)
        if name in _UNSEEN:
            self._unseen += 1
        elif name == "br":
            self.pieces.append("\n")
        elif name in _BLOCKS:
            self.pieces.append(_BREAK)
            self._open_block(name, element)
        elif name in ("sup", "sub"):
            self._scripts.append(name)
        elif name == "img":
            self._see(element)
        elif _is_still(element):
            words = "".join(element.itertext())
            self._plain.pictures.append(Picture(element.get("data", ""), clean(words)))
            self._unseen += 1
        elif name in _PLAYED:
            self._plain.lose(LOST_MEDIA)
        elif name in _LETTERING:
            self._plain.lose(LOST_LETTERING)
        elif name == "a":
            self._lose_address(element)
        self._say(element.text)

    def close(self, element: Any, *, is_root: bool = False) -> None:
        name = _name(element)
        if name in _UNSEEN or _is_still(element):
            self._unseen -= 1
        elif name in _BLOCKS:
            self.pieces.append(_BREAK)
            self._kept -= name == "pre"
        elif name in ("td", "th"):
            self.pieces.append(" | " if element.getnext() is not None else "")
        elif name in ("sup", "sub"):
            self._scripts.pop()
        if not is_root:
            self._say(element.tail)

    def _open_block(self, name: str, element: Any) -> None:
        if name == "li":
            self.pieces.append(_ITEM)
        elif name == "pre":
            self._kept += 1
        elif name == "table" and element.find(".//{*}td") is not None:
            self._plain.lose(LOST_TABLE)

    def _see(self, element: Any) -> None:
        address = element.get("src", "")
        alt = clean(element.get("alt", ""))
        number = address.removeprefix("data:")
        if address.startswith("data:") and number.isdigit() and int(number) < len(self._embedded):
            self._plain.pictures.append(Picture("", alt, self._embedded[int(number)]))
        else:
            self._plain.pictures.append(Picture(address, alt))

    def _lose_address(self, element: Any) -> None:
        address = clean(element.get("href", ""))
        if address and address not in "".join(element.itertext()):
            self._plain.lose(f"Địa chỉ liên kết không giữ được: {address}")

    def _say(self, text: str | None) -> None:
        if not text or self._unseen:
            return
        said = text if self._kept else re.sub(r"[\s\x00\x01]+", " ", text)
        self.pieces.append(self._raised(said) if self._scripts else said)

    def _raised(self, text: str) -> str:
        is_above = self._scripts[-1] == "sup"
        small = text.translate(_SUPERSCRIPT if is_above else _SUBSCRIPT)
        if text.strip() and any(letter in small for letter in text.strip()):
            self._plain.lose(LOST_SCRIPT)
            return f"{'^' if is_above else '_'}{text}"
        return small


def _name(element: Any) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _is_still(element: Any) -> bool:
    """QTI may show a picture as an object, whose content is for those who do not see it."""
    return _name(element) == "object" and element.get("type", "").startswith("image/")


def _joined(pieces: list[str]) -> str:
    lines: list[str] = []
    dash = ""
    for segment in "".join(pieces).split(_BREAK):
        # A br before the end of a block shows nothing.
        line = segment.strip(" ").removesuffix("\n").strip(" ")
        if line == _ITEM:  # its words stand in a block of their own
            dash = "- "
        elif line:
            lines.append(f"{dash}{line.replace(_ITEM, '- ')}")
            dash = ""
    return clean_lines("\n".join(lines))


def _storable(text: str) -> str:
    """Without lone surrogates, which have no bytes."""
    return text.encode("utf-8", "replace").decode("utf-8")
