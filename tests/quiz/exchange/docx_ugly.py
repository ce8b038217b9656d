"""Ugly Word documents, each as some office would send it; made by code, with what they mean."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from io import BytesIO

from docx.shared import Pt, RGBColor
from PIL import Image

from tests.quiz.exchange.docx_files import (
    Asked,
    Habit,
    Paper,
    Piece,
    fill,
    letters,
    singles,
    write_questions,
)


@dataclass
class Ugly:
    """A document, its questions, and the numbers of those that nobody could understand surely."""

    content: bytes
    asked: list[Asked]
    flawed: set[int] = field(default_factory=set)  # from 0
    miss_count: int = 0


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


def picture(colour: str = "red") -> BytesIO:
    output = BytesIO()
    Image.new("RGB", (40, 30), colour).save(output, "PNG")
    output.seek(0)
    return output


def letterhead(paper: Paper, title: str) -> None:
    table = paper.table([["SỞ KHOA HỌC VÀ CÔNG NGHỆ", "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"],
                         ["BAN TỔ CHỨC CUỘC THI", "Độc lập - Tự do - Hạnh phúc"]])  # fmt: skip
    table.style = "Table Grid"
    paper.line("")
    paper.line(Piece(title, "bold"))
    paper.line("(Đề gồm nhiều câu hỏi; thời gian làm bài 30 phút)")


HEADS = ("Câu {}.", "Câu {}:", "Câu hỏi {}.", "Câu {} ", "CÂU {}:")
FORGOTTEN, CONTRADICTED, STRESSED = 20, 33, 7
PARTS = {0: "PHẦN I. KIẾN THỨC CHUNG", 15: "PHẦN II. PHÁP LUẬT", 30: "PHẦN III. KỸ NĂNG SỐ"}


def bold_key() -> Ugly:
    """Bold everywhere: stems, letters, single words, headings; the right option all in bold."""
    asked = singles(45)
    paper = Paper()
    letterhead(paper, "BỘ CÂU HỎI TÌM HIỂU CHUYỂN ĐỔI SỐ")
    for place, each in enumerate(asked):
        if place in PARTS:
            paper.line(Piece(PARTS[place], "bold"))
        head = HEADS[place % 5].format(place + 1)
        stem = paper.line(Piece(head, "bold underline"), Piece(" " + each.text, "bold"))
        options = [_bold_option(place, at, each) for at in range(4)]
        if place % 6 == 4:
            for option in options:
                fill(stem, ["\n", *option])
        elif place % 6 == 5:
            paper.line(*[piece for option in options for piece in (*option, Piece("   "))])
        else:
            for option in options:
                paper.line(*option)
        if place % 4 == 0:
            paper.line("")
    paper.line("------- HẾT -------")
    return Ugly(paper.content(), asked, {FORGOTTEN, CONTRADICTED})


def _bold_option(place: int, at: int, asked: Asked) -> list[Piece]:
    label = Piece(f"{'ABCD'[at]}{'.)'[place % 2]} ", "bold")
    text = asked.options[at]
    look = "bold" if at in asked.right and place != FORGOTTEN else ""
    if place == CONTRADICTED and at == (asked.right[0] + 1) % 4:
        look = "red"
    if place == STRESSED and at not in asked.right:
        return [label, Piece(text[:2], "bold"), Piece(text[2:])]
    return [label, Piece(text, look)]


def key_at_the_end() -> Ugly:
    """Two options on a line, notes, pictures; a table of keys that lacks one and has one too many."""
    asked = singles(50, 30)
    paper = Paper()
    letterhead(paper, "ĐỀ THI TRẮC NGHIỆM (MÃ ĐỀ 132)")
    for place, each in enumerate(asked):
        paper.line(
            Piece(f"Câu {place + 1}", "bold"), f" ({['NB', 'TH', 'VD'][place % 3]}): {each.text}"
        )
        if place % 10 == 3:
            paper.document.add_picture(picture())
        two = [f"{'ABCD'[at]}. {text}" for at, text in enumerate(each.options)]
        if place % 3 == 0:
            paper.line("\t".join(two[:2]))
            paper.line("\t".join(two[2:]))
        elif place % 3 == 1:
            for line in two:
                paper.line(line)
        else:
            paper.line("     ".join(two))
        if place % 10 == 9:
            paper.line(f"Trang {place // 10 + 1}/5")
    keys = [letters(each.right) for each in asked]
    paper.line("--- Hết ---")
    paper.line(Piece("ĐÁP ÁN ĐỀ THI TÌM HIỂU NĂM 2026", "bold"))
    rows = []
    for start in range(0, 50, 10):
        rows.append(["Câu", *(str(number + 1) for number in range(start, start + 10))])
        rows.append(["ĐA", *keys[start : start + 10]])
    rows[1][5] = ""  # the key of question 5 is missing
    paper.table(rows)
    paper.line("51. C")
    return Ugly(paper.content(), asked, {4}, miss_count=1)


def automatic_numbers() -> Ugly:
    """NFD, numbers and letters by Word, options on one line and in tables, tracked changes."""
    asked = singles(48, 60)
    paper = Paper()
    paper.line(Piece(decomposed("NGÂN HÀNG CÂU HỎI"), "bold"))
    numbers = paper.new_list(("decimal", "Câu %1."), ("upperLetter", "%2."))
    free = paper.new_list(("lowerLetter", "%1)"))
    for place, each in enumerate(asked):
        stem = paper.listed(numbers, 0, Piece(decomposed(each.text)))
        looks = ["underline red" if at in each.right else "" for at in range(4)]
        texts = [decomposed(text) for text in each.options]
        match place % 5:
            case 0:
                for text, look in zip(texts, looks, strict=True):
                    paper.listed(numbers, 1, Piece(text, look))
            case 1:
                restarted = paper.same_list_restarted(free)
                for text, look in zip(texts, looks, strict=True):
                    paper.listed(restarted, 0, Piece(text, look))
            case 2:
                pieces = []
                for at, (text, look) in enumerate(zip(texts, looks, strict=True)):
                    pieces += [Piece(f"{'ABCD'[at]}. "), Piece(text, look), Piece("\t")]
                paper.line(*pieces)
            case 3:
                paper.table([[Piece(f"{'ABCD'[at]}. {texts[at]}", looks[at]) for at in row]
                             for row in ((0, 1), (2, 3))])  # fmt: skip
                paper.line("")
            case _:
                # Column by column, the letters apart from the words.
                paper.table([["A", Piece(texts[0], looks[0]), "C", Piece(texts[2], looks[2])],
                             ["B", Piece(texts[1], looks[1]), "D", Piece(texts[3], looks[3])]])  # fmt: skip
        if place % 12 == 6:
            track_changes(stem)
    return Ugly(paper.content(), asked)


def track_changes(paragraph: object) -> None:
    """A word typed and struck again under tracked changes: on paper nothing changed."""
    from docx.oxml import parse_xml  # noqa: PLC0415 — only here

    from tests.quiz.exchange.docx_files import NAMESPACES  # noqa: PLC0415 — only here

    paragraph._p.append(  # type: ignore[attr-defined]  # python-docx's paragraph
        parse_xml(
            f'<w:del {NAMESPACES} w:id="7" w:author="x"><w:r><w:delText> bỏ đi</w:delText></w:r></w:del>'
        )
    )


def rows_of_a_table() -> Ugly:
    """Every question a row: STT, question, four options, key; a header on two pages."""
    asked = singles(42, 15)
    paper = Paper()
    paper.line(Piece("PHỤ LỤC: DANH MỤC CÂU HỎI", "bold"))
    header = ["STT", "Nội dung câu hỏi", "Phương án A", "Phương án B", "Phương án C", "Phương án D",
              "Đáp án đúng", "Căn cứ"]  # fmt: skip
    rows = [header]
    for place, each in enumerate(asked):
        if place == 20:
            rows.append(header)
        rows.append(
            [
                str(place + 1),
                each.text,
                *each.options,
                letters(each.right),
                f"Điều {place + 1} Luật Chuyển đổi số",
            ]
        )
    rows[31][6] = "E"
    paper.table(rows)
    return Ugly(paper.content(), asked, {29})


def ticked_rows() -> Ugly:
    """A row for every option, a cross in the last column; number and question span four rows."""
    asked = singles(20, 50)
    paper = Paper()
    table = paper.table([["TT", "Câu hỏi", "Phương án trả lời", "Đáp án đúng"]])
    for place, each in enumerate(asked):
        first = len(table.rows)
        for at, text in enumerate(each.options):
            cells = table.add_row().cells
            if at == 0:
                cells[0].text, cells[1].text = str(place + 1), each.text
            cells[2].text = f"{'abcd'[at]}) {text}"
            cells[3].text = "x" if at in each.right else ""
        for column in (0, 1):
            table.cell(first, column).merge(table.cell(first + 3, column))
    return Ugly(paper.content(), asked)


def notes_under_questions() -> Ugly:
    """Topic, level, key, explanation, law and link under each question."""
    asked = singles(40, 70)
    paper = Paper()
    for place, each in enumerate(asked):
        paper.line(f"{place + 1}. {each.text}")
        for at, text in enumerate(each.options):
            paper.line(f"{'abcd'[at]}. {text}")
        key = letters(each.right)
        paper.line(
            ("Đáp án: {}", "Đáp án đúng là {}", "ĐA: {}", "* Đáp án : {}", "=> Đáp án {}")[
                place % 5
            ].format(key)
        )
        paper.line(
            f"Chủ đề: Dịch vụ công; Mức độ: {('nhận biết', 'thông hiểu', 'vận dụng cao')[place % 3]}"
        )
        paper.line(f"Giải thích: Xem lời giải thứ {place + 1}.")
        paper.line("Phương án còn lại không đúng.")
        paper.line(f"Căn cứ: Khoản 2 Điều {place + 1} Nghị định số 42/2022/NĐ-CP")
        paper.line("Link: https://dichvucong.gov.vn/thu-tuc?ma=1.001")
    return Ugly(paper.content(), asked)


def no_numbers() -> Ugly:
    """No numbers at all, right options highlighted, lists of bullets now and then."""
    asked = singles(40, 5)
    paper = Paper()
    paper.line("Câu hỏi ôn tập", style="Title")
    for place, each in enumerate(asked):
        paper.line(each.text)
        for at, text in enumerate(each.options):
            look = ("highlight", "shade")[place % 2] if at in each.right else ""
            paper.line(Piece(f"{'ABCD'[at]}. {text}", look))
    return Ugly(paper.content(), asked)


def options_without_letters() -> Ugly:
    """Numbers by hand, options as bullets or bare lines, the right one red or with a star."""
    asked = [each for each in singles(60) if each.text.endswith("?")][:40]
    paper = Paper()
    for place, each in enumerate(asked):
        paper.line(f"Câu {place + 1}: {each.text}")
        for at, text in enumerate(each.options):
            look = "red" if at in each.right else ""
            if place % 3 == 0:
                paper.line(Piece(text, look), style="List Bullet")
            elif place % 3 == 1:
                paper.line(Piece(f"- {text}", look))
            else:
                paper.line(Piece(text, look))
    return Ugly(paper.content(), asked)


def parts_that_begin_anew() -> Ugly:
    """Two parts, both numbered from 1, and two lists of keys below each other."""
    asked = singles(44, 25)
    paper = Paper()
    for title, part in (("PHẦN I. LUẬT", asked[:22]), ("PHẦN II. KỸ NĂNG SỐ", asked[22:])):
        paper.line(Piece(title, "bold"))
        write_questions(paper, part, Habit(mark="none"))
    for title, part in (("ĐÁP ÁN PHẦN I", asked[:22]), ("ĐÁP ÁN PHẦN II", asked[22:])):
        paper.line(Piece(title, "bold"))
        paper.line(
            " ; ".join(f"{number}{letters(each.right)}" for number, each in enumerate(part, 1))
        )
    return Ugly(paper.content(), asked)


def libre_office() -> Ugly:
    """Styles instead of direct looks: strong emphasis by character style, fonts on every run."""
    asked = singles(40, 45)
    paper = Paper()
    strong = paper.document.styles.add_style("Strong Emphasis", 2)
    strong.font.bold = True
    body = paper.document.styles.add_style("Text Body", 1)
    body.font.size = Pt(13)
    body.font.color.rgb = RGBColor(0, 0, 0x0A)
    for place, each in enumerate(asked):
        stem = paper.line(style="Text Body")
        for word in f"Câu {place + 1}. {each.text}".split(" "):
            stem.add_run(word + " ").font.name = "Liberation Serif"
        for at, text in enumerate(each.options):
            line = paper.line(style="Text Body")
            style = "Strong Emphasis" if at in each.right else None
            for piece in (f"{'ABCD'[at]}", ". ", *[word + " " for word in text.split(" ")]):
                line.add_run(piece, style=style).font.name = "Liberation Serif"
    return Ugly(paper.content(), asked)


def everything_bold_but_stars() -> Ugly:
    """Every letter of the document is bold; a star stands behind the right option."""
    asked = singles(40, 12)
    paper = Paper()
    for place, each in enumerate(asked):
        paper.line(Piece(f"{place + 1}) {each.text}", "bold"))
        for at, text in enumerate(each.options):
            paper.line(Piece(f"{'ABCD'[at]}/ {text}{'*' if at in each.right else ''}", "bold"))
    return Ugly(paper.content(), asked)


def keys_with_reasons() -> Ugly:
    """A chapter of answers at the end: number, letter and why."""
    asked = singles(40, 33)
    paper = Paper()
    write_questions(paper, asked, Habit(number="Câu hỏi {n}:", label="{l})", mark="none"))
    paper.line(Piece("HƯỚNG DẪN TRẢ LỜI", "bold"))
    for place, each in enumerate(asked):
        paper.line(
            f"Câu {place + 1}: {letters(each.right)}. Vì văn bản thứ {place + 1} quy định như vậy."
        )
    return Ugly(paper.content(), asked)


UGLY = {
    "a bold key among much bold": bold_key,
    "a table of keys at the end": key_at_the_end,
    "automatic numbers, NFD, one line, tables": automatic_numbers,
    "rows of a table": rows_of_a_table,
    "a ticked row for each option": ticked_rows,
    "notes under questions": notes_under_questions,
    "no numbers": no_numbers,
    "options without letters": options_without_letters,
    "parts that begin anew": parts_that_begin_anew,
    "LibreOffice's styles": libre_office,
    "all bold with stars": everything_bold_but_stars,
    "keys with reasons": keys_with_reasons,
}
