"""Moodle XML: HTML soup becomes text, and other readers understand what is written."""

from __future__ import annotations

import base64
import html
import unicodedata

import pytest
from lxml import etree
from moodle_xml_parser.parser import parse_bytes

from core.errors import Refusal
from quiz.exchange.choices import FEEDBACK_LOST, OTHER_SHARES
from quiz.exchange.item import Item, Understood
from quiz.exchange.markup import LOST_LETTERING, LOST_TABLE, marked_up
from quiz.exchange.moodle_xml import UNSUPPORTED, read_moodle_xml, write_moodle_xml
from quiz.exchange.pictures import BROKEN_PICTURE, LOST_PICTURES
from tests.quiz.exchange.questions import demonstration_items, made_items, picture

PICTURE = base64.b64encode(picture()).decode()
OTHER_PICTURE = base64.b64encode(picture((200, 0, 0))).decode()


def read(*questions: str) -> Understood:
    return read_moodle_xml(f"<quiz>{''.join(questions)}</quiz>".encode())


def only(question: str) -> Item:
    (item,) = read(question).items
    return item


def choice(
    text: str = "Gì?", *, answers: str = "", more: str = "", files: str = "", single: str = "true"
) -> str:
    answers = (
        answers or '<answer fraction="100"><text>a</text></answer><answer><text>b</text></answer>'
    )
    return (
        '<question type="multichoice"><name><text>Câu hỏi</text></name><questiontext format="html">'
        f"<text>{text}</text>{files}</questiontext><single>{single}</single>{answers}{more}</question>"
    )


SOUP = """<![CDATA[<!DOCTYPE html><div class=x><p style="color:red">Khoản&nbsp;<strong>không</strong>
đúng là<br/>khoản nào?<p><ul><li>một<li><p>hai</p></ul><script>alert(1)</script>
<table><tr><td>A</td><td>B</td></tr></table><!-- ẩn --> H<sub>2</sub>O &lt; 5 & 6 <]]>"""


def test_html_soup_becomes_what_a_person_reads() -> None:
    item = only(choice(SOUP))
    assert item.text == ("Khoản không đúng là\nkhoản nào?\n- một\n- hai\nA | B\nH₂O < 5 & 6 <")
    assert {LOST_LETTERING, LOST_TABLE} <= set(item.losses)


def test_marks_made_of_two_characters_are_joined() -> None:
    assert only(choice(unicodedata.normalize("NFD", "Đường sắt"))).text == "Đường sắt"


def test_html_without_its_cdata_is_put_back_together() -> None:
    answers = '<answer fraction="100"><text><p>một <b>hai</b></p></text></answer><answer fraction="0"><text>ba</text></answer>'
    assert [each.text for each in only(choice(answers=answers)).options] == ["một hai", "ba"]


def test_all_fields_have_their_places() -> None:
    more = (
        "<generalfeedback><text>Vì thế.</text></generalfeedback><shuffleanswers>0</shuffleanswers>"
        "<idnumber>AT-9</idnumber><tags><tag><text>Mức độ: dễ</text></tag>"
        "<tag><text>Văn bản: Luật: số 1</text></tag><tag><text>ôn tập</text></tag></tags>"
    )
    category = (
        '<question type="category"><category><text>$module$/top/Luật // lệ/A</text></category>'
        "</question>"
    )
    (item,) = read(category, choice(more=more)).items
    assert (item.topic, item.code, item.explanation) == ("Luật/lệ/A", "AT-9", "Vì thế.")
    assert (item.difficulty, item.source, item.tags) == ("easy", "Luật: số 1", ("ôn tập",))
    assert all(option.is_pinned for option in item.options)


def test_true_and_false_get_our_words_whatever_their_language_and_order() -> None:
    item = only(
        '<question type="truefalse"><questiontext><text>x</text></questiontext>'
        '<answer fraction="100"><text>false</text><feedback><text>ừ</text></feedback></answer>'
        '<answer fraction="0"><text>true</text></answer></question>'
    )
    assert item.kind == "true_false"
    assert [(o.text, o.is_correct, o.feedback) for o in item.options] == [
        ("Đúng", False, ""), ("Sai", True, "ừ"),
    ]  # fmt: skip
    assert FEEDBACK_LOST in item.losses


