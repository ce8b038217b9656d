"""How does Word show a character, and which number does it put before a paragraph?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lxml import etree

WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_OFF = {"0", "false", "off", "none"}
_WHITE = {"", "auto", "FFFFFF", "clear", "none"}
# Text darker than this in every part, and nearly grey, is black to the eye.
_DARK, _GREY = 0x60, 0x18
_CHAIN_LIMIT = 12  # styles based on styles; Word itself stops at eleven
_DEEPEST_LEVEL = 8
_LETTERS = 26
_LARGEST_ROMAN = 39
_ROMAN = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class Look:
    """What sets a character apart from those around it; colours as RRGGBB or a name."""

    bold: bool = False
    italic: bool = False
    underline: bool = False
    colour: str = ""
    highlight: str = ""
    is_hidden: bool = False
    font: str = ""


PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Numbering:
    """A number that Word writes by itself: its text, its form, and the list that it counts."""

    text: str
    form: str  # decimal, upperLetter, lowerLetter, bullet, …
    value: int
    list_id: str
    level: int


@dataclass(slots=True)
class _Style:
    based_on: str
    run: dict[str, str]
    numbering: tuple[str | None, int | None]
    outline: int | None
    name: str


@dataclass(slots=True)
class _Level:
    form: str
    text: str
    start: int


def word(element: etree._Element | None, *path: str) -> etree._Element | None:
    """The descendant down a path of WordprocessingML names."""
    for name in path:
        if element is None:
            return None
        element = element.find(WORD + name)
    return element


def value_of(element: etree._Element | None, name: str = "val") -> str:
    return "" if element is None else str(element.get(WORD + name) or "")


def run_properties(element: etree._Element | None) -> dict[str, str]:
    """What a w:rPr says of the things that may mark an answer; "" is a plain off."""
    said: dict[str, str] = {}
    for child in () if element is None else element:
        name = str(child.tag).removeprefix(WORD)
        if name in _RUN_PROPERTIES:
            key, read = _RUN_PROPERTIES[name]
            said[key] = read(child)
    return said


def fill_of(shading: etree._Element | None) -> str:
    """The colour behind a run, paragraph or cell; "" when there is none to see."""
    fill = value_of(shading, "fill")
    return "" if fill in _WHITE or fill.upper() == "FFFFFF" else fill


class Styles:
    """The styles of a document, asked for what a run or paragraph finally looks like."""

    def __init__(self, tree: etree._Element | None) -> None:
        self._styles: dict[str, _Style] = {}
        self._defaults: dict[str, str] = {}
        self._default_paragraph = ""
        self._resolved: dict[str, dict[str, str]] = {}
        self._looks: dict[tuple[str, tuple[tuple[str, str], ...]], Look] = {}
        if tree is None:
            return
        self._defaults = run_properties(word(tree, "docDefaults", "rPrDefault", "rPr"))
        for style in tree.iterfind(WORD + "style"):
            identity = value_of(style, "styleId")
            outline = value_of(word(style, "pPr", "outlineLvl"))
            self._styles[identity] = _Style(
                based_on=value_of(word(style, "basedOn")),
                run=run_properties(word(style, "rPr")),
                numbering=numbering_of(word(style, "pPr")),
                outline=int(outline) if outline.isdecimal() else None,
                name=value_of(word(style, "name")).lower(),
            )
            if value_of(style, "default") in {"1", "true"} and value_of(style, "type") == (
                "paragraph"
            ):
                self._default_paragraph = identity

    def look(self, paragraph_style: str, run: Mapping[str, str]) -> Look:
        key = (paragraph_style, tuple(run.items()))
        if key not in self._looks:
            self._looks[key] = self._look(paragraph_style, run)
        return self._looks[key]

    def numbering(self, paragraph_style: str) -> tuple[str | None, int | None]:
        for style in self._chain(paragraph_style):
            if style.numbering[0] is not None:
                return style.numbering
        return None, None

    def outline(self, paragraph_style: str) -> int | None:
        """0 for a heading of the first level …; None for other text, titles and contents."""
        for style in self._chain(paragraph_style):
            if style.outline is not None:
                return style.outline if style.outline <= _DEEPEST_LEVEL else None
            if found := re.fullmatch(r"heading (\d)", style.name):
                return int(found[1]) - 1
        return None

    def is_contents(self, paragraph_style: str) -> bool:
        style = self._styles.get(paragraph_style)
        return style is not None and re.match(r"toc( |\d|$)", style.name) is not None

    def _look(self, paragraph_style: str, run: Mapping[str, str]) -> Look:
        of_paragraph = self._of_style(paragraph_style or self._default_paragraph)
        of_run = self._of_style(run.get("style", ""))
        merged = {**self._defaults, **of_paragraph, **of_run}
        for toggle in ("b", "i", "vanish"):
            # Bold in a paragraph's style and in a character's style make plain again.
            if of_paragraph.get(toggle) and of_run.get(toggle):
                merged[toggle] = ""
        merged |= run
        return Look(
            bold=bool(merged.get("b")),
            italic=bool(merged.get("i")),
            underline=bool(merged.get("u")),
            colour=merged.get("color", ""),
            highlight=merged.get("highlight") or merged.get("shd", ""),
            is_hidden=bool(merged.get("vanish")),
            font=merged.get("font", ""),
        )

    def _of_style(self, identity: str) -> dict[str, str]:
        if identity not in self._resolved:
            merged: dict[str, str] = {}
            for style in reversed(self._chain(identity)):
                merged |= style.run
            self._resolved[identity] = merged
        return self._resolved[identity]

    def _chain(self, identity: str) -> list[_Style]:
        chain: list[_Style] = []
        identity = identity or self._default_paragraph
        while identity in self._styles and len(chain) < _CHAIN_LIMIT:
            chain.append(self._styles[identity])
            identity = chain[-1].based_on
        return chain


@dataclass(slots=True)
class _Abstract:
    levels: dict[int, _Level] = field(default_factory=dict)
    link: str = ""  # the style whose list this one is


class Numbers:
    """The automatic numbers of a document, counted in the order in which paragraphs come."""

    def __init__(self, tree: etree._Element | None) -> None:
        self._abstracts: dict[str, _Abstract] = {}
        self._lists: dict[str, tuple[str, dict[int, int], dict[int, _Level]]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        self._started: set[tuple[str, int]] = set()
        if tree is None:
            return
        for abstract in tree.iterfind(WORD + "abstractNum"):
            levels = {
                _integer(value_of(level, "ilvl")): _level(level)
                for level in abstract.iterfind(WORD + "lvl")
            }
            self._abstracts[value_of(abstract, "abstractNumId")] = _Abstract(levels)
        for number in tree.iterfind(WORD + "num"):
            starts: dict[int, int] = {}
            levels = {}
            for override in number.iterfind(WORD + "lvlOverride"):
                place = _integer(value_of(override, "ilvl"))
                if (start := word(override, "startOverride")) is not None:
                    starts[place] = _integer(value_of(start), 1)
                if (level := word(override, "lvl")) is not None:
                    levels[place] = _level(level)
            self._lists[value_of(number, "numId")] = (
                value_of(word(number, "abstractNumId")),
                starts,
                levels,
            )

    def next(self, list_id: str, level: int) -> Numbering | None:
        """Count one paragraph of a list and tell what stands before it."""
        abstract_id, starts, overrides = self._lists.get(list_id, ("", {}, {}))
        if abstract_id not in self._abstracts:
            return None
        levels = self._abstracts[abstract_id].levels | overrides
        own = levels.get(level)
        if own is None or own.form == "none":
            return None
        counts = self._counts.setdefault(abstract_id, {})
        if level in starts and (list_id, level) not in self._started:
            counts[level] = starts[level] - 1
            self._started.add((list_id, level))
        counts[level] = counts.get(level, own.start - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]
        text = re.sub(
            r"%([1-9])",
            lambda found: _written(
                levels.get(int(found[1]) - 1, own),
                counts.get(int(found[1]) - 1, 1),
            ),
            "•" if own.form == "bullet" else own.text,
        )
        return Numbering(text, own.form, counts[level], abstract_id, level)


def numbering_of(properties: etree._Element | None) -> tuple[str | None, int | None]:
    """The list and level that a w:pPr names; (None, None) when it names none."""
    named = word(properties, "numPr")
    if named is None:
        return None, None
    list_id = word(named, "numId")
    level = word(named, "ilvl")
    return (
        None if list_id is None else value_of(list_id),
        None if level is None else _integer(value_of(level)),
    )


def _level(level: etree._Element) -> _Level:
    return _Level(
        form=value_of(word(level, "numFmt")) or "decimal",
        text=value_of(word(level, "lvlText")),
        start=_integer(value_of(word(level, "start")), 1),
    )


def _integer(text: str, default: int = 0) -> int:
    return int(text) if re.fullmatch(r"\d{1,6}", text) else default


def _written(level: _Level, count: int) -> str:
    match level.form:
        case "upperLetter":
            return chr(ord("A") + (count - 1) % _LETTERS)
        case "lowerLetter":
            return chr(ord("a") + (count - 1) % _LETTERS)
        case "upperRoman":
            return _roman(count).upper()
        case "lowerRoman":
            return _roman(count)
        case "decimalZero":
            return f"{count:02d}"
        case _:
            return str(count)


def _roman(count: int) -> str:
    if count > _LARGEST_ROMAN:
        return str(count)
    written = ""
    for worth, letters in _ROMAN:
        while count >= worth:
            written += letters
            count -= worth
    return written


def _colour(value: str) -> str:
    """RRGGBB; "" for black, for what looks black, and for automatic."""
    if not re.fullmatch(r"[0-9A-Fa-f]{6}", value):
        return ""
    parts = [int(value[place : place + 2], 16) for place in (0, 2, 4)]
    is_black = max(parts) < _DARK and max(parts) - min(parts) <= _GREY
    return "" if is_black else value.upper()


def _switch(element: etree._Element) -> str:
    return "" if value_of(element) in _OFF else "1"


def _highlight(element: etree._Element) -> str:
    value = value_of(element)
    return "" if value in {"none", "white"} else value


def _font(element: etree._Element) -> str:
    return value_of(element, "ascii") or value_of(element, "hAnsi")


# Element of a w:rPr → the name that it has here, and how its value is read.
_RUN_PROPERTIES: dict[str, tuple[str, Callable[[etree._Element], str]]] = {
    "b": ("b", _switch),
    "i": ("i", _switch),
    "vanish": ("vanish", _switch),
    "u": ("u", _switch),
    "color": ("color", lambda element: _colour(value_of(element))),
    "highlight": ("highlight", _highlight),
    "shd": ("shd", fill_of),
    "rFonts": ("font", _font),
    "vertAlign": ("vertical", value_of),
    "rStyle": ("style", value_of),
}
