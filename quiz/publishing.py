"""May a contest be published, by whom, and with which frozen questions?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from core import clock
from core.db import Connection, json_text, pool, transaction
from core.errors import Refusal
from core.text import clean, deadline_shown
from people.audit import record
from quiz import blueprints, pools
from quiz.contests import ContestShown, DivisionShown, RoundShown, get_contest, load_contests
from quiz.pools import Pool, PoolLine
from quiz.questions import DIFFICULTIES, available_counts, topics_of, usable_questions

OWN_CONTEST = "Bạn đã lập, sửa hoặc gửi duyệt cuộc thi này. Hãy nhờ người khác duyệt."
# What stands in a contest's audit trail and changes nothing in it.
_NO_CHANGE = "^(approve_contest|return_to_draft|see_.*|export_.*)$"


@dataclass(frozen=True)
class Lack:
    """Something that a contest still needs before it may be published."""

    code: str
    sentence: str
    round_number: int | None = None  # of the round whose paper it is about


@dataclass(frozen=True)
class _Plan:
    """One pool to be: a round's lines for one division, or for all that have none of their own."""

    round: RoundShown
    division: DivisionShown | None
    lines: tuple[PoolLine, ...]

    @property
    def title(self) -> str:
        return self.round.name + (f", bảng {self.division.name}" if self.division else "")


async def readiness(contest_id: int, *, at: datetime | None = None) -> list[Lack]:
    """What a contest still needs before it may be published; empty when nothing."""
    contest = await get_contest(contest_id)
    plans = await _plans(pool(), contest)
    return await _lacks(contest, plans, at or clock.now())


async def send_to_review(contest_id: int, *, by: int | None, at: datetime | None = None) -> None:
    """Hand a draft to the second person; refused "not_ready" with what it lacks.

    `at` as in `approve_contest`.
    """
    await _refuse_unready(contest_id, at or clock.now())
    await _move(contest_id, by, "send_to_review", "draft", "in_review")


async def return_to_draft(contest_id: int, reason: str, *, by: int | None) -> None:
    """Give a contest in review back to its makers, with the reason in the audit trail."""
    await _move(contest_id, by, "return_to_draft", "in_review", "draft", reason=clean(reason))


async def approve_contest(contest_id: int, *, by: int | None, at: datetime | None = None) -> None:
    """Publish a contest in review: freeze its pools and open its door, in one transaction.

    A second person approves: whoever made it, changed anything in it or sent it to review is
    refused ("own_contest"); `by` None is the command line, as in
    `quiz.question_review.approve_questions`. Two approvals at once make one. `at` judges the
    windows by another instant than now: the demonstration publishes contests of the past.
    Refuses "not_ready" with what is missing.
    """
    await _refuse_unready(contest_id, at or clock.now())
    async with transaction() as connection:
        row = await connection.fetchrow(
            "UPDATE contest SET state = 'approved', approved_by_id = $2 "
            "WHERE id = $1 AND state = 'in_review' AND NOT ($2 = ANY($3::bigint[])) RETURNING id",
            contest_id,
            by,
            await _makers(connection, contest_id),
        )
        if row is None:
            raise await _why_not_approved(connection, contest_id, by)
        contest = (await load_contests(connection, contest_id=contest_id))[0]
        digests = [
            await _freeze(connection, contest, plan) for plan in await _plans(connection, contest)
        ]
        await record(
            connection,
            by=by,
            action="approve_contest",
            subject=f"contest:{contest_id}",
            detail={"pools": digests},
        )


async def is_maker(contest_id: int, account_id: int) -> bool:
    """Whether this account had a hand in the contest, so that somebody else must approve it."""
    return account_id in await _makers(pool(), contest_id)


async def _makers(connection: Connection, contest_id: int) -> list[int]:
    """Who made the contest, changed it or sent it to review, by the audit trail."""
    rows = await connection.fetch(
        "SELECT created_by_id AS id FROM contest WHERE id = $1 AND created_by_id IS NOT NULL "
        "UNION SELECT account_id FROM audit_entry "
        "WHERE subject = $2 AND account_id IS NOT NULL AND action !~ $3",
        contest_id,
        f"contest:{contest_id}",
        _NO_CHANGE,
    )
    return [row["id"] for row in rows]


async def _plans(connection: Connection, contest: ContestShown) -> list[_Plan]:
    rows = await connection.fetch(
        "SELECT b.round_id, b.division_id, t.code AS topic, b.difficulty, b.question_count "
        "FROM blueprint_line b JOIN topic t ON t.id = b.topic_id "
        "WHERE b.round_id = ANY($1::bigint[]) ORDER BY t.code, b.difficulty",
        [each.id for each in contest.rounds],
    )
    lines: dict[tuple[int, int | None], list[PoolLine]] = defaultdict(list)
    for row in rows:
        line = PoolLine(row["topic"], row["difficulty"], row["question_count"])
        lines[row["round_id"], row["division_id"]].append(line)
    plans = []
    for each in contest.rounds:
        own = [division for division in contest.divisions if (each.id, division.id) in lines]
        plans += [_Plan(each, division, tuple(lines[each.id, division.id])) for division in own]
        if len(own) < len(contest.divisions) or not own:
            plans.append(_Plan(each, None, tuple(lines[each.id, None])))
    return plans