@pytest.mark.parametrize(
    ("fractions", "is_ours"),
    [((50, 50, -50), True), ((33.33333, 33.33333, 33.33333, -33.33333), True),
     ((50, 50, 0), False), ((60, 40, -100), False)],
)  # fmt: skip
def test_fractions_that_score_otherwise_are_told(
    fractions: tuple[float, ...], is_ours: bool
) -> None:
    answers = "".join(
        f'<answer fraction="{share}"><text>{place}</text></answer>'
        for place, share in enumerate(fractions)
    )
    item = only(choice(answers=answers, single="false"))
    assert item.kind == "multiple"
    assert [option.is_correct for option in item.options] == [share > 0 for share in fractions]
    assert (OTHER_SHARES in item.losses) is not is_ours


def test_missing_and_rotten_fractions_are_wrong_answers_and_a_fault() -> None:
    answers = '<answer fraction="nhiều"><text>a</text></answer><answer><text>b</text></answer>'
    (fault,) = only(choice(answers=answers)).faults
    assert fault.field == "answer"


def test_the_first_picture_comes_along_with_its_words() -> None:
    text = (
        '<![CDATA[<p>Xem</p><img src="@@PLUGINFILE@@/h%C3%ACnh%201.png" alt="Cờ đỏ">'
        f'<img src="data:image/png;base64,{OTHER_PICTURE}">]]>'
    )
    files = f'<file name="hình 1.png" path="/" encoding="base64">{PICTURE}</file>'
    item = only(choice(text, files=files))
    assert item.image is not None
    assert (item.image.content, item.image.media_type, item.image.alt) == (
        picture(), "image/png", "Cờ đỏ",
    )  # fmt: skip
    assert LOST_PICTURES in item.losses


def test_rotten_pictures_are_faults_and_pictures_elsewhere_are_not_fetched() -> None:
    broken = only(choice('<![CDATA[<img src="@@PLUGINFILE@@/thieu.png">Gì?]]>'))
    assert [(fault.field, fault.sentence) for fault in broken.faults] == [("image", BROKEN_PICTURE)]
    outside = only(choice('<![CDATA[<img src="http://127.0.0.1:9/x.png">Gì?]]>'))
    assert outside.image is None
    assert any("http://127.0.0.1:9/x.png" in loss for loss in outside.losses)


@pytest.mark.parametrize("kind", [*UNSUPPORTED, "pmatch"])
def test_every_other_kind_is_a_miss_that_names_it(kind: str) -> None:
    understood = read(
        choice(), f'\n<question type="{kind}"><name><text>Tên</text></name></question>'
    )
    (miss,) = understood.misses
    assert miss.place == "dòng 2, “Tên”"
    assert UNSUPPORTED.get(kind, "pmatch") in miss.sentence


def test_a_broken_file_is_refused_with_the_line() -> None:
    with pytest.raises(Refusal, match="dòng 3"):
        read_moodle_xml(b"<quiz>\n<question>\n<name>\xc3\x81 & b</name>")


def test_an_independent_parser_reads_the_same_from_what_is_written() -> None:
    """moodle-xml-parser knows multichoice only."""
    sent = [*demonstration_items(), *made_items(400)]
    content = write_moodle_xml(sent, title="Ngân hàng").content
    found = {each.name: each for each in parse_bytes(content)["multichoice"]}
    chosen = [item for item in sent if item.kind != "true_false"]
    assert len(chosen) > 400
    for item in chosen:
        other = found[item.code]
        assert other.text_pre_parse == seen(item.text)
        assert other.general_feedback == seen(item.explanation)
        assert other.single == (item.kind == "single")
        right_count = sum(option.is_correct for option in item.options)
        wrong = -100 / right_count if item.kind == "multiple" else 0
        assert [(each.answer, each.score_fraction) for each in other.options] == [
            (seen(o.text), pytest.approx(100 / right_count if o.is_correct else wrong, abs=1e-4))
            for o in item.options
        ]


def seen(text: str) -> str:
    return html.unescape(marked_up(text))


def test_true_false_questions_are_written_as_moodle_defines_them() -> None:
    """No reader of truefalse is published; the definition is Moodle's import_truefalse."""
    sent = [item for item in made_items(300) if item.kind == "true_false"]
    root = etree.fromstring(write_moodle_xml(sent, title="x").content)
    written = {
        found.findtext("name/text"): {
            each.findtext("text"): each.get("fraction") for each in found.iterfind("answer")
        }
        for found in root.iterfind("question[@type='truefalse']")
    }
    plain = [item for item in sent if item.options[0].text == "Đúng"]
    assert written == {
        item.code: {
            "true": "100" if item.options[0].is_correct else "0",
            "false": "100" if item.options[1].is_correct else "0",
        }
        for item in plain
    }
