"""Bytes become letters, and what is no text is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refusal
from quiz.exchange.decoding import LINE_LIMIT, LONGEST_LINE, TEXT_LIMIT_BYTES, decode

TEXT = "Câu 1: Nghị định nào?\nA. Ngoằn ngoèo\n"


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
def test_unicode_is_read_with_and_without_its_mark(encoding: str) -> None:
    decoded = decode(TEXT.encode(encoding))
    assert (decoded.text, decoded.losses) == (TEXT, ())


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=50))
def test_whatever_is_utf_8_is_read_as_it_is(text: str) -> None:
    assert decode(f"Câu {text}".encode()).text == f"Câu {text}"


def test_all_line_ends_are_the_same() -> None:
    assert decode(b"a\r\nb\rc\nd").text == "a\nb\nc\nd"


def test_a_few_broken_letters_do_not_make_another_alphabet() -> None:
    decoded = decode(TEXT.encode() * 3 + b"\xe1\xba")
    assert decoded.text.startswith(TEXT)
    assert "1 chữ bị hỏng" in decoded.losses[0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "bad_file"),
        (b"\xef\xbb\xbf\r\n", "bad_file"),
        (b"\xff\xfea\x00\x00\xd8", "bad_file"),
        (bytes(range(0x80, 0x100)) * 3, "bad_file"),
        (b"x\n" * (TEXT_LIMIT_BYTES // 2 + 1), "bad_file"),
        (b"\n" * LINE_LIMIT + b"x\n", "file_bomb"),
        (b"x" * (LONGEST_LINE + 1), "file_bomb"),
    ],
)
def test_what_is_no_text_of_questions_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refusal) as refusal:
        decode(content)
    assert refusal.value.code == code
