from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from core import clock, db
from core.errors import Refusal
from people import accounts, codes, consents, roles, sessions
from people.accounts import SignedIn, SignUp
from people.staff_sign_in import sign_in_staff
from tests.people.cast import NOW

FORM = {
    "ho_ten": "Lò Thị Mai",
    "nam_sinh": "1994",
    "dien_thoai": "0912 345 678",
    "don_vi": "X03445",
    "bang": "cong-dan",
    "dong_y_du_le": "1",
}
PASSWORD = "rừng xanh núi đỏ"

pytestmark = pytest.mark.usefixtures("province")


async def form_faults(**changed: str) -> dict[str, str]:
    with pytest.raises(Refusal) as refused:
        await accounts.check_sign_up(FORM | changed)
    assert refused.value.code == "bad_form"
    return refused.value.fields


async def finish(code_id: Any, browser: str = "Firefox") -> SignedIn:
    drawn = await codes.draw_code(code_id, demo=False)
    assert drawn is not None
    return await accounts.finish_with_code(code_id, drawn[1], browser=browser)


async def sign_up(**changed: str) -> SignedIn:
    checked = await accounts.check_sign_up(FORM | changed)
    return await finish(await accounts.begin_sign_up(checked, asked_from="10.0.0.1"))


async def count(table: str) -> int:
    return int(await db.pool().fetchval(f"SELECT count(*) FROM {table}"))


async def sign_in(username: str, password: str, *, browser: str) -> SignedIn:
    """By name and password alone: nobody here has a second factor."""
    signed_in = await sign_in_staff(username, password, browser=browser)
    assert isinstance(signed_in, SignedIn)
    return signed_in


async def fail_sign_in(username: str = "alice", password: str = "wrong password") -> str:
    with pytest.raises(Refusal) as refused:
        await sign_in(username, password, browser="")
    return f"{refused.value.code}: {refused.value.sentence}"


async def test_a_form_becomes_a_sign_up() -> None:
    assert await accounts.check_sign_up(FORM) == SignUp(
        full_name="Lò Thị Mai",
        birth_year=1994,
        phone="+84912345678",
        unit_code="X03445",
        division_code="cong-dan",
        take_part=True,
        messages=False,
    )


@pytest.mark.parametrize(
    "name",
    ["Lò Thị Mai", "Y Moan Êban", "K'Brôih", "K’Brôih", "Nguyễn Văn Ế", "Páo", "H'Hen Niê",
     "Nguyê\u0303n Thi\u0323 A\u0301nh", "A", "Ksor H-Bông", "M" * 120],
)  # fmt: skip
async def test_names_of_all_peoples_are_taken(name: str) -> None:
    await accounts.check_sign_up(FORM | {"ho_ten": name})


@pytest.mark.parametrize(
    "name", ["", "  ", "\u200b", "...", "M" * 121, "vay tiền 24/7", "<b>Mai</b>"]
)
async def test_what_is_no_name_is_refused(name: str) -> None:
    assert list(await form_faults(ho_ten=name)) == ["ho_ten"]


@pytest.mark.parametrize("year", ["", "94", "1905", "2022", "2030", "nineteen", "1994.0", "19 94"])
async def test_a_year_in_which_no_participant_was_born_is_refused(year: str) -> None:
    assert list(await form_faults(nam_sinh=year)) == ["nam_sinh"]


@pytest.mark.parametrize("code", ["", "X99999", "T12", "x03445 OR 1=1"])
async def test_a_unit_that_nobody_can_belong_to_is_refused(code: str) -> None:
    assert list(await form_faults(don_vi=code)) == ["don_vi"]


async def test_every_fault_of_a_form_is_told_at_once() -> None:
    with pytest.raises(Refusal) as refused:
        await accounts.check_sign_up({"bang": "a b"})
    assert list(refused.value.fields) == [
        "ho_ten", "nam_sinh", "dien_thoai", "don_vi", "bang", "dong_y_du_le",
    ]  # fmt: skip


async def test_without_consent_nobody_takes_part() -> None:
    for ticked in ("", "0", "off"):
        assert list(await form_faults(dong_y_du_le=ticked)) == ["dong_y_du_le"]


async def test_nothing_of_a_person_exists_before_the_code_is_proven() -> None:
    checked = await accounts.check_sign_up(FORM)
    await accounts.begin_sign_up(checked, asked_from="")
    assert [await count(table) for table in ("person", "account", "consent", "session")] == [0] * 4


async def test_a_proven_sign_up_makes_person_account_consent_and_session() -> None:
    signed_in = await sign_up(dong_y_nhan_tin="1")
    viewer = await sessions.find_session(signed_in.session_token)
    assert viewer is not None
    assert signed_in.shown_name == viewer.shown_name == "Lò Thị Mai"
    assert (viewer.birth_year, viewer.phone) == (1994, "+84912345678")
    assert viewer.division_code == "cong-dan"
    held = {each.purpose: each.is_given for each in await consents.consents_of(viewer.person_id)}
    assert held == {"take_part": True, "messages": True}


