"""Taking a quiz: enter, read the paper, save, hand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core import db
from core.clock import now
from core.errors import Refusal
from core.text import clean, clock_shown, deadline_shown, time_shown
from people.consents import TAKE_PART, current_texts
from quiz import entering
from quiz.attempts import Attempts, Opened, Save, Saved, get_attempt
from quiz.contests import (
    PREDICTION_TARGETS,
    ContestShown,
    RoundShown,
    extended_rounds,
    open_round,
    rules_sentence,
)
from quiz.drawing import Paper
from quiz.frozen import paper_of
from quiz.notices import NoticeShown
from web.contest_cache import notices_json
from web.forms import (
    LARGEST_FORM_BYTES,
    Form,
    parse_form,
    read_body,
    read_form,
    wants_json,
)
from web.guard import signed_in, with_renewed_token
from web.pages.shown import (
    PREDICTION_UNITS,
    attempt_policy,
    attempts_left,
    epoch_ms,
    round_or_current,
)
from web.paper_html import Frame, paper_page
from web.render import FOR_EVERYBODY, language_of, private_page, render
from web.tokens import AttemptToken

# What the page of the door itself can put right.
MENDED_IN_THE_FORM = frozenset({"choose_division", "consent_needed"})
LARGEST_PREDICTION = 10**11
MOST_CHOSEN = 20
LONGEST_NUMBER = 20  # digits
LARGEST_SEQ = 2**53  # what a browser counts exactly


async def enter_page(request: Request) -> Response:
    """What a participant reads before the clock starts."""
    viewer = await signed_in(request)
    contest, open_now = await _open_contest(request, viewer.person_id)
    entrant = await entering.find_entrant(viewer.person_id, contest.id, open_now.id)
    if entrant.open_id is not None and entering.is_still_open(entrant, db.database_clock().now()):
        return RedirectResponse(f"/bai-thi/{entrant.open_id}", HTTPStatus.SEE_OTHER)
    return await _enter_page(request, contest, open_now, entrant, Form({}), None)


async def enter(request: Request) -> Response:
    arrived_at = _arrived_at(request)
    form = await read_form(request)
    viewer = await signed_in(request)
    contest, open_now = await _open_contest(request, viewer.person_id)
    rules = entering.entry_rules(contest, open_now, contest.unit_path)
    try:
        started, division_id = await entering.enter(
            _attempts(request),
            rules,
            person_id=viewer.person_id,
            division_code=form.text("bang") or None,
            arrived_at=arrived_at,
            agrees=form.text("dong_y_du_le") == "1",
        )
    except Refusal as refusal:
        if wants_json(request) or refusal.code == "busy":
            raise
        entrant = await entering.find_entrant(viewer.person_id, contest.id, open_now.id)
        return await _enter_page(request, contest, open_now, entrant, form, refusal)
    token = AttemptToken(started.attempt_id, open_now.question_count_for(division_id))
    response = RedirectResponse(f"/bai-thi/{started.attempt_id}", HTTPStatus.SEE_OTHER)
    request.app.state.tokens.set_attempt(response, token)
    return response


async def paper(request: Request) -> Response:
    token: AttemptToken = request.state.attempt
    opened = await _attempts(request).open_paper(token.attempt_id)
    if opened.state != "open":
        return RedirectResponse(f"/bai-thi/{opened.attempt_id}/ket-qua", HTTPStatus.SEE_OTHER)
    contest = await request.app.state.contests.by_id(opened.contest_id)
    drawn = await _paper(opened)
    deadline_ms, now_ms = epoch_ms(opened.deadline_at), epoch_ms(db.database_clock().now())
    html = paper_page(
        language_of(request),
        _frame(contest, opened, len(drawn), await request.app.state.contests.notices(contest.id)),
        drawn,
        attempt={
            "id": str(opened.attempt_id),
            "opening": opened.opening,
            "saved_seq": opened.saved_seq,
            "next_seq": opened.saved_seq + 1,
            "saved_at": opened.saved_at,
            "deadline": time_shown(opened.deadline_at),
            "remaining": clock_shown(max(0, deadline_ms - now_ms)),
            "deadline_ms": deadline_ms,
            "server_now_ms": now_ms,
        },
        answers=opened.answers,
        prediction=opened.prediction,
        just_saved=request.query_params.get("da-luu") == "1",
    )
    response = private_page(request, html)
    return with_renewed_token(request, response)


async def save(request: Request) -> Response:
    """The save of a page without script or of an owner without a token, and what became of a save
    that `web.save_wire` could not answer.
    """
    failed: Exception | None = getattr(request.state, "failed_save", None)
    if failed is not None:
        raise failed
    arrived_at = _arrived_at(request)
    token: AttemptToken = request.state.attempt
    fields = parse_form(await read_body(request, LARGEST_FORM_BYTES))
    wanted = parse_save(token, fields, arrived_at, is_submit=False)
    saved = await _attempts(request).save(wanted)
    if wants_json(request):
        response = Response(
            saved_json(saved, request.app.state.contests.told(saved.round_id)),
            media_type="application/json",
            headers={"Cache-Control": "no-store"},
        )
        return with_renewed_token(request, response)
    return with_renewed_token(request, _saved_page(request, fields, wanted, saved))


async def news(request: Request) -> Response:
    """What a page that has not saved for a minute asks: from memory, the same for everybody.

    `extension_count` tells the page that time was granted to somebody; for its own deadline it
    then asks with a save.
    """
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    chosen = round_or_current(contest, request.query_params.get("dot", "")[:3], now())
    if chosen is None:
        raise Refusal("not_found", "Cuộc thi này không có đợt thi đó.")
    notices = await request.app.state.contests.notices(contest.id)
    return Response(
        orjson.dumps({"notices": notices_json(notices), "extension_count": chosen.extension_count}),
        media_type="application/json",
        headers={"Cache-Control": FOR_EVERYBODY},
    )


async def confirm_page(request: Request) -> Response:
    token: AttemptToken = request.state.attempt
    opened = await get_attempt(token.attempt_id)
    if opened.state != "open":
        return RedirectResponse(f"/bai-thi/{opened.attempt_id}/ket-qua", HTTPStatus.SEE_OTHER)
    contest = await request.app.state.contests.by_id(opened.contest_id)
    unanswered = [
        position
        for position in range(1, token.question_count + 1)
        if not opened.answers.get(str(position))
    ]
    chosen_round = _round(contest, opened)
    return render(
        request,
        "play/confirm.html",
        {
            "attempt": {
                "id": str(opened.attempt_id),
                "saved_seq": opened.saved_seq,
                "opening": opened.opening,
                "deadline_at": opened.deadline_at,
            },
            "contest": {"slug": contest.slug, "title": contest.name},
            "round": {"number": chosen_round.number, "name": chosen_round.name},
            "question_count": token.question_count,
            "answered_count": token.question_count - len(unanswered),
            "unanswered": unanswered,
            "prediction_missing": bool(contest.prediction) and opened.prediction is None,
        },
    )


async def submit(request: Request) -> Response:
    arrived_at = _arrived_at(request)
    token: AttemptToken = request.state.attempt
    fields = parse_form(await read_body(request, LARGEST_FORM_BYTES))
    await _attempts(request).submit(parse_save(token, fields, arrived_at, is_submit=True))
    return RedirectResponse(f"/bai-thi/{token.attempt_id}/ket-qua", HTTPStatus.SEE_OTHER)


async def take_over(request: Request) -> Response:
    """Opening the paper again makes this page the one that saves."""
    token: AttemptToken = request.state.attempt
    response = RedirectResponse(f"/bai-thi/{token.attempt_id}", HTTPStatus.SEE_OTHER)
    return with_renewed_token(request, response)


def _attempts(request: Request) -> Attempts:
    return request.app.state.attempts  # type: ignore[no-any-return]  # State has no types


def _arrived_at(request: Request) -> datetime:
    return db.database_clock().instant(request.state.arrived)


async def _open_contest(request: Request, person_id: int) -> tuple[ContestShown, RoundShown]:
    """The contest and the round that this person may enter now."""
    contest: ContestShown = await request.app.state.contests.by_slug(request.path_params["slug"])
    at = db.database_clock().now()
    for each in extended_rounds(contest, at):
        entrant = await entering.find_entrant(person_id, contest.id, each.id)
        if at < each.closes_at + entrant.granted and _has_more(each, entrant):
            return contest, each
    open_now = open_round(contest, at)
    if open_now is None:
        upcoming = [each for each in contest.rounds if each.opens_at > at]
        if upcoming:
            raise Refusal(
                "not_open_yet", f"{upcoming[0].name} mở lúc {deadline_shown(upcoming[0].opens_at)}."
            )
        raise Refusal("round_closed", "Cuộc thi này đã kết thúc.")
    return contest, open_now


def _has_more(each: RoundShown, entrant: entering.Entrant) -> bool:
    """Whether the round has an attempt for this person to resume or to begin."""
    left = attempts_left(each, entrant.attempt_count)
    return entrant.open_id is not None or left is None or left > 0


def _round(contest: ContestShown, opened: Opened) -> RoundShown:
    return next(each for each in contest.rounds if each.id == opened.round_id)


async def _paper(opened: Opened) -> Paper:
    return await paper_of(db.pool(), opened.pool_id, opened.seed, opened.drawing_version)


def saved_json(saved: Saved, notices: orjson.Fragment | None) -> bytes:
    """The answer to a save as interfaces.md has it; instants in ISO 8601 with offset.

    `notices` only while the organisers have something to say to those inside.
    """
    answer: dict[str, object] = {
        "saved_seq": saved.saved_seq,
        "saved_at": saved.saved_at,
        "deadline_at": saved.deadline_at,
    }
    if notices is not None:
        answer["notices"] = notices
    return orjson.dumps(answer)


def parse_save(
    token: AttemptToken,
    fields: Mapping[str, Sequence[str]],
    arrived_at: datetime,
    *,
    is_submit: bool,
) -> Save:
    """The fields of interfaces.md: seq, q<position>, du_doan, lan."""
    answers: dict[str, list[int]] = {}
    for name, values in fields.items():
        position = _POSITIONS.get(name) or _position(name)
        if position is not None:
            if not 1 <= position <= token.question_count or len(values) > MOST_CHOSEN:
                raise Refusal("bad_answer", f"Đề không có câu {name[1:7]}.")
            answers[str(position)] = (
                _CHOSEN[values[0]][:]
                if len(values) == 1 and values[0] in _CHOSEN
                else sorted({_whole(value, "bad_answer", MOST_CHOSEN) for value in values if value})
            )
    typed = clean(fields["du_doan"][-1]) if "du_doan" in fields else ""
    prediction = (
        _whole(typed.replace(".", "").replace(" ", ""), "bad_prediction", LARGEST_PREDICTION)
        if typed
        else None
    )
    opening = fields.get("lan", [""])[-1]
    seq = fields.get("seq", [""])[-1]
    return Save(
        attempt_id=token.attempt_id,
        seq=_whole(seq, "bad_seq", LARGEST_SEQ) if seq or not is_submit else 0,
        answers=answers,
        arrived_at=arrived_at,
        opening=_whole(opening, "bad_opening", 2**31 - 1) if opening else None,
        prediction=prediction,
        sets_prediction="du_doan" in fields,
        is_submit=is_submit,
    )


def _position(name: str) -> int | None:
    """The position that a field's name stands for, "q07" included; None when it is no answer's."""
    digits = name[1:]
    if not (name[:1] == "q" and digits.isascii() and digits.isdigit()):
        return None
    return int(digits) if len(digits) <= LONGEST_NUMBER else 0


# What nearly every field of every save is: one known position, one option or none.
_POSITIONS = {f"q{position}": position for position in range(1, 201)}
_CHOSEN = {"": [], **{str(option): [option] for option in range(1, MOST_CHOSEN + 1)}}
_BAD_NUMBER = {
    "bad_answer": "Phương án gửi lên không có trong câu hỏi.",
    "bad_prediction": "Bạn ghi dự đoán bằng chữ số, ví dụ 12500.",
    "bad_seq": "Lần lưu này thiếu thông tin. Bạn tải lại trang rồi làm tiếp.",
    "bad_opening": "Trang này đã cũ. Bạn tải lại trang rồi làm tiếp.",
}


def _whole(text: str, code: str, largest: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER:
        number = int(text)
        if number <= largest:
            return number
    raise Refusal(code, _BAD_NUMBER[code])


def _saved_page(
    request: Request, fields: Mapping[str, Sequence[str]], wanted: Save, saved: Saved
) -> Response:
    path = f"/bai-thi/{wanted.attempt_id}"
    back = fields.get("ve", [""])[-1]
    if back == "bai-thi":
        return RedirectResponse(f"{path}?da-luu=1", HTTPStatus.SEE_OTHER)
    if back == "xac-nhan-nop":
        return RedirectResponse(f"{path}/xac-nhan-nop", HTTPStatus.SEE_OTHER)
    return render(
        request,
        "play/_saved.html",
        {
            "attempt": {"id": str(wanted.attempt_id)},
            "saved": {"at": saved.saved_at or now(), "is_own": saved.saved_seq == wanted.seq},
        },
    )


def _frame(
    contest: ContestShown, opened: Opened, question_count: int, notices: Sequence[NoticeShown]
) -> Frame:
    chosen_round = _round(contest, opened)
    beyond_limit = opened.deadline_at - opened.started_at
    beyond_limit -= timedelta(seconds=chosen_round.time_limit_seconds)
    prediction = contest.prediction and {
        "label": f"Theo bạn, {PREDICTION_TARGETS[contest.prediction]} là bao nhiêu?",
        "definition": "Số đúng được chốt một lần sau khi đợt thi đóng.",
        "unit": PREDICTION_UNITS[contest.prediction],
    }
    return Frame(
        contest.slug,
        contest.name,
        chosen_round.number,
        chosen_round.name,
        question_count,
        tuple(prediction.items()) if prediction else (),
        tuple((each.id, each.body) for each in notices),
        chosen_round.extension_count,
        max(0, round(beyond_limit / timedelta(minutes=1))),
    )


async def _enter_page(
    request: Request,
    contest: ContestShown,
    open_now: RoundShown,
    entrant: entering.Entrant,
    form: Form,
    refusal: Refusal | None,
) -> Response:
    at = db.database_clock().now()
    if refusal is not None:
        form.errors |= refusal.fields
    elif entrant.open_id is None:
        try:
            entering.check(entering.entry_rules(contest, open_now, contest.unit_path), entrant, at)
        except Refusal as found:
            refusal = found
    known = {division.code for division in contest.divisions}
    needs_division = (
        entrant.division_id is None and len(known) > 1 and entrant.division_code not in known
    )
    form.values.setdefault("bang", [entrant.division_code])
    return render(
        request,
        "contests/enter.html",
        {
            "contest": {"slug": contest.slug, "title": contest.name},
            "round": {
                "number": open_now.number,
                "name": open_now.name,
                "closes_at": open_now.closes_at + entrant.granted,
            },
            "rules": {
                "version": str(contest.rules_version),
                "summary": _summary(contest),
            },
            "minutes": open_now.time_limit_seconds // 60,
            "question_count": open_now.question_count,
            "has_prediction": bool(contest.prediction),
            "attempts": {
                "policy": attempt_policy(open_now),
                "done": entrant.attempt_count,
                "left": attempts_left(open_now, entrant.attempt_count),
                "wait_until": None,
            },
            "divisions": [
                {"value": division.code, "label": division.name, "hint": None}
                for division in contest.divisions
            ]
            if needs_division
            else [],
            "refusal": refusal.sentence
            if refusal is not None and refusal.code not in MENDED_IN_THE_FORM
            else None,
            "consent": None if entrant.has_agreed else await _consent_asked(),
            "form": form.for_page(),
        },
        status=HTTPStatus.OK if refusal is None else HTTPStatus.CONFLICT,
    )


async def _consent_asked() -> dict[str, Any] | None:
    """The words for somebody who was brought in by a list, or took the consent back."""
    text = (await current_texts()).get(TAKE_PART)
    return {"version": str(text.version), "words": text.body.split("\n")} if text else None


def _summary(contest: ContestShown) -> list[str]:
    return [
        "Bài được thu khi hết giờ làm bài hoặc khi đợt thi đóng, tùy mốc nào đến trước; những câu "
        "đã lưu được tính.",
        "Mỗi câu trả lời được lưu ngay khi bạn chọn. Mất mạng vẫn làm tiếp được; bài tự gửi khi "
        "có mạng, và chỉ những câu đến máy chủ trước giờ đóng mới được tính.",
        rules_sentence(contest.comparators, contest.prediction),
    ]
