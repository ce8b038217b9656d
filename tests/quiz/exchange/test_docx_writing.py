"""Printed papers show every question once, tell the key at the end, and are read back the same."""

from __future__ import annotations

from io import BytesIO

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from quiz.exchange.docx_reading import read_docx
from quiz.exchange.docx_writing import write_docx, write_versions
from quiz.exchange.item import Item, ItemImage, ItemOption
from tests.quiz.exchange.docx_files import bank
from tests.quiz.exchange.docx_ugly import picture

WORDS = ("cơ", "quan", "hồ sơ", "Điều 5", "số", "Việt Nam", "10/10", "dữ liệu", "“mở”", "50%", "ký")
TEXT = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)


@st.composite
def items(draw: st.DrawFn) -> Item:
    texts = draw(st.lists(TEXT, min_size=2, max_size=8, unique=True))
    right = draw(st.sets(st.integers(0, len(texts) - 1), min_size=1, max_size=len(texts) - 1))
    stem = draw(TEXT)
    options = tuple(ItemOption(text, at in right) for at, text in enumerate(texts))
    kind = "single" if len(right) == 1 else "multiple"
    return Item(1, f"{stem}?", options, kind=kind)


def printed(written: list[Item]) -> list[tuple[str, str, tuple[tuple[str, bool], ...]]]:
    return [
        (item.text, item.kind, tuple((option.text, option.is_correct) for option in item.options))
        for item in written
    ]


def lines_of(content: bytes) -> list[str]:
    return [paragraph.text for paragraph in docx.Document(BytesIO(content)).paragraphs]


@settings(max_examples=15, deadline=None)
@given(st.lists(items(), min_size=1, max_size=12))
def test_what_we_print_is_what_we_read(questions: list[Item]) -> None:
    written = write_docx(questions, title="Đề thi", with_key=True, watermark="Bản của Lò Thị Mai")
    understood = read_docx(written.content)
    assert printed(list(understood.items)) == printed(questions)
    assert understood.misses == []


def test_the_whole_demo_bank_is_printed_and_read_back() -> None:
    questions = [
        Item(
            number,
            each.text,
            tuple(ItemOption(text, at in each.right) for at, text in enumerate(each.options)),
            kind="single" if len(each.right) == 1 else "multiple",
        )
        for number, each in enumerate(bank(), start=1)
    ]
    written = write_docx(questions, title="Ngân hàng", with_key=True)
    assert printed(list(read_docx(written.content).items)) == printed(questions)
    assert (written.file_name, written.losses) == ("ngan-hang.docx", ())


CAPITAL = Item(
    1,
    "Thủ đô nào?",
    (ItemOption("Huế"), ItemOption("Hà Nội", is_correct=True), ItemOption("Vinh"), ItemOption("Lào Cai")),
    kind="single",
)  # fmt: skip


def test_a_paper_without_a_key_tells_none() -> None:
    written = write_docx([CAPITAL], title="Đề", with_key=False)
    assert lines_of(written.content) == [
        "Đề",
        "Câu 1. Thủ đô nào?",
        "A. Huế",
        "B. Hà Nội",
        "C. Vinh",
        "D. Lào Cai",
    ]
    item = read_docx(written.content).items[0]
    assert not any(option.is_correct for option in item.options)


def test_every_page_says_whose_copy_it_is() -> None:
    written = write_docx(
        [CAPITAL], title="Đề", with_key=True, watermark="Bản của Mai xuất lúc 09:41"
    )
    section = docx.Document(BytesIO(written.content)).sections[0]
    for part in (section.header, section.footer):
        assert part.paragraphs[0].text == "Bản của Mai xuất lúc 09:41"
    assert round(section.page_width.cm, 1) == 21.0


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_pictures_are_printed_with_their_words(kind: str) -> None:
    output = BytesIO()
    Image.open(picture()).save(output, kind)
    image = ItemImage(output.getvalue(), f"image/{kind.lower()}", "Hình vuông đỏ")
    question = Item(1, "Hình gì?", CAPITAL.options, kind="single", image=image)
    found = read_docx(write_docx([question], title="Đề", with_key=True).content).items[0].image
    assert found is not None
    assert (found.media_type, found.alt) == ("image/png", "Hình vuông đỏ")


def test_a_broken_picture_is_told_and_the_rest_printed() -> None:
    question = Item(1, "Hình gì?", CAPITAL.options, image=ItemImage(b"x", "image/png", "x"))
    written = write_docx([question], title="Đề", with_key=True)
    assert "Câu 1: hình bị hỏng" in written.losses[0]
    assert "A. Huế" in lines_of(written.content)


def test_what_a_paper_does_not_show_is_told() -> None:
    question = Item(1, "Gì?", CAPITAL.options, explanation="Vì thế.")
    assert "giải thích" in write_docx([question], title="Đề", with_key=True).losses[0]


CODES = ("101", "102", "103", "104")


def versions_of(content: bytes) -> dict[str, list[tuple[str, list[str]]]]:
    """Code → the questions of that version in order, each with its options in order."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    code = ""
    for line in lines_of(content):
        if line.startswith("Mã đề: "):
            code = line.removeprefix("Mã đề: ")
            found[code] = []
        elif line.startswith("Câu "):
            found[code].append((line.partition(". ")[2], []))
        elif line[1:3] == ". " and found:
            found[code][-1][1].append(line[3:])
    return found


def test_versions_hold_the_same_questions_in_other_orders_and_one_table_has_all_keys() -> None:
    questions = [
        Item(
            number,
            f"Hỏi {number}?",
            (
                *(ItemOption(f"{number}{letter}", letter == "b") for letter in "abc"),
                ItemOption("Tất cả đều sai", is_pinned=True),
            ),
            kind="single",
        )
        for number in range(1, 31)
    ]
    content = write_versions(questions, title="Đề", codes=CODES, seed="hạt giống").content
    versions = versions_of(content)
    assert list(versions) == list(CODES)
    orders = {tuple(text for text, _ in version) for version in versions.values()}
    assert len(orders) == len(CODES)
    table = docx.Document(BytesIO(content)).tables[0]
    keys = [[cell.text for cell in row.cells] for row in table.rows]
    assert keys[0] == ["Câu", "Mã đề 101", "Mã đề 102", "Mã đề 103", "Mã đề 104"]
    for column, version in enumerate(versions.values(), start=1):
        assert sorted(text for text, _ in version) == sorted(item.text for item in questions)
        for place, (text, options) in enumerate(version):
            number = text.removeprefix("Hỏi ").removesuffix("?")
            assert sorted(options[:3]) == [f"{number}{letter}" for letter in "abc"]
            assert options[3] == "Tất cả đều sai"
            assert options["ABCD".index(keys[place + 1][column])] == f"{number}b"


def test_a_version_is_the_same_on_every_day_and_another_with_another_seed() -> None:
    questions = [
        Item(number, f"Hỏi {number}?", CAPITAL.options, kind="single") for number in range(9)
    ]
    first, again, other = (
        versions_of(write_versions(questions, title="Đề", codes=CODES[:1], seed=seed).content)
        for seed in ("a", "a", "b")
    )
    assert first == again != other
