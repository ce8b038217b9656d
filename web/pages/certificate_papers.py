"""The papers themselves: for their holders, for whoever has the code, and for those who print."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from certificates import bundles, lookup, printing
from certificates.lookup import CertificateShown
from certificates.owed import KINDS
from core.errors import Refusal
from core.settings import settings
from web.asking_limits import FILES, WRONG, limits_of
from web.certificate_desk import LARGEST_ID
from web.contest_desk import asked
from web.forms import Form, whole
from web.guard import signed_in, viewer_of
from web.office import download, zip_download

LONGEST_TYPED = 100


async def paper(request: Request) -> Response:
    """For the holder's session, or with the check code that stands on the paper."""
    found = await _held(request) or await _by_code(request)
    if found is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này. Hãy kiểm tra lại số và mã.")
    made = await printing.paper(found.id)
    response = download(made.content, made.file_name)
    response.headers["Content-Disposition"] = f'inline; filename="{made.file_name}"'
    return response


async def share(request: Request) -> Response:
    """A picture for social networks, with the name and the result only if the holder ticks them."""
    viewer = await signed_in(request)
    certificate_id = whole(request.path_params["certificate"], largest=LARGEST_ID) or 0
    if not await lookup.is_holder(certificate_id, viewer.person_id):
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    chosen = request.query_params
    picture = await printing.share_picture(
        certificate_id,
        settings().site_organiser,
        with_name="ten" in chosen,
        with_result="ket_qua" in chosen,
    )
    return download(picture, "giay-chung-nhan.png", "image/png")


async def office_paper(request: Request) -> Response:
    contest, _ = await asked(request, "see_certificates")
    certificate_id = whole(request.path_params["certificate"], largest=LARGEST_ID)
    found = await lookup.get(certificate_id or 0)
    if found.contest_id != contest.id:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    made = await printing.paper(found.id)
    return download(made.content, made.file_name)


async def archive(request: Request) -> Response:
    """All papers, or a unit's, in one ZIP that grows while it is sent."""
    found = await _bundled(request)
    if not found:
        raise Refusal("not_found", "Không có giấy chứng nhận nào còn hiệu lực theo lựa chọn này.")
    return zip_download(bundles.as_zip(found), "giay-chung-nhan.zip")


async def sheets(request: Request) -> Response:
    return download(await bundles.as_sheets(await _bundled(request)), "giay-chung-nhan-in.pdf")


async def _bundled(request: Request) -> list[bundles.Bundled]:
    contest, _ = await asked(request, "see_certificates")
    query = Form({name: [value] for name, value in request.query_params.items()})
    kind = query.text("loai")
    return await bundles.find_bundled(
        contest.id,
        unit_id=whole(query.text("don_vi"), largest=LARGEST_ID),
        kind=kind if kind in KINDS else "",
        batch_id=whole(query.text("danh_sach"), largest=LARGEST_ID),
    )


async def _held(request: Request) -> CertificateShown | None:
    viewer = await viewer_of(request)
    if viewer is None:
        return None
    return await lookup.find_held(viewer.person_id, request.path_params["number"])


async def _by_code(request: Request) -> CertificateShown | None:
    """Counted as a question to the check page is: a paper tells what that page tells."""
    code = request.query_params.get("ma", "")[:LONGEST_TYPED]
    if not code:
        return None
    limits = limits_of(request)
    await limits.look(request, WRONG, "wrong")
    await limits.count(request, FILES, "papers")
    number = request.path_params["number"][:LONGEST_TYPED]
    found = await lookup.find_by_number(number, code)
    if found is None:
        await limits.count(request, WRONG, "wrong")
    return found.certificate if found else None
