"""From a final result to what is signed and published: winners, minutes, lists, the public page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.documents import write_csv, write_sheet
from core.errors import Refusal
from core.official_paper import to_docx, to_html
from core.pdf import html_to_pdf
from core.settings import settings
from core.text import clean, date_shown
from people.roles import Action
from people.sessions import Viewer
from quiz import awards, result_papers, result_snapshots
from quiz.awards import AwardShown
from quiz.contests import ContestShown, RoundShown, contest_by_slug
from quiz.prizes import PrizeShown, prize_sentence, prizes_of
from quiz.result_export import HEADER, note_paper_taken, result_lines
from quiz.result_papers import PaperHead, Signed
from web.forms import Form, read_form, wants_json, whole
from web.office import download, may_on, office_page, require_on
from web.pages.shown import LARGEST_ROUND_NUMBER, round_or_current
from web.refusals import status_of

LARGEST_ID = 2**63 - 1
LARGEST_NUMBER = 99_999
LONGEST_LINE = 120
PAPERS = {
    "bien-ban": ("bien-ban", result_papers.minutes),
    "danh-sach": ("danh-sach-doat-giai", result_papers.winners_list),
}
AWARD_STATES = {"given": "được trao", "declined": "không nhận", "replaced": "đã thay"}


async def page(request: Request) -> Response:
    viewer, contest = await _asked(request, "see_results")
    chosen = round_or_current(contest, request.query_params.get("dot", ""), now())
    return await _page(request, viewer, contest, chosen, Form({}))


async def give(request: Request) -> Response:
    """Work out the winners of everything that is final, and write them down."""
    viewer, contest = await _asked(request, "manage_contest")
    form = await read_form(request)
    return await _do(
        request, viewer, contest, form, awards.give_awards(contest.id, by=viewer.account_id)
    )


async def decline(request: Request) -> Response:
    viewer, contest = await _asked(request, "manage_contest")
    form = await read_form(request)
    award_id = whole(form.text("giai"), largest=LARGEST_ID) or 0
    if award_id not in {each.id for each in await awards.awards_of(contest.id)}:
        raise Refusal("not_found", "Không tìm thấy giải này.")
    deed = awards.decline_award(award_id, form.text("ly_do"), by=viewer.account_id)
    return await _do(request, viewer, contest, form, deed)


async def publish(request: Request) -> Response:
    """Sign the round's result and let everybody see it with its winners."""
    viewer, contest = await _asked(request, "approve_contest")
    form = await read_form(request)
    chosen = _round_of(contest, form.text("dot"))

    async def deed() -> None:
        snapshot_id = await result_snapshots.sign_result(chosen.id, by=viewer.account_id)
        await result_snapshots.publish_result(snapshot_id, by=viewer.account_id)

    return await _do(request, viewer, contest, form, deed())


async def paper(request: Request) -> Response:
    """Minutes or the winners' list as DOCX or PDF, with the head that the form gave."""
    viewer, contest = await _asked(request, "manage_contest")
    query = request.query_params
    form = Form({name: [value] for name, value in query.items()})
    chosen = _round_of(contest, form.text("dot"))
    file_name, make = PAPERS.get(form.text("loai"), PAPERS["bien-ban"])
    try:
        head = _head(form)
        snapshot_id = await result_snapshots.sign_result(chosen.id, by=viewer.account_id)
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _page(request, viewer, contest, chosen, form, status_of(refusal))
    await note_paper_taken(chosen.id, file_name, by=viewer.account_id)
    made = make(await _signed(contest, chosen, snapshot_id), head)
    name = f"{file_name}-{contest.slug}-dot-{chosen.number}"
    if form.text("dang") == "pdf":
        return download(await html_to_pdf(to_html(made)), f"{name}.pdf")
    return download(await asyncio.to_thread(to_docx, made), f"{name}.docx")


async def ranking_file(request: Request) -> Response:
    """The whole ranking of a round with names and telephone numbers, as XLSX or CSV."""
    viewer, contest = await _asked(request, "export_results")
    chosen = _round_of(contest, request.query_params.get("dot", ""))
    lines = await result_lines(chosen.id, by=viewer.account_id)
    name = f"ket-qua-{contest.slug}-dot-{chosen.number}"
    if request.url.path.endswith(".csv"):
        return download(await asyncio.to_thread(write_csv, HEADER, lines), f"{name}.csv")
    notes = (
        f"{contest.name} – {chosen.name}",
        "Có dữ liệu cá nhân: chỉ dùng để trao giải và đối chiếu.",
    )
    content = await asyncio.to_thread(write_sheet, "Kết quả", HEADER, lines, notes=notes)
    return download(content, f"{name}.xlsx")


async def _asked(request: Request, action: Action) -> tuple[Viewer, ContestShown]:
    contest = await contest_by_slug(request.path_params["slug"])
    return await require_on(request, action, contest), contest


def _round_of(contest: ContestShown, typed: str) -> RoundShown:
    number = whole(typed, largest=LARGEST_ROUND_NUMBER)
    chosen = next((each for each in contest.rounds if each.number == number), None)
    if chosen is None:
        raise Refusal("unknown_round", "Cuộc thi này không có đợt thi đó.")
    return chosen


