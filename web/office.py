"""What frames the pages of /quan-tri: who works there, what they may open, which file they sent?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from core.errors import Refusal
from core.office_archive import FILE_LIMIT_BYTES, MEGABYTE
from core.official_paper import DOCX
from people.persons import unit_name_of
from people.roles import ACTIONS, Action, ContestScope, may, may_somewhere
from people.sessions import Viewer
from quiz.contests import PUBLIC_STATES, ContestShown
from web.forms import LARGEST_FORM_BYTES, Form
from web.guard import signed_in
from web.render import render

MEDIA_TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
    "docx": DOCX,
    "pdf": "application/pdf",
}
MOST_UPLOAD_FIELDS = 20
ROLE_NAMES = {
    "admin": "Quản trị hệ thống",
    "organiser": "Ban Tổ chức",
    "author": "Người soạn câu hỏi",
    "reviewer": "Người thẩm định",
    "approver": "Người phê duyệt",
    "campaign_staff": "Cán bộ tuyên truyền",
    "focal_point": "Đầu mối đơn vị",
    "leader": "Lãnh đạo",
    "auditor": "Người kiểm tra",
}


@dataclass(frozen=True)
class Upload:
    """The file of an upload form, and the other fields."""

    file_name: str
    content: bytes
    form: Form
    media_type: str = ""  # as the browser says


def menu(viewer: Viewer) -> list[dict[str, str]]:
    """The doors that this person's roles open; banks belong to the whole platform."""
    doors = (
        ("home", "Toàn cảnh", "/quan-tri", may_somewhere(viewer, "see_dashboard")),
        ("bank", "Ngân hàng câu hỏi", "/quan-tri/ngan-hang", may(viewer, "see_bank", None)),
        ("contests", "Cuộc thi", "/quan-tri/cuoc-thi", may_somewhere(viewer, "see_dashboard")),
        (
            "certificates",
            "Giấy chứng nhận",
            "/quan-tri/chung-nhan",
            may(viewer, "issue_certificates", None),
        ),
        ("units", "Đơn vị", "/quan-tri/don-vi", may_somewhere(viewer, "manage_units")),
        ("people", "Người", "/quan-tri/nguoi", may_somewhere(viewer, "manage_people")),
        ("roles", "Vai trò", "/quan-tri/vai-tro", may_somewhere(viewer, "grant_roles")),
        ("audit", "Nhật ký", "/quan-tri/nhat-ky", may(viewer, "see_audit", None)),
        ("operations", "Vận hành", "/quan-tri/van-hanh", may(viewer, "see_operations", None)),
    )
    return [
        {"key": key, "label": label, "url": url} for key, label, url, is_open in doors if is_open
    ]


def reach(viewer: Viewer, action: Action) -> list[str]:
    """The units from which this person's roles for the action look down, by path."""
    allowed = ACTIONS[action]
    return [role.unit_path for role in viewer.roles if role.name in allowed and role.unit_path]


def front_door(viewer: Viewer) -> str:
    """Where somebody with these roles begins."""
    return next((door["url"] for door in menu(viewer)), "/tai-khoan")


def may_on(viewer: Viewer, action: Action, contest: ContestShown) -> bool:
    """A contest that is open to everybody is the whole platform's: no single unit holds it."""
    return may(viewer, action, ContestScope(contest.id, contest.unit_path)) or (
        not contest.unit_path and may(viewer, action, None)
    )


async def require_on(request: Request, action: Action, contest: ContestShown) -> Viewer:
    """The viewer, if their role reaches this contest; else as if it did not exist."""
    viewer = await signed_in(request)
    if not may_on(viewer, action, contest):
        raise Refusal("not_found", "Không tìm thấy trang này.")
    return viewer


