"""What goes into a draft contest: divisions, rounds, blueprints, rules?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Required, TypedDict, Unpack

from core import clock
from core.clock import local
from core.db import json_text, transaction
from core.errors import Refusal
from core.text import clean, clean_lines, fold
from quiz import blueprints
from quiz.contest_draft import lock_contest, lock_draft, record_change, refuse_faults, why_fixed
from quiz.contests import PREDICTION_TARGETS
from quiz.pools import PoolLine
from quiz.questions import DIFFICULTIES
from quiz.ranking import COMPARATORS, DEFAULT_COMPARATORS
from quiz.review import POLICIES
from quiz.windows import parse_instant

COUNTINGS = ("best", "last", "first")
SHORTEST_LIMIT_SECONDS, LONGEST_LIMIT_SECONDS = 30, 86_400
LONGEST_SLUG = 80  # the column's width
LONGEST_SUGGESTED_SLUG = 60
DEFAULT_REVIEW = "after_close"
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class ContestFields(TypedDict, total=False):
    """What a contest says of itself, as `make_contest` and `contest_editing.edit_contest` take it."""

    slug: Required[str]
    name: Required[str]
    summary: str
    audience: str
    organiser: str
    unit_id: int | None
    youngest_age: int | None
    oldest_age: int | None
    is_by_list: bool
    is_one_prize: bool
    review: str
    board_freeze_seconds: int


class RoundFields(TypedDict, total=False):
    """A round's window and attempt policy, as `add_round` and `contest_editing.edit_round` take it.

    The window comes as instants or as organisers write it ("24 giờ ngày 5/10", this year where
    none is written); the words are kept beside the instants.
    """

    name: Required[str]
    opens: Required[str | datetime]
    closes: Required[str | datetime]
    time_limit_seconds: Required[int]
    attempt_limit: int | None
    counting: str
    cooldown_seconds: int


async def make_contest(
    *,
    bank_id: int,
    by: int | None,
    comparators: Sequence[str] | None = None,
    prediction: str = "",
    **fields: Unpack[ContestFields],
) -> int:
    """Make a draft and return its id; without comparators it gets the usual ones.

    Refuses "bad_contest" with each field's fault, "slug_taken" when the address is another's.
    """
    usual = [name for name in DEFAULT_COMPARATORS if prediction or name != "prediction_gap"]
    chosen = list(usual if comparators is None else comparators)
    refuse_faults("bad_contest", contest_faults(fields) | ranking_faults(chosen, prediction))
    async with transaction() as connection:
        contest_id: int | None = await connection.fetchval(
            "INSERT INTO contest (slug, name, summary, audience, organiser, unit_id, youngest_age, "
            "oldest_age, is_by_list, is_one_prize, review, board_freeze_seconds, bank_id, state, "
            "comparators, prediction, created_by_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, "
            "$7, $8, $9, $10, $11, $12, $13, 'draft', $14::jsonb, $15, $16, $17) "
            "ON CONFLICT (slug) DO NOTHING RETURNING id",
            *contest_columns(fields),
            bank_id,
            json_text(chosen),
            prediction,
            by,
            clock.now(),
        )
        if contest_id is None:
            raise slug_taken(fields["slug"])
        await record_change(connection, contest_id, by, "make_contest", {"slug": fields["slug"]})
    return contest_id


def suggest_slug(name: str) -> str:
    """An address made of a contest's name: "Tìm hiểu chuyển đổi số" → tim-hieu-chuyen-doi-so."""
    words = re.sub("[^a-z0-9]+", "-", fold(name)).strip("-")
    return words[:LONGEST_SUGGESTED_SLUG].strip("-") or "cuoc-thi"


def slug_taken(slug: str) -> Refusal:
    sentence = f"Đường dẫn “{slug}” đã có cuộc thi khác dùng."
    return Refusal("slug_taken", sentence, fields={"slug": sentence})


async def add_division(contest_id: int, *, code: str, name: str, by: int | None = None) -> int:
    """Add a division to a draft, after those that it has; return its id."""
    async with transaction() as connection:
        await lock_draft(connection, contest_id)
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
        await record_change(connection, contest_id, by, "add_division", {"code": clean(code)})
    return division_id


