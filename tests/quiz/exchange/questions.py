"""Questions to send through the formats: the demonstration's, made ones, and drawn ones."""

from __future__ import annotations

import json
import random
import string
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path

from hypothesis import strategies as st
from PIL import Image

from core.text import clean, clean_lines
from quiz.exchange.item import Item, ItemImage, ItemOption
from quiz.question_sheet import parse_item

ROOT = Path(__file__).parents[3]

SYLLABLES = (
    "chuyển", "đổi", "số", "hành", "chính", "công", "người", "dân", "nộp", "hồ", "sơ", "trực",
    "tuyến", "tại", "Lai", "Châu", "thuế", "đất", "đai", "bảo", "mật", "dữ", "liệu", "cá", "nhân",
    "nghị", "định", "thông", "tư", "khoản", "điều", "ỷ", "ưỡng", "Đắk", "ngoằn", "ngoèo",
)  # fmt: skip
# What other formats would take for marks of theirs.
MARKS = (
    "{", "}", "~", "=", "#", "####", ":", "::", "\\", "\\n", "->", "//", "%50%", "[html]", "]]>",
    "<b>đậm</b>", "&amp;", "<", ">", "“trích”", "2 < 3", "m²", "A.", "ANSWER: B", "$CATEGORY:",
    "|", ";", ",", "\t", '"', "50%", "R&D", "…", "–", "1/7/2026",
)  # fmt: skip
TOPICS = ("", "Chuyển đổi số", "Luật/An toàn thông tin", "cchc", "Thuế, phí & lệ phí")


def picture(colour: tuple[int, int, int] = (20, 90, 160)) -> bytes:
    output = BytesIO()
    Image.new("RGB", (8, 6), colour).save(output, format="PNG")
    return output.getvalue()


def demonstration_items() -> list[Item]:
    found = json.loads((ROOT / "web/demo/questions.json").read_text("utf-8"))
    items = []
    for number, entry in enumerate(found, start=1):
        row = parse_item(number, entry)
        draft = row.draft
        items.append(
            Item(
                number, draft.text,
                tuple(ItemOption(o.text, o.is_correct, o.is_pinned) for o in draft.options),
                code=draft.code, topic=row.topic_name, difficulty=draft.difficulty,
                kind=draft.kind, explanation=draft.explanation, source=draft.source,
                article=draft.article, valid_from=draft.valid_from, valid_to=draft.valid_to,
            )
        )  # fmt: skip
    return items


def made_items(count: int, *, seed: int = 2026) -> list[Item]:
    dice = random.Random(seed)
    return [_made_item(dice, number) for number in range(1, count + 1)]


def _made_item(dice: random.Random, number: int) -> Item:
    kind = dice.choice(("single", "multiple", "true_false"))
    if kind == "true_false":
        texts = dice.choice((("Đúng", "Sai"), ("Sai", "Đúng"), ("Có", "Không")))
        rights = {dice.randrange(2)}
    else:
        count = dice.randint(3, 8)
        texts = tuple(f"{_said(dice, 4)} {letter}" for letter in string.ascii_lowercase[:count])
        rights = (
            {0} if kind == "single" else set(dice.sample(range(count), dice.randint(2, count - 1)))
        )
    return Item(
        number,
        clean_lines("\n".join(_said(dice, 9) for _ in range(dice.randint(1, 3)))) or "Gì?",
        tuple(
            ItemOption(text, place in rights, dice.random() < 0.1)
            for place, text in enumerate(texts)
        ),
        code=f"Q-{number:03d}",
        topic=dice.choice(TOPICS),
        difficulty=dice.choice(("", "easy", "medium", "hard")),
        kind=kind,
        explanation=_said(dice, 12) if dice.random() < 0.5 else "",
        source=f"Nghị định số {number}/2026/NĐ-CP" if dice.random() < 0.5 else "",
        article=f"khoản 2 Điều {number}" if dice.random() < 0.3 else "",
        link_url=f"https://dichvucong.gov.vn/?ma={number}#a" if dice.random() < 0.2 else "",
        tags=tuple(dict.fromkeys(f"thẻ {dice.randrange(9)}" for _ in range(dice.randrange(3)))),
        valid_from=date(2026, 7, 1) if dice.random() < 0.2 else None,
    )


def _said(dice: random.Random, longest: int) -> str:
    words = [
        dice.choice(MARKS) if dice.random() < 0.25 else dice.choice(SYLLABLES)
        for _ in range(dice.randint(1, longest))
    ]
    return clean(" ".join(words)) or "gì"


def bare(item: Item) -> Item:
    """The item without what only tells where it stood and what happened on the way."""
    return replace(item, number=0, place="", written="", losses=())


# Letters that every format can carry; apostrophes before formulas and Excel's own escapes aside.
LETTERS = st.characters(
    exclude_categories=("Cs", "Cc", "Cn", "Co"), exclude_characters="'’‘\ufeff_"
)
STARTS = st.sampled_from(["", "//", "[html]", "%50%", "=", "~", "::", "{", "A. ", "- ", "<p>", "@"])


def texts(longest: int = 30) -> st.SearchStrategy[str]:
    plain = st.text(LETTERS, max_size=longest)
    marked = st.lists(st.one_of(st.sampled_from(MARKS), plain), max_size=5).map(" ".join)
    return st.tuples(STARTS, st.one_of(plain, marked)).map("".join).map(clean)


def some(strategy: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return strategy.filter(bool)


LINES = st.lists(texts(), min_size=1, max_size=3).map("\n".join).map(clean_lines)
TAGS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=12).map(clean)
PATHS = st.lists(some(TAGS), max_size=3).map("/".join)
IMAGES = st.one_of(
    st.none(), st.builds(ItemImage, st.just(picture()), st.just("image/png"), texts())
)


@st.composite
def items(draw: st.DrawFn) -> Item:
    """A question without faults, as the bank holds it."""
    kind = draw(st.sampled_from(["single", "multiple", "true_false"]))
    if kind == "true_false":
        words = draw(st.sampled_from([["Đúng", "Sai"], ["Sai", "Đúng"], ["Có", "Không"]]))
    else:
        size = {"min_size": 2 if kind == "single" else 3, "max_size": 8}
        words = draw(st.lists(some(texts()), unique_by=str.casefold, **size))
    count = len(words)
    if kind == "multiple":
        rights = draw(st.sets(st.integers(0, count - 1), min_size=2, max_size=count - 1))
    else:
        rights = {draw(st.integers(0, count - 1))}
    pins = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    return Item(
        number=0,
        text=draw(some(LINES)),
        options=tuple(
            ItemOption(word, place in rights, pins[place], draw(st.one_of(st.just(""), texts())))
            for place, word in enumerate(words)
        ),
        code=draw(texts(12)),
        topic=draw(PATHS),
        difficulty=draw(st.sampled_from(["", "easy", "medium", "hard"])),
        kind=kind,
        explanation=draw(st.one_of(st.just(""), LINES)),
        source=draw(texts()),
        article=draw(texts()),
        link_url=draw(st.sampled_from(["", "https://dichvucong.gov.vn/tt?ma=1.001#b"])),
        tags=tuple(dict.fromkeys(draw(st.lists(some(TAGS), max_size=3)))),
        image=draw(IMAGES),
        valid_from=draw(st.one_of(st.none(), st.dates(date(1990, 1, 1), date(2020, 1, 1)))),
        valid_to=draw(st.one_of(st.none(), st.dates(date(2020, 1, 2), date(2100, 1, 1)))),
    )
