from __future__ import annotations

import gzip

from hypothesis import given
from hypothesis import strategies as st

from web.packed import PackedPage

TEXT = st.text(st.characters(exclude_characters="@", exclude_categories=("Cs",)), max_size=300)


@given(TEXT, TEXT, TEXT, TEXT, TEXT)
def test_a_filled_page_is_the_page_with_its_words(
    before: str, first: str, between: str, second: str, after: str
) -> None:
    page = PackedPage(f"{before}@@one@@{between}@@two@@@@one@@{after}")
    unpacked = gzip.decompress(page.filled({"one": first, "two": second})).decode()
    assert unpacked == before + first + between + second + first + after


def test_a_page_without_holes_is_itself() -> None:
    assert gzip.decompress(PackedPage("Đến lượt bạn").filled({})).decode() == "Đến lượt bạn"
