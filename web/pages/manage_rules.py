"""The rules of a contest: written, composed from the settings, shown before, published, signed."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from core.clock import local_day, now
from core.errors import Refusal
from core.text import clean_lines
from people.sessions import Viewer
from people.units import units_beneath
from quiz import attachments, contest_making
from quiz.contest_draft import why_fixed
from quiz.contests import ContestShown, RulesShown, rules_of
from quiz.prizes import prizes_of
from quiz.rules_draft import RulesFacts, compose_rules, with_ranking
from web.contest_desk import asked, desk_page, note_refusal, saved, with_defaults
from web.contest_workspace import workspace
from web.forms import Form, whole
from web.office import read_upload
from web.rules_html import LARGEST_VERSION, pdf_response, sections

_FIELDS = {"body": "noi_dung", "change_note": "thay_doi", "attachment": "tep"}


async def rules_page(request: Request) -> Response:
    found, viewer = await asked(request, "see_dashboard")
    return await _page(request, viewer, found, Form({}))


async def change_rules(request: Request) -> Response:
    """Publish what was typed; or only show it, or write the settings into it."""
    found, viewer = await asked(request)
    form = Form({})
    try:
        upload = await read_upload(request, "tep", is_required=False)
        form = upload.form
        deed = form.text("viec")
        if deed in {"xem", "soan", "xep_hang"}:
            form.values["noi_dung"] = [await _text(deed, form, found)]
            return await _page(request, viewer, found, form, is_preview=True)
        attachment_id = (
            await attachments.keep_pdf(
                found.id, upload.file_name, upload.content, by=viewer.account_id
            )
            if upload.content
            else None
        )
        await contest_making.publish_rules(
            found.id,
            form.text("noi_dung"),
            form.text("thay_doi"),
            by=viewer.account_id,
            attachment_id=attachment_id,
        )
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _page(request, viewer, found, form, status=status)
    return saved(request, found, "#the-le")


async def compose(request: Request) -> Response:
    """Publish the text that the settings make, without a look at the editor: the short way."""
    found, viewer = await asked(request)
    fixed = why_fixed(found.state)
    try:
        if fixed is not None:
            raise Refusal("not_draft", fixed)
        await contest_making.publish_rules(
            found.id, await _composed(found), "Soạn từ cấu hình", by=viewer.account_id
        )
    except Refusal as refusal:
        form = Form({})
        status = note_refusal(request, form, refusal)
        return await workspace(request, viewer, found, form, status)
    return saved(request, found, "#the-le")


async def rules_pdf(request: Request) -> Response:
    """The signed file of any version, for those who review the contest before it is public."""
    found, _ = await asked(request, "see_dashboard")
    version = whole(request.path_params["version"], largest=LARGEST_VERSION)
    return await pdf_response(found, version)


async def _text(deed: str, form: Form, found: ContestShown) -> str:
    if deed == "soan":
        return await _composed(found)
    typed = clean_lines(form.text("noi_dung"))
    return with_ranking(typed, found) if deed == "xep_hang" else typed


async def _composed(found: ContestShown) -> str:
    units = await units_beneath([found.unit_path], on=local_day(now())) if found.unit_id else []
    name = next((each.name for each in units if each.id == found.unit_id), None)
    return compose_rules(RulesFacts(found, await prizes_of(found.id), name))


async def _page(
    request: Request,
    viewer: Viewer,
    found: ContestShown,
    form: Form,
    *,
    is_preview: bool = False,
    status: int = HTTPStatus.OK,
) -> Response:
    versions = [await rules_of(found.id, version) for version in range(found.rules_version, 0, -1)]
    body = versions[0].body if versions else ""
    return await desk_page(
        request,
        viewer,
        found,
        "manage/rules.html",
        {
            "versions": [_version(found, each) for each in versions],
            "may_change": found.state in {"draft", "approved"},
            "needs_note": found.state == "approved",
            "preview": sections(form.text("noi_dung")) if is_preview else None,
            "current": sections(body),
            "form": with_defaults(form, {"noi_dung": body}),
        },
        status=status,
    )


def _version(found: ContestShown, each: RulesShown) -> dict[str, object]:
    return {
        "version": each.version,
        "published_at": each.published_at,
        "change_note": each.change_note,
        "pdf": f"/quan-tri/cuoc-thi/{found.slug}/the-le/{each.version}.pdf"
        if each.attachment_name
        else None,
    }
