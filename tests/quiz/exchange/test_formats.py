"""Every format, out and in again: what is not lost with a sentence is the same."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import zipfile
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from quiz.exchange.formats import FORMATS, format_of, understand, write
from quiz.exchange.item import Item
from tests.quiz.exchange.questions import (
    ROOT,
    bare,
    demonstration_items,
    items,
    made_items,
    picture,
)


def without_feedback(item: Item) -> Item:
    return replace(item, options=tuple(replace(each, feedback="") for each in item.options))


def without_image(item: Item) -> Item:
    return replace(item, image=None)


# What each format cannot hold, and says so.
LOST: dict[str, Callable[[Item], Item]] = {
    "gift": without_image,
    "moodle_xml": bare,
    "qti": without_feedback,
    "xlsx": lambda item: without_image(without_feedback(item)),
}
WRITTEN = sorted(LOST)


@pytest.mark.parametrize("file_format", WRITTEN)
def test_hundreds_of_questions_come_back_equal(file_format: str) -> None:
    sent = [*demonstration_items(), *made_items(400)]
    written = write(sent, file_format, title="Ngân hàng câu hỏi")
    understood = understand(written.content, written.file_name)
    assert understood.file_format == file_format
    assert [bare(item) for item in understood.items] == [bare(item) for item in sent]
    assert (list(understood.misses), list(written.losses)) == ([], [])


@pytest.mark.parametrize("file_format", WRITTEN)
@given(sent=st.lists(items(), min_size=1, max_size=3))
@settings(max_examples=20, suppress_health_check=list(HealthCheck))
def test_any_question_comes_back_but_for_what_is_said_to_be_lost(
    file_format: str, sent: list[Item]
) -> None:
    written = write(sent, file_format, title="Thử")
    back = understand(written.content, written.file_name)
    kept = [bare(LOST[file_format](item)) for item in sent]
    assert [bare(item) for item in back.items] == kept
    is_something_lost = [bare(item) for item in sent] != kept
    assert bool(written.losses) == is_something_lost


def test_a_word_file_with_its_key_comes_back_with_the_same_answers() -> None:
    sent = demonstration_items()[:20]
    written = write(sent, "docx", title="Đề", watermark="Bản của Lò Thị Mai")
    back = understand(written.content, written.file_name).items
    told = [[(o.text, o.is_correct) for o in item.options] for item in back]
    assert told == [[(o.text, o.is_correct) for o in item.options] for item in sent]


@pytest.mark.parametrize("file_format", WRITTEN)
def test_the_same_questions_make_the_same_file_but_for_the_day_in_a_spreadsheet(
    file_format: str,
) -> None:
    sent = made_items(5)
    once, again = (write(sent, file_format, title="Thử").content for _ in range(2))
    assert once == again or file_format == "xlsx"


def test_an_export_says_whose_copy_it_is() -> None:
    for file_format in ("gift", "moodle_xml", "qti"):
        written = write(made_items(1), file_format, title="Đề", watermark="Bản của Lò Thị Mai")
        assert "Lò Thị Mai" in readable(written.content)


def readable(content: bytes) -> str:
    if not content.startswith(b"PK"):
        return content.decode()
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return archive.read("imsmanifest.xml").decode()


def test_a_format_that_nobody_writes_is_refused() -> None:
    for file_format in ("csv", "aiken", "pdf"):
        with pytest.raises(Refusal, match="Không xuất được"):
            write(made_items(1), file_format, title="Thử")


def test_every_written_format_is_read_and_named() -> None:
    assert {key for key, each in FORMATS.items() if each.is_written} >= set(WRITTEN)
    assert all(each.name and each.extensions for each in FORMATS.values())


AIKEN = "Ngày nào?\nA. 10/10\nB. 22/12\nANSWER: A\n"
GIFT = "Ngày nào?{=10/10 ~22/12}\n"
CSV = "Câu hỏi;Phương án A;Phương án B;Đáp án\nNgày nào?;10/10;22/12;A\n"
XML = '<quiz><question type="essay"><name><text>a</text></name></question></quiz>'


def word_file() -> bytes:
    document = Document()
    for line in ("Câu 1. Ngày nào?", "A. 22/12", "B. 10/10", "Đáp án: B"):
        document.add_paragraph(line)
    output = BytesIO()
    document.save(output)
    return output.getvalue()


def test_a_word_file_is_read_by_its_reader() -> None:
    understood = understand(word_file(), "de-thi.docx")
    assert [item.text for item in understood.items] == ["Ngày nào?"]


@pytest.mark.parametrize(
    ("content", "name", "file_format"),
    [
        (AIKEN.encode(), "cau-hoi.txt", "aiken"),
        (GIFT.encode(), "cau-hoi.txt", "gift"),
        (CSV.encode(), "cau-hoi.txt", "csv"),
        (XML.encode(), "cau-hoi.txt", "moodle_xml"),
        (AIKEN.encode("utf-16"), "x", "aiken"),
        (GIFT.encode("utf-8-sig"), "x.docx", "gift"),
        (XML.encode("utf-16"), "x", "moodle_xml"),
        (b"\xef\xbb\xbf\n  <!-- Moodle --> " + XML.encode(), "x", "moodle_xml"),
        (CSV.replace(";", "\t").encode(), "x", "csv"),
        (write(made_items(1), "qti", title="x").content, "x.docx", "qti"),
        (write(made_items(1), "xlsx", title="x").content, "x.zip", "xlsx"),
        (word_file(), "x.zip", "docx"),
    ],
)
def test_a_file_is_known_by_its_content(content: bytes, name: str, file_format: str) -> None:
    assert format_of(content, name) == file_format


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Tệp rỗng"),
        (b" \r\n ", "Tệp rỗng"),
        ("\ufeff".encode(), "Tệp rỗng"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<questestinterop/>", "QTI 1.2"),
        (b"<html><body>x</body></html>", "không phải tệp câu hỏi"),
        (b'<qti-assessment-test xmlns="x"/>', "cả gói"),
        ("Kính gửi các đồng chí, gửi kèm công văn.".encode(), "Không nhận ra câu hỏi"),
        (picture(), "Không"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600), ".xls"),
        (b"PK\x03\x04 rotten", "hỏng"),
    ],
)
def test_what_holds_no_questions_is_refused_with_a_sentence(content: bytes, words: str) -> None:
    with pytest.raises(Refusal) as refusal:
        understand(content, "tep.txt")
    assert refusal.value.code == "bad_file"
    assert words in refusal.value.sentence


def told(content: bytes, name: str) -> str:
    """The refusal, or how much was understood."""
    try:
        understood = understand(content, name)
    except Refusal as refusal:
        return refusal.sentence
    return f"{len(understood.items)} câu, {len(understood.misses)} đoạn không đọc được."


@given(st.binary(max_size=300), st.sampled_from(["a.txt", "a.csv", "a.gift", "a.xml", "a.zip"]))
@settings(max_examples=40)
def test_any_bytes_are_read_or_refused(content: bytes, name: str) -> None:
    assert told(content, name).endswith(".")


@given(
    st.sampled_from([GIFT, AIKEN, CSV, XML, "{}~=#:\\\n\n", "<quiz><question>"]),
    st.text(max_size=30),
    st.integers(0, 40),
    st.sampled_from(["a.txt", "a.csv", "a.gift"]),
)
@settings(max_examples=40)
def test_a_file_broken_anywhere_is_read_or_refused(
    text: str, disturbance: str, place: int, name: str
) -> None:
    broken = f"{text[:place]}{disturbance}{text[place:]}".encode("utf-8", "replace")
    assert told(broken, name).endswith(".")


def zipped(parts: dict[str, bytes]) -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return output.getvalue()


LAUGHS = "".join(
    f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12)
)  # each ten times the one before
HOSTILE: dict[str, bytes] = {
    "laughs.xml": (
        f'<?xml version="1.0"?><!DOCTYPE quiz [<!ENTITY a0 "ha">{LAUGHS}]>'
        "<quiz><question><name>&a11;</name></question></quiz>"
    ).encode(),
    "outside.xml": (
        b'<!DOCTYPE quiz [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz><question>&x;'
        b"</question></quiz>"
    ),
    "elements.xml": b"<quiz><question>" + b"<a/>" * 2_400_000,
    "questions.xml": b"<quiz>" + b"<question/>" * 900_000 + b"</quiz>",
    "depth.xml": b"<quiz>" + b"<question>" * 900_000,
    "attributes.xml": b"<quiz><question " + b" ".join(b'a%d=""' % n for n in range(700_000)),
    "braces.gift": b"{" * 4_900_000,
    "answers.gift": b"x{" + b"~" * 4_900_000 + b"}",
    "titles.gift": b"::" * 2_400_000,
    "lines.txt": b"A. x\n" * 900_000 + b"ANSWER: A",
    "quote.csv": b'text,a,b,answer\n"' + b"x" * 4_900_000,
    "columns.csv": b"," * 4_900_000,
    "rows.csv": b"a,b\n" * 1_200_000,
    "large.gift": b"x{=a ~b}\n\n" * 900_000,
    "blank.gift": b"\n" * 4_900_000,
    "blank.txt": b"\n" * 140_000 + b"x",
    "bomb.zip": zipped({"imsmanifest.xml": b"<manifest/>", "item.xml": bytes(60_000_000)}),
    "entries.zip": zipped({f"{n}.xml": b"" for n in range(30_000)}),
    "resources.zip": zipped(
        {"imsmanifest.xml": b"<manifest>" + b'<resource href="a.xml"/>' * 300_000 + b"</manifest>"}
    ),
}  # fmt: skip


def test_hostile_files_cost_under_a_second_and_64_megabytes(tmp_path: Path) -> None:
    for name, content in HOSTILE.items():
        (tmp_path / name).write_bytes(content)
    program = """
        import resource, sys, time
        from pathlib import Path
        from quiz.exchange.formats import understand
        from core.errors import Refusal
        for path in sorted(Path(sys.argv[1]).iterdir()):
            content = path.read_bytes()
            before, spent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
            for _ in range(2):
                start = time.process_time()
                try:
                    understand(content, path.name)
                    said = "read"
                except Refusal as refusal:
                    said = refusal.code
                spent.append(time.process_time() - start)
            grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
            print(path.name, said, round(min(spent), 3), grown // 1000)
    """
    measured = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(tmp_path)],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    lines = [line.split() for line in measured.stdout.splitlines()]
    assert len(lines) == len(HOSTILE)
    assert [line for line in lines if line[1] == "read"] == []
    assert max(float(spent) for *_, spent, _ in lines) < 1.0, lines
    assert max(int(grown) for *_, grown in lines) < 64, lines


def test_nothing_of_the_machine_is_read_by_an_entity() -> None:
    with pytest.raises(Refusal, match="DOCTYPE"):
        understand(HOSTILE["outside.xml"], "a.xml")
