"""Units come into the tree once, whole and sound."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from core.errors import Refusal
from people import unit_writing, units

TODAY = date(2026, 9, 14)


async def test_a_province_comes_with_all_its_communes_and_loading_it_again_adds_none(
    clean: None,
) -> None:
    assert await unit_writing.load_province(12, on=date(2025, 7, 1)) == 39
    assert await unit_writing.load_province(12, on=date(2025, 7, 1)) == 0
    commune = await units.get_unit("X03445")
    assert (commune.name, commune.kind, commune.parent_name) == (
        "Xã Mường Tè",
        "commune",
        "Tỉnh Lai Châu",
    )
    assert (await units.get_unit("T12")).path == commune.path.rsplit("/", 2)[0] + "/"


async def test_two_who_load_the_same_province_at_once_make_one(clean: None) -> None:
    added = await asyncio.gather(
        *(unit_writing.load_province(12, on=date(2025, 7, 1)) for _ in range(2))
    )
    assert sum(added) == 39


async def test_a_province_that_there_is_not_is_refused(clean: None) -> None:
    with pytest.raises(Refusal, match="unknown_province"):
        await unit_writing.load_province(99, on=TODAY)


async def test_a_circle_of_successors_is_refused(province: None) -> None:
    for code in ("A", "B"):
        await unit_writing.add_unit(
            code=code, name=f"Phòng {code}", kind="agency", parent_code="T12"
        )
    await unit_writing.record_succession(predecessor_code="A", successor_codes=["B"], on=TODAY)
    for successor in ("A", "B"):
        with pytest.raises(Refusal, match="succession_circle"):
            await unit_writing.record_succession(
                predecessor_code="B", successor_codes=[successor], on=TODAY
            )


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code": "X03445"}, "unit_exists"),
        ({"code": "có dấu"}, "bad_unit"),
        ({"name": " \u200b "}, "bad_unit"),
        ({"kind": "guild"}, "bad_unit"),
        ({"parent_code": "T99"}, "unknown_unit"),
        ({"block": "khối " * 20}, "bad_unit"),
    ],
)
async def test_a_unit_that_cannot_be_is_refused(
    province: None, changed: dict[str, str], code: str
) -> None:
    wanted = {"code": "SNV", "name": "Sở Nội vụ", "kind": "department", "parent_code": "T12"}
    with pytest.raises(Refusal) as refused:
        await unit_writing.add_unit(**(wanted | changed))
    assert refused.value.code == code
