"""Which contests are there, who made and approved them, and what is published about them?"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from core import clock
from core.clock import local, local_day
from core.db import Connection, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.text import clean, clean_lines, deadline_shown, phone_e164
from people.audit import record
from quiz import blueprints, pools
from quiz.pools import Pool, PoolLine
from quiz.questions import DIFFICULTIES, available_counts, topics_of, usable_questions
from quiz.ranking import COMPARATORS, DEFAULT_COMPARATORS
from quiz.review import POLICIES
from quiz.windows import parse_instant

PREDICTION_TARGETS = {
    "people": "số người có bài thi được ghi nhận trong đợt",
    "attempts": "số lượt thi được ghi nhận trong đợt",
    "people_all_correct": "số người trả lời đúng tất cả các câu trong đợt",
}
PUBLIC_STATES = ("approved", "final")
COUNTINGS = ("best", "last", "first")
SHORTEST_LIMIT_SECONDS, LONGEST_LIMIT_SECONDS = 30, 86_400
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHOWN_PHONES = 5

_SHOWN = """
SELECT c.id, c.slug, c.name, c.summary, c.audience, c.organiser, c.bank_id, c.unit_id,
       coalesce(u.path, '') AS unit_path, c.youngest_age, c.state, c.comparators, c.prediction,
       c.review, c.board_freeze_seconds, c.created_by_id, c.approved_by_id,
       coalesce(t.version, 0) AS rules_version, t.published_at AS rules_changed_at,
       coalesce(t.change_note, '') AS rules_change_note
FROM contest c
LEFT JOIN unit u ON u.id = c.unit_id
LEFT JOIN LATERAL (
    SELECT version, published_at, change_note FROM rules_text r
    WHERE r.contest_id = c.id ORDER BY version DESC LIMIT 1
) t ON true
WHERE ($1::bigint IS NULL OR c.id = $1)
    AND ($2::text IS NULL OR c.slug = $2)
    AND ($3::text[] IS NULL OR c.state = ANY($3))