async def add_round(
    contest_id: int,
    *,
    number: int | None = None,
    by: int | None = None,
    **fields: Unpack[RoundFields],
) -> int:
    """Add a round to a draft and return its id; without a number it is the next one.

    Refuses "bad_round" with each field's fault.
    """
    columns = round_columns(fields)
    async with transaction() as connection:
        await lock_draft(connection, contest_id)
        row = await connection.fetchrow(
            "INSERT INTO round (contest_id, number, name, opens_at, closes_at, opens_as_written, "
            "closes_as_written, time_limit_seconds, attempt_limit, counting, cooldown_seconds, "
            "result) VALUES ($1, coalesce($2::smallint, "
            "(SELECT coalesce(max(number), 0) + 1 FROM round WHERE contest_id = $1)), "
            "$3, $4, $5, $6, $7, $8, $9, $10, $11, 'none') "
            "ON CONFLICT (contest_id, number) DO NOTHING RETURNING id, number",
            contest_id,
            number,
            *columns,
        )
        if row is None:
            raise Refusal("round_exists", f"Cuộc thi đã có đợt số {number}.")
        await record_change(connection, contest_id, by, "add_round", {"number": row["number"]})
    return row["id"]  # type: ignore[no-any-return]  # a bigint column


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
        bank_id = await lock_draft(connection, contest_id)
        topics = {
            row["code"]: row["id"]
            for row in await connection.fetch(
                "SELECT code, id FROM topic WHERE bank_id = $1", bank_id
            )
        }
        refuse_faults("bad_blueprint", _line_faults(lines, topics))
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
        await record_change(connection, contest_id, by, "set_blueprint", detail)


async def publish_rules(
    contest_id: int,
    body: str,
    change_note: str = "",
    *,
    by: int | None = None,
    attachment_id: int | None = None,
) -> int:
    """Publish a new version of the rules and return its number; attempts keep the one they pinned.

    Once the contest is approved a change needs a note, which participants see; while somebody
    reviews it, it stays as it was sent. `attachment_id` is the signed PDF of this very version.
    """
    text = clean_lines(body)
    if not text:
        raise Refusal("bad_rules", "Thể lệ đang để trống.", fields={"body": "Hãy nhập thể lệ."})
    async with transaction() as connection:
        state = await lock_contest(connection, contest_id)
        if state in {"in_review", "final"}:
            raise Refusal("rules_fixed", why_fixed(state) or "")
        if state == "approved" and not clean(change_note):
            sentence = "Hãy ghi rõ đã thay đổi điều gì; người dự thi sẽ đọc dòng này."
            raise Refusal("missing_change_note", sentence, fields={"change_note": sentence})
        version: int = await connection.fetchval(
            "INSERT INTO rules_text (contest_id, version, body, change_note, attachment_id, "
            "published_at) SELECT $1, coalesce(max(version), 0) + 1, $2, $3, $4, $5 "
            "FROM rules_text WHERE contest_id = $1 RETURNING version",
            contest_id,
            text,
            clean(change_note),
            attachment_id,
            clock.now(),
        )
        await record_change(connection, contest_id, by, "publish_rules", {"version": version})
    return version


async def discard_draft(contest_id: int, *, by: int | None) -> None:
    """Remove a draft that nobody has handed over yet, with everything in it."""
    async with transaction() as connection:
        slug = await connection.fetchval(
            "DELETE FROM contest WHERE id = $1 AND state = 'draft' RETURNING slug", contest_id
        )
        if slug is not None:
            await record_change(connection, contest_id, by, "discard_draft", {"slug": slug})


def contest_columns(fields: ContestFields) -> tuple[object, ...]:
    """The columns from slug to board_freeze_seconds, in the order of `make_contest`."""
    return (
        fields["slug"],
        clean(fields["name"]),
        clean_lines(fields.get("summary", "")),
        clean_lines(fields.get("audience", "")),
        clean(fields.get("organiser", "")),
        fields.get("unit_id"),
        fields.get("youngest_age"),
        fields.get("oldest_age"),
        fields.get("is_by_list", False),
        fields.get("is_one_prize", True),
        fields.get("review", DEFAULT_REVIEW),
        fields.get("board_freeze_seconds", 0),
    )


