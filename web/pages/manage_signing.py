"""The office signs its certificates: with the platform's key, or elsewhere and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from certificates import batch_signing, uploads
from certificates.batch_signing import SigningShown
from certificates.owed import KINDS
from certificates.uploads import Brought
from core.errors import Refusal
from people.sessions import Viewer
from quiz.contests import ContestShown
from web.certificate_desk import LARGEST_ID, back, certificate_page
from web.contest_desk import asked
from web.forms import Form, read_form, whole
from web.office import download, read_upload
from web.refusals import status_of

PLACE = "/ky-so"


async def page(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    return await _page(request, viewer, contest, Form({}))


async def sign(request: Request) -> Response:
    """Ask for the office's signature on all papers of a list."""
    contest, viewer = await asked(request, "issue_certificates")
    form = await read_form(request)
    try:
        batch_id = whole(form.text("danh_sach"), largest=LARGEST_ID) or 0
        await batch_signing.ask_signing(contest.id, batch_id, by=viewer.account_id)
    except Refusal as refusal:
        form.errors |= {"": refusal.sentence}
        return await _page(request, viewer, contest, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return back(contest, PLACE)


async def unsigned(request: Request) -> Response:
    """Papers to be signed elsewhere, as many as may come back at once."""
    contest, _ = await asked(request, "issue_certificates")
    batch_id = whole(request.query_params.get("danh_sach", ""), largest=LARGEST_ID) or 0
    content = await uploads.unsigned_archive(contest.id, batch_id)
    return download(content, "giay-chua-ky.zip", "application/zip")


async def bring(request: Request) -> Response:
    """Papers that were signed elsewhere; what became of each stands on the page."""
    contest, viewer = await asked(request, "issue_certificates")
    form = Form({})
    try:
        sent = await read_upload(request, "tep")
        brought = await uploads.take_signed(contest.id, sent.content, by=viewer.account_id)
    except Refusal as refusal:
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        return await _page(request, viewer, contest, form, status=status_of(refusal))
    return await _page(request, viewer, contest, form, brought)


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    brought: Sequence[Brought] = (),
    *,
    status: int = HTTPStatus.OK,
) -> Response:
    lists = await batch_signing.lists_of(contest.id)
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate_signing.html",
        {
            "can_sign": request.app.state.settings.has_signing_key,
            "lists": [_line(each) for each in lists],
            "brought": brought,
            "taken_count": sum(each.is_taken for each in brought),
            "form": form.for_page(),
        },
        status=status,
    )


def _line(each: SigningShown) -> dict[str, object]:
    return {
        "id": each.batch_id,
        "title": KINDS.get(each.kind, "Sửa và thu hồi"),
        "made_at": each.made_at,
        "paper_count": each.paper_count,
        "signed_count": each.signed_count,
        "outside_count": each.outside_count,
        "is_running": each.is_running,
        "fault": each.fault,
        "is_signed": each.signed_count == each.paper_count,
        "is_brought": each.outside_count == each.paper_count,
    }
