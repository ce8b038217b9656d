"""Questions leave the bank as files that bring back the same questions; each time it is put down."""

from __future__ import annotations

import re
import zipfile
from io import BytesIO

import pytest

from core.documents import read_sheet
from core.errors import Refusal
from people.audit import entries
from quiz.exchange.formats import understand
from quiz.images import keep_image
from quiz.pools import PoolOption
from quiz.question_export import Wanted, export_questions, preview_export
from quiz.question_writing import save_question
from quiz.questions import Chosen
from tests.quiz.conftest import Bank, Staff
from tests.quiz.test_images import picture

ROUND_TRIPS = ["gift", "moodle_xml", "qti", "xlsx"]


async def export(bank: Bank, staff: Staff, file_format: str, **chosen: str) -> bytes:
    only: Chosen = {"topic": chosen.get("topic"), "state": chosen.get("state")}
    written = await export_questions(
        bank.id,
        Wanted(file_format, "Chuyển đổi số"),
        chosen=only,
        by=staff.lan,
        by_name="Vàng Thị Lan",
    )
    return written.content


@pytest.mark.parametrize("file_format", ROUND_TRIPS)
async def test_a_file_brings_the_same_questions_back(
    bank: Bank, staff: Staff, file_format: str
) -> None:
    content = await export(bank, staff, file_format)
    found = understand(content, f"x.{file_format}").items
    assert len(found) == len(bank.question_ids)
    first = next(item for item in found if item.code == "chuyen-doi-so-easy-1")
    assert first.text == "Câu hỏi mang mã chuyen-doi-so-easy-1?"
    assert [option.is_correct for option in first.options] == [True, False, False, False]
    assert (first.topic, first.difficulty, first.kind) == ("Chuyển đổi số", "easy", "single")
    assert first.explanation == "Theo luật."


async def test_each_export_is_put_down_with_its_count_and_format(bank: Bank, staff: Staff) -> None:
    await export(bank, staff, "gift", topic="du-lieu")
    newest = (await entries(f"bank:{bank.id}"))[0]
    assert (newest.action, newest.by, newest.detail) == (
        "export_questions", staff.lan, {"count": 12, "format": "gift"},
    )  # fmt: skip


async def test_the_preview_tells_what_will_be_lost_and_is_not_put_down(
    bank: Bank, staff: Staff
) -> None:
    image_id = await keep_image(picture("PNG"), "image/png", "Con dấu")
    await save_question(
        bank.id, code="HINH-1", topic="du-lieu", difficulty="easy", kind="single",
        text="Đây là con dấu gì?", options=[PoolOption("a", is_correct=True), PoolOption("b", is_correct=False)],
        image_id=image_id, image_alt="Con dấu", by=staff.lan,
    )  # fmt: skip
    before = await entries(f"bank:{bank.id}")
    count, losses = await preview_export(bank.id, Wanted("xlsx", "x"), chosen={})
    assert count == 25
    assert "1 câu mất hình" in " ".join(losses)
    kept_count, lost = await preview_export(bank.id, Wanted("moodle_xml", "x"), chosen={})
    assert (kept_count, list(lost)) == (25, [])
    assert await entries(f"bank:{bank.id}") == before


async def test_a_printed_paper_names_who_took_it_and_can_be_read_back(
    bank: Bank, staff: Staff
) -> None:
    content = await export(bank, staff, "docx_paper", topic="du-lieu")
    assert "Vàng Thị Lan xuất lúc" in words_of(content)
    found = understand(content, "x.docx").items
    assert len(found) == 12
    assert all(sum(option.is_correct for option in item.options) == 1 for item in found)


async def test_versions_of_a_paper_are_put_down_with_their_seed(bank: Bank, staff: Staff) -> None:
    wanted = Wanted("docx_versions", "Đề thi", version_count=3)
    written = await export_questions(
        bank.id, wanted, chosen={}, by=staff.lan, by_name="Vàng Thị Lan"
    )
    assert [f"Mã đề: {code}" in words_of(written.content) for code in range(101, 105)] == [
        True, True, True, False,
    ]  # fmt: skip
    detail = (await entries(f"bank:{bank.id}"))[0].detail
    assert detail["versions"] == 3
    assert re.fullmatch("[0-9a-f]{16}", str(detail["seed"]))
    with pytest.raises(Refusal) as refusal:
        await preview_export(bank.id, Wanted("docx_versions", "Đề", version_count=99), chosen={})
    assert set(refusal.value.fields) == {"so_ma"}


def words_of(content: bytes) -> str:
    """All that stands on the pages of a Word file, heads and feet included."""
    with zipfile.ZipFile(BytesIO(content)) as archive:
        parts = [name for name in archive.namelist() if re.match(r"word/(doc|head|foot)", name)]
        return "".join(
            re.sub(r"<[^>]+>", "", archive.read(name).decode()) for name in sorted(parts)
        )


async def test_no_cell_begins_a_formula(empty_bank: int, staff: Staff) -> None:
    options = [PoolOption("=1+1", is_correct=True), PoolOption("@x", is_correct=False)]
    await save_question(
        empty_bank, code="+1", topic="du-lieu", difficulty="easy", kind="single", text="-2 hay =3?",
        options=options, by=staff.lan,
    )  # fmt: skip
    content = await export(Bank(empty_bank, ()), staff, "xlsx")
    shown = understand(content, "x.xlsx").items[0]
    assert (shown.code, shown.text) == ("+1", "-2 hay =3?")
    assert len(read_sheet(content)) == 2  # which refuses formulas


async def test_nothing_and_unknown_formats_are_refused(bank: Bank, staff: Staff) -> None:
    for file_format, state, code in (
        ("gift", "retired", "nothing_chosen"),
        ("exe", "approved", "bad_format"),
        ("aiken", "approved", "bad_format"),
    ):
        with pytest.raises(Refusal) as refusal:
            await export(bank, staff, file_format, state=state)
        assert refusal.value.code == code
