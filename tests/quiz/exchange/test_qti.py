"""QTI: items of 2.x and 3.0, packages as other programs make them, ours as others read them."""

from __future__ import annotations

import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import qti_convert
from lxml import etree

from core.errors import Refusal
from quiz.exchange.choices import FEEDBACK_LOST, OTHER_SHARES
from quiz.exchange.item import Item, Understood
from quiz.exchange.qti import (
    INTERACTIONS,
    LOST_STIMULUS,
    LOST_TEST,
    MISSING_PART,
    NO_INTERACTION,
    SEVERAL_INTERACTIONS,
    read_qti_item,
    read_qti_package,
)
from quiz.exchange.qti_writing import write_qti
from tests.quiz.exchange.questions import bare, demonstration_items, made_items, picture


def zipped(parts: dict[str, bytes]) -> bytes:
    output = BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return output.getvalue()


def item_21(
    *, body: str = "", interaction: str = "", cardinality: str = "single", correct: str = "A",
    mapping: str = "", after: str = "",
) -> bytes:  # fmt: skip
    values = "".join(f"<value>{each}</value>" for each in correct)
    interaction = interaction or (
        '<choiceInteraction responseIdentifier="R" shuffle="true" maxChoices="1">'
        "<prompt>Chọn <em>một</em>:</prompt>"
        '<simpleChoice identifier="A">đúng<feedbackInline outcomeIdentifier="F" identifier="A" '
        'showHide="show">giỏi</feedbackInline></simpleChoice>'
        '<simpleChoice identifier="B">sai</simpleChoice>'
        '<simpleChoice identifier="C" fixed="true">cả hai</simpleChoice></choiceInteraction>'
    )
    return (
        '<?xml version="1.0"?><assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" '
        'identifier="q1" title="Câu một" adaptive="false" timeDependent="false">'
        f'<responseDeclaration identifier="R" cardinality="{cardinality}" baseType="identifier">'
        f"<correctResponse>{values}</correctResponse>{mapping}</responseDeclaration>"
        f"<itemBody>{body}{interaction}</itemBody>{after}</assessmentItem>"
    ).encode()


def only(understood: Understood) -> Item:
    assert understood.misses == ()
    (item,) = understood.items
    return item


def test_an_item_of_21_is_read() -> None:
    body = '<div><p>Đọc đoạn sau.</p><p>H<sub>2</sub>O <img src="http://x.vn/a.png"/></p></div>'
    after = (
        '<modalFeedback outcomeIdentifier="F" identifier="x" showHide="show"><p>Vì thế.</p>'
        "</modalFeedback>"
    )
    item = only(read_qti_item(item_21(body=body, after=after)))
    assert item.text == "Đọc đoạn sau.\nH₂O\nChọn một:"
    assert [(o.text, o.is_correct, o.is_pinned, o.feedback) for o in item.options] == [
        ("đúng", True, False, "giỏi"), ("sai", False, False, ""), ("cả hai", False, True, ""),
    ]  # fmt: skip
    assert (item.kind, item.explanation, item.place) == ("single", "Vì thế.", "dòng 1, “Câu một”")
    assert FEEDBACK_LOST in item.losses
    assert any("http://x.vn/a.png" in loss for loss in item.losses)


@pytest.mark.parametrize(
    ("mapping", "is_ours"),
    [
        ("", False),  # all or nothing
        ('<mapping defaultValue="0"><mapEntry mapKey="A" mappedValue="1"/>'
         '<mapEntry mapKey="B" mappedValue="1"/><mapEntry mapKey="C" mappedValue="-1"/></mapping>',
         True),
        ('<mapping><mapEntry mapKey="A" mappedValue="3"/><mapEntry mapKey="B" mappedValue="1"/>'
         '<mapEntry mapKey="C" mappedValue="x"/></mapping>', False),
    ],
)  # fmt: skip
def test_points_that_score_otherwise_are_told(mapping: str, is_ours: bool) -> None:
    item = only(read_qti_item(item_21(cardinality="multiple", correct="AB", mapping=mapping)))
    assert item.kind == "multiple"
    assert [option.is_correct for option in item.options] == [True, True, False]
    assert (OTHER_SHARES in item.losses) is not is_ours


