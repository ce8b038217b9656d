"""The certificates of a contest: find one, read its history, revoke it or put a right one in its place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from certificates import changing, issuing, lookup
from certificates.changing import Change
from certificates.lookup import PAGE_LINES, CertificateFilter, CertificateShown
from core.clock import now
from core.errors import Refusal
from people.sessions import Viewer
from quiz.contests import ContestShown
from web.certificate_desk import (
    LARGEST_ID,
    MOST_PAGES,
    STATES,
    back,
    batch_line,
    certificate_line,
    certificate_page,
    kind_choices,
    page_links,
    path_of,
)
from web.contest_desk import asked, note_refusal
from web.forms import Form, read_form, whole

EVENTS = {
    "issued": "Cấp",
    "corrected": "Cấp thay cho giấy trước",
    "revoked": "Thu hồi",
    "superseded": "Được thay bằng giấy khác",
    "erased": "Xóa tên theo yêu cầu của người được cấp",
    "signed": "Ký số",
    "downloaded": "Tải về lần đầu",
}
_REASONS = {"reason": "ly_do", "public_reason": "ly_do_cong_khai"}
_FIELDS = {"printed_name": "ten", "unit_name": "don_vi", "result": "ket_qua"}


async def certificates(request: Request) -> Response:
    contest, viewer = await asked(request, "see_certificates")
    query = Form({name: [value] for name, value in request.query_params.items()})
    kept = {name: query.text(name)[:100] for name in ("tim", "loai", "trang_thai")}
    wanted = CertificateFilter(
        contest_id=contest.id, text=kept["tim"], kind=kept["loai"], state=kept["trang_thai"]
    )
    number = max(1, whole(query.text("trang"), largest=MOST_PAGES) or 1)
    found, total = await lookup.find_certificates(wanted, page=number)
    counts = await lookup.state_counts(contest.id)
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificates.html",
        {
            "as_of": now(),
            "counts": [
                {"label": words, "value": counts.get(state, 0)}
                for state, (words, _) in STATES.items()
            ],
            "batches": [batch_line(each) for each in await issuing.batches_of(contest.id)],
            "certificates": [certificate_line(each) for each in found],
            "total": total,
            "is_filtered": any(kept.values()),
            "kinds": kind_choices(),
            "states": [{"value": key, "label": words} for key, (words, _) in STATES.items()],
            "form": {"values": kept, "errors": {}},
            "pages": page_links(path_of(contest), number, total, PAGE_LINES, kept),
        },
    )


async def certificate(request: Request) -> Response:
    contest, viewer = await asked(request, "see_certificates")
    found = await _chosen(request, contest)
    return await _page(request, viewer, contest, found, Form({}))


async def revoke(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    found = await _chosen(request, contest)
    form = await read_form(request)
    try:
        await changing.revoke(
            found.id,
            reason=form.text("ly_do"),
            public_reason=form.text("ly_do_cong_khai"),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        form.values["viec"] = ["thu-hoi"]
        status = note_refusal(request, form, refusal, _REASONS)
        return await _page(request, viewer, contest, found, form, status)
    return back(contest, f"/giay/{found.id}")


async def correct(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    found = await _chosen(request, contest)
    form = await read_form(request)
    try:
        new_id = await changing.correct(
            found.id,
            Change(
                printed_name=form.text("ten"),
                unit_name=form.text("don_vi"),
                result=form.text("ket_qua"),
            ),
            reason=form.text("ly_do_sua"),
            public_reason=form.text("ly_do_sua_cong_khai"),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        form.values["viec"] = ["sua"]
        names = {
            **_FIELDS,
            "reason": "ly_do_sua",
            "public_reason": "ly_do_sua_cong_khai",
        }
        status = note_refusal(request, form, refusal, names)
        return await _page(request, viewer, contest, found, form, status)
    return back(contest, f"/giay/{new_id}")


async def _chosen(request: Request, contest: ContestShown) -> CertificateShown:
    found = await lookup.get(whole(request.path_params["certificate"], largest=LARGEST_ID) or 0)
    if found.contest_id != contest.id:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    return found


async def _page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    found: CertificateShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    form.values.setdefault("ten", [found.printed_name])
    form.values.setdefault("don_vi", [found.unit_name])
    form.values.setdefault("ket_qua", [found.result])
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate.html",
        {
            "certificate": {**certificate_line(found), **_more(contest, found)},
            "events": [
                {
                    "words": EVENTS.get(each.action, each.action),
                    "reason": each.reason,
                    "public_reason": each.public_reason,
                    "by": each.by_name,
                    "at": each.happened_at,
                }
                for each in await lookup.events_of(found.id)
            ],
            "form": form.for_page(),
            "opened": form.text("viec"),
        },
        status=status,
    )


def _more(contest: ContestShown, found: CertificateShown) -> dict[str, Any]:
    path = path_of(contest)
    return {
        "public_reason": found.public_reason,
        "state_at": found.state_at,
        "check_code": found.check_code,
        "batch_url": f"{path}/danh-sach/{found.batch_id}",
        "by": {
            "number": found.superseded_by_number,
            "url": f"{path}/giay/{found.superseded_by_id}",
        }
        if found.superseded_by_id
        else None,
        "of": {"number": found.replaces_number, "url": f"{path}/giay/{found.replaces_id}"}
        if found.replaces_id
        else None,
        "may_revoke": found.state == "issued",
        "may_correct": found.superseded_by_id is None and found.erased_at is None,
        "is_revoked": found.state == "revoked",
    }