async def test_consent_to_messages_is_its_own_question() -> None:
    signed_in = await sign_up()
    held = [each.purpose for each in await consents.consents_of(signed_in.person_id)]
    assert held == ["take_part"]


async def test_the_words_that_were_in_force_when_the_form_was_sent_are_the_ones_agreed_to() -> None:
    checked = await accounts.check_sign_up(FORM)
    code_id = await accounts.begin_sign_up(checked, asked_from="")
    await consents.publish_text("take_part", "Những lời khác")
    signed_in = await finish(code_id)
    (held,) = await consents.consents_of(signed_in.person_id)
    assert held.text_version == 1


async def test_signing_up_twice_with_one_number_makes_one_account_and_changes_nothing() -> None:
    first = await sign_up()
    clock.freeze(NOW + timedelta(minutes=2))
    second = await sign_up(ho_ten="Kẻ Mạo Danh", dien_thoai="+84 912345678", dong_y_nhan_tin="1")
    assert (second.account_id, second.shown_name) == (first.account_id, "Lò Thị Mai")
    assert [await count(table) for table in ("person", "account", "consent")] == [1, 1, 1]


async def test_two_sign_ups_of_one_number_that_end_at_once_make_one_account() -> None:
    checked = await accounts.check_sign_up(FORM)
    code_ids = []
    for minutes in (0, 2):
        clock.freeze(NOW + timedelta(minutes=minutes))
        code_ids.append(await accounts.begin_sign_up(checked, asked_from=""))
    both = await asyncio.gather(*(finish(code_id) for code_id in code_ids))
    assert both[0].account_id == both[1].account_id
    assert await count("person") == 1


async def test_known_and_unknown_numbers_look_alike_until_the_code_is_proven() -> None:
    await sign_up()
    clock.freeze(NOW + timedelta(minutes=2))
    known = await accounts.begin_sign_in("0912345678", asked_from="")
    unknown = await accounts.begin_sign_in("0987654321", asked_from="")
    states = await db.pool().fetch(
        "SELECT state, sign_up, expires_at FROM sign_in_code WHERE id = ANY($1)", [known, unknown]
    )
    assert states[0] == states[1]
    sentences = set()
    for code_id in (known, unknown):
        assert await codes.draw_code(code_id, demo=False)
        with pytest.raises(Refusal) as refused:
            await accounts.finish_with_code(code_id, "wrong", browser="")
        sentences.add(refused.value.sentence)
    assert len(sentences) == 1


async def test_the_owner_of_an_unknown_number_is_told_to_sign_up() -> None:
    code_id = await accounts.begin_sign_in("0987654321", asked_from="")
    with pytest.raises(Refusal, match="no_account"):
        await finish(code_id)


async def test_a_sign_in_without_a_number_is_refused_beside_the_field() -> None:
    with pytest.raises(Refusal) as refused:
        await accounts.begin_sign_in("02133876543", asked_from="")
    assert list(refused.value.fields) == ["dien_thoai"]


async def test_a_new_code_may_be_asked_for_after_the_cool_down_and_keeps_the_form() -> None:
    checked = await accounts.check_sign_up(FORM)
    first = await accounts.begin_sign_up(checked, asked_from="")
    with pytest.raises(Refusal, match="code_too_soon"):
        await accounts.ask_again(first, asked_from="")
    clock.freeze(NOW + timedelta(minutes=1))
    second = await accounts.ask_again(first, asked_from="")
    assert (await finish(second)).shown_name == "Lò Thị Mai"


async def test_people_behind_a_proxy_of_this_machine_are_not_taken_for_one() -> None:
    await accounts.begin_sign_in("0912345678", asked_from="127.0.0.1")
    await accounts.begin_sign_in("0987654321", asked_from="203.0.113.9")
    rows = await db.pool().fetch("SELECT asked_from FROM sign_in_code ORDER BY phone")
    assert [bool(row["asked_from"]) for row in rows] == [False, True]


async def test_a_closed_account_does_not_sign_in() -> None:
    signed_in = await sign_up()
    await db.pool().execute("UPDATE account SET is_active = false")
    clock.freeze(NOW + timedelta(minutes=2))
    code_id = await accounts.begin_sign_in("0912345678", asked_from="")
    with pytest.raises(Refusal, match="account_closed"):
        await finish(code_id)
    assert await sessions.find_session(signed_in.session_token) is None


async def test_without_published_words_of_consent_nobody_signs_up() -> None:
    checked = await accounts.check_sign_up(FORM)
    await db.pool().execute("TRUNCATE consent_text CASCADE")
    with pytest.raises(Refusal, match="no_consent_text"):
        await accounts.begin_sign_up(checked, asked_from="")