async def _do(
    request: Request, viewer: Viewer, contest: ContestShown, form: Form, deed: Any
) -> Response:
    chosen = round_or_current(contest, form.text("dot"), now())
    try:
        await deed
    except Refusal as refusal:
        if wants_json(request):
            raise
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _page(request, viewer, contest, chosen, form, status_of(refusal))
    request.app.state.public_pages.forget()
    address = f"/quan-tri/cuoc-thi/{contest.slug}/giai-thuong"
    return RedirectResponse(
        f"{address}?dot={chosen.number}" if chosen else address, HTTPStatus.SEE_OTHER
    )


def _head(form: Form) -> PaperHead:
    faults = {}
    typed = {name: clean(form.text(name))[:LONGEST_LINE] for name in _HEAD_FIELDS}
    for name in ("co_quan", "dia_danh", "chuc_vu"):
        if not typed[name]:
            faults[name] = "Hãy điền chỗ này."
    number = whole(typed["so"], largest=LARGEST_NUMBER)
    if typed["so"] and number is None:
        faults["so"] = "Số văn bản chỉ gồm chữ số; để trống nếu điền tay sau."
    on = None
    if typed["ngay"]:
        try:
            on = date.fromisoformat(typed["ngay"])
        except ValueError:
            faults["ngay"] = "Ngày chưa đúng."
    if faults:
        raise Refusal("bad_head", next(iter(faults.values())), fields=faults)
    return PaperHead(
        authority=typed["co_quan"],
        parent_authority=typed["cap_tren"],
        place=typed["dia_danh"],
        number=number,
        on=on,
        chair_title=typed["chuc_vu"],
        chair_name=typed["nguoi_ky"],
        secretary_name=typed["thu_ky"],
    )


_HEAD_FIELDS = ("co_quan", "cap_tren", "dia_danh", "so", "ngay", "chuc_vu", "nguoi_ky", "thu_ky")


def _usual_head(contest: ContestShown) -> dict[str, list[str]]:
    """What the form begins with; where the office has typed nothing yet."""
    return {
        "co_quan": [f"Ban Tổ chức cuộc thi {contest.name}"[:LONGEST_LINE]],
        "cap_tren": [contest.organiser or settings().site_organiser],
        "dia_danh": [settings().site_province],
        "ngay": [local_day(now()).isoformat()],
        "chuc_vu": ["Trưởng ban"],
    }


async def _signed(contest: ContestShown, chosen: RoundShown, snapshot_id: int) -> Signed:
    snapshots = await result_snapshots.snapshots_of(contest.id)
    snapshot = next(each for each in snapshots if each.id == snapshot_id)
    return Signed(
        snapshot.content,
        snapshot.digest,
        [each for each in await prizes_of(contest.id) if each.round_id == chosen.id],
        await awards.awards_of(contest.id, round_id=chosen.id),
    )


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    chosen: RoundShown | None,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    prizes = await prizes_of(contest.id)
    drafted = await awards.draft_awards(contest.id)
    snapshots = await result_snapshots.snapshots_of(contest.id)
    snapshot = next((each for each in snapshots if chosen and each.round_id == chosen.id), None)
    for name, value in _usual_head(contest).items():
        form.values.setdefault(name, value)
    path = f"/quan-tri/cuoc-thi/{contest.slug}"
    return await office_page(
        request,
        viewer,
        "manage/awards.html",
        {
            "contest": {"title": contest.name, "slug": contest.slug, "url": path},
            "round": _round(chosen) if chosen else None,
            "rounds": [
                {
                    "name": each.name,
                    "url": f"{path}/giai-thuong?dot={each.number}",
                    "is_current": each is chosen,
                }
                for each in contest.rounds
            ],
            "groups": _groups(prizes, await awards.awards_of(contest.id)),
            "drafted": {
                "given_count": drafted.given_count,
                "ties": [
                    {"prize": each.prize_name, "left_count": each.left_count, "names": each.names}
                    for each in drafted.ties
                ],
                "waiting_count": len(drafted.waiting),
            },
            "signed": {
                "digest": snapshot.digest,
                "signed_at": snapshot.created_at,
                "published_at": snapshot.published_at,
                "public_url": f"/cuoc-thi/{contest.slug}/ket-qua",
            }
            if snapshot
            else None,
            "today": date_shown(local_day(now())),
            "may": {
                "give": may_on(viewer, "manage_contest", contest),
                "publish": may_on(viewer, "approve_contest", contest),
                "export": may_on(viewer, "export_results", contest),
            },
            "form": form.for_page(),
        },
        contest=contest,
        status=status,
    )


def _round(chosen: RoundShown) -> dict[str, Any]:
    return {"number": chosen.number, "name": chosen.name, "is_final": chosen.result == "final"}


def _groups(prizes: Sequence[PrizeShown], held: Sequence[AwardShown]) -> list[dict[str, Any]]:
    return [
        {
            "title": prize_sentence(prize),
            "is_collective": prize.kind == "collective",
            "awards": [
                {
                    "id": each.id,
                    "place": each.place,
                    "name": each.printed_name,
                    "unit": each.unit_name,
                    "phone": each.phone,
                    "correct_count": each.correct_count,
                    "question_count": each.question_count,
                    "duration_ms": each.duration_ms,
                    "prediction": each.prediction,
                    "receipt": each.receipt,
                    "state": AWARD_STATES[each.state],
                    "is_given": each.state == "given",
                    "note": each.note,
                    "is_name_public": each.is_name_public,
                }
                for each in held
                if each.prize_id == prize.id
            ],
        }
        for prize in prizes
    ]
