"""From a closed round to a final result: mend keys, take people out, freeze, draw lots, finalise."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import now
from core.errors import Refusal
from core.text import number
from people.roles import Action
from people.sessions import Viewer
from quiz import draws, finalising, rescoring
from quiz.asked_questions import Asked, asked_questions
from quiz.contests import ContestShown, RoundShown, contest_by_slug
from quiz.disqualifying import disqualifications_of, disqualify, lift_disqualification
from quiz.extensions import find_candidates
from quiz.question_secrecy import note_bank_seen
from quiz.question_statistics import QuestionJudged, round_judged
from quiz.scoring import POINT
from web.forms import Form, read_form, wants_json, whole
from web.office import may_on, office_page, require_on
from web.pages.shown import LARGEST_ROUND_NUMBER, round_or_current
from web.refusals import status_of

LARGEST_ID = 2**63 - 1
USUAL_APPEAL_DAYS, MOST_APPEAL_DAYS = 3, 60
MOST_OPTIONS = 20
KINDS = {
    "rekey": "Đổi đáp án đúng",
    "full_marks": "Cho mọi người có câu này trọn điểm",
    "drop": "Bỏ câu này, không tính điểm cho ai",
}
STATES = {
    "proposed": "Chờ duyệt",
    "approved": "Đang chấm lại",
    "applied": "Đã chấm lại",
    "withdrawn": "Đã rút",
}


@dataclass(frozen=True)
class _Asked:
    """What a request is about; `form` holds what was typed."""

    contest: ContestShown
    chosen: RoundShown
    viewer: Viewer
    form: Form

    @property
    def by(self) -> int:
        return self.viewer.account_id


async def results(request: Request) -> Response:
    found = await contest_by_slug(request.path_params["slug"])
    viewer = await require_on(request, "analyse_questions", found)
    chosen = round_or_current(found, request.query_params.get("dot", ""), now())
    if chosen is None:
        raise Refusal("not_found", "Cuộc thi này chưa có đợt thi nào.")
    typed = {
        "cau": [request.query_params.get("cau", "")],
        "ngay": [str(USUAL_APPEAL_DAYS)],
    }
    return await _page(request, _Asked(found, chosen, viewer, Form(typed)))


async def propose(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    form = asked.form
    return await _done(
        request,
        asked,
        rescoring.propose_correction(
            asked.chosen.id,
            whole(form.text("cau"), largest=LARGEST_ID) or 0,
            form.text("cach"),
            _places(form),
            form.text("ly_do"),
            by=asked.by,
        ),
    )


async def preview_again(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    correction_id = await _own_correction(request, asked)
    return await _done(request, asked, rescoring.preview_again(correction_id, by=asked.by))


async def approve(request: Request) -> Response:
    asked = await _read(request, "approve_contest")
    correction_id = await _own_correction(request, asked)
    return await _done(request, asked, rescoring.approve_correction(correction_id, by=asked.by))


async def withdraw(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    correction_id = await _own_correction(request, asked)
    return await _done(
        request,
        asked,
        rescoring.withdraw_correction(correction_id, asked.form.text("ly_do_rut"), by=asked.by),
    )


async def exclude(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    return await _done(request, asked, _exclude(asked), {"ly_do": "ly_do_loai"})


async def readmit(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    case_id = _id(request, "case")
    known = {each.id for each in await disqualifications_of(asked.contest.id)}
    if case_id not in known:
        raise Refusal("not_found", "Không tìm thấy quyết định này.")
    reason = asked.form.text("ly_do_go")
    return await _done(
        request, asked, lift_disqualification(case_id, reason, by=asked.by), {"ly_do": ""}
    )


async def freeze(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    return await _done(request, asked, _freeze(asked))


async def commit_draw(request: Request) -> Response:
    asked = await _read(request, "manage_contest")
    return await _done(request, asked, _commit_draw(asked))


async def reveal_draw(request: Request) -> Response:
    asked = await _read(request, "approve_contest")
    draw_id = await _own_draw(request, asked)
    return await _done(
        request, asked, draws.reveal_draw(draw_id, asked.form.text("so"), by=asked.by), {"so": ""}
    )


async def void_draw(request: Request) -> Response:
    asked = await _read(request, "approve_contest")
    draw_id = await _own_draw(request, asked)
    reason = asked.form.text("ly_do_huy")
    return await _done(request, asked, draws.void_draw(draw_id, reason, by=asked.by), {"ly_do": ""})


async def finalise(request: Request) -> Response:
    asked = await _read(request, "approve_contest")
    return await _done(
        request,
        asked,
        finalising.finalise_round(asked.chosen.id, by=asked.by, waiver=asked.form.text("mien")),
    )


async def _read(request: Request, action: Action) -> _Asked:
    found = await contest_by_slug(request.path_params["slug"])
    viewer = await require_on(request, action, found)
    form = await read_form(request)
    number = whole(form.text("dot"), largest=LARGEST_ROUND_NUMBER)
    chosen = next((each for each in found.rounds if each.number == number), None)
    if chosen is None:
        raise Refusal("unknown_round", "Cuộc thi này không có đợt thi đó.")
    return _Asked(found, chosen, viewer, form)


async def _done(
    request: Request,
    asked: _Asked,
    deed: Awaitable[object],
    field_names: Mapping[str, str] | None = None,
) -> Response:
    """Do it and show the page anew, or the page with what was typed and why not.

    `field_names`: what this page calls the fields that the verb speaks of.
    """
    try:
        await deed
    except Refusal as refusal:
        if wants_json(request):
            raise
        names = field_names or {}
        faults = {names.get(name, name): said for name, said in refusal.fields.items()}
        asked.form.errors |= faults or {"": refusal.sentence}
        return await _page(request, asked, status_of(refusal))
    # What was just decided must be there when its maker looks.
    request.app.state.contests.forget()
    request.app.state.public_pages.forget()
    address = f"/quan-tri/cuoc-thi/{asked.contest.slug}/ket-qua?dot={asked.chosen.number}"
    return RedirectResponse(address, HTTPStatus.SEE_OTHER)


async def _exclude(asked: _Asked) -> None:
    found = await find_candidates(asked.contest.id, asked.form.text("ai"))
    if len(found) != 1:
        sentence = (
            "Có nhiều người khớp. Hãy nhập mã biên nhận hoặc số điện thoại."
            if found
            else "Không tìm thấy ai trong cuộc thi này. Hãy nhập mã biên nhận hoặc số điện thoại."
        )
        raise Refusal("unknown_participant", sentence, fields={"ai": sentence})
    round_id = None if asked.form.text("pham_vi") == "cuoc_thi" else asked.chosen.id
    reason = asked.form.text("ly_do_loai")
    await disqualify(found[0].participant_id, round_id, reason, by=asked.by)


async def _freeze(asked: _Asked) -> None:
    days = whole(asked.form.text("ngay"), largest=MOST_APPEAL_DAYS)
    if days is None:
        sentence = f"Hãy nhập số ngày từ 0 đến {MOST_APPEAL_DAYS}."
        raise Refusal("bad_days", sentence, fields={"ngay": sentence})
    until = now() + timedelta(days=days) if days else None
    await finalising.freeze_prediction(asked.chosen.id, by=asked.by, appeals_until=until)


async def _commit_draw(asked: _Asked) -> None:
    form = asked.form
    tie = next(
        (
            each
            for each in await draws.find_ties(asked.chosen.id)
            if f"{each.division_id}-{each.rank}" == form.text("nhom")
        ),
        None,
    )
    if tie is not None:
        await draws.commit_tie_draw(
            asked.chosen.id,
            tie.division_id,
            tie.rank,
            tie.winner_count,
            beacon_rule=form.text("quy_tac"),
            by=asked.by,
        )
        return
    await draws.commit_lucky_draw(
        asked.chosen.id,
        whole(form.text("bang"), largest=LARGEST_ID) or 0,
        whole(form.text("so_trung"), largest=LARGEST_ROUND_NUMBER) or 0,
        title=form.text("ten"),
        is_all_correct_only=bool(form.text("dung_het")),
        beacon_rule=form.text("quy_tac"),
        by=asked.by,
    )


def _places(form: Form) -> list[int]:
    typed = form.values.get("dap_an", [])[:MOST_OPTIONS]
    places = [whole(each, largest=MOST_OPTIONS) for each in typed]
    return [place for place in places if place is not None]


def _id(request: Request, name: str) -> int:
    return whole(request.path_params[name], largest=LARGEST_ID) or 0


async def _own_correction(request: Request, asked: _Asked) -> int:
    wanted = _id(request, "correction")
    if wanted not in {each.id for each in await rescoring.corrections_of(asked.chosen.id)}:
        raise Refusal("not_found", "Không tìm thấy điều chỉnh này.")
    return wanted


async def _own_draw(request: Request, asked: _Asked) -> int:
    wanted = _id(request, "draw")
    if wanted not in {each.id for each in await draws.draws_of(asked.chosen.id)}:
        raise Refusal("not_found", "Không tìm thấy lần bốc thăm này.")
    return wanted


async def _page(request: Request, asked: _Asked, status: int = HTTPStatus.OK) -> Response:
    found, chosen, viewer = asked.contest, asked.chosen, asked.viewer
    fresh = next(
        each for each in (await contest_by_slug(found.slug)).rounds if each.id == chosen.id
    )
    questions = await _keys(asked)
    judged = await round_judged(chosen.id)
    figures = {each.question_version_id: each for each in judged.questions} if judged else {}
    may_manage = may_on(viewer, "manage_contest", found)
    may_approve = may_on(viewer, "approve_contest", found)
    corrections = await _corrections(asked, questions)
    if corrections or (questions and may_manage):  # a contest to come may ask the same ones
        await note_bank_seen(found.bank_id, by=viewer.account_id)
    waits = await finalising.find_what_waits(chosen.id)
    is_open = fresh.result != "final"
    return await office_page(
        request,
        viewer,
        "manage/results.html",
        {
            "contest": {"slug": found.slug, "title": found.name},
            "round": _round(fresh),
            "rounds": [
                {"name": each.name, "number": each.number, "is_current": each.id == chosen.id}
                for each in found.rounds
            ],
            "kinds": [{"value": value, "label": label} for value, label in KINDS.items()],
            "corrections": corrections,
            "chosen_question": _chosen(asked.form, questions, figures),
            "questions": _questions(questions, figures),
            "has_figures": bool(figures),
            "cases": [
                {
                    "id": each.id,
                    "name": each.shown_name,
                    "unit": each.unit_name,
                    "is_whole_contest": each.round_id is None,
                    "reason": each.reason,
                    "by": each.by_name,
                    "at": each.created_at,
                    "lift_reason": each.lift_reason,
                    "lifted_at": each.lifted_at,
                }
                for each in await disqualifications_of(found.id)
                if each.round_id in {None, chosen.id}
            ],
            "ties": [
                {
                    "value": f"{each.division_id}-{each.rank}",
                    "label": f"{each.division_name}: {each.people_count} người cùng hạng "
                    f"{each.rank}, chọn {each.winner_count}",
                }
                for each in await draws.find_ties(chosen.id)
            ],
            "divisions": [{"value": each.id, "label": each.name} for each in found.divisions],
            "draws": [
                {
                    "id": each.id,
                    "title": each.title,
                    "state": each.state,
                    "url": f"/cuoc-thi/{found.slug}/boc-tham/{each.id}",
                    "entrant_count": len(each.codes),
                    "winner_count": each.winner_count,
                    "beacon_rule": each.beacon_rule,
                    "void_reason": each.void_reason,
                }
                for each in await draws.draws_of(chosen.id)
            ],
            "waits": waits,
            "may": {
                "manage": may_manage and is_open,
                "approve": may_approve and is_open,
                "freeze": may_manage and fresh.result == "provisional"
                and fresh.prediction_frozen_at is None,
                "draw": may_manage and is_open and fresh.prediction_frozen_at is not None,
                "finalise": may_approve and is_open and fresh.prediction_frozen_at is not None,
            },
            "form": asked.form.for_page(),
        },
        contest=found,
        status=status,
    )  # fmt: skip


async def _keys(asked: _Asked) -> Mapping[int, Asked]:
    """The round's questions with their keys; before it opens only for those who see its paper."""
    found, viewer = asked.contest, asked.viewer
    is_secret = now() < asked.chosen.opens_at
    may_see = may_on(viewer, "manage_contest", found) or may_on(viewer, "approve_contest", found)
    if is_secret and not may_see:
        return {}
    return await asked_questions(asked.chosen.id)


