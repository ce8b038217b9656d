from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import orjson
import pytest

from core import clock, db
from core.errors import Refusal
from people import audit, codes, consents, merging, persons, sessions
from people.accounts import SignedIn, begin_sign_in, begin_sign_up, check_sign_up, finish_with_code
from people.persons import PeopleFilter
from people.units import get_unit
from tests.people.cast import NOW

pytestmark = pytest.mark.usefixtures("province")


async def sign_up(name: str, phone: str, unit: str = "X03445") -> SignedIn:
    form = {
        "ho_ten": name,
        "nam_sinh": "1990",
        "dien_thoai": phone,
        "don_vi": unit,
        "dong_y_du_le": "1",
        "dong_y_nhan_tin": "1",
    }
    code_id = await begin_sign_up(await check_sign_up(form), asked_from="")
    await codes.draw_code(code_id, demo=True)
    return await finish_with_code(code_id, "000000", browser="Firefox")


async def cast() -> None:
    for number, name in enumerate(
        ("Lò Thị Mai", "Lò Thị Mải", "Y Moan Êban", "K'Brôih", "Nguyễn Văn Ế", "Đỗ Mai Lò")
    ):
        await sign_up(name, f"091234567{number}", "X03445" if number else "X03463")


async def found(text: str, **conditions: Any) -> list[str]:
    wanted = PeopleFilter(text, **conditions)
    listed = await persons.find_persons(wanted)
    assert await persons.count_persons(wanted) == len(listed)
    return [person.full_name for person in listed]


async def test_people_are_found_without_marks_in_the_order_of_lists() -> None:
    await cast()
    assert await found("lo thi mai") == ["Lò Thị Mai", "Lò Thị Mải"]
    assert await found("mai lo") == ["Đỗ Mai Lò", "Lò Thị Mai", "Lò Thị Mải"]
    assert await found("kbroih") == await found("k’brôih") == ["K'Brôih"]
    assert await found("do mai") == ["Đỗ Mai Lò"]
    assert await found("nguyen v") == ["Nguyễn Văn Ế"]
    assert await found("%") == await found("___") == []


async def test_the_marks_that_were_typed_come_first() -> None:
    await cast()
    assert (await found("lò thị mải"))[0] == "Lò Thị Mải"


async def test_people_are_found_by_telephone_and_within_a_part_of_the_tree() -> None:
    await cast()
    assert await found("0912 345 672") == ["Y Moan Êban"]
    commune = await get_unit("X03463")
    assert await found("mai", paths=(commune.path,), has_unitless=False) == ["Lò Thị Mai"]


async def test_an_erased_person_is_nobody_any_more() -> None:
    mai = await sign_up("Lò Thị Mai", "0912345678")
    await begin_sign_in_later()
    await persons.erase_person(mai.person_id, by=mai.account_id)
    await persons.erase_person(mai.person_id, by=mai.account_id)
    assert await sessions.find_session(mai.session_token) is None
    assert await found("mai") == await found("0912345678") == await found("nguoi da xoa") == []
    held = await consents.consents_of(mai.person_id)
    assert [each.is_given for each in held] == [False, False]
    left = json.dumps(await everything(), default=str, ensure_ascii=False)
    assert "Mai" not in left
    assert "912345678" not in left
    assert "Firefox" not in left
    (line, _) = await audit.entries(f"person:{mai.person_id}")
    assert (line.action, line.by) == ("erase_person", mai.account_id)


async def test_the_records_that_became_part_of_an_erased_one_are_erased_with_it() -> None:
    mai, twin = [await sign_up("Lò Thị Mai", f"091234567{number}") for number in (8, 9)]
    await db.pool().execute("UPDATE person SET job_title = 'Chuyên viên Mai'")
    async with db.transaction() as connection:
        await merging.absorb(connection, twin.person_id, mai.person_id, by=mai.account_id)
    await persons.erase_person(mai.person_id, by=mai.account_id)
    left = json.dumps(await everything(), default=str, ensure_ascii=False)
    assert "Mai" not in left
    assert "91234567" not in left


async def test_the_number_of_an_erased_person_is_free_for_a_new_sign_up() -> None:
    first = await sign_up("Lò Thị Mai", "0912345678")
    await persons.erase_person(first.person_id, by=None)
    second = await sign_up("Vàng A Páo", "0912345678")
    assert second.person_id != first.person_id


async def test_people_may_take_away_all_that_is_held_about_them() -> None:
    mai = await sign_up("Lò Thị Mai", "0912345678")
    await consents.withdraw(mai.person_id, "messages")
    taken = await persons.export_person(mai.person_id)
    assert taken["person"]["full_name"] == "Lò Thị Mai"
    assert taken["person"]["unit"] == "Xã Mường Tè"
    assert taken["account"]["phone"] == "+84912345678"
    assert [(each["purpose"], each["is_given"]) for each in taken["consents"]] == [
        ("take_part", True),
        ("messages", True),
        ("messages", False),
    ]
    assert len(taken["sessions"]) == 1
    assert taken["roles"] == []
    written = orjson.dumps(taken).decode()
    assert "hash" not in written


async def test_a_person_belongs_to_a_unit_by_name() -> None:
    mai = await sign_up("Lò Thị Mai", "0912345678")
    assert await persons.unit_name_of(mai.person_id) == "Xã Mường Tè"
    assert await persons.unit_name_of(9999) is None


async def test_a_person_that_there_is_not_is_refused() -> None:
    for verb in (persons.export_person(9), persons.erase_person(9, by=None)):
        with pytest.raises(Refusal, match="unknown_person"):
            await verb


async def begin_sign_in_later() -> None:
    clock.freeze(NOW + timedelta(minutes=5))
    await begin_sign_in("0912345678", asked_from="")


async def everything() -> list[dict[str, object]]:
    tables = ("person", "account", "session", "sign_in_code", "consent", "role", "audit_entry")
    return [
        dict(row) for table in tables for row in await db.pool().fetch(f"SELECT * FROM {table}")
    ]
