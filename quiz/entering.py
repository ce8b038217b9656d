"""May this person enter the open round now, and with which division?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from core import db
from core.clock import local_day
from core.errors import Refusal
from core.groupread import GroupReader
from core.text import datetime_shown, name_masked
from people.consents import TAKE_PART, give
from people.persons import ERASED_NAME
from quiz.attempts import Attempts, Start, Started, refuse_outside_window
from quiz.granted import own_time

_OWN_TIME = own_time(
    round_id="b.round_id", participant_id="pa.id", unit_id="coalesce(pa.unit_id, p.unit_id)"
)
_ENTRANT = f"""
SELECT b.contest_id, b.round_id, p.id AS person_id, p.full_name, p.birth_year, p.unit_id, p.division_code, u.path AS unit_path,
       e.reason AS exclusion, el.id IS NOT NULL AS is_listed, pa.id AS participant_id, pa.division_id,
       past.open_id, past.open_deadline_at, past.attempt_count, past.last_closed_at,
       {_OWN_TIME} AS granted,
       coalesce(
           (SELECT c.is_given FROM consent c
            JOIN consent_text t ON t.id = c.text_id AND t.purpose = '{TAKE_PART}'
            WHERE c.person_id = p.id ORDER BY c.id DESC LIMIT 1),
           NOT EXISTS (SELECT FROM consent_text WHERE purpose = '{TAKE_PART}')) AS has_agreed
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS b (person_id, contest_id, round_id)
JOIN person p ON p.id = b.person_id
LEFT JOIN unit u ON u.id = p.unit_id
LEFT JOIN account ac ON ac.person_id = p.id
LEFT JOIN exclusion e ON e.contest_id = b.contest_id AND e.phone = ac.phone
LEFT JOIN eligibility el ON el.contest_id = b.contest_id AND el.phone = ac.phone
LEFT JOIN participant pa ON pa.contest_id = b.contest_id AND pa.person_id = p.id
LEFT JOIN LATERAL (
    SELECT count(*) AS attempt_count, max(closed_at) AS last_closed_at,
           (array_agg(id) FILTER (WHERE state = 'open'))[1] AS open_id,
           max(deadline_at) FILTER (WHERE state = 'open') AS open_deadline_at
    FROM attempt a WHERE a.participant_id = pa.id AND a.round_id = b.round_id
) past ON true
"""  # noqa: S608 — only our own column names are put in


@dataclass(frozen=True)
class EntryRules:
    """What entering needs to know of the contest and its open round."""

    contest_id: int
    round_id: int
    opens_at: datetime
    closes_at: datetime
    attempt_limit: int | None
    cooldown_seconds: int
    youngest_age: int | None
    oldest_age: int | None
    is_by_list: bool
    unit_path: str  # "" where everybody may enter
    division_ids: Mapping[str, int]  # by code
    rules_version: int
    entry_stopped_at: datetime | None = None
    start_stopped_at: datetime | None = None


@dataclass(frozen=True)
class Entrant:
    """A person as the door sees them."""

    person_id: int
    full_name: str
    birth_year: int | None
    unit_id: int | None
    unit_path: str | None
    division_code: str
    exclusion: str | None
    is_listed: bool
    participant_id: int | None
    division_id: int | None
    open_id: UUID | None
    open_deadline_at: datetime | None
    attempt_count: int
    last_closed_at: datetime | None
    granted: timedelta  # how much later than the public close the round closes for this person
    has_agreed: bool  # to take part; who was brought in by a list has not, nor who withdrew


async def find_entrant(person_id: int, contest_id: int, round_id: int) -> Entrant:
    found = await _ENTRANTS.find((person_id, contest_id, round_id))
    if found is None:
        raise Refusal("not_found", "Không tìm thấy tài khoản này.")
    return found


async def _read_entrants(asked: Sequence[EntrantId]) -> dict[EntrantId, Entrant]:
    rows = await db.pool().fetch(_ENTRANT, *zip(*asked, strict=True))
    return {
        (row["person_id"], row["contest_id"], row["round_id"]): Entrant(
            **{name: row[name] for name in _FIELDS}
        )
        for row in rows
    }


EntrantId = tuple[int, int, int]  # person, contest, round
_FIELDS = tuple(field.name for field in fields(Entrant))
_ENTRANTS = GroupReader(_read_entrants)


async def who_is_inside(asked: Sequence[tuple[str, str]]) -> list[bool | None]:
    """For sessions (their tokens' hashes) and contests' slugs: whether an attempt of theirs runs.

    One statement by indexes alone, for a crowd at the door; None where nobody is signed in.
    """
    rows = await db.pool().fetch(
        """
        SELECT b.place, EXISTS (
            SELECT FROM contest c
            JOIN participant p ON p.contest_id = c.id AND p.person_id = a.person_id
            JOIN attempt t ON t.participant_id = p.id
            WHERE c.slug = b.slug AND t.state = 'open' AND t.deadline_at >= clock_timestamp()
        ) AS is_inside
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS b (token_hash, slug, place)
        CROSS JOIN LATERAL ( -- LIMIT: each by the index, never a scan of everybody's sessions
            SELECT account_id FROM session
            WHERE token_hash = b.token_hash
                AND revoked_at IS NULL AND expires_at > clock_timestamp()
            LIMIT 1
        ) s
        JOIN account a ON a.id = s.account_id AND a.is_active
        """,
        [token_hash for token_hash, _ in asked],
        [slug for _, slug in asked],
    )
    found = {row["place"]: row["is_inside"] for row in rows}
    return [found.get(place) for place in range(1, len(asked) + 1)]


@dataclass(frozen=True)
class Entered:
    participant_id: int
    division_id: int


async def participant_of(person_id: int, contest_id: int) -> Entered | None:
    row = await db.pool().fetchrow(
        "SELECT id AS participant_id, division_id FROM participant "
        "WHERE contest_id = $1 AND person_id = $2",
        contest_id,
        person_id,
    )
    return Entered(**row) if row else None


async def forget_name(person_id: int) -> None:
    """After a person's data are erased: attempts, prizes and appeals stay, without name and words."""
    async with db.transaction() as connection:
        rows = await connection.fetch(
            "UPDATE participant SET shown_name = $2 WHERE person_id = $1 RETURNING id",
            person_id,
            ERASED_NAME,
        )
        own = [row["id"] for row in rows]
        await connection.execute(
            "UPDATE award SET printed_name = $2 WHERE participant_id = ANY($1::bigint[])",
            own,
            ERASED_NAME,
        )
        # An open case has nobody left to answer to, and must not hold the result up.
        await connection.execute(
            "UPDATE appeal SET body = $2, decided_at = coalesce(decided_at, clock_timestamp()), "
            "state = CASE state WHEN 'open' THEN 'withdrawn' ELSE state END "
            "WHERE participant_id = ANY($1::bigint[])",
            own,
            ERASED_NAME,
        )


async def enter(
    attempts: Attempts,
    rules: EntryRules,
    *,
    person_id: int,
    division_code: str | None,
    arrived_at: datetime,
    agrees: bool = False,
) -> tuple[Started, int]:
    """Begin or resume the person's attempt at the open round; also says in which division.

    Refused with the reason: outside the window, excluded, not on the list, too young or too old, another unit's contest, no
    attempts left, cooling down; "choose_division" when the declared division is none of this
    contest's; "consent_needed" when the person has not agreed to take part and does not do so now.
    """
    entrant = await find_entrant(person_id, rules.contest_id, rules.round_id)
    if entrant.open_id is not None and is_still_open(entrant, arrived_at):
        return Started(entrant.open_id, is_resumed=True), choose_division(rules, entrant, None)
    check(rules, entrant, arrived_at)
    division_id = choose_division(rules, entrant, division_code)
    if not entrant.has_agreed:
        await _agree(person_id, agrees=agrees)
    started = await attempts.start(
        Start(
            contest_id=rules.contest_id,
            round_id=rules.round_id,
            person_id=person_id,
            division_id=division_id,
            unit_id=entrant.unit_id or 0,
            shown_name=name_masked(entrant.full_name),
            rules_version=rules.rules_version,
            arrived_at=arrived_at,
        )
    )
    return started, division_id


async def _agree(person_id: int, *, agrees: bool) -> None:
    if not agrees:
        sentence = "Để dự thi, bạn cần đánh dấu đồng ý."
        raise Refusal("consent_needed", sentence, fields={"dong_y_du_le": sentence})
    await give(person_id, TAKE_PART)


def is_still_open(entrant: Entrant, at: datetime) -> bool:
    return entrant.open_deadline_at is not None and at <= entrant.open_deadline_at


def check(rules: EntryRules, entrant: Entrant, at: datetime) -> None:
    """Raise the first reason for which this person may not begin now."""
    closes_at = rules.closes_at + entrant.granted
    if not rules.opens_at <= at < closes_at:
        raise refuse_outside_window(rules.opens_at, closes_at, at)
    _check_switches(rules, entrant)
    if entrant.exclusion is not None:
        raise Refusal(
            "excluded",
            "Theo thể lệ, thành viên Ban Tổ chức, Ban Giám khảo và Tổ ra đề không dự thi. "
            "Nếu có nhầm lẫn, bạn báo Ban Tổ chức.",
        )
    if rules.is_by_list and not entrant.is_listed:
        raise Refusal(
            "not_listed",
            "Cuộc thi này chỉ dành cho người có số điện thoại trong danh sách dự thi, chưa có số "
            "của bạn. Nếu thiếu, bạn báo đơn vị hoặc Ban Tổ chức bổ sung.",
        )
    _check_age(rules, entrant, at)
    if entrant.unit_id is None or not (entrant.unit_path or "").startswith(rules.unit_path):
        raise Refusal(
            "other_unit", "Cuộc thi này chỉ dành cho một số đơn vị, chưa có đơn vị bạn đã khai."
        )
    if entrant.open_id is not None:
        raise Refusal(
            "closing",
            "Lượt trước của bạn vừa hết giờ, hệ thống đang thu bài. Bạn thử lại sau ít giây.",
            retry_after_seconds=15,
        )
    if rules.attempt_limit is not None and entrant.attempt_count >= rules.attempt_limit:
        raise Refusal(
            "attempts_used",
            f"Bạn đã dùng hết {rules.attempt_limit} lượt của đợt thi này.",
        )
    if entrant.last_closed_at is not None:
        again_at = entrant.last_closed_at + timedelta(seconds=rules.cooldown_seconds)
        if at < again_at:
            raise Refusal(
                "cooling_down", f"Bạn có thể thi lượt tiếp theo từ {datetime_shown(again_at)}."
            )


def _check_switches(rules: EntryRules, entrant: Entrant) -> None:
    if rules.start_stopped_at is not None:
        raise Refusal(
            "starts_stopped",
            f"Ban Tổ chức tạm dừng cho bắt đầu bài mới từ {datetime_shown(rules.start_stopped_at)}. "
            "Bạn xem thông báo ở trang cuộc thi rồi quay lại sau. Bài đang làm không bị ảnh hưởng.",
        )
    if rules.entry_stopped_at is not None and entrant.participant_id is None:
        raise Refusal(
            "entries_stopped",
            f"Ban Tổ chức tạm dừng nhận người mới từ {datetime_shown(rules.entry_stopped_at)}. "
            "Bạn xem thông báo ở trang cuộc thi rồi quay lại sau.",
        )


def _check_age(rules: EntryRules, entrant: Entrant, at: datetime) -> None:
    """Ages count by the year; accounts without a birth year belong to staff."""
    if entrant.birth_year is None:
        return
    age = local_day(at).year - entrant.birth_year
    if rules.youngest_age is not None and age < rules.youngest_age:
        raise Refusal("too_young", f"Cuộc thi dành cho người từ {rules.youngest_age} tuổi.")
    if rules.oldest_age is not None and age > rules.oldest_age:
        raise Refusal("too_old", f"Cuộc thi dành cho người không quá {rules.oldest_age} tuổi.")


def choose_division(rules: EntryRules, entrant: Entrant, chosen_code: str | None) -> int:
    """The division already entered, else the chosen one, else the declared one, else the only one."""
    if entrant.division_id is not None:
        return entrant.division_id
    for code in (chosen_code, entrant.division_code):
        if code and code in rules.division_ids:
            return rules.division_ids[code]
    if len(rules.division_ids) == 1:
        return next(iter(rules.division_ids.values()))
    raise Refusal(
        "choose_division",
        "Bạn hãy chọn bảng dự thi của mình.",
        fields={"bang": "Bạn hãy chọn một bảng."},
    )


def entry_rules(contest: Any, chosen_round: Any, unit_path: str) -> EntryRules:
    """From `quiz.contests.ContestShown` and its open `RoundShown`."""
    return EntryRules(
        contest_id=contest.id,
        round_id=chosen_round.id,
        opens_at=chosen_round.opens_at,
        closes_at=chosen_round.closes_at,
        attempt_limit=chosen_round.attempt_limit,
        cooldown_seconds=chosen_round.cooldown_seconds,
        youngest_age=contest.youngest_age,
        oldest_age=contest.oldest_age,
        is_by_list=contest.is_by_list,
        unit_path=unit_path,
        division_ids={division.code: division.id for division in contest.divisions},
        rules_version=contest.rules_version,
        entry_stopped_at=contest.entry_stopped_at,
        start_stopped_at=contest.start_stopped_at,
    )
