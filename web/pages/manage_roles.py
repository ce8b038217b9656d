"""Who may do what: accounts of staff, their roles over units and contests, lost passwords."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast, get_args

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from core.clock import local_day, now
from core.errors import Refusal
from core.text import clean
from people import accounts, second_factor
from people.role_holders import MOST_SHOWN, Holder, RoleOver, find_holders, get_holder
from people.roles import RoleName, UnitScope, end_role, grant_role, may
from people.sessions import Viewer
from people.unit_lookup import unit_index
from quiz.contests import ContestShown, all_contests
from web.forms import Form, read_form, whole
from web.guard import signed_in
from web.office import ROLE_NAMES, may_on, office_page, reach
from web.refusals import status_of

PAGE = "/quan-tri/vai-tro"
LARGEST_ID = 2**63 - 1
# What each role may do, for the person who chooses one.
ABOUT = {
    "admin": "Mọi việc trong phạm vi: đơn vị, người, vai trò, nhật ký",
    "organiser": "Lập cuộc thi, nhập câu hỏi, quản lý đơn vị và người; không tự duyệt",
    "author": "Soạn và nhập câu hỏi",
    "reviewer": "Thẩm định, duyệt câu hỏi",
    "approver": "Duyệt cuộc thi, chốt kết quả",
    "campaign_staff": "Chuẩn bị tin và kế hoạch tuyên truyền",
    "focal_point": "Theo dõi người dự thi của đơn vị mình",
    "leader": "Xem số liệu",
    "auditor": "Xem nhật ký thao tác",
}


async def roles(request: Request) -> Response:
    return await _list_page(request, Form({}))


async def make_account(request: Request) -> Response:
    """A new account with a password that is shown once and serves only to choose another."""
    viewer = await signed_in(request)
    form = await read_form(request)
    password = accounts.temporary_password()
    try:
        units = await unit_index(reach(viewer, "grant_roles"), on=local_day(now()))
        account_id = await accounts.make_staff(
            username=form.text("ten"),
            password=password,
            full_name=form.text("ho_ten"),
            unit_code=units.get(form.text("don_vi")).code,
            is_temporary=True,
            by=viewer.account_id,
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _list_page(request, form, status_of(refusal))
    holder = await get_holder(account_id)
    return await _holder_page(request, viewer, holder, Form({}), password=password)


async def holder(request: Request) -> Response:
    viewer, found = await _reached(request)
    return await _holder_page(request, viewer, found, Form({}))


async def grant(request: Request) -> Response:
    """Over one unit and all beneath it, or over one contest, of those that the viewer reaches."""
    viewer, found = await _reached(request)
    form = await read_form(request)
    try:
        unit_id, contest_id = await _scope(viewer, form)
        if form.text("vai_tro") not in get_args(RoleName):
            sentence = "Hãy chọn một vai trò."
            raise Refusal("bad_form", sentence, fields={"vai_tro": sentence})
        await grant_role(
            found.account_id,
            cast("RoleName", form.text("vai_tro")),
            unit_id=unit_id,
            contest_id=contest_id,
            by=viewer.account_id,
        )
    except Refusal as refusal:
        form.errors |= refusal.fields or {"": refusal.sentence}
        return await _holder_page(request, viewer, found, form, status=status_of(refusal))
    return RedirectResponse(f"{PAGE}/{found.account_id}", HTTPStatus.SEE_OTHER)


async def end(request: Request) -> Response:
    viewer, found = await _reached(request)
    number = whole(request.path_params["role"], largest=LARGEST_ID)
    contests = await _contests(viewer)
    role = next((each for each in found.roles if each.id == number), None)
    if role is None or not _may_end(viewer, role, contests):
        raise Refusal("not_found", "Không tìm thấy vai trò này.")
    try:
        await end_role(role.id, by=viewer.account_id)
    except Refusal as refusal:
        form = Form({}, {"": refusal.sentence})
        return await _holder_page(request, viewer, found, form, status=status_of(refusal))
    return RedirectResponse(f"{PAGE}/{found.account_id}", HTTPStatus.SEE_OTHER)


async def reset_password(request: Request) -> Response:
    viewer, found = await _owned(request)
    password = accounts.temporary_password()
    await accounts.set_password(found.account_id, password, by=viewer.account_id, is_temporary=True)
    return await _holder_page(request, viewer, found, Form({}), password=password)


async def reset_second_factor(request: Request) -> Response:
    viewer, found = await _owned(request)
    await second_factor.reset(found.account_id, by=viewer.account_id)
    return RedirectResponse(f"{PAGE}/{found.account_id}", HTTPStatus.SEE_OTHER)


async def _reached(request: Request) -> tuple[Viewer, Holder]:
    """The account, if the viewer grants roles to its person's unit or over what it holds."""
    viewer = await signed_in(request)
    number = whole(request.path_params["account"], largest=LARGEST_ID)
    found = await get_holder(number or 0)
    contests = await _contests(viewer)
    if not (
        _has_people_of(viewer, found.unit_path)
        or any(_may_end(viewer, role, contests) for role in found.roles)
    ):
        raise Refusal("not_found", "Không tìm thấy tài khoản này.")
    return viewer, found


