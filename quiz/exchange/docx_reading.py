"""Which questions does a Word document of an organiser hold, and what of it was not understood?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from core.errors import Refusal
from core.text import clean, fold
from core.text import number as number_shown
from quiz.exchange.docx_answers import (
    Case,
    OptionMarks,
    Verdict,
    is_true_false,
    judge,
    true_false_of,
)
from quiz.exchange.docx_lines import (
    LONGEST_TRAILER,
    article_of,
    difficulty_of,
    joined,
    kind_of,
    trailing_mark,
    url_of,
)
from quiz.exchange.docx_questions import Draft, Option, Sorted, sort_lines
from quiz.exchange.docx_styles import Look
from quiz.exchange.docx_tables import KeyEntry
from quiz.exchange.docx_text import Line, Picture, Spot, read_word
from quiz.exchange.item import Item, ItemFault, ItemImage, ItemOption, Miss, Understood
from quiz.question_drafts import option_field
from quiz.question_sheet import pinned

QUESTION_LIMIT = 5_000
SHOWN_WRITTEN = 4_000  # characters of the file's own words beside what was understood
SHOWN_BEGINNING = 80

_QUESTION_LIKE = re.compile(r"\?\s*$|^\s*(?:câu|question)\s*\d", re.IGNORECASE)
_SEVERAL_SAID = re.compile(
    r"\b(?:nhung|chon (?:nhieu|cac|tat ca|2|3|4|hai|ba|bon)|nhieu (?:dap an|phuong an|lua chon)|cac (?:dap an|phuong an) dung)\b"
)
_TRUE_FALSE_ASKED = re.compile(
    r"[\s(\[–-]*(?:đúng|đ)\s*(?:/|hay|hoặc)\s*(?:sai|s)\s*[)\]]?\s*\??\s*$", re.IGNORECASE
)
_SAID_AT_END = re.compile(r"\s*[(\[]\s*(đúng|sai|đ|s)\s*[)\]]\s*[.?]?\s*$", re.IGNORECASE)


def read_docx(content: bytes) -> Understood:
    """Read the questions of a DOCX as organisers write it: up to 5,000.

    Items have a key only where all marks agree; whatever is doubtful has a fault in its place, and
    what became no item is a miss. Refuses "bad_file" (another format, a password, macros, rotten,
    no Unicode), "file_bomb" and "too_many_rows". A full file takes seconds: call it in a thread.
    """
    text = read_word(content)
    found = sort_lines(text.blocks)
    if len(found.drafts) > QUESTION_LIMIT:
        raise Refusal(
            "too_many_rows",
            f"Tệp có {number_shown(len(found.drafts))} câu, trong khi mỗi tệp chỉ nhận "
            f"{number_shown(QUESTION_LIMIT)} câu. Hãy chia thành nhiều tệp.",
        )
    losses = list(text.losses)
    misses = _stray_misses(found)
    drafts = _without_lists(found.drafts, misses)
    listed = _match_keys(found, drafts, misses)
    questions = [
        _question(draft, listed.get(place, _Listed())) for place, draft in enumerate(drafts)
    ]
    verdicts = judge([each.case for each in questions])
    items = [
        _item(number, question, verdict)
        for number, (question, verdict) in enumerate(zip(questions, verdicts, strict=True), 1)
    ]
    losses += _preamble(found, misses)
    return Understood("docx", items, sorted(misses, key=_order), losses)


@dataclass(slots=True)
class _Listed:
    """What lists of keys say of one question."""

    values: list[str] = field(default_factory=list)
    explanation: str = ""
    fault: str = ""


@dataclass(slots=True)
class _Question:
    draft: Draft
    case: Case
    texts: list[str]
    stem: str
    fault: str
    explanation: str


def _without_lists(drafts: Sequence[Draft], misses: list[Miss]) -> list[Draft]:
    """Drop numbered lines that ask nothing: rules and lists before and between the questions."""
    kept = []
    for draft in drafts:
        if draft.options or draft.keys or draft.is_strong or _asks_true_false(draft):
            kept.append(draft)
        else:
            misses.append(
                Miss(
                    place_of(draft.spots),
                    _written(draft.written),
                    "Đoạn này được đánh số như câu hỏi nhưng không có phương án nào. Nếu là câu hỏi, "
                    "hãy ghi các phương án A, B, C, D rồi gửi lại.",
                )
            )
    return kept


def _asks_true_false(draft: Draft) -> bool:
    end = joined(draft.stem)[-LONGEST_TRAILER:]
    return bool(_TRUE_FALSE_ASKED.search(end) or _SAID_AT_END.search(end))


def _match_keys(found: Sorted, drafts: Sequence[Draft], misses: list[Miss]) -> dict[int, _Listed]:
    """Give each question what lists of keys say of its number; the rest are misses."""
    misses.extend(
        Miss(place_of([table.spot]), _written([table.written]), table.trouble)
        for table in found.troubles
    )
    entries = [entry for each in found.key_lists for entry in each]
    if not entries:
        return {}
    listed: dict[int, _Listed] = {}
    places = _places_by_number(entries, drafts)
    counted = Counter(draft.number for draft in drafts)
    for number, entry in enumerate(entries):
        place = places.get(number)
        if place is None:
            misses.append(_lost_key(entry, counted[entry.number]))
            continue
        target = listed.setdefault(place, _Listed())
        target.values.append(entry.value)
        target.explanation = target.explanation or entry.explanation
    for place, draft in enumerate(drafts):
        if place not in listed and draft.number is not None and counted[draft.number] > 1:
            listed[place] = _Listed(
                fault=f"trong tệp có {counted[draft.number]} câu cùng mang số {draft.number}, nên "
                "không rõ dòng nào của bảng đáp án là của câu này. Hãy chọn đáp án đúng."
            )
    return listed


def _places_by_number(entries: Sequence[KeyEntry], drafts: Sequence[Draft]) -> dict[int, int]:
    """Entry → question. Where numbers begin anew, the parts of both are laid side by side."""
    numbers = [draft.number for draft in drafts]
    counted = Counter(numbers)
    if all(number is None for number in numbers):
        is_whole = [entry.number for entry in entries] == list(range(1, len(drafts) + 1))
        return {place: place for place in range(len(entries))} if is_whole else {}
    places: dict[int, int] = {}
    question_parts = _parts([number or 0 for number in numbers])
    entry_parts = _parts([entry.number for entry in entries])
    is_parted = len(question_parts) == len(entry_parts) > 1 and all(
        {entries[place].number for place in mine} <= {numbers[place] for place in theirs}
        for mine, theirs in zip(entry_parts, question_parts, strict=True)
    )
    if is_parted:
        for mine, theirs in zip(entry_parts, question_parts, strict=True):
            by_number = {numbers[place]: place for place in theirs}
            places |= {place: by_number[entries[place].number] for place in mine}
        return places
    by_number = {number: place for place, number in enumerate(numbers)}
    for place, entry in enumerate(entries):
        if counted[entry.number] == 1:
            places[place] = by_number[entry.number]
    return places


def _parts(numbers: Sequence[int]) -> list[list[int]]:
    """Places of rising runs of numbers."""
    parts: list[list[int]] = []
    for place, number in enumerate(numbers):
        if not parts or (number and number <= numbers[place - 1]):
            parts.append([])
        parts[-1].append(place)
    return parts


def _lost_key(entry: KeyEntry, count: int) -> Miss:
    sentence = (
        f"Bảng đáp án có câu {entry.number} nhưng không thấy câu này trong tệp."
        if not count
        else f"Có {count} câu cùng mang số {entry.number}, nên không rõ đáp án này của câu nào."
    )
    return Miss(place_of([entry.spot]), f"{entry.number}. {entry.value}", sentence)


def _question(draft: Draft, listed: _Listed) -> _Question:
    stem = joined(draft.stem)
    keys = list(dict.fromkeys([*draft.keys, *listed.values]))
    if not draft.options:
        stem = _make_true_false(draft, stem, keys)
    bodies, signs = _bodies(draft.options)
    marks = [
        OptionMarks(
            text=joined(body),
            place=option.place,
            sign=sign,
            letter_look=option.letter_look,
            looks=_looks(body),
        )
        for option, body, sign in zip(draft.options, bodies, signs, strict=True)
    ]
    texts = [clean(mark.text).rstrip("; ") for mark in marks]
    several = bool(_SEVERAL_SAID.search(fold(stem)))
    case = Case(marks, keys, draft.ticked, several)
    return _Question(draft, case, texts, stem, listed.fault, listed.explanation)


def _make_true_false(draft: Draft, stem: str, keys: list[str]) -> str:
    """Give a statement the options that it does not write out: Đúng, Sai."""
    end_from = max(0, len(stem) - LONGEST_TRAILER)
    asked = _TRUE_FALSE_ASKED.search(stem, end_from)
    said = _SAID_AT_END.search(stem, end_from)
    if not asked and not said and not any(true_false_of(key) for key in keys):
        return stem
    spot = draft.spots[0] if draft.spots else Spot(0)
    draft.options = [
        Option(None, True, None, "", [Line(word, (), spot)]) for word in ("Đúng", "Sai")
    ]
    if said and not asked:
        keys.append(said[1])
        stem = stem[: said.start()].strip()
    return stem


def _bodies(options: Sequence[Option]) -> tuple[list[list[Line]], list[str]]:
    """The options' lines without signs at their ends, and what the signs say.

    A sign at every option marks none ("500 (đ)", a footnote's star): it stays.
    """
    ends = [trailing_mark(option.lines[-1].text) for option in options]
    said = [end[0] for end in ends]
    is_telling = any(said) and (len(set(said)) > 1)
    bodies = []
    signs = []
    for option, (sign, end) in zip(options, ends, strict=True):
        lines = list(option.lines)
        if is_telling and sign:
            lines[-1] = lines[-1].cut(0, end)
        bodies.append(lines)
        signs.append(option.sign or (sign if is_telling else ""))
    return bodies, signs


def _looks(lines: Sequence[Line]) -> dict[Look, int]:
    """How many letters look how; the looks of a document are few and shared, so ids tell them."""
    counted: dict[int, int] = {}
    known: dict[int, Look] = {}
    for line in lines:
        for letter, look in zip(line.text, line.looks, strict=False):
            if not letter.isspace():
                known[id(look)] = look
                counted[id(look)] = counted.get(id(look), 0) + 1
    total: dict[Look, int] = {}
    for identity, count in counted.items():
        total[known[identity]] = total.get(known[identity], 0) + count
    return total


def _item(number: int, question: _Question, verdict: Verdict) -> Item:
    draft, texts = question.draft, question.texts
    place = place_of(draft.spots)
    name = f"Câu {draft.number or number} ({place})"
    fault = question.fault if question.fault and not question.case.written_keys else verdict.fault
    right = () if fault else verdict.right
    faults = [ItemFault(field_name, f"{name}: {sentence}") for field_name, sentence in draft.faults]
    if not question.stem:
        faults.append(ItemFault("text", f"{name}: không thấy nội dung câu hỏi. Hãy viết thêm."))
    if not texts:
        faults.append(
            ItemFault("option_a", f"{name}: không thấy phương án trả lời nào. Hãy viết thêm.")
        )
    elif len(texts) == 1:
        faults.append(ItemFault("option_b", f"{name}: chỉ thấy một phương án. Hãy viết thêm."))
    faults += [
        ItemFault(option_field(min(at, 7)), f"{name}: phương án {chr(ord('A') + at)} để trống.")
        for at, text in enumerate(texts)
        if not text
    ]
    if fault:
        faults.append(ItemFault("answer", f"{name}: {fault}"))
    fields = _fields(question)
    image, losses = _image(draft)
    return Item(
        number=number,
        text=question.stem,
        options=tuple(
            ItemOption(text, at in right, is_pinned)
            for at, (text, is_pinned) in enumerate(zip(texts, pinned(texts), strict=True))
        ),
        place=place,
        written=_written(draft.written),
        code=fields.get("code", ""),
        topic=fields.get("topic") or draft.topic,
        difficulty=difficulty_of(fields.get("difficulty", "")) or draft.difficulty,
        kind=_kind(texts, right, fields.get("kind", "")),
        explanation=fields.get("explanation", ""),
        source=fields.get("source", ""),
        article=fields.get("article", ""),
        link_url=fields.get("link_url", ""),
        tags=tuple(clean(tag) for tag in re.split(r"[,;]", fields.get("tags", "")) if clean(tag)),
        image=image,
        faults=tuple(faults),
        losses=tuple(dict.fromkeys([*draft.losses, *losses])),
    )


def _kind(texts: Sequence[str], right: Sequence[int], said: str) -> str:
    if is_true_false(texts):
        return "true_false"
    if len(right) > 1 or kind_of(said) == "multiple":
        return "multiple"
    return "single" if right else ""


def _fields(question: _Question) -> dict[str, str]:
    """The notes under a question; legal references split into document and article."""
    draft = question.draft
    said = {name: joined(lines) for name, lines in draft.fields.items()}
    said["explanation"] = "\n".join(
        text for text in (said.get("explanation", ""), question.explanation) if text
    )
    said["link_url"] = url_of(said.get("link_url", "")) or (draft.links[0] if draft.links else "")
    source = clean(said.get("source", ""))
    if url := url_of(source):
        said["link_url"] = said["link_url"] or url
        source = clean(source.replace(url, "")).strip(" .;,()")
    article = clean(said.get("article", ""))
    if article:
        if re.match(r"\d", article):
            article = f"Điều {article}"
        own, document = article_of(article)
        article, source = (own, source or document) if own else (article, source)
    else:
        article, source = article_of(source)
    return said | {"source": source, "article": article}


def _image(draft: Draft) -> tuple[ItemImage | None, list[str]]:
    losses = [picture.loss for picture in draft.pictures if picture.loss]
    usable = [picture for picture in draft.pictures if not picture.loss]
    if len(usable) > 1:
        losses.append(
            f"Câu có {len(usable)} hình; chỉ lấy hình đầu tiên. Hãy ghép các hình thành một nếu cần."
        )
    if not usable:
        return None, losses
    first: Picture = usable[0]
    return ItemImage(first.content, first.media_type, first.alt), losses


def place_of(spots: Sequence[Spot]) -> str:
    """Where lines stand as people count: "đoạn 12–17" or "bảng 2, dòng 3"."""
    paragraphs = [spot.paragraph for spot in spots if not spot.table]
    parts = [f"đoạn {_range(paragraphs)}"] if paragraphs else []
    rows: dict[int, list[int]] = {}
    for spot in spots:
        if spot.table:
            rows.setdefault(spot.table, []).append(spot.row)
    parts += [f"bảng {table}, dòng {_range(its)}" for table, its in rows.items()]
    return "; ".join(parts)


def _range(numbers: Sequence[int]) -> str:
    first, last = min(numbers), max(numbers)
    return str(first) if first == last else f"{first}–{last}"


def _written(lines: Sequence[str]) -> str:
    text = "\n".join(line for line in lines if line)
    return text if len(text) <= SHOWN_WRITTEN else text[:SHOWN_WRITTEN] + "…"


def _stray_misses(found: Sorted) -> list[Miss]:
    misses = []
    for stray in found.strays:
        written = _written([clean(line.text) for line in stray.lines])
        losses = [loss for line in stray.lines for loss in line.losses]
        sentence = " ".join([stray.sentence, *losses])
        misses.append(
            Miss(place_of([line.spot for line in stray.lines]), written or "(hình)", sentence)
        )
    return misses


def _preamble(found: Sorted, misses: list[Miss]) -> list[str]:
    """Titles before the first question are told as one loss; what looks like a question is a miss."""
    titles = []
    for line in found.preamble:
        if _QUESTION_LIKE.search(line.text) or not found.drafts:
            misses.append(
                Miss(
                    place_of([line.spot]),
                    _written([clean(line.text)]),
                    "Đoạn này không đọc được thành câu hỏi. Hãy ghi “Câu 1.” trước câu hỏi và A, B, "
                    "C, D trước các phương án rồi gửi lại.",
                )
            )
        else:
            titles.append(line)
    if not titles:
        return []
    beginning = clean(" ".join(line.text for line in titles))[:SHOWN_BEGINNING]
    place = place_of([line.spot for line in titles])
    return [f"Phần mở đầu ({place}: “{beginning}…”) không phải câu hỏi nên được bỏ qua."]


def _order(miss: Miss) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", miss.place)]
