"""A message tells a person of the own certificates in force, and nothing that opens them to others."""

from __future__ import annotations

from dataclasses import asdict

from certificates.announcing import announced, holders
from certificates.changing import Change, correct, revoke
from certificates.erasing import erase_person
from certificates.lookup import of_person
from certificates.owed import Rule
from core.settings import settings
from tests.certificates.stage import Stage

WHY = {"reason": "Đơn ngày 02/11", "public_reason": "Đính chính họ tên"}


async def test_each_holder_is_told_of_what_is_in_force_and_led_to_the_own_page(
    stage: Stage,
) -> None:
    await stage.issued(Rule(kind="participation", has_result=True))
    await stage.issued(Rule(kind="pass", percent=95))
    mai, pao, sa, tua, *others = stage.arena.person_ids
    [of_pao] = [each for each in await of_person(pao) if each.kind == "pass"]
    await correct(
        of_pao.id, Change(printed_name="Giàng A Páo", unit_name="", result=""), by=None, **WHY
    )
    [of_sa] = await of_person(sa)
    await revoke(of_sa.id, by=None, **WHY)
    await erase_person(tua, by=None)
    told = {each.person_id: each for each in await announced(stage.contest_id, [mai, pao, sa, tua])}
    assert list(told) == [mai, pao]
    for person_id, each in told.items():
        held = await of_person(person_id)
        in_force = [shown for shown in held if shown.state == "issued"]
        assert each.numbers == tuple(shown.number for shown in in_force)
        assert each.contest_name == held[0].contest_name
        assert each.url == f"{settings().base_url}/tai-khoan/chung-nhan"
        said = str(asdict(each))
        for shown in held:
            assert not any(
                secret in said
                for secret in (shown.check_code, shown.printed_name, shown.result)
                if secret
            )
    assert len(told[mai].numbers) == 2
    assert await holders(stage.contest_id) == sorted([mai, pao, *others[:2]])


async def test_nobody_is_told_of_another_contest(stage: Stage) -> None:
    await stage.issued(Rule(kind="participation"))
    assert await announced(stage.contest_id + 1, stage.arena.person_ids) == []
    assert await holders(stage.contest_id + 1) == []