def _round(chosen: RoundShown) -> dict[str, Any]:
    at = now()
    return {
        "number": chosen.number,
        "name": chosen.name,
        "result": chosen.result,
        "closes_at": chosen.last_closes_at,
        "is_closed": chosen.last_closes_at <= at,
        "prediction_actual": chosen.prediction_actual,
        "frozen_at": chosen.prediction_frozen_at,
        "appeals_until": chosen.appeals_until,
        "appeals_are_open": chosen.appeals_until is not None and chosen.appeals_until > at,
        "finalised_at": chosen.finalised_at,
    }


async def _corrections(asked: _Asked, questions: Mapping[int, Asked]) -> list[dict[str, Any]]:
    shown = []
    for each in await rescoring.corrections_of(asked.chosen.id):
        if each.question_version_id not in questions:  # still a secret
            continue
        effect = each.outcome or each.preview
        question = questions[each.question_version_id].frozen
        shown.append(
            {
                "id": each.id,
                "state": each.state,
                "state_name": STATES[each.state],
                "question": question.text,
                "kind": KINDS[each.kind],
                "right_options": [question.options[place].text for place in each.right_options],
                "reason": each.reason,
                "proposed_by": each.proposed_by_name,
                "approved_by": each.approved_by_name,
                "at": each.applied_at or each.created_at,
                "is_own": each.proposed_by_id == asked.by,
                "is_done": each.outcome is not None,
                "is_as_previewed": each.outcome == each.preview,
                "effect": effect and await _effect(effect),
            }
        )
    return shown


