"""People find their unit by its names, old ones and unmarked ones included."""

from __future__ import annotations

from datetime import date

import pytest

from core.errors import Refusal
from people import unit_writing, units

TODAY = date(2026, 9, 14)


async def names(text: str, **conditions: str) -> list[str]:
    return [unit.name for unit in await units.find_units(text, **conditions)]


@pytest.mark.parametrize(
    "typed",
    ["muong te", "Mường Tè", "MƯỜNG TÈ", "mường tè", "xa muong te", "Mươ\u0300ng Te\u0300", "te"],
)
async def test_a_commune_is_found_with_and_without_marks(province: None, typed: str) -> None:
    assert "Xã Mường Tè" in await names(typed)


@pytest.mark.parametrize("typed", ["doan ket", "Đoàn Kết", "đoan ket", "Ðoàn Kết"])
async def test_every_form_of_d_with_stroke_finds_the_ward(province: None, typed: str) -> None:
    assert await names(typed) == ["Phường Đoàn Kết"]


async def test_the_marks_that_were_typed_come_first(province: None) -> None:
    for code, name in (
        ("B1", "Trường Ban Mai"),
        ("B2", "Trường Bản Mai"),
        ("B3", "Trường Bàn Mai"),
    ):
        await unit_writing.add_unit(code=code, name=name, kind="school", parent_code="T12")
    assert (await names("bản mai"))[0] == "Trường Bản Mai"
    assert (await names("bàn mai"))[0] == "Trường Bàn Mai"
    assert await names("ban mai") == ["Trường Ban Mai", "Trường Bàn Mai", "Trường Bản Mai"]


async def test_words_match_from_their_beginning_only(province: None) -> None:
    assert "Xã Mường Tè" in await names("muong t")
    assert await names("uong te") == []
    assert await names("  ") == []
    assert await names("%") == []


async def test_a_unit_is_found_by_its_other_names(province: None) -> None:
    await unit_writing.add_unit(
        code="SKHCN",
        name="Sở Khoa học và Công nghệ",
        kind="department",
        parent_code="T12",
        aliases=("Sở KH&CN", "Sở Thông tin và Truyền thông"),
    )
    for typed in ("sở kh&cn", "thong tin va truyen thong", "khoa hoc"):
        assert await names(typed) == ["Sở Khoa học và Công nghệ"]


async def test_an_old_district_is_answered_by_the_communes_that_took_over(
    province: None,
) -> None:
    await unit_writing.add_unit(
        code="H107",
        name="Huyện Nậm Nhùn",
        kind="district",
        parent_code="T12",
        valid_to=date(2025, 6, 30),
    )
    await unit_writing.record_succession(
        predecessor_code="H107", successor_codes=["X03434", "X03472"], on=date(2025, 7, 1)
    )
    assert await names("nam nhun") == ["Xã Mường Mô", "Xã Nậm Hàng"]


async def test_successors_are_followed_through_several_mergers(province: None) -> None:
    for code, name in (("A", "Phòng Cũ"), ("B", "Phòng Giữa"), ("C", "Phòng Nay")):
        await unit_writing.add_unit(code=code, name=name, kind="agency", parent_code="T12")
    await unit_writing.record_succession(
        predecessor_code="A", successor_codes=["B"], on=date(2025, 9, 1)
    )
    await unit_writing.record_succession(
        predecessor_code="B", successor_codes=["C"], on=date(2026, 1, 1)
    )
    assert await names("phong cu") == ["Phòng Nay"]
    before = await units.find_units("phong cu", on=date(2025, 10, 1))
    assert [unit.name for unit in before] == ["Phòng Giữa"]


async def test_a_unit_is_offered_only_while_its_dates_hold(province: None) -> None:
    await unit_writing.add_unit(
        code="TAM",
        name="Ban Tạm thời",
        kind="agency",
        parent_code="T12",
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 9, 14),
    )
    assert await units.find_selectable_unit("TAM", on=date(2026, 9, 14)) is not None
    assert await units.find_selectable_unit("TAM", on=date(2026, 9, 15)) is None
    assert await units.find_selectable_unit("TAM", on=date(2025, 12, 31)) is None
    assert await units.find_selectable_unit("T12", on=TODAY) is None
    offered = {unit.code for unit in await units.selectable_units(on=date(2026, 9, 15))}
    assert offered == {unit.code for unit in await units.find_units("xa", limit=99)} | {
        "X03388",
        "X03408",
    }


async def test_the_list_of_units_is_in_the_vietnamese_order(province: None) -> None:
    for code, name in (("1", "Đội Một"), ("2", "Dự án"), ("3", "Ấp Ba"), ("4", "Ban Tư")):
        await unit_writing.add_unit(code=code, name=name, kind="agency", parent_code="T12")
    listed = [u.name for u in await units.selectable_units(on=TODAY) if u.kind == "agency"]
    assert listed == ["Ấp Ba", "Ban Tư", "Dự án", "Đội Một"]


async def test_a_search_may_stay_within_one_part_of_the_tree(province: None) -> None:
    for code, parent in (("TH1", "X03445"), ("TH2", "X03463")):
        await unit_writing.add_unit(
            code=code, name=f"Trường Tiểu học {code}", kind="school", parent_code=parent
        )
    assert await names("tieu hoc", within_code="X03445") == ["Trường Tiểu học TH1"]
    commune = await units.get_unit("X03445")
    school = await units.get_unit("TH1")
    assert await units.subtree_ids(commune.id) == [commune.id, school.id]


async def test_the_latest_headcount_on_or_before_the_day_counts(province: None) -> None:
    unit_id = await unit_writing.add_unit(
        code="SNV",
        name="Sở Nội vụ",
        kind="department",
        parent_code="T12",
        headcount=90,
        counted_on=date(2026, 1, 1),
    )
    await unit_writing.record_headcount(
        unit_id=unit_id, people_count=80, counted_on=date(2026, 7, 1)
    )
    await unit_writing.record_headcount(
        unit_id=unit_id, people_count=81, counted_on=date(2026, 7, 1)
    )
    assert await units.headcounts([unit_id], on=date(2025, 12, 31)) == {}
    assert await units.headcounts([unit_id], on=date(2026, 6, 30)) == {unit_id: 90}
    assert await units.headcounts([unit_id], on=TODAY) == {unit_id: 81}


async def test_an_unknown_code_is_refused_with_a_sentence(province: None) -> None:
    with pytest.raises(Refusal, match="Không có đơn vị mang mã T99"):
        await units.get_unit("T99")