ORDER BY (SELECT min(opens_at) FROM round r WHERE r.contest_id = c.id) DESC NULLS FIRST, c.id
"""


@dataclass(frozen=True)
class DivisionShown:
    id: int
    code: str
    name: str


@dataclass(frozen=True)
class RoundShown:
    """A round; `question_counts` has an entry for each division whose paper is its own."""

    id: int
    number: int
    name: str
    opens_at: datetime
    closes_at: datetime
    opens_as_written: str
    closes_as_written: str
    time_limit_seconds: int
    attempt_limit: int | None
    counting: str
    cooldown_seconds: int
    result: str
    prediction_actual: int | None
    board_freeze_seconds: int
    question_count: int
    question_counts: Mapping[int, int]

    def state_at(self, at: datetime) -> str:
        if at < self.opens_at:
            return "coming"
        return "open" if at < self.closes_at else "closed"

    def is_board_frozen(self, at: datetime) -> bool:
        freezes_at = self.closes_at - timedelta(seconds=self.board_freeze_seconds)
        return freezes_at <= at < self.closes_at

    def question_count_for(self, division_id: int) -> int:
        return self.question_counts.get(division_id, self.question_count)


@dataclass(frozen=True)
class ContestShown:
    """Everything about a contest that pages show; `rules_version` is 0 before the first rules."""

    id: int
    slug: str
    name: str
    summary: str
    audience: str
    organiser: str
    bank_id: int
    unit_id: int | None
    unit_path: str  # "" where everybody may enter
    youngest_age: int | None
    state: str
    comparators: tuple[str, ...]
    prediction: str
    review: str
    board_freeze_seconds: int
    created_by_id: int | None
    approved_by_id: int | None
    rules_version: int
    rules_changed_at: datetime | None
    rules_change_note: str
    divisions: tuple[DivisionShown, ...]
    rounds: tuple[RoundShown, ...]


@dataclass(frozen=True)
class RulesShown:
    version: int
    body: str
    change_note: str
    published_at: datetime


@dataclass(frozen=True)
class Lack:
    """Something that a contest still needs before it may be published."""

    code: str
    sentence: str


def open_round(contest: ContestShown, at: datetime) -> RoundShown | None:
    return next((each for each in contest.rounds if each.state_at(at) == "open"), None)


def next_round(contest: ContestShown, at: datetime) -> RoundShown | None:
    coming = [each for each in contest.rounds if each.state_at(at) == "coming"]
    return min(coming, key=lambda each: each.opens_at, default=None)


def rules_sentence(comparators: Sequence[str], prediction: str) -> str:
    """How participants are ranked, made from the comparators that rank them."""
    phrases = {
        "points": "điểm cao hơn",
        "prediction_gap": f"dự đoán chênh ít hơn so với {PREDICTION_TARGETS.get(prediction, 'kết quả')}",
        "duration": "thời gian làm bài ngắn hơn",
        "closed_at": "nộp bài sớm hơn",
    }
    listed = "; ".join(f"({place}) {phrases[name]}" for place, name in enumerate(comparators, 1))
    later = (
        " Bảng xếp hạng tạm thời chưa xét câu dự đoán." if "prediction_gap" in comparators else ""
    )
    return f"Xếp hạng lần lượt theo: {listed}. Bằng nhau ở mọi tiêu chí thì cùng hạng.{later}"


async def make_contest(
    *,
    slug: str,
    name: str,
    bank_id: int,
    by: int | None,
    summary: str = "",
    audience: str = "",
    organiser: str = "",
    unit_id: int | None = None,
    youngest_age: int | None = None,
    comparators: Sequence[str] | None = None,
    prediction: str = "",
    review: str = "after_close",
    board_freeze_seconds: int = 0,
) -> int:
    """Make a draft and return its id; without comparators it gets the usual ones.

    Refuses "bad_contest" with each field's fault, "slug_taken" when the address is another's.
    """
    usual = [name for name in DEFAULT_COMPARATORS if prediction or name != "prediction_gap"]
    chosen = list(usual if comparators is None else comparators)
    _refuse_faults("bad_contest", _contest_faults(slug, name, chosen, prediction, review))
    async with transaction() as connection:
        contest_id: int | None = await connection.fetchval(
            "INSERT INTO contest (slug, name, summary, audience, organiser, bank_id, unit_id, "
            "youngest_age, state, comparators, prediction, review, board_freeze_seconds, "
            "created_by_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'draft', "
            "$9::jsonb, $10, $11, $12, $13, $14) ON CONFLICT (slug) DO NOTHING RETURNING id",
            slug,
            clean(name),
            clean_lines(summary),
            clean_lines(audience),
            clean(organiser),
            bank_id,
            unit_id,
            youngest_age,
            json_text(chosen),
            prediction,
            review,
            board_freeze_seconds,
            by,
            clock.now(),
        )
        if contest_id is None:
            sentence = f"Đường dẫn “{slug}” đã có cuộc thi khác dùng."
            raise Refusal("slug_taken", sentence, fields={"slug": sentence})
        await _record(connection, contest_id, by, "make_contest", {"slug": slug})
    return contest_id


async def add_division(contest_id: int, *, code: str, name: str, by: int | None = None) -> int:
    """Add a division to a draft, after those that it has; return its id."""
    async with transaction() as connection:
        await _lock_draft(connection, contest_id)
        division_id: int | None = await connection.fetchval(
            "INSERT INTO division (contest_id, code, name, position) VALUES ($1, $2, $3, "
            "(SELECT count(*) FROM division WHERE contest_id = $1)) "
            "ON CONFLICT (contest_id, code) DO NOTHING RETURNING id",
            contest_id,
            clean(code),
            clean(name),
        )
        if division_id is None:
            raise Refusal("division_exists", f"Cuộc thi đã có bảng mang mã {clean(code)}.")
        await _record(connection, contest_id, by, "add_division", {"code": clean(code)})
    return division_id


async def add_round(
    contest_id: int,
    *,
    number: int,
    name: str,
    opens: str | datetime,
    closes: str | datetime,
    time_limit_seconds: int,
    attempt_limit: int | None = None,
    counting: str = "best",
    cooldown_seconds: int = 0,
    by: int | None = None,
) -> int:
    """Add a round to a draft and return its id.

    The window comes as instants or as organisers write it ("24 giờ ngày 5/10", this year where
    none is written); the words are kept beside the instants. Refuses "bad_round".
    """
    opens_at = _instant(opens, "opens")
    closes_at = _instant(closes, "closes")
    faults = _round_faults(opens_at, closes_at, time_limit_seconds, attempt_limit, counting)
    if cooldown_seconds < 0:
        faults["cooldown_seconds"] = "Thời gian chờ không được âm."
    _refuse_faults("bad_round", faults)
    async with transaction() as connection:
        await _lock_draft(connection, contest_id)
        round_id: int | None = await connection.fetchval(
            "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
            "closes_as_written, time_limit_seconds, attempt_limit, counting, cooldown_seconds, "
            "result) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 'none') "
            "ON CONFLICT (contest_id, number) DO NOTHING RETURNING id",
            contest_id,
            number,
            clean(name),
            opens_at,
            closes_at,
            clean(opens) if isinstance(opens, str) else "",
            clean(closes) if isinstance(closes, str) else "",
            time_limit_seconds,
            attempt_limit,
            counting,
            cooldown_seconds,
        )
        if round_id is None:
            raise Refusal("round_exists", f"Cuộc thi đã có đợt số {number}.")
        await _record(connection, contest_id, by, "add_round", {"number": number})
    return round_id


async def set_blueprint(
    round_id: int,
    lines: Sequence[PoolLine],
    division_id: int | None = None,
    *,
    by: int | None = None,
) -> None:
    """Replace a draft round's blueprint for all divisions, or for one that gets its own paper."""
    async with transaction() as connection:
        contest_id = await connection.fetchval(
            "SELECT contest_id FROM round WHERE id = $1", round_id
        )
        bank_id = await _lock_draft(connection, contest_id)
        topics = {
            row["code"]: row["id"]
            for row in await connection.fetch(
                "SELECT code, id FROM topic WHERE bank_id = $1", bank_id
            )
        }
        _refuse_faults("bad_blueprint", _line_faults(lines, topics))
        await connection.execute(
            "DELETE FROM blueprint_line WHERE round_id = $1 AND division_id IS NOT DISTINCT FROM $2",
            round_id,
            division_id,
        )
        await connection.executemany(
            "INSERT INTO blueprint_line (round_id, division_id, topic_id, difficulty, "
            "question_count) VALUES ($1, $2, $3, $4, $5)",
            [
                (round_id, division_id, topics[line.topic], line.difficulty, line.question_count)
                for line in lines
            ],
        )
        detail = {"round_id": round_id, "question_count": blueprints.question_count(lines)}
        await _record(connection, contest_id, by, "set_blueprint", detail)


