"""Near duplicates: the same measure as PostgreSQL's, without asking it for every pair."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import db
from core.text import fold
from quiz.likeness import ALIKE_FROM, MOST_SHOWN, nearest

TEXTS = (
    "Ngày Chuyển đổi số quốc gia là ngày nào?",
    "Ngày chuyển đổi số Quốc gia là ngày nào trong năm?",
    "Hộ chiếu phổ thông có thời hạn bao nhiêu năm?",
    "Cổng Dịch vụ công quốc gia có địa chỉ nào?",
    "Ở đâu?",
)
WORDS = st.lists(
    st.sampled_from(["ngay", "chuyen", "doi", "so", "quoc", "gia", "la", "cong", "dich", "vu"]),
    max_size=9,
)


async def test_the_share_is_what_postgresql_calls_similarity(clean: None) -> None:
    await db.pool().execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    keys = [fold(text) for text in TEXTS]
    for key, found in zip(keys, nearest(keys, keys), strict=True):
        rows = await db.pool().fetch(
            "SELECT place - 1 AS place, similarity(key, $1) AS share "
            "FROM unnest($2::text[]) WITH ORDINALITY AS kept (key, place)",
            key,
            keys,
        )
        told = {row["place"]: row["share"] for row in rows if row["share"] >= ALIKE_FROM}
        assert dict(found) == pytest.approx(told)
    assert [place for place, _ in nearest([keys[0]], keys)[0]] == [0, 1]


@given(st.lists(WORDS, max_size=12), WORDS)
def test_no_text_that_is_nearer_is_left_out(kept: list[list[str]], wanted: list[str]) -> None:
    keys, key = [" ".join(words) for words in kept], " ".join(wanted)
    [found] = nearest([key], keys)
    shares = [share for _, share in found]
    assert len(found) <= MOST_SHOWN
    assert shares == sorted(shares, reverse=True)
    assert all(share >= ALIKE_FROM for share in shares)
    twins = [place for place, other in enumerate(keys) if other == key and key]
    assert {place for place, share in found if share == 1} >= set(twins[:MOST_SHOWN])


def test_a_text_without_words_is_like_nothing() -> None:
    assert nearest(["", "??"], ["", "a"]) == [[], []]
