"""What the office's pages about certificates share: their frame, their words, their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certificates.issuing import BatchShown
from certificates.lookup import CertificateShown
from certificates.numbers import url_form
from certificates.owed import KINDS
from people.sessions import Viewer
from quiz.contests import ContestShown
from web.office import may_on, office_page

LARGEST_ID = 2**63 - 1
MOST_PAGES = 20_000
STATES = {
    "issued": ("Còn hiệu lực", "ok"),
    "revoked": ("Đã thu hồi", "bad"),
    "superseded": ("Đã thay thế", "none"),
}
BATCH_STATES = {
    "in_review": ("Chờ duyệt", "warn"),
    "approved": ("Đã duyệt, sắp cấp", "warn"),
    "issuing": ("Đang cấp", "warn"),
    "done": ("Đã cấp xong", "ok"),
    "withdrawn": ("Đã rút", "none"),
}


def path_of(contest: ContestShown) -> str:
    return f"/quan-tri/cuoc-thi/{contest.slug}/chung-nhan"


def back(contest: ContestShown, place: str = "") -> Response:
    return RedirectResponse(f"{path_of(contest)}{place}", HTTPStatus.SEE_OTHER)


async def certificate_page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    template: str,
    context: Mapping[str, Any],
    *,
    status: int = HTTPStatus.OK,
) -> Response:
    """A page about a contest's certificates: what this person may do is in `may`."""
    frame = {
        "contest": {"title": contest.name, "url": f"/quan-tri/cuoc-thi/{contest.slug}"},
        "path": path_of(contest),
        "may": {
            "issue": may_on(viewer, "issue_certificates", contest),
            "approve": may_on(viewer, "approve_certificates", contest),
        },
    }
    return await office_page(
        request, viewer, template, {**frame, **context}, contest=contest, status=status
    )


def kind_choices() -> list[dict[str, str]]:
    return [{"value": value, "label": label} for value, label in KINDS.items()]


def certificate_line(each: CertificateShown) -> dict[str, Any]:
    words, tag = STATES[each.state]
    return {
        "id": each.id,
        "number": each.number,
        "kind": KINDS[each.kind],
        "name": each.printed_name,
        "unit": each.unit_name,
        "result": each.result,
        "issued_on": each.issued_on,
        "state": words,
        "tag": tag,
        "is_nameless": each.erased_at is not None,
        "paper_url": f"/chung-nhan/{url_form(each.number)}.pdf",
        "check_url": f"/chung-nhan/{url_form(each.number)}?ma={each.check_code}",
    }


def batch_line(each: BatchShown) -> dict[str, Any]:
    words, tag = BATCH_STATES[each.state]
    return {
        "id": each.id,
        "title": KINDS.get(each.kind, "Sửa, thu hồi giấy đã cấp"),
        "is_mending": each.purpose == "mend",
        "state": words,
        "tag": tag,
        "is_open": each.state in {"in_review", "approved", "issuing"},
        "is_waiting": each.state == "in_review",
        "owed_count": each.owed_count,
        "issued_count": each.issued_count,
        "skipped_count": each.skipped_count,
        "made_by": each.made_by_name,
        "made_at": each.made_at,
        "approved_by": each.approved_by_name,
        "approved_at": each.approved_at,
        "closed_at": each.closed_at,
    }


def page_links(
    path: str, number: int, total: int, a_page: int, kept: Mapping[str, Any]
) -> dict[str, Any]:
    """What manage/_pages.html needs; `kept` is the rest of the query."""
    count = max(1, -(-total // a_page))

    def url(page: int) -> str | None:
        query = urlencode({**kept, "trang": page}, doseq=True)
        return f"{path}?{query}" if 1 <= page <= count else None

    return {"number": number, "count": count, "previous": url(number - 1), "next": url(number + 1)}
