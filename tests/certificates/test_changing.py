"""Revoked, corrected, outdated, forgotten: a certificate is never edited, and its history says why."""

from __future__ import annotations

import pytest

from certificates import changing
from certificates.changing import Change, correct, find_outdated, propose_mending, revoke
from certificates.erasing import erase_person
from certificates.issuing import approve, get_batch, issue_batch
from certificates.lookup import events_of, face_of, find_by_number, get, of_person
from certificates.owed import Rule
from core import db
from core.errors import Refusal
from people.audit import entries
from quiz.merging import merge_persons
from tests.certificates.stage import Stage, disqualify, give_prize, numbers_of, rescore

WITH_RESULT = Rule(kind="participation", has_result=True)
PASS = Rule(kind="pass", percent=90)
WHY = {"reason": "Đơn của công dân ngày 02/11", "public_reason": "Đính chính họ tên"}


async def certificate_of(stage: Stage, person: int) -> int:
    return (await of_person(stage.arena.person_ids[person]))[0].id


async def actions_of(certificate_id: int) -> list[str]:
    return [each.action for each in await events_of(certificate_id)]


async def test_a_revoked_certificate_says_since_when_and_why_to_whoever_checks(
    stage: Stage,
) -> None:
    await stage.issued(WITH_RESULT)
    mai = await certificate_of(stage, 0)
    for wrong in ({"reason": " "}, {"public_reason": ""}, {"reason": "x" * 501}):
        with pytest.raises(Refusal) as caught:
            await revoke(mai, **{**WHY, **wrong}, by=stage.lan)
        assert list(caught.value.fields) == list(wrong)
    await revoke(mai, reason="Nhờ người thi hộ", public_reason="Vi phạm thể lệ", by=stage.lan)
    shown = await get(mai)
    assert (shown.state, shown.public_reason) == ("revoked", "Vi phạm thể lệ")
    found = await find_by_number(shown.number, shown.check_code)
    assert found is not None
    assert found.certificate.state == "revoked"
    assert await actions_of(mai) == ["revoked", "issued"]
    [line, *_] = await entries(f"certificate:{mai}")
    assert (line.action, line.by) == ("revoke_certificate", stage.lan)
    with pytest.raises(Refusal, match="not_in_force"):
        await revoke(mai, **WHY, by=stage.lan)


async def test_a_correction_is_a_new_certificate_and_the_old_one_names_it(stage: Stage) -> None:
    await stage.issued(WITH_RESULT)
    old = await get(await certificate_of(stage, 0))
    change = Change(printed_name="Lò Thị Mãi", unit_name=old.unit_name, result=old.result)
    new_id = await correct(old.id, change, **WHY, by=stage.lan)
    new, kept = await get(new_id), await get(old.id)
    assert (new.printed_name, new.state, new.replaces_number) == (
        "Lò Thị Mãi", "issued", old.number,
    )  # fmt: skip
    assert (kept.state, kept.superseded_by_number, kept.printed_name) == (
        "superseded", new.number, "Lò Thị Mai",
    )  # fmt: skip
    assert new.number.startswith("00007/")
    assert new.check_code != old.check_code
    face = await face_of(new_id)
    assert (face.printed_name, face.number, face.signer_name) == (
        "Lò Thị Mãi", new.number, "Giàng A Páo",
    )  # fmt: skip
    assert (await actions_of(old.id), await actions_of(new_id)) == (
        ["superseded", "issued"], ["corrected"],
    )  # fmt: skip
    with pytest.raises(Refusal, match="no_change"):
        await correct(new_id, change, **WHY, by=stage.lan)
    with pytest.raises(Refusal, match="not_in_force"):
        await correct(old.id, change, **WHY, by=stage.lan)
    nameless = Change(printed_name=" ", unit_name="", result="")
    with pytest.raises(Refusal, match="bad_change"):
        await correct(new_id, nameless, **WHY, by=stage.lan)
    assert await stage_numbers_are_whole(stage)


async def stage_numbers_are_whole(stage: Stage) -> bool:
    numbers = await numbers_of(stage.series_id)
    last = await db.pool().fetchval(
        "SELECT last_number FROM certificate_series WHERE id = $1", stage.series_id
    )
    return numbers == list(range(1, last + 1))


async def test_a_revoked_one_may_be_issued_anew_and_stays_revoked(stage: Stage) -> None:
    await stage.issued(WITH_RESULT)
    old = await get(await certificate_of(stage, 1))
    await revoke(old.id, **WHY, by=stage.lan)
    same = Change(printed_name=old.printed_name, unit_name=old.unit_name, result=old.result)
    new = await get(await correct(old.id, same, **WHY, by=stage.minh))
    kept = await get(old.id)
    assert (kept.state, kept.superseded_by_id, new.state) == ("revoked", new.id, "issued")


