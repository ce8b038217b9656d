"""Which contests are there, and what do pages show of them, of their rounds and of their rules?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from core.clock import local_day
from core.db import Connection, json_value, pool
from core.errors import Refusal
from quiz.granted import LAST_CLOSE

PREDICTION_TARGETS = {
    "people": "số người có bài thi được ghi nhận trong đợt",
    "attempts": "số lượt thi được ghi nhận trong đợt",
    "people_all_correct": "số người trả lời đúng tất cả các câu trong đợt",
}
PUBLIC_STATES = ("approved", "final")
# The shadow of a contest, which only a rehearsal's invented people enter; never on a list.
SHADOW_STATE = "rehearsal"
_SHOWN = """
SELECT c.id, c.slug, c.name, c.summary, c.audience, c.organiser, c.bank_id, c.unit_id,
       coalesce(u.path, '') AS unit_path, c.youngest_age, c.oldest_age, c.is_by_list, c.is_one_prize,
       c.state, c.comparators, c.prediction, c.review, c.board_freeze_seconds, c.created_by_id,
       c.approved_by_id, c.entry_stopped_at, c.start_stopped_at, c.board_hidden_at,
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
    prediction_frozen_at: datetime | None
    appeals_until: datetime | None
    finalised_at: datetime | None
    board_freeze_seconds: int
    last_closes_at: datetime  # for whoever was granted most
    extension_count: int
    question_count: int
    question_counts: Mapping[int, int]

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day; a round that closes at midnight ends on the day before."""
        return local_day(self.opens_at), local_day(self.closes_at - timedelta(microseconds=1))

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
    oldest_age: int | None
    is_by_list: bool
    is_one_prize: bool
    state: str
    comparators: tuple[str, ...]
    prediction: str
    review: str
    board_freeze_seconds: int
    created_by_id: int | None
    approved_by_id: int | None
    entry_stopped_at: datetime | None
    start_stopped_at: datetime | None
    board_hidden_at: datetime | None
    rules_version: int
    rules_changed_at: datetime | None
    rules_change_note: str
    divisions: tuple[DivisionShown, ...]
    rounds: tuple[RoundShown, ...]


@dataclass(frozen=True)
class RulesShown:
    """One version of the rules; `attachment_name` names its signed PDF, where it has one."""

    version: int
    body: str
    change_note: str
    published_at: datetime
    attachment_name: str | None


def open_round(contest: ContestShown, at: datetime) -> RoundShown | None:
    return next((each for each in contest.rounds if each.state_at(at) == "open"), None)


def extended_rounds(contest: ContestShown, at: datetime) -> list[RoundShown]:
    """Rounds that have closed for most and are still open for whoever was granted more time."""
    return [each for each in contest.rounds if each.closes_at <= at < each.last_closes_at]


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


async def get_contest(contest_id: int) -> ContestShown:
    return _only(await load_contests(pool(), contest_id=contest_id))


async def contest_by_slug(slug: str) -> ContestShown:
    """A contest in any state; public pages ask `web.contest_cache`."""
    found = await load_contests(pool(), slug=slug)
    return _only([each for each in found if each.state != SHADOW_STATE])


async def open_to_entry() -> list[ContestShown]:
    """Approved and final contests, those whose first round opens last first; and the shadow that a
    rehearsal plays against, while one runs.
    """
    return await load_contests(pool(), states=(*PUBLIC_STATES, SHADOW_STATE))


async def all_contests() -> list[ContestShown]:
    """Every contest in every state, for those who manage them."""
    return await load_contests(pool(), states=("draft", "in_review", *PUBLIC_STATES))


async def rules_of(contest_id: int, version: int | None = None) -> RulesShown:
    """The rules in force, or those of a version that an attempt has pinned."""
    row = await pool().fetchrow(
        "SELECT t.version, t.body, t.change_note, t.published_at, a.file_name AS attachment_name "
        "FROM rules_text t LEFT JOIN attachment a ON a.id = t.attachment_id "
        "WHERE t.contest_id = $1 AND t.version = coalesce($2, t.version) "
        "ORDER BY t.version DESC LIMIT 1",
        contest_id,
        version,
    )
    if row is None:
        raise Refusal("not_found", "Cuộc thi chưa có thể lệ này.")
    return RulesShown(**row)


async def load_contests(
    connection: Connection,
    *,
    contest_id: int | None = None,
    slug: str | None = None,
    states: Sequence[str] | None = None,
) -> list[ContestShown]:
    """Contests in the order of their openings; inside the caller's transaction where it has one."""
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
        "SELECT r.contest_id, r.id, r.number, r.name, r.opens_at, r.closes_at, r.opens_as_written, "  # noqa: S608 — only our own condition is put in
        "r.closes_as_written, r.time_limit_seconds, r.attempt_limit, r.counting, "
        "r.cooldown_seconds, r.result, r.prediction_actual, r.prediction_frozen_at, r.appeals_until, r.finalised_at, "
        "c.board_freeze_seconds, "
        f"{LAST_CLOSE} AS last_closes_at, "
        "(SELECT count(*)::int FROM extension e WHERE e.round_id = r.id) AS extension_count "
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
        raise unknown_contest()
    return contests[0]


def unknown_contest() -> Refusal:
    return Refusal("not_found", "Không tìm thấy cuộc thi này.")