async def publish_rules(
    contest_id: int, body: str, change_note: str = "", *, by: int | None = None
) -> int:
    """Publish a new version of the rules and return its number; attempts keep the one they pinned.

    Once the contest is approved a change needs a note, which participants see.
    """
    text = clean_lines(body)
    if not text:
        raise Refusal("bad_rules", "Thể lệ đang để trống.", fields={"body": "Hãy nhập thể lệ."})
    async with transaction() as connection:
        state = await _lock(connection, contest_id)
        if state == "final":
            raise Refusal(
                "contest_final", "Cuộc thi đã có kết quả chính thức, không sửa thể lệ nữa."
            )
        if state == "approved" and not clean(change_note):
            sentence = "Hãy ghi rõ đã thay đổi điều gì; người dự thi sẽ đọc dòng này."
            raise Refusal("missing_change_note", sentence, fields={"change_note": sentence})
        version: int = await connection.fetchval(
            "INSERT INTO rules_text (contest_id, version, body, change_note, published_at) "
            "SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4 FROM rules_text "
            "WHERE contest_id = $1 RETURNING version",
            contest_id,
            text,
            clean(change_note),
            clock.now(),
        )
        await _record(connection, contest_id, by, "publish_rules", {"version": version})
    return version


async def exclude(
    contest_id: int, phones: Iterable[str], reason: str, *, by: int | None = None
) -> int:
    """Keep the holders of these telephone numbers out; return how many were not yet excluded.

    Refuses "bad_phones" as a whole when one is no mobile number.
    """
    typed = [phone for phone in phones if clean(phone)]
    numbers = {phone: phone_e164(phone) for phone in typed}
    bad = [clean(phone) for phone, number in numbers.items() if number is None]
    if bad:
        listed = ", ".join(bad[:_SHOWN_PHONES])
        raise Refusal(
            "bad_phones", f"Không phải số di động: {listed}. Hãy sửa rồi gửi lại cả danh sách."
        )
    async with transaction() as connection:
        await _lock(connection, contest_id)
        added = await connection.fetch(
            "INSERT INTO exclusion (contest_id, phone, reason) "
            "SELECT $1, phone, $3 FROM unnest($2::text[]) phone "
            "ON CONFLICT (contest_id, phone) DO NOTHING RETURNING id",
            contest_id,
            sorted({number for number in numbers.values() if number}),
            clean(reason),
        )
        await _record(connection, contest_id, by, "exclude", {"people_count": len(added)})
    return len(added)


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


