from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import clock, db
from core.errors import Refusal
from core.settings import settings
from people import audit, second_factor
from people.accounts import SignedIn, make_staff, set_password
from people.persons import export_person
from people.second_factor import matching_step
from people.sessions import find_session
from people.staff_sign_in import HalfWay, finish_sign_in, sign_in_staff
from tests.people.cast import NOW

PASSWORD = "rừng xanh núi đỏ"
# RFC 6238, appendix B: the secret "12345678901234567890", the last six of eight figures.
RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_CODES = {
    59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
    2000000000: "279037", 20000000000: "353130",
}  # fmt: skip


@pytest.fixture
async def alice(province: None) -> int:
    return await make_staff(username="alice", password=PASSWORD, full_name="Alice")


async def switch_on(account_id: int) -> tuple[pyotp.TOTP, list[str]]:
    await second_factor.begin(account_id)
    factor = await second_factor.get_factor(account_id)
    assert factor.secret is not None
    assert factor.address is not None
    telephone = pyotp.parse_uri(factor.address)
    assert isinstance(telephone, pyotp.TOTP)
    assert telephone.secret == factor.secret
    codes = await second_factor.confirm(account_id, telephone.at(clock.now()))
    clock.freeze(clock.now() + timedelta(seconds=30))  # the next code is a new one
    return telephone, codes


async def sign_in(code: str, password: str = PASSWORD) -> SignedIn:
    signed_in = await sign_in_staff("alice", password, code, browser="")
    assert isinstance(signed_in, SignedIn)
    return signed_in


async def refusal_of(code: str, password: str = PASSWORD) -> str:
    with pytest.raises(Refusal) as refused:
        await sign_in(code, password)
    return refused.value.code