async def _owned(request: Request) -> tuple[Viewer, Holder]:
    """The same, if nothing of the account lies out of reach: else a password would open more."""
    viewer, found = await _reached(request)
    if not await _is_owned(viewer, found, await _contests(viewer)):
        raise Refusal(
            "forbidden", "Tài khoản này có vai trò ngoài phạm vi của bạn, hoặc là của chính bạn."
        )
    return viewer, found


async def _is_owned(viewer: Viewer, found: Holder, contests: Sequence[ContestShown]) -> bool:
    return (
        found.username is not None
        and found.account_id != viewer.account_id
        and _has_people_of(viewer, found.unit_path)
        and all(_may_end(viewer, role, contests) for role in found.roles)
    )


def _has_people_of(viewer: Viewer, unit_path: str | None) -> bool:
    return may(viewer, "grant_roles", UnitScope(unit_path) if unit_path else None)


def _may_end(viewer: Viewer, role: RoleOver, contests: Sequence[ContestShown]) -> bool:
    if role.unit_path:
        return may(viewer, "grant_roles", UnitScope(role.unit_path))
    return any(each.id == role.contest_id for each in contests)


async def _contests(viewer: Viewer) -> list[ContestShown]:
    return [each for each in await all_contests() if may_on(viewer, "grant_roles", each)]


async def _scope(viewer: Viewer, form: Form) -> tuple[int | None, int | None]:
    slug, unit = form.text("cuoc_thi"), clean(form.text("don_vi"))
    if bool(slug) == bool(unit):
        sentence = "Hãy ghi một đơn vị, hoặc chọn một cuộc thi."
        raise Refusal("bad_role_scope", sentence, fields={"don_vi": sentence})
    if unit:
        units = await unit_index(reach(viewer, "grant_roles"), on=local_day(now()))
        return units.get(unit).id, None
    contest = next((each for each in await _contests(viewer) if each.slug == slug), None)
    if contest is None:
        sentence = "Hãy chọn một cuộc thi trong danh sách."
        raise Refusal("bad_role_scope", sentence, fields={"cuoc_thi": sentence})
    return None, contest.id


async def _list_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    viewer = await signed_in(request)
    query = request.query_params
    text, role = clean(query.get("tim", ""))[:100], query.get("vai_tro", "")
    contests = await _contests(viewer)
    found = await find_holders(
        paths=reach(viewer, "grant_roles"),
        contest_ids=[each.id for each in contests],
        text=text,
        role=role if role in ROLE_NAMES else "",
    )
    return await office_page(
        request,
        viewer,
        "manage/roles.html",
        {
            "filter": {"values": {"tim": text, "vai_tro": role}, "errors": {}},
            "roles": [{"value": name, "label": label} for name, label in ROLE_NAMES.items()],
            "holders": [_shown(viewer, each, contests) for each in found],
            "is_cut": len(found) == MOST_SHOWN,
            "form": form.for_page(),
            "may_make": bool(reach(viewer, "grant_roles")),
        },
        status=status,
    )


async def _holder_page(
    request: Request,
    viewer: Viewer,
    found: Holder,
    form: Form,
    *,
    password: str | None = None,
    status: int = HTTPStatus.OK,
) -> Response:
    contests = await _contests(viewer)
    return await office_page(
        request,
        viewer,
        "manage/role_holder.html",
        {
            "holder": _shown(viewer, found, contests),
            "password": password,
            "form": form.for_page(),
            "roles": [
                {"value": name, "label": label, "hint": ABOUT[name]}
                for name, label in ROLE_NAMES.items()
            ],
            "contests": [{"value": each.slug, "label": each.name} for each in contests],
            "may_reset": await _is_owned(viewer, found, contests),
        },
        status=status,
    )


def _shown(viewer: Viewer, found: Holder, contests: Sequence[ContestShown]) -> dict[str, Any]:
    names = {each.id: each.name for each in contests}
    return {
        "id": found.account_id,
        "name": found.full_name,
        "username": found.username,
        "phone": found.phone,
        "unit": found.unit_name,
        "has_second_factor": found.has_second_factor,
        "roles": [
            {
                "id": each.id,
                "name": ROLE_NAMES.get(each.name, each.name),
                "over": each.unit_name
                or names.get(each.contest_id or 0, f"cuộc thi {each.contest_id}"),
                "granted_at": each.granted_at,
                "granted_by": each.granted_by,
                "may_end": _may_end(viewer, each, contests),
            }
            for each in found.roles
        ],
    }