async def discard_draft(contest_id: int, *, by: int | None) -> None:
    """Remove a draft that nobody has handed over yet, with everything in it."""
    async with transaction() as connection:
        slug = await connection.fetchval(
            "DELETE FROM contest WHERE id = $1 AND state = 'draft' RETURNING slug", contest_id
        )
        if slug is not None:
            await _record(connection, contest_id, by, "discard_draft", {"slug": slug})


async def approve_contest(contest_id: int, *, by: int | None, at: datetime | None = None) -> None:
    """Publish a contest in review: freeze its pools and open its door, in one transaction.

    A second person approves: its maker is refused ("own_contest"); `by` None is the command line,
    as in `quiz.questions.approve_questions`. Two approvals at once make one. `at` judges the
    windows by another instant than now: the demonstration publishes contests of the past.
    Refuses "not_ready" with what is missing.
    """
    await _refuse_unready(contest_id, at or clock.now())
    async with transaction() as connection:
        row = await connection.fetchrow(
            "UPDATE contest SET state = 'approved', approved_by_id = $2 "
            "WHERE id = $1 AND state = 'in_review' "
            "AND ($2::bigint IS NULL OR created_by_id IS DISTINCT FROM $2) RETURNING id",
            contest_id,
            by,
        )
        if row is None:
            raise await _why_not_approved(connection, contest_id, by)
        contest = (await _load(connection, contest_id=contest_id))[0]
        digests = [
            await _freeze(connection, contest, plan) for plan in await _plans(connection, contest)
        ]
        await _record(connection, contest_id, by, "approve_contest", {"pools": digests})


async def get_contest(contest_id: int) -> ContestShown:
    return _only(await _load(pool(), contest_id=contest_id))


async def contest_by_slug(slug: str) -> ContestShown:
    """A contest in any state; public pages ask `public_contests`."""
    return _only(await _load(pool(), slug=slug))


async def public_contests() -> list[ContestShown]:
    """Approved and final contests, those whose first round opens last first."""
    return await _load(pool(), states=PUBLIC_STATES)


async def all_contests() -> list[ContestShown]:
    """Every contest in every state, for those who manage them."""
    return await _load(pool())


async def rules_of(contest_id: int, version: int | None = None) -> RulesShown:
    """The rules in force, or those of a version that an attempt has pinned."""
    row = await pool().fetchrow(
        "SELECT version, body, change_note, published_at FROM rules_text "
        "WHERE contest_id = $1 AND version = coalesce($2, version) ORDER BY version DESC LIMIT 1",
        contest_id,
        version,
    )
    if row is None:
        raise Refusal("not_found", "Cuộc thi chưa có thể lệ này.")
    return RulesShown(**row)


@dataclass(frozen=True)
class _Plan:
    """One pool to be: a round's lines for one division, or for all that have none of their own."""

    round: RoundShown
    division: DivisionShown | None
    lines: tuple[PoolLine, ...]

    @property
    def since(self) -> date:
        return local_day(self.round.opens_at)

    @property
    def through(self) -> date:
        # A round that closes at midnight ends on the day before.
        return local_day(self.round.closes_at - timedelta(microseconds=1))

    @property
    def title(self) -> str:
        return self.round.name + (f", bảng {self.division.name}" if self.division else "")


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
    questions = await usable_questions(
        connection, contest.bank_id, since=plan.since, through=plan.through
    )
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
        return [Lack("no_blueprint", f"{plan.title}: chưa có ma trận đề.")]
    lasting = await available_counts(bank_id, on=plan.since, through=plan.through)
    at_opening = await available_counts(bank_id, on=plan.since)
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
            found.append(Lack("questions_lapse", sentence + ending))
        else:
            found.append(Lack("bank_short", sentence + "."))
    return found