@pytest.mark.parametrize(("seconds", "code"), RFC_CODES.items())
def test_the_codes_of_the_standard_are_right(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert matching_step(RFC_SECRET, code, at, after=None) == seconds // 30


@given(st.integers(0, 2**32), st.integers(-90, 90))
def test_a_clock_may_be_a_step_off_and_no_more(seconds: int, off: int) -> None:
    present = datetime.fromtimestamp(seconds + 90, UTC)
    shown = pyotp.TOTP(RFC_SECRET).at(seconds + 90 + off)
    expected = pyotp.TOTP(RFC_SECRET).verify(shown, for_time=present, valid_window=1)
    assert (matching_step(RFC_SECRET, shown, present, after=None) is not None) == expected


async def test_without_a_second_factor_the_password_is_enough(alice: int) -> None:
    await sign_in("")


async def test_with_one_the_password_alone_leads_only_half_way(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    half_way = await sign_in_staff("alice", PASSWORD, browser="")
    assert isinstance(half_way, HalfWay)
    assert await db.pool().fetchval("SELECT count(*) FROM session") == 0
    signed_in = await finish_sign_in(half_way, telephone.at(clock.now()), browser="")
    assert signed_in.account_id == alice
    (line, *_) = await audit.entries(f"account:{alice}")
    assert (line.action, line.detail) == ("sign_in", {"second_factor": True})


async def test_a_code_is_asked_for_only_once_it_was_confirmed(alice: int) -> None:
    await second_factor.begin(alice)
    await sign_in("")
    with pytest.raises(Refusal, match="code_wrong"):
        await second_factor.confirm(alice, "000000")
    await sign_in("")


async def test_a_code_serves_once_even_for_two_at_the_same_moment(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    code = telephone.at(clock.now())
    both = await asyncio.gather(sign_in(code), sign_in(code), return_exceptions=True)
    assert sorted(type(each).__name__ for each in both) == ["Refusal", "SignedIn"]
    assert await refusal_of(code) == "code_wrong"
    earlier = telephone.at(clock.now() - timedelta(seconds=30))
    assert await refusal_of(earlier) == "code_wrong"  # an older code than the one used


async def test_a_telephone_half_a_minute_off_still_serves(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    clock.freeze(clock.now() + timedelta(minutes=5))
    assert await refusal_of(telephone.at(clock.now() - timedelta(seconds=61))) == "code_wrong"
    await sign_in(telephone.at(clock.now() - timedelta(seconds=30)))
    await sign_in(telephone.at(clock.now() + timedelta(seconds=30)))


async def test_wrong_codes_lock_the_account_like_wrong_passwords(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    for _ in range(5):
        assert await refusal_of("", "a wrong password") == "sign_in_failed"
    # A right password between them gives no new tries at the code.
    half_way = await sign_in_staff("alice", PASSWORD, browser="")
    assert isinstance(half_way, HalfWay)
    for _ in range(5):
        with pytest.raises(Refusal, match="code_wrong"):
            await finish_sign_in(half_way, "12345x", browser="")
    with pytest.raises(Refusal, match="sign_in_failed"):
        await finish_sign_in(half_way, telephone.at(clock.now()), browser="")
    assert await refusal_of(telephone.at(clock.now())) == "sign_in_failed"
    assert (await audit.entries(f"account:{alice}"))[0].action == "lock_account"
    clock.freeze(clock.now() + timedelta(minutes=15, seconds=1))
    await sign_in(telephone.at(clock.now()))


async def test_half_way_ends_when_the_password_changes(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    half_way = await sign_in_staff("alice", PASSWORD, browser="")
    assert isinstance(half_way, HalfWay)
    await set_password(alice, "một mật khẩu khác", by=None)
    with pytest.raises(Refusal, match="sign_in_failed"):
        await finish_sign_in(half_way, telephone.at(clock.now()), browser="")


async def test_each_code_in_reserve_serves_once(alice: int) -> None:
    _, codes = await switch_on(alice)
    assert len(set(codes)) == 10
    await sign_in(codes[0].upper().replace("-", " "))
    assert await refusal_of(codes[0]) == "code_wrong"
    await sign_in(codes[1])
    assert (await second_factor.get_factor(alice)).reserve_count == 8


async def test_new_codes_in_reserve_replace_the_old_ones(alice: int) -> None:
    telephone, codes = await switch_on(alice)
    fresh = await second_factor.renew_reserve(alice, telephone.at(clock.now()))
    assert await refusal_of(codes[0]) == "code_wrong"
    await sign_in(fresh[0])


async def test_switching_off_needs_a_code_and_guesses_are_counted(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    for _ in range(10):
        with pytest.raises(Refusal, match="code_wrong"):
            await second_factor.switch_off(alice, "000 00x")
    with pytest.raises(Refusal, match="tạm khóa"):
        await second_factor.switch_off(alice, telephone.at(clock.now()))
    clock.freeze(clock.now() + timedelta(minutes=16))
    await second_factor.switch_off(alice, telephone.at(clock.now()))
    await sign_in("")


async def test_an_administrator_resets_what_was_lost(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    lost = await sign_in(telephone.at(clock.now()))
    await second_factor.reset(alice, by=None)
    await second_factor.reset(alice, by=None)
    assert await find_session(lost.session_token) is None
    await sign_in("")
    assert (await audit.entries(f"account:{alice}"))[1].action == "reset_second_factor"


async def test_the_secret_lies_encrypted_and_belongs_to_one_account(alice: int) -> None:
    telephone, _ = await switch_on(alice)
    kept = await db.pool().fetchval("SELECT totp_secret FROM account WHERE id = $1", alice)
    assert telephone.secret not in kept
    bob = await make_staff(username="bob", password=PASSWORD, full_name="Bob")
    await db.pool().execute(
        "UPDATE account SET totp_secret = $2, totp_confirmed_at = $3 WHERE id = $1", bob, kept, NOW
    )
    with pytest.raises(Refusal, match="second_factor_unreadable"):
        await sign_in_staff("bob", PASSWORD, telephone.at(clock.now()), browser="")


async def test_with_another_secret_key_a_code_in_reserve_still_opens(
    alice: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    telephone, codes = await switch_on(alice)
    monkeypatch.setenv("SECRET_KEY", "quite another secret of the tests, long enough")
    settings.cache_clear()
    assert await refusal_of(telephone.at(clock.now())) == "second_factor_unreadable"
    await sign_in(codes[0])


async def test_the_export_of_the_own_data_holds_no_secret(alice: int) -> None:
    await switch_on(alice)
    person_id = await db.pool().fetchval("SELECT person_id FROM account WHERE id = $1", alice)
    exported = await export_person(person_id)
    assert not {"totp_secret", "recovery_hashes", "password_hash"} & exported["account"].keys()
