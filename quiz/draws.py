"""How are lots drawn, for places that several share or for luck, so that nobody can choose?

Commit: the list of entrants, its digest, SHA-256 of a secret and the rule that says which public
number will be mixed in are published. Reveal: that number and the secret are published, and
quiz.lots gives the order. A draw is made once the prediction is frozen and appeals are over, and
can only be taken back with a reason that everybody reads.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from core.db import Connection, json_text, json_value, pool, transaction
from core.errors import Refusal
from core.text import clean
from people.audit import record
from quiz import lots
from quiz.ranking import tied_key, with_draw
from quiz.standings import Standing, find_standings, hold_round, write_standings

PURPOSES = ("tie", "lucky")
_SECRET_BYTES = 32
_CODE_BYTES = 5
LONGEST_TEXT = 500
LONGEST_TITLE = 255


@dataclass(frozen=True)
class Tie:
    """People who share a rank that prizes end within: the first `winner_count` drawn get them."""

    division_id: int
    division_name: str
    rank: int
    people_count: int
    winner_count: int


@dataclass(frozen=True)
class DrawShown:
    """A draw as everybody may see it; `secret`, `order` and `winners` are empty before it is done."""

    id: int
    contest_id: int
    round_id: int
    round_name: str
    division_id: int
    division_name: str
    purpose: str
    title: str
    codes: Sequence[str]
    entrants_digest: str
    winner_count: int
    commitment: str
    beacon_rule: str
    committed_at: datetime
    revealed_at: datetime | None
    secret: str
    beacon: str
    order: Sequence[str]
    winners: Sequence[str]
    void_reason: str

    @property
    def state(self) -> str:
        """Where it stands: committed, revealed or void."""
        if self.void_reason:
            return "void"
        return "revealed" if self.order else "committed"

    def published(self) -> dict[str, Any]:
        """What quiz.lots checks, as JSON."""
        return {
            "algorithm": lots.ALGORITHM,
            "title": self.title,
            "round": self.round_name,
            "division": self.division_name,
            "purpose": self.purpose,
            "committed_at": self.committed_at.isoformat(),
            "entrants": list(self.codes),
            "entrants_digest": self.entrants_digest,
            "winner_count": self.winner_count,
            "commitment": self.commitment,
            "beacon_rule": self.beacon_rule,
            "secret": self.secret,
            "beacon": self.beacon,
            "order": list(self.order),
            "winners": list(self.winners),
            "void_reason": self.void_reason,
        }


async def find_ties(round_id: int) -> list[Tie]:
    """Ranks that are shared across the end of a prize for people of this round, best first."""
    rows = await pool().fetch(
        "SELECT d.id, d.name, array_agg(p.prize_count ORDER BY p.position, p.id) AS counts "
        "FROM prize p JOIN round r ON r.id = p.round_id "
        "JOIN division d ON d.contest_id = r.contest_id AND d.id = coalesce(p.division_id, d.id) "
        "WHERE p.round_id = $1 AND p.kind = 'individual' GROUP BY d.id ORDER BY d.position, d.id",
        round_id,
    )
    found = []
    for row in rows:
        ends = list(accumulate(row["counts"]))
        for rank, people_count in await _shared_ranks(round_id, row["id"], ends[-1]):
            inside = [end for end in ends if rank <= end < rank + people_count - 1]
            if inside:
                found.append(Tie(row["id"], row["name"], rank, people_count, inside[-1] - rank + 1))
    return found


async def commit_tie_draw(
    round_id: int,
    division_id: int,
    rank: int,
    winner_count: int,
    *,
    beacon_rule: str,
    by: int | None,
) -> int:
    """Announce a draw among those who share a rank; the drawn order becomes their ranking.

    Refused when fewer than two share it, or winners are not fewer than entrants.
    """
    async with transaction() as connection:
        asked = await _hold_for_draw(connection, round_id, division_id)
        entrants = await _entrants_of_rank(connection, round_id, division_id, rank)
        if len(entrants) < 2 or not 0 < winner_count < len(entrants):  # noqa: PLR2004 — lots need two
            raise Refusal("no_tie", "Không có nhóm đồng hạng nào cần bốc thăm ở hạng này.")
        title = f"Bốc thăm hạng {rank}, {asked['division_name']}, {asked['round_name']}"
        return await _commit(
            connection, asked, "tie", title, entrants, winner_count, beacon_rule, by
        )


async def commit_lucky_draw(
    round_id: int,
    division_id: int,
    winner_count: int,
    *,
    title: str,
    is_all_correct_only: bool,
    beacon_rule: str,
    by: int | None,
) -> int:
    """Announce a draw for luck among everybody ranked in a division, or all-correct people only."""
    async with transaction() as connection:
        asked = await _hold_for_draw(connection, round_id, division_id)
        entrants = await _codes(
            connection,
            "s.round_id = $1 AND s.division_id = $2 AND s.is_ranked "
            "AND (NOT $3 OR (s.correct_count = s.question_count AND s.question_count > 0))",
            round_id,
            division_id,
            is_all_correct_only,
        )
        if not 0 < winner_count <= len(entrants):
            sentence = f"Có {len(entrants)} người đủ điều kiện; số người trúng phải từ 1 đến số đó."
            raise Refusal("bad_winner_count", sentence, fields={"so_trung": sentence})
        name = clean(title) or f"Quay số may mắn, {asked['division_name']}, {asked['round_name']}"
        return await _commit(
            connection, asked, "lucky", name, entrants, winner_count, beacon_rule, by
        )


async def reveal_draw(draw_id: int, beacon: str, *, by: int | None) -> None:
    """Mix the public number in and publish secret, order and winners; a tie draw ranks.

    Refused without a number, twice, after it was taken back.
    """
    said = clean(beacon)
    if not said or len(said) > LONGEST_TEXT:
        sentence = "Hãy nhập đúng con số công khai mà quy tắc đã nêu."
        raise Refusal("no_beacon", sentence, fields={"so": sentence})
    async with transaction() as connection:
        row = await _hold_draw(connection, draw_id)
        if row["outcome"] is not None:
            raise Refusal("wrong_state", "Lần bốc thăm này đã kết thúc. Hãy tải lại trang.")
        entrants = {each["code"]: each["participant_id"] for each in json_value(row["entrants"])}
        order = lots.drawn_order(row["secret"], said, entrants)
        await connection.execute(
            "UPDATE draw SET beacon = $2, outcome = $3::jsonb, revealed_by_id = $4, "
            "revealed_at = clock_timestamp() WHERE id = $1",
            draw_id,
            said,
            json_text({"order": order, "winners": order[: row["winner_count"]]}),
            by,
        )
        if row["purpose"] == "tie":
            places = {entrants[code]: place for place, code in enumerate(order, start=1)}
            await _write_places(connection, row["round_id"], places)
        await _record(connection, "reveal_draw", by, row, {"beacon": said})


async def void_draw(draw_id: int, reason: str, *, by: int | None) -> None:
    """Take a draw back before the result is final; its page stays and says why."""
    said = clean(reason)[:LONGEST_TEXT]
    if not said:
        sentence = "Hãy ghi lý do hủy: lý do này được công bố."
        raise Refusal("no_reason", sentence, fields={"ly_do": sentence})
    async with transaction() as connection:
        row = await _hold_draw(connection, draw_id)
        outcome = json_value(row["outcome"]) if row["outcome"] else {}
        if "void" in outcome:
            raise Refusal("wrong_state", "Lần bốc thăm này đã được hủy.")
        await connection.execute(
            "UPDATE draw SET outcome = $2::jsonb WHERE id = $1",
            draw_id,
            json_text({**outcome, "void": said}),
        )
        if outcome and row["purpose"] == "tie":
            who = {each["participant_id"]: None for each in json_value(row["entrants"])}
            await _write_places(connection, row["round_id"], who)
        await _record(connection, "void_draw", by, row, {"reason": said})


async def draws_of(round_id: int) -> list[DrawShown]:
    rows = await pool().fetch(f"{_SHOWN} WHERE w.round_id = $1 ORDER BY w.id DESC", round_id)
    return [_shown(row) for row in rows]


async def get_draw(draw_id: int) -> DrawShown:
    row = await pool().fetchrow(f"{_SHOWN} WHERE w.id = $1", draw_id)
    if row is None:
        raise Refusal("not_found", "Không tìm thấy lần bốc thăm này.")
    return _shown(row)


async def winners_of(draw_id: int) -> list[int]:
    """The participants who won a draw, in drawn order; empty before it is done."""
    row = await pool().fetchrow("SELECT entrants, outcome FROM draw WHERE id = $1", draw_id)
    if row is None or not row["outcome"] or "void" in row["outcome"]:
        return []
    entrants = {each["code"]: each["participant_id"] for each in row["entrants"]}
    return [entrants[code] for code in row["outcome"]["winners"]]


_SHOWN = """
SELECT w.id, r.contest_id, w.round_id, r.name AS round_name, w.division_id,
       d.name AS division_name, w.purpose, w.title, w.entrants, w.entrants_digest, w.winner_count,
       w.commitment, w.beacon_rule, w.committed_at, w.revealed_at, w.secret, w.beacon, w.outcome
