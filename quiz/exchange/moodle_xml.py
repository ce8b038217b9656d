"""What does a Moodle XML file say, and how is one written?

The format: docs.moodle.org/en/Moodle_XML_format and Moodle's own reader and writer
(question/format/xml/format.php). Categories are topics, idnumber is the code, generalfeedback the
explanation; `shuffleanswers` 0 pins every option. The bank's own fields are tags
(`quiz.exchange.bank_tags`). Texts are written as HTML paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from lxml import etree

from core.errors import Refusal
from core.text import clean, clean_lines, fold
from quiz.exchange.bank_tags import guess_pins, tags_of, with_tags
from quiz.exchange.choices import (
    Judged,
    feedback_losses,
    is_single,
    judge,
    says_true_false,
    share_of,
)
from quiz.exchange.item import Item, ItemFault, ItemImage, ItemOption, Miss, Understood, Written
from quiz.exchange.markup import Picture, marked_up, plain_text
from quiz.exchange.pictures import (
    BROKEN_PICTURE,
    LOST_OPTION_PICTURE,
    LOST_OUTSIDE,
    LOST_PICTURES,
    base64_from,
    file_name_of,
    picture_from_base64,
)
from quiz.exchange.topics import topic_from, topic_path
from quiz.exchange.xml_trees import children_of_root, local_name, storable
from quiz.question_sheet import TRUE_FALSE

QUESTION_LIMIT = 5_000
WRITTEN_LIMIT = 4_000  # letters kept to lay beside what was understood
_PLUGIN_FILE = "@@PLUGINFILE@@/"
_NAME_LIMIT = 60

UNSUPPORTED = {
    "essay": "câu tự luận",
    "matching": "câu ghép đôi",
    "ddmatch": "câu ghép đôi bằng kéo thả",
    "randomsamatch": "câu ghép đôi ngẫu nhiên",
    "numerical": "câu điền số",
    "shortanswer": "câu trả lời ngắn",
    "calculated": "câu tính toán",
    "calculatedsimple": "câu tính toán",
    "calculatedmulti": "câu tính toán nhiều phương án",
    "cloze": "câu điền vào đoạn văn (Cloze)",
    "gapselect": "câu chọn từ còn thiếu",
    "ddwtos": "câu kéo từ vào chỗ trống",
    "ddimageortext": "câu kéo thả lên hình",
    "ddmarker": "câu kéo dấu lên hình",
    "ordering": "câu sắp thứ tự",
    "multianswer": "câu điền vào đoạn văn (Cloze)",
    "random": "câu bốc ngẫu nhiên",
    "description": "đoạn mô tả",
    "stack": "câu toán STACK",
    "coderunner": "câu lập trình",
}


def read_moodle_xml(content: bytes) -> Understood:
    """Read multichoice and truefalse questions; every other kind becomes a miss that names it.

    Refuses "bad_file" (no XML, broken, DOCTYPE), "file_bomb" and "too_many_rows".
    """
    items: list[Item] = []
    misses: list[Miss] = []
    topic = ""
    for element in children_of_root(content):
        if local_name(element) != "question":
            continue
        kind = element.get("type", "").strip().lower()
        if kind == "category":
            topic = topic_from(_text_at(element, "category"))
            continue
        if len(items) + len(misses) >= QUESTION_LIMIT:
            raise Refusal("too_many_rows", "Mỗi tệp chỉ nhận 5.000 câu. Hãy chia thành nhiều tệp.")
        question = _Question(element, kind)
        if question.is_choice:
            items.append(replace(question.read(), number=len(items) + 1, topic=topic))
        else:
            misses.append(_miss(question))
    return Understood("moodle_xml", items, misses)


class _Question:
    """One <question> while it is being read."""

    def __init__(self, element: Any, kind: str) -> None:
        self._element = element
        self._losses: list[str] = []
        self._faults: list[ItemFault] = []
        self.kind = kind
        self.name = clean(_text_at(element, "name"))
        line = f"dòng {element.sourceline}"
        self.place = f"{line}, “{self.name[:_NAME_LIMIT]}”" if self.name else line

    @property
    def is_choice(self) -> bool:
        return self.kind in ("multichoice", "truefalse", "multichoiceset")

    @property
    def written(self) -> str:
        return _raw(self._element)

    def read(self) -> Item:
        stem = _Formatted.at(self._element, "questiontext")
        self._lose(stem.losses)
        options, judged = self._options()
        tags = [clean(_text_in(tag)) for tag in self._element.iterfind("tags/tag")]
        explanation = _Formatted.at(self._element, "generalfeedback")
        self._lose(explanation.losses)
        if explanation.pictures:
            self._lose(["Hình trong phần giải thích không chuyển được."])
        image = self._image(stem)
        item = Item(
            number=0,
            text=stem.text,
            options=options,
            place=self.place,
            written=self.written,
            code=clean(self._element.findtext("idnumber") or ""),
            kind=judged.kind,
            explanation=explanation.text,
            image=image,
            faults=(*judged.faults, *self._faults),
            losses=(*judged.losses, *feedback_losses(options), *self._losses),
        )
        return with_tags(item, tags, default_pins=self._pins(len(options)))

    def _options(self) -> tuple[tuple[ItemOption, ...], Judged]:
        answers = [
            (_Formatted.of(each), _share(each), _Formatted.at(each, "feedback"))
            for each in self._element.iterfind("answer")
        ]
        for text, _, feedback in answers:
            self._lose([*text.losses, *feedback.losses])
        if self.kind == "truefalse":
            answers = _true_then_false(answers)
            judged = replace(judge([share for _, share, _ in answers], is_single=True),
                             kind="true_false")  # fmt: skip
        else:
            judged = judge([share for _, share, _ in answers], is_single=self._asks_for_one())
        letters = [
            chr(ord("A") + place) for place, answer in enumerate(answers) if answer[0].pictures
        ]
        if letters:
            self._lose([LOST_OPTION_PICTURE.format(letters=", ".join(letters))])
        options = tuple(
            ItemOption(clean(text.text), right, feedback=feedback.text)
            for (text, _, feedback), right in zip(answers, judged.rights, strict=True)
        )
        return options, judged

    def _asks_for_one(self) -> bool:
        if self.kind == "multichoiceset":
            return False
        return _is_true(self._element.findtext("single"), default=True)

    def _pins(self, count: int) -> list[bool] | None:
        if self.kind == "truefalse" or _is_true(
            self._element.findtext("shuffleanswers"), default=True
        ):
            return None
        return [True] * count

    def _image(self, stem: _Formatted) -> ItemImage | None:
        kept: ItemImage | None = None
        for found in stem.pictures:
            if not found.base64 and not found.address.startswith(_PLUGIN_FILE):
                self._lose([LOST_OUTSIDE.format(address=clean(found.address)[:200])])
            elif kept is not None:
                self._lose([LOST_PICTURES])
            else:
                kept = picture_from_base64(stem.base64_of(found), found.alt)
                if kept is None:
                    self._faults.append(ItemFault("image", BROKEN_PICTURE))
        return kept

    def _lose(self, sentences: Sequence[str]) -> None:
        self._losses += [each for each in sentences if each not in self._losses]


@dataclass(slots=True)
class _Formatted:
    """A text with its files: <questiontext format="html"><text>…</text><file …/></…>."""

    text: str = ""
    pictures: list[Picture] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    files: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, parent: Any, name: str) -> _Formatted:
        element = parent.find(name)
        return cls() if element is None else cls.of(element)

    @classmethod
    def of(cls, element: Any) -> _Formatted:
        raw = _text_in(element)
        files = {
            each.get("name", ""): each.text or ""
            for each in element.iterfind("file")
            if each.get("encoding", "base64") == "base64"
        }
        if element.get("format", "html") in ("plain_text", "markdown"):
            return cls(clean_lines(raw), files=files)
        if element.get("format") == "moodle_auto_format":
            raw = raw.strip().replace("\n", "<br>")
        plain = plain_text(raw)
        return cls(plain.text, plain.pictures, plain.losses, files)

    def base64_of(self, found: Picture) -> str:
        if found.base64:
            return found.base64
        name = unquote(found.address.removeprefix(_PLUGIN_FILE).partition("?")[0])
        return self.files.get(name, "")


def _true_then_false(
    answers: Sequence[tuple[_Formatted, float, _Formatted]],
) -> list[tuple[_Formatted, float, _Formatted]]:
    """Their texts are words of the program's language, so they get ours; true stands first."""
    said = {fold(text.text): (share, feedback) for text, share, feedback in answers}
    ordered = []
    for text, words in zip(TRUE_FALSE, (("true", "dung"), ("false", "sai")), strict=True):
        share, feedback = next((said[word] for word in words if word in said), (0.0, _Formatted()))
        ordered.append((_Formatted(text), share, feedback))
    return ordered