def desk_pages(viewer: Viewer, contest: ContestShown) -> list[dict[str, str]]:
    """The pages about a published contest that this person may open; a draft has its desk alone."""
    if contest.state not in PUBLIC_STATES:
        return []
    path = f"/quan-tri/cuoc-thi/{contest.slug}"
    doors: tuple[tuple[str, str, str, Action], ...] = (
        ("desk", "Chuẩn bị", path, "see_dashboard"),
        ("rehearsal", "Diễn tập", f"{path}/dien-tap", "see_dashboard"),
        ("running", "Đang diễn ra", f"{path}/dang-dien-ra", "see_dashboard"),
        ("results", "Kết quả", f"{path}/ket-qua", "analyse_questions"),
        ("appeals", "Khiếu nại", f"{path}/khieu-nai", "see_results"),
        ("awards", "Giải thưởng và công bố", f"{path}/giai-thuong", "see_results"),
        ("certificates", "Giấy chứng nhận", f"{path}/chung-nhan", "see_certificates"),
        ("analysis", "Phân tích câu hỏi", f"{path}/phan-tich", "analyse_questions"),
        ("knowledge", "Bản đồ kiến thức", f"{path}/ban-do-kien-thuc", "see_dashboard"),
    )
    return [
        {"key": key, "label": label, "url": url}
        for key, label, url, action in doors
        if may_on(viewer, action, contest)
    ]


async def office_page(
    request: Request,
    viewer: Viewer,
    template: str,
    context: Mapping[str, Any],
    *,
    contest: ContestShown | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    """A page of the office; one that is about a contest leads to the other pages about it."""
    roles = dict.fromkeys(ROLE_NAMES.get(role.name, role.name) for role in viewer.roles)
    frame: dict[str, Any] = {
        "account": {
            "name": viewer.shown_name,
            "role": ", ".join(roles),
            "unit": await unit_name_of(viewer.person_id),
        },
        "menu": menu(viewer),
    }
    if contest is not None:
        frame["desk"] = {
            "url": f"/quan-tri/cuoc-thi/{contest.slug}",
            "pages": desk_pages(viewer, contest),
        }
    return render(request, template, {**frame, **context}, status=status)


async def read_upload(
    request: Request,
    field: str,
    *,
    is_required: bool = True,
    most_fields: int = MOST_UPLOAD_FIELDS,
) -> Upload:
    """One file of at most 10 MB, counted as it comes in; refuses a form that lacks a required one."""
    left_bytes = FILE_LIMIT_BYTES + LARGEST_FORM_BYTES

    async def receive() -> Message:
        nonlocal left_bytes
        message = await request.receive()
        left_bytes -= len(message.get("body", b""))
        if left_bytes < 0:
            sentence = f"Tệp lớn hơn {FILE_LIMIT_BYTES // MEGABYTE} MB. Hãy chia nhỏ tệp."
            raise Refusal("too_large", sentence, fields={field: sentence})
        return message

    counted = Request(request.scope, receive)
    try:
        async with counted.form(
            max_files=1, max_fields=most_fields, max_part_size=LARGEST_FORM_BYTES
        ) as fields:
            values: dict[str, list[str]] = {}
            for name, value in fields.multi_items():
                if isinstance(value, str):
                    # PostgreSQL keeps no NUL, and nobody types one.
                    values.setdefault(name, []).append(value.replace("\0", ""))
            file = fields.get(field)
            content = await file.read() if isinstance(file, UploadFile) else b""
            file_name = (file.filename or "") if isinstance(file, UploadFile) else ""
            media_type = (file.content_type or "") if isinstance(file, UploadFile) else ""
    except HTTPException as error:  # Starlette's word for a body that is no form
        raise Refusal("bad_form", "Không đọc được nội dung gửi lên. Hãy thử lại.") from error
    if is_required and not content:
        sentence = "Hãy chọn tệp có dữ liệu."
        raise Refusal("no_file", sentence, fields={field: sentence})
    return Upload(file_name[:100], content, Form(values), media_type)


def download(content: bytes, file_name: str, media_type: str = "") -> Response:
    """A file to keep, of the type that its name says unless the caller knows it."""
    return Response(
        content,
        media_type=media_type or MEDIA_TYPES[file_name.rpartition(".")[2]],
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        },
    )


def zip_download(content: AsyncIterator[bytes], file_name: str) -> Response:
    """A ZIP file that grows while it is sent."""
    return StreamingResponse(
        content,
        media_type="application/zip",
        headers={
            "Content-Disposition": f'attachment; filename="{file_name}"',
            "Cache-Control": "no-store",
        },
    )
