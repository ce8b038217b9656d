"""Word documents are read as organisers write them; what is doubtful is told in its place."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import Refusal
from core.text import clean
from quiz.exchange.docx_reading import read_docx
from quiz.exchange.item import Item, Understood
from tests.core.test_documents import assert_refused_cheaply, rezipped
from tests.quiz.exchange.docx_files import (
    LETTER_LOOKS,
    MARKS,
    NAMESPACES,
    SIGNS,
    Asked,
    Habit,
    Paper,
    Piece,
    bank,
    singles,
    write_paper,
)
from tests.quiz.exchange.docx_ugly import UGLY, picture


def right_of(item: Item) -> tuple[int, ...]:
    return tuple(place for place, option in enumerate(item.options) if option.is_correct)


def meant(asked: Asked) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    return clean(asked.text), tuple(clean(text) for text in asked.options), asked.right


def said(item: Item) -> tuple[str, tuple[str, ...], tuple[int, ...]]:
    return item.text, tuple(option.text for option in item.options), right_of(item)


def read_lines(*lines: str) -> Understood:
    """A document of these lines; **bold**, \\t and \\n as Word has them."""
    paper = Paper()
    for line in lines:
        parts = line.split("**")
        paper.line(
            *(Piece(part, "bold" if at % 2 else "") for at, part in enumerate(parts) if part)
        )
    return read_docx(paper.content())


def fault_of(item: Item, name: str) -> str:
    return next((fault.sentence for fault in item.faults if fault.field == name), "")


@pytest.mark.parametrize("name", UGLY)
def test_an_ugly_document_is_understood_and_what_is_not_is_pointed_at(name: str) -> None:
    ugly = UGLY[name]()
    understood = read_docx(ugly.content)
    assert len(understood.items) == len(ugly.asked)
    for place, (item, asked) in enumerate(zip(understood.items, ugly.asked, strict=True)):
        assert item.place
        assert item.written
        if place in ugly.flawed:
            assert right_of(item) == ()
            assert item.place in fault_of(item, "answer")
        else:
            assert said(item) == meant(asked)
            assert item.faults == ()
    assert len(ugly.flawed) <= 0.05 * len(ugly.asked)
    assert len(understood.misses) == ugly.miss_count
    assert all(miss.place and miss.sentence.endswith(".") for miss in understood.misses)


HABITS = st.builds(
    Habit,
    number=st.sampled_from(
        ["Câu {n}.", "Câu {n}:", "Câu hỏi {n}:", "{n}.", "{n})", "Question {n}:", "Câu {n} ",
         "auto:Câu %1.", "auto:%1.", "CÂU {n}."]
    ),
    layout=st.sampled_from(["lines", "tabs", "spaces", "two", "breaks", "grid", "columns", "auto"]),
    label=st.sampled_from(["{L}.", "{L})", "{l})", "{l}/", "{L}:", "({L})", "{l}.", "{L} -"]),
    mark=st.sampled_from(MARKS),
    is_stem_bold=st.booleans(),
    are_letters_bold=st.booleans(),
    is_decomposed=st.booleans(),
).filter(
    lambda habit: not (
        # Automatic letters cannot be marked, and bold letters cannot be told among bold letters.
        (habit.layout == "auto" and (habit.mark in LETTER_LOOKS or SIGNS.get(habit.mark, ("",))[0]))
        or (habit.mark == "letter:bold" and habit.are_letters_bold)
    )
)  # fmt: skip


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HABITS, st.lists(st.sampled_from(bank()), min_size=6, max_size=12, unique=True))
def test_questions_written_in_any_habit_are_read_back_right(
    habit: Habit, asked: list[Asked]
) -> None:
    # Among so few, questions with one right answer have to show what is usual.
    questions = [
        *singles(8, len(asked)),
        *(each for each in asked if 2 * len(each.right) <= len(each.options)),
    ]
    unique = list({each.text: each for each in questions}.values())
    understood = read_docx(write_paper(unique, habit))
    for item, each in zip(understood.items, unique, strict=True):
        if right_of(item) or habit.layout not in {"tabs", "spaces"}:
            assert said(item) == meant(each)
        else:  # a sign between two options on a line may be nobody's
            assert fault_of(item, "answer")


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.sampled_from("Câu1Đáp ánABCD.:)*?\t–(xđ)ới\u0301 "), max_size=30), max_size=15
    )
)
def test_any_text_at_all_is_read_without_an_error(lines: list[str]) -> None:
    understood = read_lines(*lines)
    assert all(item.place for item in understood.items)


def test_the_marks_of_one_question_that_disagree_give_a_fault_and_no_key() -> None:
    lines = ["Câu 1. Một?", "**A. a1**", "B. b1", "C. c1", "Đáp án: B"]
    item = read_lines(*lines).items[0]
    assert right_of(item) == ()
    assert "mâu thuẫn" in fault_of(item, "answer")
    assert "đoạn 1–5" in fault_of(item, "answer")


def test_all_options_bold_but_one_are_no_key() -> None:
    items = read_lines(
        "Câu 1. Một?", "**A. a1**", "**B. b1**", "C. c1", "**D. d1**",
        "Câu 2. Hai?", "A. a2", "**B. b2**", "C. c2", "D. d2",
        "Câu 3. Ba?", "A. a3", "B. b3", "**C. c3**", "D. d3",
    ).items  # fmt: skip
    assert [right_of(item) for item in items] == [(), (1,), (2,)]
    assert "chỉ một phương án không" in fault_of(items[0], "answer")


def test_a_document_all_of_whose_options_are_bold_has_no_key_in_what_is_plain() -> None:
    lines = []
    for number in range(1, 9):
        lines += [f"Câu {number}. Hỏi {number}?", *(
            f"{letter}. x{number}{letter}" if at == number % 4 else f"**{letter}. x{number}{letter}**"
            for at, letter in enumerate("ABCD")
        )]  # fmt: skip
    assert all(right_of(item) == () and item.faults for item in read_lines(*lines).items)


def test_one_bold_option_among_many_questions_is_no_habit() -> None:
    lines = []
    for number in range(1, 13):
        lines += [
            f"Câu {number}. Hỏi {number}?",
            "A. một",
            "B. hai*" if number > 1 else "**B. hai**",
        ]
    items = read_lines(*lines).items
    assert right_of(items[0]) == ()
    assert "không đánh dấu đáp án như vậy" in fault_of(items[0], "answer")
    assert all(right_of(item) == (1,) for item in items[1:])


@pytest.mark.parametrize(
    ("key", "right"),
    [
        ("Đáp án: B", (1,)),
        ("ĐÁP ÁN: b", (1,)),
        ("Đáp án đúng là: B. hai", (1,)),
        ("Đáp án: A, C", (0, 2)),
        ("Đáp án: A và C", (0, 2)),
        ("Đáp án: AC", (0, 2)),
        ("Đáp án: hai", (1,)),
        ("Trả lời: C (theo Điều 5)", (2,)),
        ("=> Chọn C", (2,)),
        ("Đáp án: B. ba", ()),  # the letter of one, the words of another
        ("Đáp án: A hoặc B", ()),
        ("Đáp án: E", ()),
        ("Đáp án: Cả nước", ()),
    ],
)
def test_a_written_key_names_letters_or_words_and_nothing_else(
    key: str, right: tuple[int, ...]
) -> None:
    item = read_lines("Câu 1. Số nào?", "A. một", "B. hai", "C. ba", "D. bốn", key).items[0]
    assert right_of(item) == right
    assert bool(item.faults) == (not right)
    assert item.kind == {0: "", 1: "single", 2: "multiple"}[len(right)]


@pytest.mark.parametrize(
    ("lines", "texts", "right"),
    [
        (["Câu 1: Nước sôi ở 50 độ.", "Đáp án: Sai"], ("Đúng", "Sai"), (1,)),
        (["Câu 1: Trái đất tròn. (Đ)"], ("Đúng", "Sai"), (0,)),
        (["Câu 1: Trái đất tròn?", "A. Sai", "B. **Đúng**"], ("Sai", "Đúng"), (1,)),
    ],
)
def test_true_or_false_needs_no_options(
    lines: list[str], texts: tuple[str, ...], right: tuple[int, ...]
) -> None:
    item = read_lines(*lines).items[0]
    assert (item.kind, tuple(option.text for option in item.options)) == ("true_false", texts)
    assert right_of(item) == right


def test_statements_belong_to_the_stem_and_options_to_the_question() -> None:
    first, second = read_lines(
        "Câu 1. Cho các phát biểu sau:", "1. Phát biểu một.", "2. Phát biểu hai.",
        "Số phát biểu đúng là:", "A. 0\tB. 1\t**C. 2**\tD. 3",
        "Câu 2. Cho các ý:", "a) Ý một", "b) Ý hai", "Ý nào đúng?",
        "A. Chỉ a", "B. Chỉ b", "**C. Cả a và b**", "D. Tất cả các phương án trên đều sai",
    ).items  # fmt: skip
    assert first.text.endswith("2. Phát biểu hai.\nSố phát biểu đúng là:")
    assert said(first)[1:] == (("0", "1", "2", "3"), (2,))
    assert second.text == "Cho các ý:\na) Ý một\nb) Ý hai\nÝ nào đúng?"
    assert right_of(second) == (2,)
    assert all(option.is_pinned for option in second.options)


def test_letters_of_people_are_no_options() -> None:
    item = read_lines(
        "Câu 1. Ông A. kiện bà B. ra tòa. Ai đúng?", "A. Ông A.", "*B. Bà B.", "C. Cả hai"
    ).items[0]
    assert said(item) == (
        "Ông A. kiện bà B. ra tòa. Ai đúng?", ("Ông A.", "Bà B.", "Cả hai"), (1,)
    )  # fmt: skip


def test_options_set_in_columns_are_read_by_their_letters() -> None:
    item = read_lines("Câu 1: Thủ đô?", "A. Huế\t\tC. Vinh", "**B. Hà Nội**\t\tD. Lào Cai").items[0]
    assert said(item)[1:] == (("Huế", "Hà Nội", "Vinh", "Lào Cai"), (1,))


def test_lost_and_doubled_letters_are_told() -> None:
    items = read_lines(
        "Câu 1: Một?", "A. a1", "B. b1", "D. d1", "Đáp án: D",
        "Câu 2: Hai?", "A. a2", "B. b2", "B. c2", "Đáp án: B",
        "Câu 3: Ba?", "Câu 4:", "A. a4", "B. b4", "Đáp án: A",
    ).items  # fmt: skip
    assert right_of(items[0]) == (2,)
    assert "không thấy phương án C" in fault_of(items[0], "option_c")
    assert right_of(items[1]) == ()
    assert "cùng mang chữ B" in fault_of(items[1], "option_c")
    assert "không thấy phương án trả lời" in fault_of(items[2], "option_a")
    assert "không thấy nội dung" in fault_of(items[3], "text")


def test_two_questions_with_the_same_number_get_no_key_from_a_list() -> None:
    understood = read_lines(
        "Câu 1. Một?", "A. a", "B. b", "Câu 2. Hai?", "A. a", "B. b", "Câu 2. Ba?", "A. a", "B. b",
        "ĐÁP ÁN", "1.A 2.B",
    )  # fmt: skip
    assert [right_of(item) for item in understood.items] == [(0,), (), ()]
    assert all("cùng mang số 2" in fault_of(item, "answer") for item in understood.items[1:])
    assert [miss.place for miss in understood.misses] == ["đoạn 11"]


def test_notes_under_a_question_are_told_apart() -> None:
    item = read_lines(
        "Chủ đề 1: Dịch vụ công trực tuyến", "Câu 1 (Thông hiểu). Một?", "A. a", "B. b",
        "Đáp án: A", "Giải thích: Dòng một.", "Dòng hai.",
        "Căn cứ: Khoản 2 Điều 5 Luật Giao dịch điện tử năm 2023",
        "Link: https://dichvucong.gov.vn/p/home?ma=1", "Từ khóa: hồ sơ; một cửa", "Mã: DVC-01",
    ).items[0]  # fmt: skip
    assert (item.topic, item.difficulty, item.code) == (
        "Dịch vụ công trực tuyến", "medium", "DVC-01"
    )  # fmt: skip
    assert item.explanation == "Dòng một.\nDòng hai."
    assert (item.article, item.source) == ("Khoản 2 Điều 5", "Luật Giao dịch điện tử năm 2023")
    assert item.link_url == "https://dichvucong.gov.vn/p/home?ma=1"
    assert item.tags == ("hồ sơ", "một cửa")


def test_stray_text_is_a_miss_and_a_title_a_loss() -> None:
    understood = read_lines(
        "ĐỀ THI",
        "Câu 1. Một?",
        "A. a",
        "B. b*",
        "Đoạn này lạc ở đây.",
        "Câu 2. Hai?",
        "A. a*",
        "B. b",
    )
    assert [(miss.place, miss.written) for miss in understood.misses] == [
        ("đoạn 5", "Đoạn này lạc ở đây.")
    ]
    assert any("đoạn 1" in loss and "ĐỀ THI" in loss for loss in understood.losses)


def test_a_document_without_questions_gives_misses() -> None:
    understood = read_lines("Kính gửi các đơn vị.", "Đề nghị gửi câu hỏi.")
    assert understood.items == []
    assert [miss.place for miss in understood.misses] == ["đoạn 1", "đoạn 2"]


def test_a_table_of_keys_for_several_papers_is_not_guessed() -> None:
    paper = Paper()
    for number in (1, 2, 3):
        for line in (f"Câu {number}. Hỏi {number}?", "A. a", "B. b"):
            paper.line(line)
    paper.table([["Câu", "101", "102"], ["1", "A", "B"], ["2", "B", "A"], ["3", "A", "A"]])
    understood = read_docx(paper.content())
    assert all(right_of(item) == () and item.faults for item in understood.items)
    assert [miss.place for miss in understood.misses] == ["bảng 1, dòng 1"]
    assert "nhiều mã đề" in understood.misses[0].sentence


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def read_xml(*paragraphs: str) -> Item:
    paper = Paper()
    for each in paragraphs:
        paper.xml(each)
    return read_docx(paper.content()).items[0]


OPTIONS = (paragraph(run("A. một")), paragraph(run("B. hai", "<w:b/>")))


def test_tracked_changes_are_read_as_if_accepted() -> None:
    item = read_xml(
        paragraph(
            run("Câu 1. Số "),
            '<w:ins w:id="1" w:author="x">' + run("chẵn ") + "</w:ins>",
            '<w:del w:id="2" w:author="x"><w:r><w:delText>lẻ </w:delText></w:r></w:del>',
            run("nào?"),
        ),
        *OPTIONS,
    )
    assert said(item) == ("Số chẵn nào?", ("một", "hai"), (1,))


def test_a_paragraph_whose_mark_was_deleted_goes_on_in_the_next() -> None:
    mark = '<w:pPr><w:rPr><w:del w:id="3" w:author="x"/></w:rPr></w:pPr>'
    item = read_xml(f"<w:p>{mark}{run('Câu 1. Số ')}</w:p>", paragraph(run("nào?")), *OPTIONS)
    assert said(item) == ("Số nào?", ("một", "hai"), (1,))


def test_text_boxes_and_content_controls_are_read() -> None:
    box = (
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>"
        f"<w:txbxContent>{paragraph(run('Câu 1. Trong khung?'))}</w:txbxContent></wps:txbx></w:drawing>"
        "</mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>"
        f"{paragraph(run('Câu 1. Trong khung?'))}</w:txbxContent></v:textbox></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r></w:p>"
    )
    control = f"<w:sdt><w:sdtContent>{''.join(OPTIONS)}</w:sdtContent></w:sdt>"
    item = read_xml(box, control)
    assert said(item) == ("Trong khung?", ("một", "hai"), (1,))


def test_hidden_text_links_and_breaks_do_not_mark_answers() -> None:
    blue = run("B. hai", '<w:u w:val="single"/><w:color w:val="0000FF"/>')
    link = f'<w:hyperlink w:anchor="x">{blue}</w:hyperlink>'
    item = read_xml(
        paragraph(run("Câu 1. Số"), run("ẩn", "<w:vanish/>"), "<w:r><w:br/></w:r>", run("nào?")),
        paragraph(run("A. một", '<w:highlight w:val="yellow"/>')),
        paragraph(link),
    )
    assert said(item) == ("Số\nnào?", ("một", "hai"), (0,))


def test_signs_of_wingdings_and_shaded_paragraphs_mark_answers() -> None:
    item = read_xml(
        paragraph(run("Câu 1. Số nào?")),
        paragraph(run("A. một ")),
        paragraph(run("B. hai "), '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/></w:r>'),
    )
    assert said(item) == ("Số nào?", ("một", "hai"), (1,))
    shaded = '<w:pPr><w:shd w:val="clear" w:color="auto" w:fill="FFFF00"/></w:pPr>'
    item = read_xml(
        paragraph(run("Câu 1. Số nào?")),
        f"<w:p>{shaded}{run('A. một')}</w:p>",
        paragraph(run("B. hai")),
    )
    assert right_of(item) == (0,)


def test_formulas_and_raised_digits_stay_readable_and_the_loss_is_told() -> None:
    formula = (
        "<m:oMath><m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>x+2</m:t></m:r></m:den>"
        "</m:f></m:oMath>"
    )
    item = read_xml(
        paragraph(
            run("Câu 1. 5 m"),
            run("2", '<w:vertAlign w:val="superscript"/>'),
            run(" là "),
            formula,
            run("?"),
        ),
        *OPTIONS,
    )
    assert item.text == "5 m² là 1/(x+2)?"
    assert "Công thức" in item.losses[0]


def test_a_picture_goes_with_its_question_and_another_is_told() -> None:
    paper = Paper()
    paper.line("Câu 1. Biểu tượng nào?")
    paper.document.add_picture(picture())
    description = next(iter(paper.document.element.body.iter("{*}docPr")))
    description.set("descr", "Hình vuông đỏ")
    paper.document.add_picture(picture("blue"))
    paper.line("A. một")
    paper.line(Piece("B. hai", "underline"))
    item = read_docx(paper.content()).items[0]
    assert item.image is not None
    assert (item.image.media_type, item.image.alt) == ("image/png", "Hình vuông đỏ")
    assert item.image.content.startswith(b"\x89PNG")
    assert "2 hình" in item.losses[0]


def test_a_picture_of_another_kind_is_a_loss() -> None:
    paper = Paper()
    paper.line("Câu 1. Hình gì?")
    paper.document.add_picture(picture())
    paper.line("A. một*")
    paper.line("B. hai")
    content = paper.content()
    name = next(each for each in zipfile.ZipFile(BytesIO(content)).namelist() if "media/" in each)
    item = read_docx(rezipped(content, {name: b"\x01\x00\x00\x00 EMF"})).items[0]
    assert item.image is None
    assert "PNG hoặc JPEG" in item.losses[0]


def test_a_document_in_the_strict_dialect_is_read() -> None:
    content = write_paper(singles(3), Habit())
    xml = zipfile.ZipFile(BytesIO(content)).read("word/document.xml")
    strict = xml.replace(
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main",
        b"http://purl.oclc.org/ooxml/wordprocessingml/main",
    )
    items = read_docx(rezipped(content, {"word/document.xml": strict})).items
    assert [said(item) for item in items] == [meant(each) for each in singles(3)]


def test_old_vietnamese_fonts_are_refused_with_the_way_out() -> None:
    paper = Paper()
    paper.line("C©u 1. ChuyÓn ®æi sè lµ g×?").runs[0].font.name = ".VnTime"
    with pytest.raises(Refusal) as refusal:
        read_docx(paper.content())
    assert refusal.value.code == "bad_file"
    assert "UniKey" in refusal.value.sentence


def test_places_count_paragraphs_that_hold_something_and_rows_of_tables() -> None:
    paper = Paper()
    for line in ("", "Câu 1. Một?", "", "A. a*", "B. b"):
        paper.line(line)
    paper.table([["STT", "Câu hỏi", "A", "B", "Đáp án"], ["2", "Hai?", "a", "b", "A"]])
    understood = read_docx(paper.content())
    assert [item.place for item in understood.items] == ["đoạn 1–3", "bảng 1, dòng 2"]
    assert understood.items[0].written == "Câu 1. Một?\nA. a*\nB. b"


PLAIN = write_paper(singles(2), Habit())
DOCUMENT = "word/document.xml"


def with_document(body: bytes, before: bytes = b"") -> bytes:
    xml = before + f"<w:document {NAMESPACES}><w:body>".encode() + body + b"</w:body></w:document>"
    return rezipped(PLAIN, {DOCUMENT: xml})


def lying_bomb() -> bytes:
    bomb = rezipped(PLAIN, {"word/styles.xml": b"<a>" + b" " * 90_000_000 + b"</a>"})
    with zipfile.ZipFile(BytesIO(bomb)) as archive:
        size = archive.getinfo("word/styles.xml").file_size
    return bomb.replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


ENTITY = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
TEXT = b"<w:p><w:r><w:t>x</w:t></w:r></w:p>"
HOSTILE: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nothing": (lambda: b"", "bad_file", "rỗng"),
    "text": (lambda: b"Cau 1. Mot?", "bad_file", "không phải tệp Word"),
    "an old .doc": (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 99, "bad_file", ".docx"),
    "a password": (
        lambda: bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le"),
        "bad_file",
        "mật khẩu",
    ),
    "another zip": (lambda: rezipped(PLAIN, {"[Content_Types].xml": None}), "bad_file", "tệp nén"),
    "OpenDocument": (lambda: rezipped(PLAIN, {"mimetype": b"x"}), "bad_file", "OpenDocument"),
    "macros": (
        lambda: rezipped(PLAIN, {"[Content_Types].xml": b"<Types>macroEnabled</Types>"}),
        "bad_file",
        "macro",
    ),
    "a spreadsheet": (
        lambda: rezipped(PLAIN, {"[Content_Types].xml": b"<Types>spreadsheetml</Types>"}),
        "bad_file",
        "không phải văn bản Word",
    ),
    "an external entity": (lambda: with_document(TEXT, ENTITY), "bad_file", "DOCTYPE"),
    "a billion laughs": (lambda: with_document(TEXT, LAUGHS), "bad_file", "DOCTYPE"),
    "a rotten part": (lambda: with_document(b"<w:p>"), "bad_file", "hỏng"),
    "half a file": (lambda: PLAIN[: len(PLAIN) // 2], "bad_file", "hỏng"),
    "a bomb": (lambda: with_document(b" " * 100_000_000), "file_bomb", "giải nén"),
    "a bomb whose directory lies": (lying_bomb, "bad_file", "hỏng"),
    "a paragraph of 20 MB": (
        lambda: with_document(b"<w:p><w:r><w:t>" + b"0123456789abcdef" * 1_200_000 + b"</w:t></w:r></w:p>"),
        "file_bomb",
        "giải nén",
    ),
    "a million paragraphs": (lambda: with_document(TEXT * 1_000_000), "file_bomb", "giải nén"),
    "70,000 paragraphs": (lambda: with_document(TEXT * 70_000), "file_bomb", "giải nén"),
    "5 MB of text": (
        lambda: with_document(TEXT.replace(b"x", b"chu " * 250) * 5_000), "file_bomb", "giải nén"
    ),
    "tables in tables": (
        lambda: with_document(b"<w:tbl><w:tr><w:tc>" * 5_000 + b"</w:tc></w:tr></w:tbl>" * 5_000),
        "file_bomb",
        "giải nén",
    ),
    "a run of 300,000 tabs": (
        lambda: with_document(b"<w:p><w:r>" + b"<w:tab/>" * 300_000 + b"</w:r></w:p>"),
        "file_bomb",
        "giải nén",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence(name: str) -> None:
    make, code, words = HOSTILE[name]
    with pytest.raises(Refusal) as refusal:
        read_docx(make())
    assert refusal.value.code == code
    assert words in refusal.value.sentence
    assert refusal.value.sentence.endswith(".")


def test_hostile_files_cost_less_than_a_second_and_64_megabytes(tmp_path: Path) -> None:
    makers = [make for make, _, _ in HOSTILE.values()]
    assert_refused_cheaply(makers, "quiz.exchange.docx_reading", "read_docx", tmp_path)


def test_more_than_five_thousand_questions_are_refused() -> None:
    question = paragraph(run("Câu 1. x?")) + paragraph(run("A. a")) + paragraph(run("B. b"))
    with pytest.raises(Refusal) as refusal:
        read_docx(with_document(question.encode() * 5_001))
    assert refusal.value.code == "too_many_rows"
    assert "5.000 câu" in refusal.value.sentence


@pytest.mark.parametrize(
    "text", ["- " * 30_000, ". " * 30_000, "A. x B. y " * 3_000, "(a) " * 9_000, "1.A " * 9_000]
)
def test_a_line_made_to_be_read_slowly_is_read(text: str) -> None:
    """Each of these once took minutes; what is asked here is only that the question survives."""
    item = read_lines("Câu 1. Số nào?", "A. một*", "B. hai", f"Câu 2. Gì? {text}").items[0]
    assert said(item) == ("Số nào?", ("một", "hai"), (0,))