def _share(answer: Any) -> float:
    try:
        return float(answer.get("fraction", "0").replace(",", "."))
    except ValueError:
        return 0.0


def _is_true(text: str | None, *, default: bool) -> bool:
    said = (text or "").strip().lower()
    return said in ("true", "1", "yes") if said else default


def _text_at(parent: Any, name: str) -> str:
    element = parent.find(name)
    return "" if element is None else _text_in(element)


def _text_in(element: Any) -> str:
    """What stands in <text>, or right inside; HTML that forgot its CDATA is put back together."""
    inner = element.find("text")
    holder = element if inner is None else inner
    if len(holder) == 0 or inner is None:
        return holder.text or ""
    children = "".join(etree.tostring(each, encoding="unicode") for each in holder)
    return f"{holder.text or ''}{children}"


def _miss(question: _Question) -> Miss:
    name = UNSUPPORTED.get(question.kind, f"câu loại “{clean(question.kind)}”")
    return Miss(
        question.place,
        question.written,
        f"Đây là {name}; ở đây chỉ nhận câu chọn đáp án và câu đúng sai.",
    )


def _raw(element: Any) -> str:
    """The question's own words without the bytes of its pictures."""
    pieces = [
        (each.text or "").strip()
        for each in element.iter("text")
        if isinstance(each.tag, str) and (each.text or "").strip()
    ]
    short = re.sub(r"data:image/[^\"'\s)]{100,}", "data:image/…", "\n".join(pieces))
    return short[:WRITTEN_LIMIT]