async def _refuse_unready(contest_id: int, at: datetime) -> None:
    lacks = await readiness(contest_id, at=at)
    if lacks:
        sentences = " ".join(lack.sentence for lack in lacks)
        raise Refusal("not_ready", f"Cuộc thi chưa đủ điều kiện: {sentences}", lacks=lacks)


async def _why_not_approved(connection: Connection, contest_id: int, by: int | None) -> Refusal:
    row = await connection.fetchrow(
        "SELECT state, created_by_id FROM contest WHERE id = $1", contest_id
    )
    if row["state"] == "in_review" and row["created_by_id"] == by:
        return Refusal("own_contest", "Bạn là người lập cuộc thi này. Hãy nhờ người khác duyệt.")
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
        await _record(connection, contest_id, by, action, detail)


async def _lock(connection: Connection, contest_id: int | None) -> str:
    state: str | None = await connection.fetchval(
        "SELECT state FROM contest WHERE id = $1 FOR UPDATE", contest_id
    )
    if state is None:
        raise _unknown()
    return state


async def _lock_draft(connection: Connection, contest_id: int | None) -> int:
    """Hold a draft for this transaction and return its bank's id."""
    if await _lock(connection, contest_id) != "draft":
        raise Refusal("not_draft", "Cuộc thi đã gửi duyệt hoặc đã công bố, không sửa được nữa.")
    bank_id: int = await connection.fetchval(
        "SELECT bank_id FROM contest WHERE id = $1", contest_id
    )
    return bank_id


async def _record(
    connection: Connection,
    contest_id: int,
    by: int | None,
    action: str,
    detail: Mapping[str, object],
) -> None:
    await record(
        connection, by=by, action=action, subject=f"contest:{contest_id}", detail=dict(detail)
    )


async def _load(
    connection: Connection,
    *,
    contest_id: int | None = None,
    slug: str | None = None,
    states: Sequence[str] | None = None,
) -> list[ContestShown]:
    rows = await connection.fetch(_SHOWN, contest_id, slug, states)
    ids = [row["id"] for row in rows]
    divisions = await _divisions(connection, ids)
    rounds = await _rounds(connection, ids)
    return [
        ContestShown(
            **{
                **row,
                "comparators": tuple(_from_json(row["comparators"])),
                "divisions": tuple(divisions[row["id"]]),
                "rounds": tuple(rounds[row["id"]]),
            }
        )
        for row in rows
    ]


async def _divisions(
    connection: Connection, contest_ids: Sequence[int]
) -> dict[int, list[DivisionShown]]:
    found: dict[int, list[DivisionShown]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT contest_id, id, code, name FROM division WHERE contest_id = ANY($1::bigint[]) "
        "ORDER BY position, id",
        contest_ids,
    ):
        found[row["contest_id"]].append(DivisionShown(row["id"], row["code"], row["name"]))
    return found


async def _rounds(
    connection: Connection, contest_ids: Sequence[int]
) -> dict[int, list[RoundShown]]:
    counts: dict[int, dict[int | None, int]] = defaultdict(dict)
    for row in await connection.fetch(
        "SELECT b.round_id, b.division_id, sum(b.question_count)::int AS count "
        "FROM blueprint_line b JOIN round r ON r.id = b.round_id "
        "WHERE r.contest_id = ANY($1::bigint[]) GROUP BY b.round_id, b.division_id",
        contest_ids,
    ):
        counts[row["round_id"]][row["division_id"]] = row["count"]
    found: dict[int, list[RoundShown]] = defaultdict(list)
    for row in await connection.fetch(
        "SELECT r.contest_id, r.id, r.number, r.name, r.opens_at, r.closes_at, r.opens_as_written, "
        "r.closes_as_written, r.time_limit_seconds, r.attempt_limit, r.counting, "
        "r.cooldown_seconds, r.result, r.prediction_actual, c.board_freeze_seconds "
        "FROM round r JOIN contest c ON c.id = r.contest_id "
        "WHERE r.contest_id = ANY($1::bigint[]) ORDER BY r.number",
        contest_ids,
    ):
        own = {
            division_id: count
            for division_id, count in counts[row["id"]].items()
            if division_id is not None
        }
        fields: dict[str, Any] = dict(row)
        contest_id = fields.pop("contest_id")
        shared_count = counts[row["id"]].get(None, max(own.values(), default=0))
        found[contest_id].append(
            RoundShown(**fields, question_count=shared_count, question_counts=own)
        )
    return found