async def test_staff_sign_in_by_name_and_password() -> None:
    account_id = await accounts.make_staff(
        username="Alice", password=PASSWORD, full_name="Alice Nguyễn", unit_code="X03445"
    )
    signed_in = await sign_in(" ALICE ", PASSWORD, browser="Firefox")
    assert (signed_in.account_id, signed_in.shown_name) == (account_id, "Alice Nguyễn")
    kept = await db.pool().fetchval("SELECT password_hash FROM account")
    assert kept.startswith("$argon2id$")


async def test_a_password_is_the_same_however_the_keyboard_composes_its_letters() -> None:
    await accounts.make_staff(username="alice", password="mật khẩu dài", full_name="Alice")
    await sign_in("alice", "mâ\u0323t khâ\u0309u dài", browser="")


async def test_wrong_name_wrong_password_and_locked_account_sound_alike() -> None:
    await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    sentences = {await fail_sign_in(), await fail_sign_in("nobody")}
    await db.pool().execute(
        "UPDATE account SET locked_until = $1", clock.now() + timedelta(minutes=1)
    )
    sentences.add(await fail_sign_in(password=PASSWORD))
    assert len(sentences) == 1


async def test_ten_wrong_passwords_lock_the_account_for_fifteen_minutes_and_nobody_else() -> None:
    for name in ("alice", "bob"):
        await accounts.make_staff(username=name, password=PASSWORD, full_name=name)
    await asyncio.gather(*(fail_sign_in() for _ in range(12)))
    await fail_sign_in(password=PASSWORD)
    await sign_in("bob", PASSWORD, browser="")
    clock.freeze(NOW + timedelta(minutes=15))
    await sign_in("alice", PASSWORD, browser="")
    assert await db.pool().fetchval("SELECT max(failed_count) FROM account") == 0


async def test_a_right_password_forgives_the_wrong_ones_before_it() -> None:
    await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    for _ in range(2):
        for _ in range(6):
            await fail_sign_in()
        await sign_in("alice", PASSWORD, browser="")


async def test_after_a_lock_has_ended_counting_begins_anew() -> None:
    await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    await db.pool().execute("UPDATE account SET failed_count = 10, locked_until = $1", NOW)
    await fail_sign_in()
    await sign_in("alice", PASSWORD, browser="")


async def test_a_new_password_signs_every_browser_out() -> None:
    account_id = await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    signed_in = await sign_in("alice", PASSWORD, browser="")
    await accounts.set_password(account_id, "một mật khẩu khác", by=account_id)
    assert await sessions.find_session(signed_in.session_token) is None
    await fail_sign_in(password=PASSWORD)
    await sign_in("alice", "một mật khẩu khác", browser="")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"username": "ab"}, "bad_form"),
        ({"username": "người dùng"}, "bad_form"),
        ({"username": "Alice"}, "username_taken"),
        ({"password": "ngắn"}, "bad_password"),
        ({"password": "x" * 201}, "bad_password"),
        ({"full_name": "!"}, "bad_form"),
        ({"unit_code": "X99999"}, "unknown_unit"),
    ],
)
async def test_staff_that_cannot_be_made_are_refused(changed: dict[str, str], code: str) -> None:
    await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    wanted = {"username": "bob", "password": PASSWORD, "full_name": "Bob"} | changed
    with pytest.raises(Refusal) as refused:
        await accounts.make_staff(**wanted)
    assert refused.value.code == code


async def test_a_citizen_has_no_password_to_guess() -> None:
    await sign_up()
    await fail_sign_in("+84912345678", "")
    with pytest.raises(Refusal, match="unknown_account"):
        await accounts.set_password(1, PASSWORD, by=None)


async def test_staff_sign_in_again_after_twelve_hours_and_citizens_after_thirty_days() -> None:
    citizen = await sign_up()
    await accounts.make_staff(username="alice", password=PASSWORD, full_name="Alice")
    alice = await sign_in("alice", PASSWORD, browser="")
    await roles.grant_role(citizen.account_id, "focal_point", contest_id=1, by=None)
    clock.freeze(NOW + timedelta(minutes=2))
    focal_point = await finish(await accounts.begin_sign_in("0912345678", asked_from=""))
    tokens = [each.session_token for each in (citizen, alice, focal_point)]

    async def still_in() -> list[bool]:
        return [await sessions.find_session(token) is not None for token in tokens]

    clock.freeze(NOW + timedelta(hours=11, minutes=59))
    assert await still_in() == [True, True, True]
    clock.freeze(NOW + timedelta(hours=12, minutes=2))
    assert await still_in() == [True, False, False]
    clock.freeze(NOW + timedelta(days=30))
    assert await still_in() == [False, False, False]
