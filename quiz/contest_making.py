"""What goes into a draft contest: divisions, rounds, blueprints, rules, and who is kept out?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from core import clock
from core.clock import local
from core.db import Connection, json_text, transaction
from core.errors import Refusal
from core.text import clean, clean_lines, phone_e164
from people.audit import record
from quiz import blueprints
from quiz.contests import PREDICTION_TARGETS, unknown_contest
from quiz.pools import PoolLine
from quiz.questions import DIFFICULTIES
from quiz.ranking import COMPARATORS, DEFAULT_COMPARATORS
from quiz.review import POLICIES
from quiz.windows import parse_instant

COUNTINGS = ("best", "last", "first")
SHORTEST_LIMIT_SECONDS, LONGEST_LIMIT_SECONDS = 30, 86_400
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SHOWN_PHONES = 5


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


async def discard_draft(contest_id: int, *, by: int | None) -> None:
    """Remove a draft that nobody has handed over yet, with everything in it."""
    async with transaction() as connection:
        slug = await connection.fetchval(
            "DELETE FROM contest WHERE id = $1 AND state = 'draft' RETURNING slug", contest_id
        )
        if slug is not None:
            await _record(connection, contest_id, by, "discard_draft", {"slug": slug})


async def _lock(connection: Connection, contest_id: int | None) -> str:
    state: str | None = await connection.fetchval(
        "SELECT state FROM contest WHERE id = $1 FOR UPDATE", contest_id
    )
    if state is None:
        raise unknown_contest()
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