async def _freeze(connection: Connection, contest: ContestShown, plan: _Plan) -> str:
    wanted = {(line.topic, line.difficulty) for line in plan.lines}
    since, through = plan.round.days
    questions = await usable_questions(connection, contest.bank_id, since=since, through=through)
    frozen = Pool(
        questions=tuple(each for each in questions if (each.topic, each.difficulty) in wanted),
        lines=plan.lines,
    )
    # The bank may have changed since readiness was judged; the pool itself is judged again.
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for each in frozen.questions:
        counts[each.topic, each.difficulty] += 1
    if blueprints.check(plan.lines, counts):
        raise Refusal(
            "not_ready", f"{plan.title}: ngân hàng câu hỏi vừa thay đổi và không còn đủ câu."
        )
    digest = pools.digest(frozen)
    await connection.execute(
        "INSERT INTO pool (round_id, division_id, content, digest, frozen_at) "
        "VALUES ($1, $2, $3::jsonb, $4, $5)",
        plan.round.id,
        plan.division.id if plan.division else None,
        json_text(pools.to_json(frozen)),
        digest,
        clock.now(),
    )
    return digest


async def _lacks(contest: ContestShown, plans: Sequence[_Plan], at: datetime) -> list[Lack]:
    found = []
    if not contest.rules_version:
        found.append(Lack("no_rules", "Chưa có thể lệ."))
    if not contest.divisions:
        found.append(Lack("no_division", "Chưa có bảng dự thi nào."))
    if not contest.rounds:
        found.append(Lack("no_round", "Chưa có đợt thi nào."))
    for each in contest.rounds:
        if each.closes_at <= at:
            sentence = f"{each.name} đã đóng từ {deadline_shown(each.closes_at)}."
            found.append(Lack("round_past", sentence))
        if each.closes_at - each.opens_at < timedelta(seconds=each.time_limit_seconds):
            sentence = f"Thời gian mở của {each.name} ngắn hơn thời gian làm một bài."
            found.append(Lack("window_short", sentence))
    by_opening = sorted(contest.rounds, key=lambda each: each.opens_at)
    for earlier, later in pairwise(by_opening):
        if later.opens_at < earlier.closes_at:
            sentence = f"{later.name} mở khi {earlier.name} chưa đóng."
            found.append(Lack("rounds_overlap", sentence))
    names = await topics_of(contest.bank_id)
    for plan in plans:
        found += await _plan_lacks(contest.bank_id, plan, names)
    return found


async def _plan_lacks(bank_id: int, plan: _Plan, topic_names: Mapping[str, str]) -> list[Lack]:
    if not plan.lines:
        return [Lack("no_blueprint", f"{plan.title}: chưa có ma trận đề.", plan.round.number)]
    since, through = plan.round.days
    lasting = await available_counts(bank_id, on=since, through=through)
    at_opening = await available_counts(bank_id, on=since)
    found = []
    for shortage in blueprints.check(plan.lines, lasting):
        topic = topic_names.get(shortage.topic, shortage.topic)
        sentence = (
            f"{plan.title}: chủ đề {topic}, mức {DIFFICULTIES[shortage.difficulty]} cần "
            f"{shortage.needed_count} câu, chỉ có {shortage.available_count} câu đã duyệt và còn "
            "hiệu lực đến hết đợt"
        )
        lapsing_count = (
            at_opening.get((shortage.topic, shortage.difficulty), 0) - shortage.available_count
        )
        if lapsing_count:
            ending = f" ({lapsing_count} câu hết hiệu lực trước khi đợt đóng)."
            found.append(Lack("questions_lapse", sentence + ending, plan.round.number))
        else:
            found.append(Lack("bank_short", sentence + ".", plan.round.number))
    return found


async def _refuse_unready(contest_id: int, at: datetime) -> None:
    lacks = await readiness(contest_id, at=at)
    if lacks:
        sentences = " ".join(lack.sentence for lack in lacks)
        raise Refusal("not_ready", f"Cuộc thi chưa đủ điều kiện: {sentences}", lacks=lacks)


async def _why_not_approved(connection: Connection, contest_id: int, by: int | None) -> Refusal:
    state = await connection.fetchval("SELECT state FROM contest WHERE id = $1", contest_id)
    if state == "in_review" and by in await _makers(connection, contest_id):
        return Refusal("own_contest", OWN_CONTEST)
    return Refusal(
        "wrong_state", "Cuộc thi không ở trạng thái chờ duyệt; có thể đã được duyệt rồi."
    )


async def _move(
    contest_id: int, by: int | None, action: str, old: str, new: str, **detail: object
) -> None:
    async with transaction() as connection:
        moved = await connection.fetchval(
            "UPDATE contest SET state = $3 WHERE id = $1 AND state = $2 RETURNING id",
            contest_id,
            old,
            new,
        )
        if moved is None:
            raise Refusal(
                "wrong_state", "Cuộc thi đã chuyển sang trạng thái khác. Hãy tải lại trang."
            )
        await record(
            connection, by=by, action=action, subject=f"contest:{contest_id}", detail=detail
        )
