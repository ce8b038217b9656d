"""How does a paper become HTML without rendering twenty templates for everybody?

A question is rendered once for each place that its options may take; a paper is put together from
those pieces. Only the question's number on the paper is filled in at the end.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from functools import lru_cache

from markupsafe import Markup

from quiz.drawing import Paper
from quiz.pools import PoolQuestion
from web.render import to_html

# Stand for what differs from paper to paper; no question text has such words.
_POSITION = "@@question-position@@"
_OPTIONS = "@@question-options@@"
# The questions of a few open rounds, each with up to six options in six places, ticked or not.
MOST_QUESTIONS = 5_000
MOST_OPTIONS = 60_000


def paper_html(language: str, paper: Paper, answers: Mapping[str, Sequence[int]]) -> Markup:
    """The question blocks of `play/play.html`, in the order of the paper."""
    return Markup("\n").join(
        _block(language, position, len(paper), each.question, each.option_order, chosen)
        for position, each in enumerate(paper, start=1)
        for chosen in (answers.get(str(position), ()),)
    )


def _block(
    language: str,
    position: int,
    question_count: int,
    question: PoolQuestion,
    option_order: Sequence[int],
    chosen: Sequence[int],
) -> Markup:
    options = "".join(
        _option(language, question, place, shown, shown in chosen)
        for shown, place in enumerate(option_order, start=1)
    )
    html = _question(language, question, question_count).replace(_OPTIONS, options)
    return Markup(html.replace(_POSITION, str(position)))  # noqa: S704 — made of rendered templates


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
