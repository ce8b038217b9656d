"""HTML is read as people see it; text written as HTML reads the same again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.text import clean_lines
from quiz.exchange.markup import (
    LOST_MEDIA,
    LOST_SCRIPT,
    MARKUP_LIMIT,
    looks_marked,
    marked_up,
    plain_text,
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("Chữ thường", "Chữ thường"),
        ("<p>một</p><p>hai</p>", "một\nhai"),
        ("một<br>\n hai<br/><br/>ba<br>", "một\nhai\n\nba"),
        ("<ul><li>một<li><p>hai</p></ul>", "- một\n- hai"),
        (
            "<table><tr><th>A</th><th>B</th></tr><tr><td>1</td><td>2</td></tr></table>",
            "A | B\n1 | 2",
        ),
        ("a<script>x</script><style>y</style><!-- z -->b", "ab"),
        ("x<sup>2</sup> + H<sub>2</sub>O", "x² + H₂O"),
        ("x<sup>ab</sup>", "x^ab"),
        ("<pre>a  b\n c</pre>", "a b\nc"),
        ("5 < 6 &amp; 7 > 2 &nbsp; &#7879;", "5 < 6 & 7 > 2 ệ"),
        ("<b>chưa đóng <i>gì", "chưa đóng gì"),
        ("</p></div>thừa", "thừa"),
    ],
)
def test_a_person_would_read_it_so(markup: str, text: str) -> None:
    assert plain_text(markup).text == text


def test_what_text_cannot_say_is_told() -> None:
    plain = plain_text('<a href="https://a.vn">xem</a><video></video>x<sup>ab</sup>')
    assert plain.losses == [
        "Địa chỉ liên kết không giữ được: https://a.vn", LOST_MEDIA, LOST_SCRIPT,
    ]  # fmt: skip
    assert plain_text('<a href="https://a.vn">https://a.vn</a>').losses == []


def test_more_markup_than_any_question_has_is_cut() -> None:
    plain = plain_text("a " * MARKUP_LIMIT)
    assert len(plain.text) <= MARKUP_LIMIT
    assert len(plain.losses) == 1


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")) | st.just("\n"), max_size=80))
def test_text_written_as_html_reads_the_same(text: str) -> None:
    kept = clean_lines(text)
    assert plain_text(marked_up(kept)).text == kept


@given(st.text(max_size=80))
def test_any_soup_is_read(text: str) -> None:
    assert "\x00" not in plain_text(text).text


@pytest.mark.parametrize(
    ("text", "is_marked"), [("a <b>c</b>", True), ("&nbsp;", True), ("2 < 3 & 4 > 1", False)]
)
def test_markup_is_told_from_text(text: str, is_marked: bool) -> None:
    assert looks_marked(text) is is_marked