def _from_json(kept: Any) -> Any:
    """Jsonb is text inside `transaction()` and a value from `pool()`."""
    return json_value(kept) if isinstance(kept, str) else kept


def _only(contests: Sequence[ContestShown]) -> ContestShown:
    if not contests:
        raise _unknown()
    return contests[0]


def _unknown() -> Refusal:
    return Refusal("not_found", "Không tìm thấy cuộc thi này.")


def _instant(written: str | datetime, field: str) -> datetime:
    if isinstance(written, datetime):
        return written
    try:
        return parse_instant(written, year=local(clock.now()).year)
    except Refusal as refusal:
        raise Refusal("bad_round", refusal.sentence, fields={field: refusal.sentence}) from None


def _contest_faults(
    slug: str, name: str, comparators: Sequence[str], prediction: str, review: str
) -> dict[str, str]:
    faults = {}
    if not _SLUG.fullmatch(slug) or len(slug) > 80:  # noqa: PLR2004 — the column's width
        faults["slug"] = "Đường dẫn gồm chữ thường không dấu, số và gạch nối, tối đa 80 ký tự."
    if not clean(name):
        faults["name"] = "Thiếu tên cuộc thi."
    unknown = [each for each in comparators if each not in COMPARATORS]
    if unknown or not comparators or len(set(comparators)) != len(comparators):
        faults["comparators"] = (
            "Thứ tự xếp hạng phải gồm các tiêu chí đã biết, mỗi tiêu chí một lần."
        )
    if prediction and prediction not in PREDICTION_TARGETS:
        faults["prediction"] = "Không biết loại câu dự đoán này."
    elif bool(prediction) != ("prediction_gap" in comparators):
        faults["prediction"] = "Có câu dự đoán thì phải xếp hạng theo câu dự đoán, và ngược lại."
    if review not in POLICIES:
        faults["review"] = "Không biết cách cho xem lại đáp án này."
    return faults


def _round_faults(
    opens_at: datetime,
    closes_at: datetime,
    time_limit_seconds: int,
    attempt_limit: int | None,
    counting: str,
) -> dict[str, str]:
    faults = {}
    if closes_at <= opens_at:
        faults["closes"] = "Giờ đóng phải sau giờ mở."
    if not SHORTEST_LIMIT_SECONDS <= time_limit_seconds <= LONGEST_LIMIT_SECONDS:
        faults["time_limit_seconds"] = "Thời gian làm bài từ 30 giây đến 24 giờ."
    if attempt_limit is not None and attempt_limit < 1:
        faults["attempt_limit"] = "Số lượt thi phải từ 1 trở lên, hoặc để trống nếu không giới hạn."
    if counting not in COUNTINGS:
        faults["counting"] = "Lượt được tính phải là tốt nhất, cuối cùng hoặc đầu tiên."
    return faults


def _line_faults(lines: Sequence[PoolLine], topics: Mapping[str, int]) -> dict[str, str]:
    faults = {}
    pairs = [(line.topic, line.difficulty) for line in lines]
    for line in lines:
        if line.topic not in topics:
            faults["topic"] = f"Ngân hàng không có chủ đề {line.topic}."
        if line.difficulty not in DIFFICULTIES:
            faults["difficulty"] = f"Không biết mức độ {line.difficulty}."
        if line.question_count < 1:
            faults["question_count"] = "Mỗi dòng ma trận phải có ít nhất một câu."
    if len(set(pairs)) != len(pairs):
        faults["lines"] = "Mỗi chủ đề và mức độ chỉ được một dòng."
    return faults


def _refuse_faults(code: str, faults: Mapping[str, str]) -> None:
    if faults:
        raise Refusal(code, next(iter(faults.values())), fields=faults)
