"""Numbers come onto the lists as people paste them, once each, and off again."""

from __future__ import annotations

import pytest

from core import db
from core.documents import write_sheet
from core.errors import Refusal
from people.audit import entries
from quiz import entry_lists, publishing
from quiz.contests import ContestShown
from quiz.entry_lists import phones_in_sheet, phones_in_text
from tests.quiz.conftest import Staff


async def test_excluded_numbers_are_kept_once_in_one_form(contest: ContestShown) -> None:
    typed = ["0912 345 678", "+84912345678", "0165 222 3333", " "]
    assert await entry_lists.exclude(contest.id, typed, "Ban tổ chức") == 2
    assert await entry_lists.exclude(contest.id, typed, "Ban tổ chức") == 0
    with pytest.raises(Refusal, match="12345"):
        await entry_lists.exclude(contest.id, ["0911111111", "12345"], "Tổ ra đề")
    kept = await db.pool().fetch("SELECT phone FROM exclusion ORDER BY phone")
    assert [row["phone"] for row in kept] == ["+84352223333", "+84912345678"]


async def test_a_list_is_counted_found_and_emptied(draft: int, staff: Staff) -> None:
    phones = ["0912345678", "0912345679", "0987654321"]
    assert await entry_lists.admit(draft, phones, "Sở Y tế", by=staff.lan) == 3
    assert await entry_lists.list_counts(draft) == {"eligibility": 3, "exclusion": 0}
    [found] = await entry_lists.entries_of("eligibility", draft, "+84912345679")
    assert found.note == "Sở Y tế"
    await entry_lists.remove_entry("exclusion", draft, found.id, by=staff.lan)  # another list
    await entry_lists.remove_entry("eligibility", draft, found.id, by=staff.lan)
    await entry_lists.remove_entry("eligibility", draft, found.id, by=staff.lan)
    assert [each.phone for each in await entry_lists.entries_of("eligibility", draft)] == [
        "+84912345678",
        "+84987654321",
    ]
    await entry_lists.empty_list("eligibility", draft, by=staff.lan)
    assert (await entry_lists.list_counts(draft))["eligibility"] == 0
    newest = await entries(f"contest:{draft}")
    assert [each.action for each in newest[:3]] == [
        "empty_eligibility",
        "remove_eligibility",
        "admit",
    ]


async def test_lists_rest_while_somebody_reviews(draft: int, staff: Staff) -> None:
    await publishing.send_to_review(draft, by=staff.lan)
    with pytest.raises(Refusal) as refusal:
        await entry_lists.admit(draft, ["0912345678"])
    assert refusal.value.code == "list_fixed"
    await publishing.approve_contest(draft, by=staff.minh)
    assert await entry_lists.admit(draft, ["0912345678"]) == 1  # somebody was forgotten


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        ("0912 345 678\n0987654321", 2),
        ("0912.345.678; 0987-654-321, 0352 223 333", 3),
        ("0912345678 Lò Thị Mai\r\n\r\n", 1),
        (" \n ", 0),
    ],
)
async def test_pasted_numbers_are_parted(draft: int, typed: str, count: int) -> None:
    found = phones_in_text(typed)
    assert len(found) == count
    assert await entry_lists.exclude(draft, found, "") == count


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        (["TT", "Họ tên", "Số điện thoại"], [[1, "Lò Thị Mai", "0912345678"], [2, "Ủn", ""]]),
        (["Điện thoại di động"], [["0912 345 678"]]),
        (["Di động"], [[912345678]]),
        (["0912345678"], []),
    ],
)
def test_numbers_are_found_in_a_sheet(header: list[str], rows: list[list[object]]) -> None:
    [found] = phones_in_sheet(write_sheet("Danh sách", header, rows))
    assert found.replace(" ", "").lstrip("0") == "912345678"


def test_an_empty_sheet_has_no_numbers() -> None:
    assert phones_in_sheet(write_sheet("x", ["Số điện thoại"], [])) == []
