from __future__ import annotations

import asyncio

import pytest

from core.errors import Refusal
from people.accounts import make_staff
from people.audit import entries
from quiz.platform_switches import PLATFORM_SWITCHES, PlatformSwitch, platform_switches, switch

REASON = "Quá tải giờ chót"


@pytest.mark.parametrize("name", PLATFORM_SWITCHES)
async def test_a_switch_is_thrown_with_its_reason_and_released(
    clean: None, name: PlatformSwitch
) -> None:
    alice = await make_staff(username="alice", password="rừng xanh", full_name="Alice")
    assert (await platform_switches()).thrown == {}
    assert await switch(name, is_on=True, reason=REASON, by=alice)
    found = await platform_switches()
    assert set(found.thrown) == {name}
    assert (found.thrown[name].reason, found.thrown[name].by_name) == (REASON, "Alice")
    assert found.is_lite == (name == "lite")
    assert found.is_sign_up_closed == (name == "sign_up")
    assert (found.starts_stopped_at is not None) == (name == "starts")
    assert await switch(name, is_on=False, reason="Đã ổn", by=alice)
    assert (await platform_switches()).thrown == {}
    assert [(line.action, line.subject) for line in await entries(f"platform:{name}")] == [
        ("release_platform_switch", f"platform:{name}"),
        ("throw_platform_switch", f"platform:{name}"),
    ]


async def test_repeating_a_switch_changes_and_records_nothing(clean: None) -> None:
    assert not await switch("lite", is_on=False, reason=REASON, by=None)  # was never on
    done = await asyncio.gather(
        *(switch("lite", is_on=True, reason=REASON, by=None) for _ in range(4))
    )
    assert sorted(done) == [False, False, False, True]
    since = (await platform_switches()).thrown["lite"].since
    assert not await switch("lite", is_on=True, reason="Lý do khác", by=None)
    assert (await platform_switches()).thrown["lite"].since == since
    assert len(await entries("platform:lite")) == 1


@pytest.mark.parametrize(
    ("name", "reason", "code"),
    [("lite", "", "no_reason"), ("lite", "x" * 501, "no_reason"), ("all", REASON, "bad_switch")],
)
async def test_a_switch_wants_a_known_name_and_a_reason(
    clean: None, name: PlatformSwitch, reason: str, code: str
) -> None:
    with pytest.raises(Refusal) as refused:
        await switch(name, is_on=True, reason=reason, by=None)
    assert refused.value.code == code
    assert await entries("platform:lite") == []