def contest_faults(fields: ContestFields) -> dict[str, str]:
    faults = {}
    if not _SLUG.fullmatch(fields["slug"]) or len(fields["slug"]) > LONGEST_SLUG:
        faults["slug"] = "Đường dẫn gồm chữ thường không dấu, số và gạch nối, tối đa 80 ký tự."
    if not clean(fields["name"]):
        faults["name"] = "Thiếu tên cuộc thi."
    youngest, oldest = fields.get("youngest_age"), fields.get("oldest_age")
    if youngest is not None and oldest is not None and oldest < youngest:
        faults["oldest_age"] = "Tuổi cao nhất phải bằng hoặc lớn hơn tuổi thấp nhất."
    if fields.get("review", DEFAULT_REVIEW) not in POLICIES:
        faults["review"] = "Không biết cách cho xem lại đáp án này."
    if fields.get("board_freeze_seconds", 0) < 0:
        faults["board_freeze_seconds"] = "Thời gian khóa bảng không được âm."
    return faults


def ranking_faults(comparators: Sequence[str], prediction: str) -> dict[str, str]:
    faults = {}
    unknown = [each for each in comparators if each not in COMPARATORS]
    if unknown or not comparators or len(set(comparators)) != len(comparators):
        faults["comparators"] = (
            "Thứ tự xếp hạng phải gồm các tiêu chí đã biết, mỗi tiêu chí một lần."
        )
    if prediction and prediction not in PREDICTION_TARGETS:
        faults["prediction"] = "Không biết loại câu dự đoán này."
    elif bool(prediction) != ("prediction_gap" in comparators):
        faults["prediction"] = "Có câu dự đoán thì phải xếp hạng theo câu dự đoán, và ngược lại."
    return faults


def round_columns(fields: RoundFields) -> tuple[object, ...]:
    """The columns from name to cooldown_seconds, in the order of `add_round`; refuses "bad_round"."""
    opens, closes = fields["opens"], fields["closes"]
    instants, faults = _window(opens, closes)
    faults |= _policy_faults(fields)
    if not clean(fields["name"]):
        faults["name"] = "Thiếu tên đợt thi."
    refuse_faults("bad_round", faults)
    return (
        clean(fields["name"]),
        *instants,
        clean(opens) if isinstance(opens, str) else "",
        clean(closes) if isinstance(closes, str) else "",
        fields["time_limit_seconds"],
        fields.get("attempt_limit"),
        fields.get("counting", "best"),
        fields.get("cooldown_seconds", 0),
    )


def _window(opens: str | datetime, closes: str | datetime) -> tuple[list[datetime], dict[str, str]]:
    instants, faults = [], {}
    for field, written in (("opens", opens), ("closes", closes)):
        try:
            instants.append(
                written
                if isinstance(written, datetime)
                else parse_instant(written, year=local(clock.now()).year)
            )
        except Refusal as refusal:
            faults[field] = refusal.sentence
    if not faults and instants[1] <= instants[0]:
        faults["closes"] = "Giờ đóng phải sau giờ mở."
    return instants, faults


def _policy_faults(fields: RoundFields) -> dict[str, str]:
    faults = {}
    attempt_limit = fields.get("attempt_limit")
    if not SHORTEST_LIMIT_SECONDS <= fields["time_limit_seconds"] <= LONGEST_LIMIT_SECONDS:
        faults["time_limit_seconds"] = "Thời gian làm bài từ 30 giây đến 24 giờ."
    if attempt_limit is not None and attempt_limit < 1:
        faults["attempt_limit"] = "Số lượt thi phải từ 1 trở lên, hoặc để trống nếu không giới hạn."
    if fields.get("counting", "best") not in COUNTINGS:
        faults["counting"] = "Lượt được tính phải là tốt nhất, cuối cùng hoặc đầu tiên."
    if fields.get("cooldown_seconds", 0) < 0:
        faults["cooldown_seconds"] = "Thời gian chờ không được âm."
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
