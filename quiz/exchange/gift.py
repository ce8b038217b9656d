r"""What does a GIFT file say, and how is one written?

The format: docs.moodle.org/en/GIFT_format and Moodle's own reader and writer
(question/format/gift/format.php); escapes \\ \: \# \= \{ \} \~ \n, categories, titles, weights,
feedback (#), general feedback (####), comments. As Moodle 4 does, a comment line before a question
carries `[id:code]` and `[tag:…]`; the bank's own fields are such tags (`quiz.exchange.bank_tags`).
A "]" inside is written \]. Pictures have no place in GIFT.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from core.errors import Refusal
from core.text import clean, clean_lines, fold
from quiz.exchange.bank_tags import guess_pins, tags_of, with_tags
from quiz.exchange.choices import (
    feedback_losses,
    is_single,
    judge,
    says_true_false,
    share_of,
)
from quiz.exchange.decoding import LONGEST_LINE, decode
from quiz.exchange.item import Item, ItemOption, Miss, Understood, Written
from quiz.exchange.markup import MARKUP_LIMIT, looks_marked, plain_text
from quiz.exchange.topics import topic_from, topic_path
from quiz.question_sheet import TRUE_FALSE

IMAGE_LOST = "GIFT không chứa được hình ảnh: {count} câu mất hình."

QUESTION_LIMIT = 5_000
MOST_SIGNS = 100  # of options in one question
_CATEGORY = "$CATEGORY:"
_FORMAT = re.compile(r"\s*\[(html|markdown|plain|moodle)\]", re.IGNORECASE)
_WEIGHT = re.compile(r"%(-?\d{1,3}(?:[.,]\d+)?)%")
_ID = re.compile(r"\[id:((?:\\\]|[^\]])+)\]")
_TAG = re.compile(r"\[tag:((?:\\\]|[^\]])+)\]")
# Inside braces a blank line goes on only to another answer, to feedback or to the end.
_GOES_ON = re.compile(r"\s*(?:[=~#}]|//)")
_TRUE_FALSE = {"t": True, "true": True, "dung": True, "d": True} | {
    "f": False, "false": False, "sai": False, "s": False,
}  # fmt: skip

# Escaped characters stand for themselves; while a question is cut up they are noncharacters, which
# no text has.
_ESCAPABLE = "\\:#={}~n"
_HIDDEN = {letter: chr(0xFDD0 + number) for number, letter in enumerate(_ESCAPABLE)}
_SHOWN = str.maketrans(
    {hidden: "\n" if letter == "n" else letter for letter, hidden in _HIDDEN.items()}
)
_UNSEEN = str.maketrans(dict.fromkeys(_HIDDEN.values()))
_ESCAPE = re.compile(r"\\([\\:#={}~n])")
_TO_ESCAPE = re.compile(r"[\\:#={}~]")

ONE_BRACE = "Câu này thiếu dấu { hoặc dấu } quanh các phương án, nên không đọc được."
TOO_MUCH = "Đoạn này quá dài hoặc có quá nhiều phương án, không giống một câu hỏi."
TWO_ANSWERS = "Câu này có nhiều chỗ trả lời { … }; chỉ nhận câu có một chỗ."
UNSUPPORTED = {
    "description": "Đây là đoạn mô tả, không phải câu hỏi: không có phần { … }.",
    "essay": "Câu tự luận không dùng được trong cuộc thi trắc nghiệm.",
    "numerical": "Câu điền số chưa dùng được ở đây. Hãy đổi thành câu chọn đáp án.",
    "match": "Câu ghép đôi chưa dùng được ở đây. Hãy đổi thành câu chọn đáp án.",
    "short": "Câu trả lời ngắn chưa dùng được ở đây. Hãy đổi thành câu chọn đáp án.",
}


@dataclass(slots=True)
class _Block:
    """Lines of one question, its comments apart."""

    first_line: int
    lines: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_line: int = 0

    @property
    def place(self) -> str:
        if self.last_line <= self.first_line:
            return f"dòng {self.first_line}"
        return f"dòng {self.first_line}–{self.last_line}"

    @property
    def written(self) -> str:
        return "\n".join(self.lines)


def read_gift(content: bytes) -> Understood:
    """Read choice and true-false questions; every other kind becomes a miss that names it."""
    decoded = decode(content)
    items: list[Item] = []
    misses: list[Miss] = []
    topic = ""
    for block in _blocks(decoded.text):
        if block.lines[0].lstrip().startswith(_CATEGORY):
            topic = topic_from(block.lines[0].partition(":")[2])
            continue
        if len(items) + len(misses) >= QUESTION_LIMIT:
            raise Refusal("too_many_rows", "Mỗi tệp chỉ nhận 5.000 câu. Hãy chia thành nhiều tệp.")
        found = _read_block(block, len(items) + 1, topic)
        if isinstance(found, Miss):
            misses.append(found)
        else:
            items.append(found)
    return Understood("gift", items, misses, decoded.losses)


def _blocks(text: str) -> Iterator[_Block]:
    """Cut at blank lines outside braces, at titles after a finished question, at categories."""
    block = _Block(0)
    comments: list[str] = []
    depth = blank_count = 0
    is_answered = False
    for number, line in enumerate(text.split("\n"), start=1):
        bare = line.strip().lstrip("\ufeff")
        if not bare:
            blank_count += 1
            continue
        is_comment = bare.startswith("//")
        if blank_count and (is_comment or comments):
            comments = []  # those of a question stand right before it
        ends = bool(block.lines) and (
            (blank_count > 0 and (depth <= 0 or not _GOES_ON.match(bare)))
            or bare.startswith(_CATEGORY)
            or (is_answered and depth <= 0 and (is_comment or bare.startswith("::")))
        )
        blank_count = 0
        if ends:
            yield block
        if ends or not block.lines:
            block, depth, is_answered = _Block(number), 0, False
        if is_comment:
            (block.comments if block.lines else comments).append(bare)
            continue
        if not block.lines:
            block.comments, comments = comments, []
        block.lines.append(line.lstrip("\ufeff"))
        block.last_line = number
        bald = _ESCAPE.sub("", bare)
        depth += bald.count("{") - bald.count("}")
        is_answered = is_answered or "}" in bald
        if bare.startswith(_CATEGORY):
            yield block
            block = _Block(0)
    if block.lines:
        yield block


def _read_block(block: _Block, number: int, topic: str) -> Item | Miss:
    if len(block.written) > LONGEST_LINE or block.written.count("~") > MOST_SIGNS:
        return Miss(block.place, block.written[:MARKUP_LIMIT], TOO_MUCH)
    text = _ESCAPE.sub(lambda match: _HIDDEN[match[1]], block.written.translate(_UNSEEN)).strip()
    title = ""
    if text.startswith("::"):
        title, _, text = text[2:].partition("::")
    stem, opening, rest = text.partition("{")
    answers, closing, tail = rest.partition("}")
    if not opening and "}" not in text:
        return Miss(block.place, block.written, UNSUPPORTED["description"])
    if not opening or not closing or "}" in stem:
        return Miss(block.place, block.written, ONE_BRACE)
    if "{" in tail:
        return Miss(block.place, block.written, TWO_ANSWERS)
    tail = "" if tail.lstrip().startswith("//") else tail.strip()
    stem = f"{stem.rstrip()} _____ {tail}" if tail else stem
    mark = _FORMAT.match(stem)
    reader = _Reader(mark[1].lower() if mark else "moodle")
    named = clean(title.translate(_SHOWN))
    answers, _, general = answers.strip().rpartition("####") if "####" in answers else (
        answers.strip(), "", "")  # fmt: skip
    item = reader.read_answers(answers.strip())
    if isinstance(item, str):
        return Miss(block.place, block.written, item)
    item = replace(
        item,
        number=number,
        text=reader.read_text(stem),
        place=f"{block.place}, “{named}”" if named else block.place,
        written=block.written,
        code=_code(block.comments),
        topic=topic,
        explanation=reader.read_text(general),
        losses=(*item.losses, *feedback_losses(item.options), *reader.losses),
    )
    tags = [tag.replace(r"\]", "]") for line in block.comments for tag in _TAG.findall(line)]
    return with_tags(item, tags, default_pins=None)


def _code(comments: Sequence[str]) -> str:
    """Only what is called an id: names repeat, and a code decides which question is replaced."""
    match = next(filter(None, map(_ID.search, comments)), None)
    return clean(match[1].replace(r"\]", "]")) if match else ""


class _Reader:
    """Reads the texts of one question, all in the format that its stem declares."""

    def __init__(self, text_format: str) -> None:
        self._format = text_format
        self.losses: list[str] = []

    def read_text(self, text: str) -> str:
        mark = _FORMAT.match(text)
        text_format = mark[1].lower() if mark else self._format
        shown = text[mark.end() :] if mark else text
        if text_format in ("moodle", "markdown"):
            shown = re.sub(r"\s*\n\s*", " " if text_format == "moodle" else "\n", shown)
        shown = shown.translate(_SHOWN)
        if text_format == "html" or (text_format != "plain" and looks_marked(shown)):
            plain = plain_text(shown if text_format == "html" else shown.replace("\n", "<br>"))
            lost = [*plain.losses]
            if plain.pictures:
                lost.append("Hình trong tệp GIFT chỉ là địa chỉ, không chuyển được.")
            self.losses += [each for each in lost if each not in self.losses]
            shown = plain.text
        return clean_lines(shown)

    def read_answers(self, answers: str) -> Item | str:
        """An item with kind, options and losses; or the sentence why there is none."""
        if not answers:
            return UNSUPPORTED["essay"]
        if answers.startswith("#"):
            return UNSUPPORTED["numerical"]
        said, *feedbacks = answers.split("#", 2)
        if said.strip().isalpha() and (is_true := _TRUE_FALSE.get(fold(said))) is not None:
            return self._true_false(is_true, [*feedbacks, "", ""])
        if "~" not in answers:
            is_match = "=" in answers and "->" in answers
            return UNSUPPORTED["match" if is_match else "short"]
        return self._choices(answers)

    def _true_false(self, is_true: bool, feedbacks: Sequence[str]) -> Item:
        to_wrong, to_right = (self.read_text(each) for each in feedbacks[:2])
        options = tuple(
            ItemOption(text, right, feedback=to_right if right else to_wrong)
            for text, right in zip(TRUE_FALSE, (is_true, not is_true), strict=True)
        )
        return Item(0, "", options, kind="true_false")

    def _choices(self, answers: str) -> Item:
        texts: list[tuple[str, float, str]] = []
        for piece in re.findall(r"[=~][^=~]*", answers):
            sign, rest = piece[0], piece[1:].strip()
            share = 100.0 if sign == "=" else 0.0
            if weight := _WEIGHT.match(rest):
                share = float(weight[1].replace(",", "."))
                rest = rest[weight.end() :]
            text, _, feedback = rest.partition("#")
            texts.append((self.read_text(text), share, self.read_text(feedback)))
        judged = judge([share for _, share, _ in texts], is_single="=" in answers)
        options = tuple(
            ItemOption(text, right, feedback=feedback)
            for (text, _, feedback), right in zip(texts, judged.rights, strict=True)
        )
        return Item(0, "", options, kind=judged.kind, faults=judged.faults, losses=judged.losses)


def write_gift(items: Sequence[Item], *, title: str) -> Written:
    """Write UTF-8 GIFT that Moodle reads; texts are declared [plain]."""
    pieces = [f"// {clean(title)}\n"]
    topic = ""
    for item in items:
        if item.topic != topic:
            topic = item.topic
            pieces.append(f"{_CATEGORY} {topic_path(topic)}\n")
        pieces.append(_question(item))
    lost_count = sum(item.image is not None for item in items)
    losses = (IMAGE_LOST.format(count=lost_count),) if lost_count else ()
    content = "\n".join(pieces).encode()
    return Written(content, "cau-hoi.gift.txt", "text/plain; charset=utf-8", losses)


def _question(item: Item) -> str:
    is_plain_true_false = item.kind == "true_false" and says_true_false(item.options)
    tags = tags_of(item, guessed_pins=guess_pins(item.options))
    marks = ([f"[id:{_in_brackets(item.code)}]"] if item.code else []) + [
        f"[tag:{_in_brackets(tag)}]" for tag in tags
    ]
    lines = [f"// {' '.join(marks)}"] if marks else []
    name = f"::{_escaped(item.code)}::" if item.code else ""
    stem = f"{name}[plain]{_escaped(item.text)}"
    general = f"####{_marked(item.explanation)}" if item.explanation else ""
    if is_plain_true_false:
        lines.append(f"{stem}{{{_true_false_answer(item.options)}{general}}}")
    else:
        lines.append(f"{stem}{{")
        single = is_single(item.kind, item.options)
        lines += [f"\t{_option(item.options, each, single)}" for each in item.options]
        lines += [f"\t{general}"] if general else []
        lines.append("}")
    return "\n".join(lines) + "\n"


def _true_false_answer(options: Sequence[ItemOption]) -> str:
    true, _ = options
    right, wrong = sorted(options, key=lambda option: not option.is_correct)
    feedbacks = [_marked(wrong.feedback), _marked(right.feedback)]
    while feedbacks and not feedbacks[-1]:
        feedbacks.pop()
    return "".join(["TRUE" if true.is_correct else "FALSE", *(f"#{each}" for each in feedbacks)])


def _option(options: Sequence[ItemOption], option: ItemOption, is_single: bool) -> str:
    if is_single:
        sign = "=" if option.is_correct else "~"
    else:
        sign = f"~%{share_of(options, option, is_single=False):.5f}".rstrip("0").rstrip(".") + "%"
    feedback = f"#{_marked(option.feedback)}" if option.feedback else ""
    return f"{sign}{_marked(option.text)}{feedback}"


def _marked(text: str) -> str:
    """Text that begins neither like a weight nor like another format."""
    return f"[plain]{_escaped(text)}" if text.startswith(("%", "[")) else _escaped(text)


def _escaped(text: str) -> str:
    escaped = _TO_ESCAPE.sub(lambda match: f"\\{match[0]}", text)
    return escaped.replace("\n", r"\n")


def _in_brackets(text: str) -> str:
    shown = clean(text).replace("]", r"\]")
    return f"{shown} " if shown.endswith("\\") else shown  # or it would escape the bracket
