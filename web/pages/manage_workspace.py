"""The parts of a draft that are changed on its one page: what it is, divisions, ranking."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from core.errors import Refusal
from core.text import clean
from people.sessions import Viewer
from quiz import contest_editing, contest_making
from quiz.contest_editing import moved, with_prediction
from quiz.contests import ContestShown
from web.contest_desk import asked, note_refusal, number_of, saved, unit_of
from web.contest_workspace import workspace
from web.forms import Form, read_form, whole

OLDEST_AGE = 120
LONGEST_FREEZE_MINUTES = 10_080  # a week
LARGEST_ID = 2**63 - 1
LONGEST_CODE = 40
_BASICS = {
    "name": "ten", "slug": "duong_dan", "summary": "tom_tat", "audience": "doi_tuong",
    "organiser": "ben_to_chuc", "unit": "don_vi", "youngest_age": "tuoi_tu",
    "oldest_age": "tuoi_den", "review": "xem_lai", "board_freeze_seconds": "khoa_bang",
}  # fmt: skip
_DIVISION = {"name": "bang_ten", "code": "bang_ma"}
_RANKING = {"comparators": "tieu_chi", "prediction": "du_doan"}


async def edit_basics(request: Request) -> Response:
    found, viewer = await asked(request)
    form = await read_form(request)
    try:
        await _edit_basics(found, viewer, form)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _BASICS)
        return await workspace(request, viewer, found, form, status)
    slug = clean(form.text("duong_dan"))
    return saved(request, found, "#gioi-thieu", slug=slug)


async def _edit_basics(found: ContestShown, viewer: Viewer, form: Form) -> None:
    same_unit = form.text("don_vi") == str(found.unit_id or "")
    await contest_editing.edit_contest(
        found.id,
        slug=clean(form.text("duong_dan")),
        name=form.text("ten"),
        summary=form.text("tom_tat"),
        audience=form.text("doi_tuong"),
        organiser=form.text("ben_to_chuc"),
        unit_id=found.unit_id if same_unit else await unit_of(form, "don_vi", viewer),
        youngest_age=number_of(form, "tuoi_tu", largest=OLDEST_AGE),
        oldest_age=number_of(form, "tuoi_den", largest=OLDEST_AGE),
        is_by_list=bool(form.text("theo_danh_sach")),
        is_one_prize=bool(form.text("mot_giai")),
        review=form.text("xem_lai"),
        board_freeze_seconds=60
        * (number_of(form, "khoa_bang", largest=LONGEST_FREEZE_MINUTES) or 0),
        by=viewer.account_id,
    )


async def add_division(request: Request) -> Response:
    found, viewer = await asked(request)
    form = await read_form(request)
    name = clean(form.text("bang_ten"))
    try:
        if not name:
            sentence = "Hãy ghi tên bảng."
            raise Refusal("bad_division", sentence, fields={"name": sentence})
        code = clean(form.text("bang_ma")) or contest_making.suggest_slug(name)[:LONGEST_CODE]
        await contest_making.add_division(found.id, code=code, name=name, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _DIVISION)
        return await workspace(request, viewer, found, form, status)
    return saved(request, found, "#bang")


async def change_division(request: Request) -> Response:
    """Rename a division or take it out."""
    found, viewer = await asked(request)
    form = await read_form(request)
    wanted = whole(request.path_params["division"], largest=LARGEST_ID)
    chosen = next((each for each in found.divisions if each.id == wanted), None)
    try:
        if chosen is None:
            raise Refusal("not_found", "Không tìm thấy bảng dự thi này.")
        if form.text("viec") == "xoa":
            await contest_editing.remove_division(chosen.id, by=viewer.account_id)
        else:
            await contest_editing.rename_division(
                chosen.id, form.text("ten_bang"), by=viewer.account_id
            )
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, {"name": f"bang-{wanted}"})
        return await workspace(request, viewer, found, Form({}, form.errors), status)
    return saved(request, found, "#bang")


async def change_ranking(request: Request) -> Response:
    """One button moves, adds or takes out a criterion; the list beside it says what people predict."""
    found, viewer = await asked(request)
    form = await read_form(request)
    try:
        prediction = form.text("du_doan")
        order = with_prediction(_order(form, found), prediction)
        await contest_editing.set_ranking(found.id, order, prediction, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _RANKING)
        return await workspace(request, viewer, found, form, status)
    return saved(request, found, "#xep-hang")


def _order(form: Form, found: ContestShown) -> list[str]:
    order = form.values.get("tieu_chi") or list(found.comparators)
    if form.text("len"):
        return moved(order, form.text("len"), up=True)
    if form.text("xuong"):
        return moved(order, form.text("xuong"), up=False)
    if form.text("bo"):
        return [name for name in order if name != form.text("bo")]
    return [*order, *form.values.get("them", ())]