async def _effect(effect: Mapping[str, Any]) -> dict[str, Any]:
    lists = ("entering", "leaving", "staying")
    names = await rescoring.names_of(
        row["participant_id"]
        for division in effect["divisions"]
        for name in lists
        for row in division[name]
    )
    return {
        **effect,
        "divisions": [
            {
                **division,
                "rows": [_moved(row, names, kind) for kind in lists for row in division[kind]],
            }
            for division in effect["divisions"]
            if division["people_count"]
        ],
    }


def _moved(
    row: Mapping[str, Any], names: Mapping[int, tuple[str, str]], kind: str
) -> dict[str, Any]:
    name, unit = names.get(row["participant_id"], ("", ""))
    return {
        "name": name,
        "unit": unit,
        "move": kind,
        "old_rank": row["old_rank"],
        "new_rank": row["new_rank"],
        "old_points": _points(row["old_points"]),
        "new_points": _points(row["new_points"]),
    }


def _points(thousandths: int) -> str:
    """Decimals only where partial credit makes some."""
    return number(thousandths / POINT, 2 if thousandths % POINT else 0)


def _questions(
    questions: Mapping[int, Asked], figures: Mapping[int, QuestionJudged]
) -> list[dict[str, Any]]:
    """Suspects first, then the hardest."""
    shown = [
        {
            "id": version_id,
            "text": each.frozen.text,
            "topic": each.frozen.topic,
            "is_corrected": each.correction is not None,
            "is_suspect": judged is not None and "wrong_key" in judged.advice,
            "facility": judged.facility / 100 if judged else None,
            "attempt_count": judged.attempt_count if judged else None,
        }
        for version_id, each in questions.items()
        for judged in (figures.get(version_id),)
    ]
    return sorted(shown, key=lambda row: (not row["is_suspect"], row["facility"] or 0, row["id"]))


def _chosen(
    form: Form, questions: Mapping[int, Asked], figures: Mapping[int, QuestionJudged]
) -> dict[str, Any] | None:
    version_id = whole(form.text("cau"), largest=LARGEST_ID)
    if version_id is None or version_id not in questions:
        return None
    asked = questions[version_id]
    judged = figures.get(version_id)
    chosen = form.values.get("dap_an")
    return {
        "id": version_id,
        "text": asked.frozen.text,
        "kind": asked.frozen.kind,
        "facility": judged.facility / 100 if judged else None,
        "attempt_count": judged.attempt_count if judged else None,
        "options": [
            {
                "place": place,
                "text": option.text,
                "is_right": option.is_correct,
                "is_checked": str(place) in chosen if chosen else option.is_correct,
                "share": _share(judged, place),
            }
            for place, option in enumerate(asked.now.options)
        ],
    }


def _share(judged: QuestionJudged | None, place: int) -> float | None:
    options: Sequence[Any] = judged.options if judged else ()
    return options[place].share if place < len(options) else None
