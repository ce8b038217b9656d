"""How does a paper become HTML without rendering twenty templates for everybody?

A question is rendered once for each place that its options may take, and the page around a paper
that nobody has answered yet once for a round; a paper is put together from those pieces. What
differs from person to person is filled in at the end. Pieces are bytes: putting a Vietnamese page
together as text and encoding it for each person cost more than all the rest of it.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from quiz.drawing import Paper
from quiz.pools import PoolQuestion
from web.render import to_html

Values = Mapping[str, object]

# Stand for what differs from paper to paper; no question text has such words.
_POSITION = "@@question-position@@"
_OPTIONS = "@@question-options@@"
# The questions of a few open rounds, each with up to six options in six places, ticked or not.
MOST_QUESTIONS = 5_000
MOST_OPTIONS = 60_000
# About 2 kB each.
MOST_BLOCKS = 10_000
MOST_FRAMES = 100
ATTEMPT_VALUES = (
    "id",
    "opening",
    "saved_seq",
    "next_seq",
    "deadline",
    "remaining",
    "deadline_ms",
    "server_now_ms",
)
_SENTINEL = re.compile(f"@@({'|'.join((*ATTEMPT_VALUES, 'question_blocks'))})@@")
_NUMBERS = tuple(str(position).encode() for position in range(401))


@dataclass(frozen=True)
class Frame:
    """What the papers of a round share; pairs instead of dictionaries, so that it can be a key."""

    slug: str
    title: str
    round_number: int
    round_name: str
    question_count: int
    prediction: tuple[tuple[str, str], ...]
    notices: tuple[tuple[int, str], ...]
    extension_count: int
    granted_minutes: int  # beyond the attempt's own limit


def paper_page(
    language: str,
    frame: Frame,
    paper: Paper,
    *,
    attempt: Values,
    answers: Mapping[str, Sequence[int]],
    prediction: int | None,
    just_saved: bool,
) -> bytes:
    """The whole page of `play/play.html`; `attempt` as its comment says."""
    blocks = _blocks(language, paper, answers)
    if attempt["saved_at"] is None and not just_saved:
        filled = {name: str(attempt[name]).encode() for name in ATTEMPT_VALUES}
        filled["question_blocks"] = blocks
        fixed, names = _fresh_page(language, frame)
        values = [filled[name] for name in names]
        return b"".join(itertools.chain(*zip(fixed, values, strict=False), fixed[-1:]))
    return to_html(
        language,
        "play/play.html",
        _context(frame, attempt, _markup(blocks), answers, prediction, just_saved=just_saved),
    ).encode()


@lru_cache(MOST_FRAMES)
def _fresh_page(language: str, frame: Frame) -> tuple[list[bytes], list[str]]:
    """The page of an attempt without a save: what stays the same, and the values between."""
    attempt: dict[str, object] = {name: f"@@{name}@@" for name in ATTEMPT_VALUES}
    blocks = Markup("@@question_blocks@@")
    page = to_html(
        language,
        "play/play.html",
        _context(frame, {**attempt, "saved_at": None}, blocks, {}, None, just_saved=False),
    )
    pieces = _SENTINEL.split(page)
    return [piece.encode() for piece in pieces[::2]], pieces[1::2]


def _context(
    frame: Frame,
    attempt: Values,
    blocks: Markup,
    answers: Mapping[str, Sequence[int]],
    prediction: int | None,
    *,
    just_saved: bool,
) -> dict[str, object]:
    return {
        "attempt": attempt,
        "contest": {"slug": frame.slug, "title": frame.title},
        "round": {"number": frame.round_number, "name": frame.round_name},
        "question_blocks": blocks,
        "questions": [
            {"position": position, "answered": bool(answers.get(str(position)))}
            for position in range(1, frame.question_count + 1)
        ],
        "answered_count": sum(1 for chosen in answers.values() if chosen),
        "question_count": frame.question_count,
        "prediction": {**dict(frame.prediction), "value": prediction, "error": None}
        if frame.prediction
        else None,
        "just_saved": just_saved,
        "notices": [{"id": number, "body": body} for number, body in frame.notices],
        "extension_count": frame.extension_count,
        "granted_minutes": frame.granted_minutes,
    }


def paper_html(language: str, paper: Paper, answers: Mapping[str, Sequence[int]]) -> Markup:
    """The question blocks of `play/play.html`, in the order of the paper."""
    return _markup(_blocks(language, paper, answers))


def _markup(blocks: bytes) -> Markup:
    return Markup(blocks.decode())  # noqa: S704 — made of rendered templates


def _blocks(language: str, paper: Paper, answers: Mapping[str, Sequence[int]]) -> bytes:
    count = len(paper)
    if not answers:
        pieces = [_block(language, each.question, count, each.option_order, ()) for each in paper]
    else:
        pieces = [
            _block(language, each.question, count, each.option_order, tuple(chosen))
            for each, chosen in zip(paper, _in_order(answers, count), strict=True)
        ]
    return b"\n".join(
        _NUMBERS[position].join(block) for position, block in enumerate(pieces, start=1)
    )


def _in_order(answers: Mapping[str, Sequence[int]], count: int) -> list[Sequence[int]]:
    return [answers.get(str(position), ()) for position in range(1, count + 1)]


@lru_cache(MOST_BLOCKS)
def _block(
    language: str,
    question: PoolQuestion,
    question_count: int,
    option_order: tuple[int, ...],
    chosen: tuple[int, ...],
) -> list[bytes]:
    """The question's HTML, cut where its position on the paper stands."""
    options = "".join(
        _option(language, question, place, shown, shown in chosen)
        for shown, place in enumerate(option_order, start=1)
    )
    html = _question(language, question, question_count).replace(_OPTIONS, options)
    return html.encode().split(_POSITION.encode())


@lru_cache(MOST_QUESTIONS)
def _question(language: str, question: PoolQuestion, question_count: int) -> str:
    return to_html(
        language,
        "play/_question.html",
        {
            "question": {
                "position": _POSITION,
                "text": question.text,
                "kind": _kind(question),
                "image": {"url": f"/anh/{question.image_digest}", "alt": question.image_alt}
                if question.image_digest
                else None,
            },
            "options": _OPTIONS,
            "question_count": question_count,
        },
    )


@lru_cache(MOST_OPTIONS)
def _option(language: str, question: PoolQuestion, place: int, shown: int, is_checked: bool) -> str:
    return to_html(
        language,
        "play/_option.html",
        {
            "question": {"position": _POSITION, "kind": _kind(question)},
            "o": {
                "position": shown,
                "letter": string.ascii_uppercase[shown - 1],
                "text": question.options[place].text,
                "checked": is_checked,
            },
        },
    )


def _kind(question: PoolQuestion) -> str:
    return "several" if question.kind == "multiple" else question.kind
