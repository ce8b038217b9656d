from __future__ import annotations

from datetime import date, timedelta

from people.unit_tree import ended_units, unit_tree
from people.unit_writing import add_unit, record_succession

FIRST_DAY = date(2025, 7, 1)
MERGED_ON = date(2026, 3, 1)


async def test_an_ended_unit_leaves_the_tree_and_names_who_took_over(clean: None) -> None:
    await add_unit(code="T12", name="Tỉnh Lai Châu", kind="province", parent_code=None,
                   valid_from=FIRST_DAY)  # fmt: skip
    for code, name in (("X1", "Xã Bình Lư"), ("X2", "Xã Bản Bo")):
        await add_unit(
            code=code, name=name, kind="commune", parent_code="T12", valid_from=FIRST_DAY
        )
    await record_succession(predecessor_code="X2", successor_codes=["X1"], on=MERGED_ON)

    (top,) = await unit_tree(["/"], on=MERGED_ON)
    assert [each.name for each in top.children] == ["Xã Bình Lư"]
    (ended,) = await ended_units(["/"], on=MERGED_ON)
    assert (ended.code, ended.ended_on) == ("X2", MERGED_ON - timedelta(days=1))
    assert ended.successors == ["Xã Bình Lư"]
    assert await ended_units(["/"], on=FIRST_DAY) == []
    assert await ended_units([], on=MERGED_ON) == []