FROM draw w JOIN round r ON r.id = w.round_id JOIN division d ON d.id = w.division_id
"""


def _shown(row: Any) -> DrawShown:
    fields = dict(row)
    outcome = fields.pop("outcome") or {}
    codes = [each["code"] for each in fields.pop("entrants")]
    order = outcome.get("order", [])
    return DrawShown(
        **{**fields, "secret": row["secret"] if order else ""},
        codes=codes,
        order=order,
        winners=outcome.get("winners", []),
        void_reason=outcome.get("void", ""),
    )


async def _shared_ranks(round_id: int, division_id: int, last: int) -> list[tuple[int, int]]:
    """(rank, how many share it) of the shared ranks up to the last place that counts."""
    rows = await pool().fetch(
        "SELECT rank, count(*)::int AS people_count FROM ("
        "  SELECT rank() OVER (ORDER BY rank_key)::int AS rank FROM standing "
        "  WHERE round_id = $1 AND division_id = $2 AND is_ranked) ranked "
        "WHERE rank <= $3 GROUP BY rank HAVING count(*) > 1 ORDER BY rank",
        round_id,
        division_id,
        last,
    )
    return [(row["rank"], row["people_count"]) for row in rows]


async def _hold_for_draw(connection: Connection, round_id: int, division_id: int) -> Any:
    await hold_round(connection, round_id)
    row = await connection.fetchrow(
        "SELECT r.id AS round_id, r.contest_id, r.name AS round_name, r.result, "
        "d.id AS division_id, d.name AS division_name, r.prediction_frozen_at, "
        "coalesce(r.appeals_until > clock_timestamp(), false) AS appeals_are_open, "
        "EXISTS (SELECT FROM appeal a WHERE a.round_id = r.id AND a.state = 'open') "
        " OR EXISTS (SELECT FROM correction k WHERE k.round_id = r.id "
        " AND k.state IN ('proposed', 'approved')) AS is_disputed "
        "FROM round r JOIN division d ON d.contest_id = r.contest_id "
        "WHERE r.id = $1 AND d.id = $2 FOR NO KEY UPDATE OF r",
        round_id,
        division_id,
    )
    if row is None:
        raise Refusal("not_found", "Không tìm thấy đợt thi hoặc bảng dự thi này.")
    if row["result"] == "final":
        raise Refusal("already_final", "Kết quả đã chính thức, không bốc thăm thêm được nữa.")
    if row["prediction_frozen_at"] is None:
        raise Refusal("not_frozen", "Hãy khóa kết quả của đợt thi trước khi bốc thăm.")
    if row["appeals_are_open"] or row["is_disputed"]:
        raise Refusal(
            "still_disputed", "Còn thời gian khiếu nại, khiếu nại hoặc điều chỉnh chưa xử lý xong."
        )
    return row


async def _hold_draw(connection: Connection, draw_id: int) -> Any:
    round_id = await connection.fetchval("SELECT round_id FROM draw WHERE id = $1", draw_id)
    if round_id is None:
        raise Refusal("not_found", "Không tìm thấy lần bốc thăm này.")
    await hold_round(connection, round_id)
    row = await connection.fetchrow(
        "SELECT w.*, r.contest_id, r.result FROM draw w JOIN round r ON r.id = w.round_id "
        "WHERE w.id = $1 FOR UPDATE OF w",
        draw_id,
    )
    if row["result"] == "final":
        raise Refusal("already_final", "Kết quả đã chính thức, không thay đổi được nữa.")
    return row


async def _entrants_of_rank(
    connection: Connection, round_id: int, division_id: int, rank: int
) -> list[dict[str, Any]]:
    key = await connection.fetchval(
        "SELECT rank_key FROM standing WHERE round_id = $1 AND division_id = $2 AND is_ranked "
        "ORDER BY rank_key LIMIT 1 OFFSET $3",
        round_id,
        division_id,
        max(0, rank - 1),
    )
    return await _codes(
        connection,
        "s.round_id = $1 AND s.division_id = $2 AND s.is_ranked AND s.rank_key = $3",
        round_id,
        division_id,
        key,
    )


async def _refuse_repeat(
    connection: Connection,
    round_id: int,
    purpose: str,
    title: str,
    entrants: Sequence[Mapping[str, Any]],
) -> None:
    """A form that was sent twice; several draws for luck among the same people differ in title."""
    if await connection.fetchval(
        "SELECT EXISTS (SELECT FROM draw WHERE round_id = $1 AND purpose = $2 "
        "AND ($2 = 'tie' OR title = $3) AND outcome IS NULL AND entrants_digest = $4)",
        round_id,
        purpose,
        title,
        lots.digest_of_list(each["code"] for each in entrants),
    ):
        raise Refusal("wrong_state", "Nhóm này đã có một lần bốc thăm đang chờ công bố.")


async def _codes(
    connection: Connection, condition: str, *arguments: object
) -> list[dict[str, Any]]:
    """Entrants by code: the receipt of the attempt that counts, which its owner knows."""
    rows = await connection.fetch(
        "SELECT s.participant_id, a.receipt AS code FROM standing s "  # noqa: S608 — only our own conditions are put in
        f"JOIN attempt a ON a.id = s.attempt_id WHERE {condition}",
        *arguments,
    )
    entrants = [
        {
            "participant_id": row["participant_id"],
            "code": row["code"] or secrets.token_hex(_CODE_BYTES).upper(),
        }
        for row in rows
    ]
    return sorted(entrants, key=lambda each: each["code"])


async def _commit(
    connection: Connection,
    asked: Any,
    purpose: str,
    title: str,
    entrants: Sequence[Mapping[str, Any]],
    winner_count: int,
    beacon_rule: str,
    by: int | None,
) -> int:
    await _refuse_repeat(connection, asked["round_id"], purpose, title[:LONGEST_TITLE], entrants)
    rule = clean(beacon_rule)[:LONGEST_TEXT]
    if not rule:
        sentence = "Hãy nêu trước con số công khai nào sẽ được dùng, lấy ở đâu và vào lúc nào."
        raise Refusal("no_beacon_rule", sentence, fields={"quy_tac": sentence})
    secret = secrets.token_hex(_SECRET_BYTES)
    draw_id: int = await connection.fetchval(
        "INSERT INTO draw (round_id, division_id, purpose, title, entrants, entrants_digest, "
        "winner_count, secret, commitment, beacon_rule, beacon, committed_by_id, committed_at) "
        "VALUES ($1, $2, $3, $4, $5::jsonb, $6, $7, $8, $9, $10, '', $11, clock_timestamp()) "
        "RETURNING id",
        asked["round_id"],
        asked["division_id"],
        purpose,
        title[:LONGEST_TITLE],
        json_text(entrants),
        lots.digest_of_list(each["code"] for each in entrants),
        winner_count,
        secret,
        lots.commitment_to(secret),
        rule,
        by,
    )
    await _record(connection, "commit_draw", by, {**asked, "id": draw_id}, {"purpose": purpose})
    return draw_id


async def _write_places(
    connection: Connection, round_id: int, places: Mapping[int, int | None]
) -> None:
    """Give drawn places to standings, or take them away; their buckets stay what they were."""
    found = await find_standings(connection, [(round_id, who) for who in places])
    await write_standings(
        connection, [_placed(each, places[each.closed.participant_id]) for each in found.values()]
    )


def _placed(standing: Standing, place: int | None) -> Standing:
    key = standing.rank_key
    if standing.draw_order is not None:
        key = tied_key(key)
    if place is not None:
        key = with_draw(key, place)
    return standing._replace(rank_key=key, draw_order=place)


async def _record(
    connection: Connection, action: str, by: int | None, row: Mapping[str, Any], detail: Any
) -> None:
    await record(
        connection,
        by=by,
        action=action,
        subject=f"contest:{row['contest_id']}",
        detail={"draw_id": row["id"], **detail},
    )
