"""A text steps down, then breaks evenly, and is never cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from certificates.fitting import POINT_MM, Step, fit

STEPS = (Step(20), Step(15), Step(15, 2), Step(10, 3))


def width(text: str) -> int:
    return 500 * len(text)


def test_the_largest_step_that_holds_the_text_is_taken() -> None:
    room = 20.1 * 20 * 0.5 * POINT_MM  # twenty letters of the first step
    assert fit("a" * 20, room, STEPS, width) == (20, ["a" * 20])
    assert fit("a" * 26, room, STEPS, width) == (15, ["a" * 26])
    assert fit("Nguyễn Thị Hoàng Phương Thảo Vy", room, STEPS, width) == (
        15,
        ["Nguyễn Thị Hoàng", "Phương Thảo Vy"],
    )
    assert fit("a" * 200, room, STEPS, width) is None


def test_an_address_breaks_where_it_can_be_read() -> None:
    address = "https://thi.example/chung-nhan/00123-2026-GCN?ma=ABC"
    assert fit(address, 21 * 5 * POINT_MM, (Step(10, 4),), width) == (
        10,
        ["https://thi.example/", "chung-nhan/", "00123-2026-GCN?ma=ABC"],
    )
    assert fit(address, 30 * 5 * POINT_MM, (Step(10, 2),), width) == (
        10,
        ["https://thi.example/chung-", "nhan/00123-2026-GCN?ma=ABC"],
    )  # rather than not at all


@given(st.lists(st.text("abcđê-/", min_size=1, max_size=12), min_size=1, max_size=20))
def test_no_letter_is_lost_and_no_line_is_too_long(parts: list[str]) -> None:
    text = " ".join(parts)
    found = fit(text, 60.0, STEPS, width)
    if found:
        points, lines = found
        assert "".join(lines).replace(" ", "") == text.replace(" ", "")
        assert all(width(line) * points / 1000 * POINT_MM <= 60.001 for line in lines)
