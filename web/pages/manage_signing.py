"""The office signs its certificates: with the platform's key, or elsewhere and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from certificates import batch_signing, bundles, parcels
from certificates.batch_signing import SigningShown
from certificates.bundles import UnsignedPart
from certificates.owed import KINDS
from core.errors import Refusal
from people.sessions import Viewer
from quiz.contests import ContestShown
from web.certificate_desk import LARGEST_ID, back, certificate_page, path_of
from web.contest_desk import asked
from web.forms import Form, read_form, whole
from web.office import zip_download
from web.refusals import status_of
from web.render import is_part, render
from web.streamed_upload import read_files

LARGEST_PART = 10_000
PLACE = "/ky-so"


async def page(request: Request) -> Response:
    """The whole page, or for htmx what came back, which refreshes itself."""
    contest, viewer = await asked(request, "issue_certificates")
    if is_part(request):
        came = {"came": await _came(request, contest)}
        response = render(request, "manage/_certificate_parcels.html", came)
    else:
        response = await _page(request, viewer, contest, Form({}))
    response.headers.add_vary_header("HX-Request")
    return response


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
    """A part of a list's papers, to be signed elsewhere, in a ZIP that grows while it is sent."""
    contest, _ = await asked(request, "issue_certificates")
    query = request.query_params
    batch_id = whole(query.get("danh_sach", ""), largest=LARGEST_ID) or 0
    part = whole(query.get("phan", "1"), largest=LARGEST_PART) or 0
    found = await bundles.find_unsigned(contest.id, batch_id, part)
    return zip_download(bundles.as_zip(found, "plain"), f"giay-chua-ky-{part}.zip")


async def bring(request: Request) -> Response:
    """Papers that were signed elsewhere, as many as there are; the page tells what becomes of them."""
    contest, viewer = await asked(request, "issue_certificates")
    sending = parcels.Sending(contest.id, by=viewer.account_id)
    try:
        async for piece in read_files(request, "tep", largest_bytes=parcels.LARGEST_BYTES):
            if piece.is_first:
                await sending.begin(piece.file_name)
            await sending.add(piece.content)
        await sending.finish()
    except Refusal as refusal:
        await sending.drop()
        form = Form({}, refusal.fields or {"tep": refusal.sentence})
        return await _page(request, viewer, contest, form, status=status_of(refusal))
    except ClientDisconnect:
        await sending.drop()
        raise
    return back(contest, PLACE)


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    *,
    status: int = HTTPStatus.OK,
) -> Response:
    lists, parts = (
        await batch_signing.lists_of(contest.id),
        await bundles.unsigned_parts(contest.id),
    )
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate_signing.html",
        {
            "can_sign": request.app.state.settings.has_signing_key,
            "lists": [_line(each, parts.get(each.batch_id, ())) for each in lists],
            "came": await _came(request, contest),
            "form": form.for_page(),
        },
        status=status,
    )


async def _came(request: Request, contest: ContestShown) -> dict[str, object]:
    """What came back; of the parcel that was asked for, or the last such one, what was not taken."""
    shown = await parcels.parcels_of(contest.id)
    wanted = whole(request.query_params.get("goi", ""), largest=LARGEST_ID)
    troubled = [each for each in shown if each.refused_count]
    chosen = next((each for each in troubled if each.id == wanted), next(iter(troubled), None))
    return {
        "url": f"{path_of(contest)}{PLACE}",
        "asked_for": wanted,
        "parcels": shown,
        "is_busy": any(each.state == "waiting" for each in shown),
        "chosen": chosen,
        "refused": await parcels.refused_of(chosen.id) if chosen else [],
    }


def _line(each: SigningShown, parts: Sequence[UnsignedPart]) -> dict[str, object]:
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
        "parts": [part for part in parts if part.waiting_count],
        "is_one_part": len(parts) == 1,
    }
