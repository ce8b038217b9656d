"""What do QTI files say: single items, and packages with a manifest?

The format: 1EdTech QTI 2.1, 2.2 and 3.0 (imsglobal.org/spec/qti); 3.0 only spells the names of 2.x
otherwise. Choice interactions are read; a mapping is judged as Moodle's fractions are. Codes,
topics and tags are read from the manifest's LOM: identifier, and keywords after the convention of
`quiz.exchange.bank_tags`. `quiz.exchange.qti_writing` writes 3.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lxml import etree

from core.errors import Refusal
from core.text import clean
from quiz.exchange.bank_tags import with_tags
from quiz.exchange.choices import (
    FULL,
    Judged,
    feedback_losses,
    judge,
    says_true_false,
)
from quiz.exchange.item import Item, ItemFault, ItemImage, ItemOption, Miss, Understood
from quiz.exchange.markup import Plain, plain_element
from quiz.exchange.packages import MANIFEST, Package
from quiz.exchange.pictures import (
    BROKEN_PICTURE,
    LOST_OPTION_PICTURE,
    LOST_OUTSIDE,
    LOST_PICTURES,
    picture,
    picture_from_base64,
)
from quiz.exchange.xml_trees import local_name, read_tree

QUESTION_LIMIT = 5_000
# 5,000 questions with a code and six tags each; lxml holds them in some 40 MB.
MANIFEST_ELEMENT_LIMIT = 150_000
WRITTEN_LIMIT = 4_000  # letters kept to lay beside what was understood
INTERACTIONS = {
    "associate": "câu ghép cặp",
    "custom": "câu tương tác riêng",
    "drawing": "câu vẽ",
    "endattempt": "nút kết thúc",
    "extendedtext": "câu tự luận",
    "gapmatch": "câu kéo từ vào chỗ trống",
    "graphicassociate": "câu nối trên hình",
    "graphicgapmatch": "câu kéo thả lên hình",
    "graphicorder": "câu sắp thứ tự trên hình",
    "hotspot": "câu chọn vùng trên hình",
    "hottext": "câu chọn từ trong đoạn văn",
    "inlinechoice": "câu chọn từ còn thiếu",
    "match": "câu ghép đôi",
    "media": "câu nghe nhìn",
    "order": "câu sắp thứ tự",
    "portablecustom": "câu tương tác riêng",
    "positionobject": "câu đặt vật lên hình",
    "selectpoint": "câu chọn điểm trên hình",
    "slider": "câu kéo thanh trượt",
    "textentry": "câu điền từ",
    "upload": "câu nộp tệp",
}
LOST_TEST = "Cấu trúc bài thi trong gói (phần, thứ tự, thời gian) không giữ."
LOST_STIMULUS = "Ngữ liệu dùng chung không đi theo câu này. Hãy chép ngữ liệu vào nội dung câu."
LOST_RUBRIC = "Hướng dẫn dành cho người ra đề hoặc chấm không giữ."
NO_INTERACTION = "Câu này không có phần trả lời, nên không đọc được thành câu hỏi."
SEVERAL_INTERACTIONS = "Câu này có nhiều phần trả lời; chỉ nhận câu có một."
MISSING_PART = "Gói thiếu tệp này, dù bảng kê có ghi."
NOT_QTI_2 = "Đây không phải câu hỏi QTI 2.1 trở lên."

_BASE64_ADDRESS = re.compile(r"data:image/[\w.+-]+;base64,(.*)", re.DOTALL)
_LEFT_OUT = ("feedbackinline", "feedbackblock", "rubricblock", "modalfeedback")


@dataclass(frozen=True, slots=True)
class _Resource:
    """A file of a package, with what the manifest says of it."""

    name: str
    code: str = ""
    tags: tuple[str, ...] = ()


def read_qti_item(content: bytes) -> Understood:
    """Read a single item file."""
    found = _read_item(read_tree(content), _Resource("", "", ()), None)
    if isinstance(found, Miss):
        return Understood("qti", (), (found,))
    return Understood("qti", (replace(found, number=1),))


def read_qti_package(content: bytes) -> Understood:
    """Read every item of a package in the manifest's order; without one, by file name.

    Refuses "bad_file", "file_bomb" and "too_many_rows".
    """
    items: list[Item] = []
    misses: list[Miss] = []
    losses: list[str] = []
    with Package(content) as package:
        for resource in _resources(package):
            if len(items) + len(misses) >= QUESTION_LIMIT:
                raise Refusal(
                    "too_many_rows", "Mỗi tệp chỉ nhận 5.000 câu. Hãy chia thành nhiều tệp."
                )
            xml = package.part(resource.name)
            if xml is None:
                misses.append(Miss(resource.name, "", MISSING_PART))
                continue
            found = _read_part(xml, resource, package)
            if isinstance(found, Item):
                items.append(replace(found, number=len(items) + 1))
            elif isinstance(found, Miss):
                misses.append(found)
            elif found and found not in losses:
                losses.append(found)
    return Understood("qti", items, misses, losses)


def _read_part(xml: bytes, resource: _Resource, package: Package) -> Item | Miss | str:
    """An item, a miss, or the sentence about what else was found ("" for what says nothing)."""
    try:
        root = read_tree(xml)
    except Refusal as refusal:
        if refusal.code == "file_bomb":
            raise
        return Miss(resource.name, "", refusal.sentence)
    match _key(root):
        case "assessmentitem":
            return _read_item(root, resource, package)
        case "assessmenttest" | "assessmentsection":
            return LOST_TEST
        case "assessmentstimulus" | "manifest":
            return ""
    return Miss(resource.name, "", NOT_QTI_2)


def _resources(package: Package) -> Iterator[_Resource]:
    if not package.has_manifest:
        for name in sorted(package.NameToInfo):
            if name.lower().endswith(".xml"):
                yield _Resource(name)
        return
    base = f"{package.folder}/{MANIFEST}".lstrip("/")
    manifest = read_tree(package.part(base) or b"", element_limit=MANIFEST_ELEMENT_LIMIT)
    for element in _all(manifest, "resource"):
        address = element.get("href", "")
        if not address.lower().partition("?")[0].endswith(".xml"):
            continue
        if "associatedcontent" in element.get("type", "") or "stimulus" in element.get("type", ""):
            continue
        entries = [_said(each) for each in _all(element, "entry")]
        keywords = [_said(each) for each in _all(element, "keyword")]
        yield _Resource(
            package.resolved(base, address), next(iter(entries), ""), tuple(filter(None, keywords))
        )


def _read_item(root: Any, resource: _Resource, package: Package | None) -> Item | Miss:
    return _Question(root, resource, package).read()


@dataclass(slots=True)
class _Question:
    """One assessmentItem while it is being read."""

    root: Any
    resource: _Resource
    package: Package | None
    losses: list[str] = field(default_factory=list)
    faults: list[ItemFault] = field(default_factory=list)

    def read(self) -> Item | Miss:
        body = next(_all(self.root, "itembody"), None)
        if _key(self.root) != "assessmentitem" or body is None:
            return Miss(self.place, "", NOT_QTI_2)
        written = "\n".join(filter(None, (clean(text) for text in body.itertext())))[:WRITTEN_LIMIT]
        interactions = [each for each in body.iter() if _key(each).endswith("interaction")]
        kinds = [_key(each).removesuffix("interaction") for each in interactions]
        others = [
            INTERACTIONS.get(kind, f"câu loại “{kind}”") for kind in kinds if kind != "choice"
        ]
        if others:
            sentence = f"Đây là {others[0]}; ở đây chỉ nhận câu chọn đáp án và câu đúng sai."
            return Miss(self.place, written, sentence)
        if len(interactions) != 1:
            sentence = SEVERAL_INTERACTIONS if interactions else NO_INTERACTION
            return Miss(self.place, written, sentence)
        return self._choice_item(body, interactions[0], written)

    @property
    def place(self) -> str:
        title = clean(self.root.get("title", ""))[:60]
        name = self.resource.name or f"dòng {self.root.sourceline}"
        return f"{name}, “{title}”" if title else name

    def _choice_item(self, body: Any, interaction: Any, written: str) -> Item:
        explanation = self._explanation()
        options, judged = self._options(interaction)
        default_pins = self._pins(interaction)
        prompt = self._plain(next(_all(interaction, "prompt"), None))
        if next(_all(self.root, "assessmentstimulusref"), None) is not None:
            self._lose([LOST_STIMULUS])
        self._leave_out(body)
        _drop(interaction)
        stem = self._plain(body)
        kind = judged.kind
        if kind == "single" and says_true_false(options):
            kind = "true_false"
        item = Item(
            number=0,
            text="\n".join(filter(None, (stem.text, prompt.text))),
            options=options,
            place=self.place,
            written=written,
            code=self.resource.code,
            kind=kind,
            explanation=explanation,
            image=self._image([*stem.pictures, *prompt.pictures]),
        )
        item = replace(
            item,
            faults=(*judged.faults, *self.faults),
            losses=(*judged.losses, *feedback_losses(options), *self.losses),
        )
        return with_tags(item, self.resource.tags, default_pins=default_pins)

    def _explanation(self) -> str:
        """What is shown afterwards whatever was chosen, and to those who were right or wrong."""
        plains = [self._plain(each) for each in _all(self.root, "modalfeedback")]
        if any(plain.pictures for plain in plains):
            self._lose(["Hình trong phần giải thích không chuyển được."])
        texts = dict.fromkeys(plain.text for plain in plains if plain.text)
        return "\n".join(texts)

    def _options(self, interaction: Any) -> tuple[tuple[ItemOption, ...], Judged]:
        choices = list(_all(interaction, "simplechoice"))
        names = [clean(choice.get("identifier", "")) for choice in choices]
        judged = self._judged(_attribute(interaction, "responseidentifier"), names)
        feedbacks, texts, letters = [], [], []
        for place, choice in enumerate(choices):
            inner = [self._plain(each).text for each in _all(choice, "feedbackinline")]
            feedbacks.append(" ".join(filter(None, inner)))
            self._leave_out(choice)
            plain = self._plain(choice)
            texts.append(clean(plain.text))
            if plain.pictures:
                letters.append(chr(ord("A") + place))
        if letters:
            self._lose([LOST_OPTION_PICTURE.format(letters=", ".join(letters))])
        options = tuple(
            ItemOption(text, right, feedback=feedback)
            for text, right, feedback in zip(texts, judged.rights, feedbacks, strict=True)
        )
        return options, judged

    def _judged(self, response: str, names: Sequence[str]) -> Judged:
        declaration = next(
            (
                each
                for each in _all(self.root, "responsedeclaration")
                if each.get("identifier", "") == response
            ),
            None,
        )
        if declaration is None:
            return judge([0.0] * len(names), is_single=True)
        rights = {
            clean(value.text or "")
            for correct in _all(declaration, "correctresponse")
            for value in _all(correct, "value")
        }
        points = _points(declaration)
        rights = rights or {name for name, point in points.items() if point > 0}
        is_single = declaration.get("cardinality", "single") == "single"
        return judge(_shares(names, rights, points, is_single=is_single), is_single=is_single)

    def _pins(self, interaction: Any) -> list[bool] | None:
        choices = list(_all(interaction, "simplechoice"))
        if interaction.get("shuffle", "false") != "true":
            return [True] * len(choices)
        pins = [choice.get("fixed", "false") == "true" for choice in choices]
        return pins if any(pins) else None

    def _image(self, pictures: Sequence[Any]) -> ItemImage | None:
        kept: ItemImage | None = None
        for found in pictures:
            content = self._picture_content(found.address)
            if content is None:
                self._lose([LOST_OUTSIDE.format(address=clean(found.address)[:200])])
            elif kept is not None:
                self._lose([LOST_PICTURES])
            else:
                kept = (
                    picture_from_base64(content, found.alt)
                    if isinstance(content, str)
                    else picture(content, found.alt)
                )
                if kept is None:
                    self.faults.append(ItemFault("image", BROKEN_PICTURE))
        return kept

    def _picture_content(self, address: str) -> bytes | str | None:
        """Bytes of a part, base64 in the address itself, or None for what lies outside."""
        if embedded := _BASE64_ADDRESS.match(address):
            return embedded[1]
        if self.package is None or re.match(r"[a-z]+:|//", address, re.IGNORECASE):
            return None
        return self.package.part(self.package.resolved(self.resource.name, address))

    def _leave_out(self, element: Any) -> None:
        for each in list(element.iter()):
            if _key(each) in _LEFT_OUT:
                if _key(each) == "rubricblock":
                    self._lose([LOST_RUBRIC])
                _drop(each)

    def _plain(self, element: Any) -> Plain:
        if element is None:
            return Plain()
        plain = plain_element(element)
        self._lose(plain.losses)
        return plain

    def _lose(self, sentences: Sequence[str]) -> None:
        self.losses += [each for each in sentences if each not in self.losses]


def _points(declaration: Any) -> dict[str, float]:
    points: dict[str, float] = {}
    for entry in _all(declaration, "mapentry"):
        try:
            points[clean(_attribute(entry, "mapkey"))] = float(_attribute(entry, "mappedvalue"))
        except ValueError:
            continue
    return points


def _shares(
    names: Sequence[str], rights: set[str], points: Mapping[str, float], *, is_single: bool
) -> list[float]:
    """Percentages of the point; where there is no mapping, only all right ones together count."""
    if is_single:
        return [FULL if name in rights else 0.0 for name in names]
    total = sum(points.get(name, 0.0) for name in names if name in rights)
    if not points or total <= 0:
        return [FULL / len(rights) if name in rights else 0.0 for name in names]
    shares = [points.get(name, 0.0) * FULL / total for name in names]
    return [
        max(share, 1.0) if name in rights else min(share, 0.0)
        for name, share in zip(names, shares, strict=True)
    ]


def _all(element: Any, key: str) -> Iterator[Any]:
    return (each for each in element.iter(etree.Element) if _key(each) == key)


def _key(element: Any) -> str:
    """The name that 2.x and 3.0 share: simpleChoice and qti-simple-choice are simplechoice."""
    return local_name(element).removeprefix("qti-").replace("-", "").lower()


def _attribute(element: Any, key: str) -> str:
    return next(
        (
            str(value)
            for name, value in element.attrib.items()
            if name.replace("-", "").lower() == key
        ),
        "",
    )


def _said(element: Any) -> str:
    return clean("".join(element.itertext()))


def _drop(element: Any) -> None:
    """Take an element out and leave the text behind it."""
    parent = element.getparent()
    before = element.getprevious()
    tail = element.tail or ""
    if before is not None:
        before.tail = f"{before.tail or ''}{tail}"
    else:
        parent.text = f"{parent.text or ''}{tail}"
    parent.remove(element)
