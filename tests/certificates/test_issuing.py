"""A list is frozen, approved by a second person and issued: each owed one once, numbers without gap."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from certificates import issuing
from certificates.books import Signature, add_signer, end_signer, open_series, series_shown
from certificates.issuing import approve, get_batch, issue_batch, issue_waiting, propose, withdraw
from certificates.listing import preview
from certificates.lookup import (
    CertificateFilter,
    events_of,
    face_of,
    find_by_number,
    find_certificates,
    of_person,
)
from certificates.owed import Rule
from core import clock, db
from core.errors import Refusal
from people.audit import entries
from tests.certificates.stage import (
    SIGNATURE,
    Stage,
    build_stage,
    disqualify,
    give_prize,
    make_final,
    numbers_of,
    play,
)

PARTICIPATION = Rule(kind="participation")
PASS = Rule(kind="pass", percent=90, has_result=True)


async def names_issued(stage: Stage) -> list[str]:
    found, _ = await find_certificates(CertificateFilter(contest_id=stage.contest_id))
    return [each.printed_name for each in reversed(found)]


async def refused(verb: object) -> str:
    with pytest.raises(Refusal) as caught:
        await verb  # type: ignore[misc]  # a verb's call
    return caught.value.code


async def test_everybody_of_a_final_round_gets_one_in_the_order_of_lists(stage: Stage) -> None:
    batch_id = await stage.issued(PARTICIPATION)
    batch = await get_batch(batch_id)
    assert (batch.state, batch.owed_count, batch.issued_count) == ("done", 6, 6)
    # By given name; the cast's first two come round again.
    assert await names_issued(stage) == [
        "Nguyễn Văn Ế", "Y Moan Êban", "Y Moan Êban", "K'Brôih", "Lò Thị Mai", "Lò Thị Mai",
    ]  # fmt: skip
    assert await numbers_of(stage.series_id) == [1, 2, 3, 4, 5, 6]
    [book] = await series_shown()
    assert book.next_number == f"00007/{clock.now().year}/GCN-BTC"


async def test_what_is_printed_is_copied_and_stays(stage: Stage) -> None:
    await stage.issued(PASS)
    [mai] = await of_person(stage.arena.person_ids[0])
    await db.pool().execute("UPDATE person SET full_name = 'Tên khác'")
    await db.pool().execute("UPDATE contest SET name = 'Cuộc thi khác'")
    face = await face_of(mai.id)
    assert face.printed_name == "Lò Thị Mai"
    assert face.result == "Đúng 20/20 câu trong 10 phút"
    assert (face.contest_title, face.unit_name) == ("Cuộc thi", "Xã Bình Lư")
    assert (face.signer_name, face.place) == ("Giàng A Páo", "Lai Châu")
    assert face.issued_on == clock.local_day(clock.now())
    assert face.check_url.endswith(
        f"/chung-nhan/{mai.number.replace('/', '-')}?ma={mai.check_code}"
    )
    with pytest.raises(Exception, match="keeps what happened"):
        await db.pool().execute("UPDATE certificate SET printed_name = 'x'")
    [event] = await events_of(mai.id)
    assert event.action == "issued"


async def test_the_pass_mark_takes_the_best_attempt_of_final_rounds(stage: Stage) -> None:
    second = await db.pool().fetchval(
        "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
        "closes_as_written, time_limit_seconds, counting, cooldown_seconds, result) "
        "VALUES ($1, 2, 'Tuần 2', now() - interval '2 days', now(), '', '', 1200, 'best', 0, 'none') "
        "RETURNING id",
        stage.contest_id,
    )
    await play(stage.arena, 5, 20, round_id=second)
    found = await preview(stage.contest_id, PASS)
    assert found.counts.owed_count == 3  # 20, 19 and 18 of 20
    assert found.counts.waiting_round_count == 1
    await make_final(second)
    found = await preview(stage.contest_id, PASS)
    assert [each.correct_count for each in found.lines].count(20) == 2
    by_points = Rule(kind="pass", points=20_000)
    assert (await preview(stage.contest_id, by_points)).counts.owed_count == 2


async def test_nobody_disqualified_erased_or_nameless_is_owed_anything(stage: Stage) -> None:
    await disqualify(stage, 0)
    await db.pool().execute(
        "UPDATE person SET erased_at = now() WHERE id = $1", stage.arena.person_ids[1]
    )
    await db.pool().execute(
        "UPDATE person SET full_name = ' ' WHERE id = $1", stage.arena.person_ids[2]
    )
    found = await preview(stage.contest_id, PARTICIPATION)
    assert (found.counts.owed_count, len(found.lines)) == (3, 3)
    assert (found.counts.erased_count, found.counts.nameless_count) == (1, 1)


async def test_prizes_follow_the_awards_and_units_get_their_own(stage: Stage) -> None:
    await give_prize(stage, "giải Nhì", 1, position=2)
    await give_prize(stage, "Giải Nhất", 0, position=1)
    await stage.issued(Rule(kind="prize"))
    found, total = await find_certificates(CertificateFilter(contest_id=stage.contest_id))
    assert total == 2
    assert [each.result for each in reversed(found)] == [
        "Đạt giải Nhất, Tuần 1",
        "Đạt giải Nhì, Tuần 1",
    ]
    await give_prize(stage, "giải Nhất tập thể", None, position=3)
    await stage.issued(Rule(kind="unit_prize"))
    [unit], _ = await find_certificates(
        CertificateFilter(contest_id=stage.contest_id, kind="unit_prize")
    )
    assert (unit.printed_name, unit.unit_name, unit.unit_id) == (
        "Xã Bình Lư", "", stage.arena.unit_id,
    )  # fmt: skip


async def test_the_maker_does_not_approve_and_only_one_list_of_a_kind_is_open(
    stage: Stage,
) -> None:
    batch_id = await propose(stage.contest_id, stage.proposal(PARTICIPATION), by=stage.lan)
    assert await refused(approve(batch_id, by=stage.lan)) == "own_batch"
    again = propose(stage.contest_id, stage.proposal(PARTICIPATION), by=stage.minh)
    assert await refused(again) == "batch_open"
    assert await issue_waiting() == 0
    await approve(batch_id, by=stage.minh)
    assert await refused(approve(batch_id, by=stage.minh)) == "wrong_state"
    assert await refused(withdraw(batch_id, "nhầm", by=stage.lan)) == "wrong_state"
    told = [each.action for each in await entries(f"contest:{stage.contest_id}")]
    assert told == ["approve_certificates", "propose_certificates"]


async def test_a_withdrawn_list_issues_nothing(stage: Stage) -> None:
    batch_id = await propose(stage.contest_id, stage.proposal(PARTICIPATION), by=stage.lan)
    await withdraw(batch_id, "Lập nhầm", by=stage.lan)
    assert await issue_batch(batch_id) == 0
    await stage.issued(PARTICIPATION)  # another one may be proposed
    assert len(await numbers_of(stage.series_id)) == 6


async def test_a_list_that_cannot_be_is_refused_at_its_field(stage: Stage) -> None:
    proposal = stage.proposal(PARTICIPATION)
    other_contest = Rule(kind="participation", round_id=99)
    await end_signer(stage.signer_id, by=stage.lan)
    for wrong, field in (
        ({"title": " "}, "title"),
        ({"statement": "x" * 256}, "statement"),
        ({"series_id": 99}, "series"),
        ({"signer_id": stage.signer_id}, "signer"),
        ({"signer_id": await add_signer(SIGNATURE, by=None), "design_version_id": 99}, "design"),
        ({"rule": Rule(kind="pass")}, "percent"),
        ({"rule": Rule(kind="medal")}, "kind"),
    ):
        with pytest.raises(Refusal) as caught:
            await propose(
                stage.contest_id,
                issuing.Proposal(**{**vars(proposal), **wrong}),  # type: ignore[arg-type]  # fields by name
                by=stage.lan,
            )
        assert list(caught.value.fields) == [field]
    fresh = {"signer_id": await add_signer(SIGNATURE, by=None)}
    strange = issuing.Proposal(**{**vars(proposal), **fresh, "rule": other_contest})
    assert await refused(propose(stage.contest_id, strange, by=stage.lan)) == "bad_proposal"
    high = issuing.Proposal(
        **{**vars(proposal), **fresh, "rule": Rule(kind="pass", points=999_000)}
    )
    assert await refused(propose(stage.contest_id, high, by=stage.lan)) == "nobody_owed"


async def test_signers_and_series_say_what_is_wrong_with_them(stage: Stage) -> None:
    assert await refused(open_series("gcn btc!", by=None)) == "bad_symbol"
    assert await open_series("gcn-btc", by=None) == stage.series_id
    with pytest.raises(Refusal) as caught:
        await add_signer(Signature(**{**vars(SIGNATURE), "name": "", "place": "x" * 121}), by=None)
    assert set(caught.value.fields) == {"name", "place"}


async def test_a_book_of_last_year_issues_nothing(stage: Stage) -> None:
    batch_id = await propose(stage.contest_id, stage.proposal(PARTICIPATION), by=stage.lan)
    clock.freeze(datetime(clock.now().year + 1, 1, 2, tzinfo=UTC))
    assert await refused(approve(batch_id, by=stage.minh)) == "series_of_another_year"


async def test_a_job_that_runs_twice_or_beside_another_issues_once(
    clean: None, queue: None
) -> None:
    stage = await build_stage(people=25)
    issuing.SLICE_LINES, usual = 3, issuing.SLICE_LINES
    try:
        batch_id = await stage.approved(PARTICIPATION)
        await asyncio.gather(*(issue_batch(batch_id) for _ in range(3)), issue_waiting())
    finally:
        issuing.SLICE_LINES = usual
    assert await issue_batch(batch_id) == 0
    assert await numbers_of(stage.series_id) == list(range(1, 26))


async def test_two_lists_that_share_a_book_count_on_without_gap_or_double(
    clean: None, queue: None
) -> None:
    stage = await build_stage(people=25)
    issuing.SLICE_LINES, usual = 4, issuing.SLICE_LINES
    try:
        batches = [await stage.approved(rule) for rule in (PARTICIPATION, PASS)]
        await asyncio.gather(*(issue_batch(each) for each in batches))
    finally:
        issuing.SLICE_LINES = usual
    issued = await numbers_of(stage.series_id)
    assert issued == list(range(1, 25 + 3 + 1))


async def test_a_slice_that_fails_gives_its_numbers_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch_id = await stage.approved(PARTICIPATION)

    async def fall(*_: object) -> None:
        msg = "the worker died here"
        raise ConnectionError(msg)

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "add_events", fall)
        with pytest.raises(ConnectionError):
            await issue_batch(batch_id)
    assert await numbers_of(stage.series_id) == []
    assert await issue_waiting() == 6
    assert await numbers_of(stage.series_id) == [1, 2, 3, 4, 5, 6]


async def test_whoever_fell_out_after_the_approval_is_skipped_with_the_reason(
    stage: Stage,
) -> None:
    batch_id = await stage.approved(PARTICIPATION)
    await disqualify(stage, 2)
    await issue_batch(batch_id)
    batch = await get_batch(batch_id)
    assert (batch.state, batch.issued_count, batch.skipped_count) == ("done", 5, 1)
    [why] = await db.pool().fetch(
        "SELECT skipped_because FROM certificate_owed WHERE state = 'skipped'"
    )
    assert why["skipped_because"] == "not_owed"
    assert await numbers_of(stage.series_id) == [1, 2, 3, 4, 5]
    assert (await preview(stage.contest_id, PARTICIPATION)).counts.has_one_count == 5


async def test_a_certificate_is_found_by_number_and_code_together_only(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    [mai] = await of_person(stage.arena.person_ids[0])
    typed = mai.number.lstrip("0").replace("/", "-").lower()
    found = await find_by_number(typed, mai.check_code.lower().replace("-", " "))
    assert found is not None
    assert (found.certificate, found.face.printed_name) == (mai, "Lò Thị Mai")
    for number, code in (
        (mai.number, "0000-0000-0000"),
        ("00099/2026/GCN-BTC", mai.check_code),
        ("GCN", mai.check_code),
        (mai.number, ""),
    ):
        assert await find_by_number(number, code) is None


async def test_the_office_searches_without_marks(stage: Stage) -> None:
    await stage.issued(PARTICIPATION)
    for text, count in (("eban", 2), ("nguyen e", 1), ("K'Broih", 1), ("Giàng", 0)):
        wanted = CertificateFilter(contest_id=stage.contest_id, text=text)
        assert (await find_certificates(wanted))[1] == count
    [third], _ = await find_certificates(
        CertificateFilter(contest_id=stage.contest_id, text=f"3/{clock.now().year}/gcn-btc")
    )
    assert third.number.startswith("00003/")
    by_state = CertificateFilter(contest_id=stage.contest_id, state="revoked")
    assert await find_certificates(by_state) == ([], 0)