def test_a_question_whose_key_names_no_option_is_faulty() -> None:
    (fault,) = only(read_qti_item(item_21(correct="Z"))).faults
    assert fault.field == "answer"


@pytest.mark.parametrize(("kind", "name"), INTERACTIONS.items())
def test_every_other_interaction_is_a_miss_that_names_it(kind: str, name: str) -> None:
    (miss,) = read_qti_item(item_21(interaction=f"<{kind}Interaction/>")).misses
    assert name in miss.sentence
    (miss,) = read_qti_item(item_21(interaction=f"<qti-{kind}-interaction/>")).misses
    assert name in miss.sentence


def test_none_or_two_interactions_are_missed() -> None:
    (none,) = read_qti_item(item_21(interaction="<p>Đọc.</p>")).misses
    (two,) = read_qti_item(item_21(interaction="<choiceInteraction/><choiceInteraction/>")).misses
    assert (none.sentence, two.sentence) == (NO_INTERACTION, SEVERAL_INTERACTIONS)


MANIFEST = """<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"><resources>
<resource identifier="t" type="imsqti_test_xmlv2p1" href="test.xml"/>
<resource identifier="b" type="imsqti_item_xmlv2p1" href="items/hai%20b.xml"/>
<resource identifier="a" type="imsqti_item_xmlv2p1" href="items/a.xml"/>
<resource identifier="x" type="imsqti_item_xmlv2p1" href="../../etc/passwd.xml"/>
<resource identifier="c" type="imsqti_item_xmlv2p1" href="items/c.xml"/>
<resource identifier="d" type="imsqti_item_xmlv2p1" href="items/d.xml"/>
<resource identifier="p" type="webcontent" href="images/a.png"/></resources></manifest>"""


def test_a_package_of_21_is_read_in_the_order_of_its_manifest() -> None:
    stimulus = item_21().replace(b"<itemBody>", b'<assessmentStimulusRef href="s.xml"/><itemBody>')
    understood = read_qti_package(
        zipped(
            {
                "goi/imsmanifest.xml": MANIFEST.encode(),
                "goi/test.xml": b"<assessmentTest/>",
                "goi/items/a.xml": stimulus,
                "goi/items/hai b.xml": item_21(body='<p><img src="../images/a.png" alt="Cờ"/></p>'),
                "goi/items/c.xml": b"<assessmentItem>",
                "goi/items/d.xml": b"<questestinterop/>",
                "goi/images/a.png": picture(),
            }
        )
    )
    second, first = understood.items
    assert second.image is not None
    assert (second.image.content, second.image.alt) == (picture(), "Cờ")
    assert LOST_STIMULUS in first.losses
    assert [miss.place for miss in understood.misses] == [
        "../etc/passwd.xml", "goi/items/c.xml", "goi/items/d.xml",
    ]  # fmt: skip
    assert understood.misses[0].sentence == MISSING_PART
    assert understood.losses == [LOST_TEST]


def test_a_package_without_a_manifest_is_read_by_file_names() -> None:
    content = zipped({"b.xml": item_21(correct="B"), "a.xml": item_21(correct="A")})
    first, second = read_qti_package(content).items
    assert (first.place, second.place) == ("a.xml, “Câu một”", "b.xml, “Câu một”")


def test_a_package_with_a_password_is_refused() -> None:
    content = bytearray(zipped({"imsmanifest.xml": MANIFEST.encode()}))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    with pytest.raises(Refusal, match="mật khẩu"):
        read_qti_package(bytes(content))


def test_an_independent_converter_reads_what_is_written_and_keeps_it_whole(tmp_path: Path) -> None:
    """citolab-qti-convert resolves the manifest and makes QTI 2.1, which is read again."""
    sent = [*demonstration_items(), *made_items(300)]
    ours, theirs = tmp_path / "3.zip", tmp_path / "21.zip"
    ours.write_bytes(write_qti(sent, title="Ngân hàng").content)
    assert qti_convert.downgrade_package(str(ours), str(theirs)).warnings == []
    with zipfile.ZipFile(theirs) as archive:
        item = etree.fromstring(archive.read("items/item-0001.xml"))
    assert etree.QName(item).localname == "assessmentItem"
    assert [bare(each) for each in read_qti_package(theirs.read_bytes()).items] == [
        bare(each) for each in sent
    ]