def write_moodle_xml(items: Sequence[Item], *, title: str) -> Written:
    """Write a <quiz> that Moodle reads; what the bank alone knows goes along as tags."""
    quiz = etree.Element("quiz")
    quiz.append(etree.Comment(f" {re.sub('-+', '-', clean(title))} "))
    topic: str | None = None
    for number, item in enumerate(items, start=1):
        if item.topic != topic and (item.topic or topic):
            topic = item.topic
            category = etree.SubElement(quiz, "question", type="category")
            _add_text(etree.SubElement(category, "category"), topic_path(topic))
        _add_question(quiz, item, number)
    content = etree.tostring(quiz, encoding="UTF-8", xml_declaration=True, pretty_print=True)
    return Written(content, "cau-hoi.moodle.xml", "application/xml")


def _add_question(quiz: Any, item: Item, number: int) -> None:
    is_true_false = item.kind == "true_false" and says_true_false(item.options)
    question = etree.SubElement(
        quiz, "question", type="truefalse" if is_true_false else "multichoice"
    )
    _add_text(etree.SubElement(question, "name"), item.code or f"Câu {number}")
    _add_stem(question, item)
    _add_html(question, "generalfeedback", item.explanation)
    for name, value in (("defaultgrade", "1.0"), ("penalty", "0"), ("hidden", "0")):
        etree.SubElement(question, name).text = value
    etree.SubElement(question, "idnumber").text = storable(item.code)
    pins = [option.is_pinned for option in item.options]
    guessed = list(guess_pins(item.options))
    if not is_true_false:
        single = is_single(item.kind, item.options)
        etree.SubElement(question, "single").text = "true" if single else "false"
        # Moodle shuffles all or none: one that must stay keeps the others, too.
        etree.SubElement(question, "shuffleanswers").text = "false" if any(pins) else "true"
        etree.SubElement(question, "answernumbering").text = "ABCD"
        if any(pins):
            guessed = [True] * len(pins)
    _add_answers(question, item, is_true_false=is_true_false)
    tags = tags_of(item, guessed_pins=guessed)
    if tags:
        holder = etree.SubElement(question, "tags")
        for tag in tags:
            _add_text(etree.SubElement(holder, "tag"), tag)


def _add_stem(question: Any, item: Item) -> None:
    stem = _add_html(question, "questiontext", item.text)
    if item.image is None:
        return
    name = file_name_of(item.image, "hinh")
    image = etree.Element("img", src=f"{_PLUGIN_FILE}{name}", alt=storable(item.image.alt))
    tag = etree.tostring(image, encoding="unicode", method="html")
    text = stem.find("text")
    text.text = etree.CDATA(f"{_html(item.text)}<p>{tag}</p>")
    file = etree.SubElement(stem, "file", name=name, path="/", encoding="base64")
    file.text = base64_from(item.image)


def _add_answers(question: Any, item: Item, *, is_true_false: bool) -> None:
    single = is_single(item.kind, item.options)
    for place, option in enumerate(item.options):
        share = share_of(item.options, option, is_single=single)
        answer = etree.SubElement(
            question, "answer", fraction=f"{share:.5f}".rstrip("0").rstrip(".")
        )
        if is_true_false:
            answer.set("format", "moodle_auto_format")
            etree.SubElement(answer, "text").text = ("true", "false")[place]
        else:
            answer.set("format", "html")
            etree.SubElement(answer, "text").text = etree.CDATA(_html(option.text))
        _add_html(answer, "feedback", option.feedback)


def _add_text(parent: Any, text: str) -> None:
    etree.SubElement(parent, "text").text = storable(text)


def _add_html(parent: Any, name: str, text: str) -> Any:
    element = etree.SubElement(parent, name, format="html")
    holder = etree.SubElement(element, "text")
    if text:
        holder.text = etree.CDATA(_html(text))
    return element


def _html(text: str) -> str:
    return marked_up(storable(text))