async def test_after_a_rescoring_whoever_changed_is_offered_and_a_second_person_approves(
    stage: Stage,
) -> None:
    await stage.issued(WITH_RESULT)
    await stage.issued(PASS)
    assert await find_outdated(stage.contest_id) == []
    await rescore(stage, 0, 19)  # another result, still passed
    await rescore(stage, 2, 10)  # not passed any more
    await disqualify(stage, 1)
    found = await find_outdated(stage.contest_id)
    told = {(each.kind, each.deed, each.right_result) for each in found}
    assert told == {
        ("participation", "correct", "Đúng 19/20 câu trong 10 phút"),
        ("participation", "correct", "Đúng 10/20 câu trong 10 phút 2 giây"),
        ("participation", "revoke", ""),
        ("pass", "revoke", ""),
    }
    assert len(found) == 5
    ids = [each.certificate_id for each in found]
    batch_id = await propose_mending(stage.contest_id, ids, **WHY, by=stage.lan)
    with pytest.raises(Refusal, match="own_batch"):
        await approve(batch_id, by=stage.lan)
    with pytest.raises(Refusal, match="batch_open"):
        await propose_mending(stage.contest_id, ids, **WHY, by=stage.lan)
    await rescore(stage, 0, 20)  # put right again before the approval
    await approve(batch_id, by=stage.minh)
    await issue_batch(batch_id)
    batch = await get_batch(batch_id)
    assert (batch.state, batch.issued_count, batch.skipped_count) == ("done", 4, 1)
    assert await find_outdated(stage.contest_id) == []
    mai, *_ = await of_person(stage.arena.person_ids[0])
    assert mai.state == "issued"
    states = [each.state for each in await of_person(stage.arena.person_ids[2])]
    assert sorted(states) == ["issued", "revoked", "superseded"]
    assert await stage_numbers_are_whole(stage)
    assert await issue_batch(batch_id) == 0


async def test_a_prize_that_went_to_somebody_else_is_outdated(stage: Stage) -> None:
    await give_prize(stage, "giải Nhất", 0)
    await stage.issued(Rule(kind="prize"))
    await db.pool().execute("UPDATE award SET state = 'replaced'")
    [found] = await find_outdated(stage.contest_id)
    assert (found.deed, found.result) == ("revoke", "Đạt giải Nhất, Tuần 1")
    with pytest.raises(Refusal, match="nothing_chosen"):
        await propose_mending(stage.contest_id, [found.certificate_id + 1], **WHY, by=stage.lan)


async def test_a_certificate_without_result_holds_as_long_as_it_is_owed(stage: Stage) -> None:
    await stage.issued(Rule(kind="participation"))
    await rescore(stage, 0, 3)
    assert await changing.find_outdated(stage.contest_id) == []


async def test_whoever_is_forgotten_leaves_number_and_state_behind(stage: Stage) -> None:
    await stage.issued(WITH_RESULT)
    person_id = stage.arena.person_ids[0]
    old = await get(await certificate_of(stage, 0))
    change = Change(printed_name="Lò Thị Mãi", unit_name=old.unit_name, result=old.result)
    new_id = await correct(old.id, change, **WHY, by=stage.lan)
    await erase_person(person_id, by=None)
    await erase_person(person_id, by=None)
    for certificate_id, state in ((old.id, "superseded"), (new_id, "issued")):
        shown = await get(certificate_id)
        assert (shown.printed_name, shown.unit_name, shown.result) == ("", "", "")
        assert (shown.state, shown.public_reason) == (state, "")
        assert shown.number
        assert (await actions_of(certificate_id))[0] == "erased"
    kept = await db.pool().fetchval(
        "SELECT string_agg(c::text || e::text, ' ') FROM certificate c "
        "JOIN certificate_event e ON e.certificate_id = c.id WHERE c.id = ANY($1::bigint[])",
        [old.id, new_id],
    )
    assert not any(word in kept for word in ("Mai", "Mãi", "Bình Lư", "công dân"))
    with pytest.raises(Refusal, match="not_found"):
        await face_of(new_id)
    with pytest.raises(Refusal, match="not_in_force"):
        await correct(new_id, change, **WHY, by=stage.lan)
    assert await find_outdated(stage.contest_id) == []


async def test_two_merged_records_share_their_certificates(stage: Stage) -> None:
    await stage.issued(WITH_RESULT)
    spare = await db.pool().fetchval(
        "INSERT INTO person (full_name, name_key, sort_key, unit_id, division_code, created_at) "
        "VALUES ('Lò Thị Mai', 'lo thi mai', 'x', $1, '', now()) RETURNING id",
        stage.arena.unit_id,
    )
    await merge_persons(stage.arena.person_ids[0], spare, by=stage.minh)
    assert [each.printed_name for each in await of_person(spare)] == ["Lò Thị Mai"]
