"""Lists of certificates: look who is owed one, propose, approve as a second person, mend what fell."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from certificates import books, changing, issuing, owed
from certificates.issuing import Proposal
from certificates.listing import PAGE_LINES, Counts, lines_of
from certificates.owed import KINDS, PRIZE_KINDS, STATEMENTS, USUAL_TITLE, Rule, result_text
from core.clock import local_day, now
from core.errors import Refusal
from people.sessions import Viewer
from quiz.contests import ContestShown
from quiz.prizes import prize_sentence, prizes_of
from web.certificate_desk import (
    LARGEST_ID,
    MOST_PAGES,
    back,
    batch_line,
    certificate_page,
    kind_choices,
    page_links,
    path_of,
)
from web.contest_desk import asked, note_refusal, number_of
from web.forms import Form, read_form, whole

MOST_MENDED = 2000
LARGEST_FORM_BYTES, MOST_FIELDS = 256 * 1024, 3000
MOST_WHOLE_POINTS = 1000
_FIELDS = {
    "kind": "loai", "percent": "ty_le", "points": "diem", "title": "ten_giay", "round": "dot",
    "statement": "cau", "series": "so", "signer": "nguoi_ky", "design": "mau", "prizes": "giai",
}  # fmt: skip
_RULE_FIELDS = ("loai", "dot", "ty_le", "diem", "giai", "co_ket_qua")
SKIPPED = {
    "has_one": "đã có giấy",
    "not_owed": "không còn đủ điều kiện",
    "holds_again": "giấy lại đúng",
}


async def draft(request: Request) -> Response:
    """Choose whom for, see the list, and fill in what is printed."""
    contest, viewer = await asked(request, "issue_certificates")
    form = Form(
        {name: request.query_params.getlist(name) for name in set(request.query_params.keys())}
    )
    return await _draft_page(request, viewer, contest, form)


async def propose(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    form = await read_form(request)
    try:
        batch_id = await issuing.propose(contest.id, _proposal(form), by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal, _FIELDS)
        return await _draft_page(request, viewer, contest, form, status)
    return back(contest, f"/danh-sach/{batch_id}")


async def batch(request: Request) -> Response:
    contest, viewer = await asked(request, "see_certificates")
    return await _batch_page(request, viewer, contest, Form({}))


async def approve(request: Request) -> Response:
    contest, viewer = await asked(request, "approve_certificates")
    batch_id = (await _chosen(request, contest)).id
    form = await read_form(request)
    try:
        await issuing.approve(batch_id, by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _batch_page(request, viewer, contest, form, status)
    return back(contest, f"/danh-sach/{batch_id}")


async def withdraw(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    batch_id = (await _chosen(request, contest)).id
    form = await read_form(request)
    try:
        await issuing.withdraw(batch_id, form.text("ly_do")[:500], by=viewer.account_id)
    except Refusal as refusal:
        status = note_refusal(request, form, refusal)
        return await _batch_page(request, viewer, contest, form, status)
    return back(contest)


async def outdated(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    return await _outdated_page(request, viewer, contest, Form({}))


async def propose_mending(request: Request) -> Response:
    contest, viewer = await asked(request, "issue_certificates")
    form = await read_form(request, largest_bytes=LARGEST_FORM_BYTES, most_fields=MOST_FIELDS)
    chosen = [whole(each, largest=LARGEST_ID) for each in form.values.get("chon", [])]
    try:
        batch_id = await changing.propose_mending(
            contest.id,
            [each for each in chosen if each is not None],
            reason=form.text("ly_do"),
            public_reason=form.text("ly_do_cong_khai"),
            by=viewer.account_id,
        )
    except Refusal as refusal:
        names = {"reason": "ly_do", "public_reason": "ly_do_cong_khai"}
        status = note_refusal(request, form, refusal, names)
        return await _outdated_page(request, viewer, contest, form, status)
    return back(contest, f"/danh-sach/{batch_id}")


def _rule(form: Form) -> Rule:
    kind = form.text("loai")
    points = number_of(form, "diem", largest=MOST_WHOLE_POINTS)
    return Rule(
        kind=kind,
        round_id=number_of(form, "dot", largest=LARGEST_ID),
        percent=number_of(form, "ty_le", largest=owed.WHOLE_PERCENT) if kind == "pass" else None,
        points=points * owed.POINT if points is not None and kind == "pass" else None,
        prize_ids=_prize_ids(form) if kind in PRIZE_KINDS else (),
        has_result=bool(form.text("co_ket_qua")) and kind not in PRIZE_KINDS,
    )


def _prize_ids(form: Form) -> tuple[int, ...]:
    chosen = (whole(each, largest=LARGEST_ID) for each in form.values.get("giai", []))
    return tuple(each for each in chosen if each)


def _proposal(form: Form) -> Proposal:
    return Proposal(
        rule=_rule(form),
        design_version_id=whole(form.text("mau"), largest=LARGEST_ID) or 0,
        series_id=whole(form.text("so"), largest=LARGEST_ID) or 0,
        signer_id=whole(form.text("nguoi_ky"), largest=LARGEST_ID) or 0,
        title=form.text("ten_giay"),
        statement=form.text("cau"),
    )


async def _draft_page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    found: dict[str, Any] | None = None
    if form.text("loai") in KINDS:
        try:
            found = await _found(contest, form)
        except Refusal as refusal:
            status = note_refusal(request, form, refusal, _FIELDS)
        form.values.setdefault("ten_giay", [USUAL_TITLE])
        form.values.setdefault("cau", [STATEMENTS[form.text("loai")]])
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate_draft.html",
        {
            "kinds": kind_choices(),
            "rounds": [{"value": each.id, "label": each.name} for each in contest.rounds],
            "prizes": [
                {
                    "value": each.id,
                    "label": prize_sentence(each),
                    "is_chosen": str(each.id) in form.values.get("giai", []),
                }
                for each in await prizes_of(contest.id)
                if each.kind == PRIZE_KINDS.get(form.text("loai"))
            ],
            "kind": form.text("loai"),
            "is_prize": form.text("loai") in PRIZE_KINDS,
            "found": found,
            "due": [] if form.text("loai") else await _due(contest),
            "kept": [
                {"name": name, "value": value}
                for name in _RULE_FIELDS
                for value in form.values.get(name, [])
            ],
            **await _choices(),
            "form": form.for_page(),
        },
        status=status,
    )


async def _due(contest: ContestShown) -> list[dict[str, Any]]:
    """How many still lack a certificate of each kind; a pass mark has to be said first."""
    return [
        {
            "kind": words,
            "count": (await issuing.preview(contest.id, Rule(kind=kind))).counts.owed_count,
            "url": f"{path_of(contest)}/lap?loai={kind}",
        }
        for kind, words in KINDS.items()
        if kind != "pass"
    ]


async def _choices() -> dict[str, Any]:
    year = local_day(now()).year
    return {
        "series": [
            {
                "value": each.id,
                "label": f"{each.symbol}, năm {each.year}: tiếp theo {each.next_number}",
            }
            for each in await books.series_shown()
            if each.year == year
        ],
        "signers": [
            {"value": each.id, "label": f"{each.name}, {each.title}, {each.issuer}"}
            for each in await books.signers_shown()
        ],
        "designs": [
            {"value": each.version_id, "label": each.name} for each in await books.designs_shown()
        ],
    }


async def _found(contest: ContestShown, form: Form) -> dict[str, Any]:
    rule = _rule(form)
    number = max(1, whole(form.text("trang"), largest=MOST_PAGES) or 1)
    preview = await issuing.preview(contest.id, rule, page=number)
    today = local_day(now())
    kept = {name: form.values[name] for name in _RULE_FIELDS if form.text(name)}
    return {
        "count": preview.counts.owed_count,
        "notes": _notes(preview.counts),
        "lines": [
            {
                "name": each.name,
                "unit": each.unit_name,
                "result": result_text(rule, each),
                "warnings": [owed.WARNINGS[code] for code in owed.warnings(each, today)],
            }
            for each in preview.lines
        ],
        "pages": page_links(
            f"{path_of(contest)}/lap", number, preview.counts.owed_count, PAGE_LINES, kept
        ),
    }


def _notes(counts: Counts) -> list[str]:
    """What is worth knowing about the list, in words; what is none is not told."""
    told = (
        (counts.waiting_round_count, "đợt thi chưa có kết quả chính thức nên chưa tính"),
        (counts.has_one_count, "người hoặc đơn vị đã có giấy loại này, không cấp lại"),
        (counts.nameless_count, "người không có tên, không cấp được"),
        (counts.erased_count, "người đã yêu cầu xóa dữ liệu, không cấp"),
        (counts.long_name_count, f"tên dài hơn {owed.LONG_NAME} chữ, nên xem trước bản in"),
        (
            counts.ended_unit_count,
            "người thuộc đơn vị đã kết thúc hoặc sáp nhập, in tên đơn vị lúc thi",
        ),
    )
    return [f"{count} {words}." for count, words in told if count]


async def _chosen(request: Request, contest: ContestShown) -> issuing.BatchShown:
    found = await issuing.get_batch(whole(request.path_params["batch"], largest=LARGEST_ID) or 0)
    if found.contest_id != contest.id:
        raise Refusal("not_found", "Không tìm thấy danh sách này.")
    return found


async def _batch_page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    found = await _chosen(request, contest)
    number = max(1, whole(request.query_params.get("trang", ""), largest=MOST_PAGES) or 1)
    path = f"{path_of(contest)}/danh-sach/{found.id}"
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate_batch.html",
        {
            "batch": {
                **batch_line(found),
                "url": path,
                "printed_title": found.title,
                "statement": found.statement,
                "series": f"{found.series_symbol}/{found.series_year}" if found.series_year else "",
                "signer": found.signer_name,
                "design": found.design_name,
                "reason": found.reason,
                "public_reason": found.public_reason,
                "rule": "" if found.purpose == "mend" else _rule_words(contest, found.rule),
                "is_own": found.made_by_id == viewer.account_id,
            },
            "lines": [
                {
                    "name": each.name,
                    "unit": each.unit_name,
                    "result": each.result,
                    "deed": {"correct": "cấp lại cho đúng", "revoke": "thu hồi"}.get(each.deed, ""),
                    "old_number": each.old_number,
                    "number": each.number,
                    "url": f"{path_of(contest)}/giay/{each.certificate_id}"
                    if each.certificate_id
                    else None,
                    "skipped": SKIPPED.get(each.skipped_because, ""),
                }
                for each in await lines_of(found.id, page=number)
            ],
            "pages": page_links(path, number, found.owed_count, PAGE_LINES, {}),
            "form": form.for_page(),
        },
        status=status,
    )


def _rule_words(contest: ContestShown, kept: Any) -> str:
    rule = owed.from_json(kept)
    names = {each.id: each.name for each in contest.rounds}
    points = f"{rule.points // owed.POINT} điểm" if rule.points else ""
    parts = (
        names.get(rule.round_id, "") if rule.round_id else "mọi đợt đã có kết quả chính thức",
        f"từ {rule.percent}% số điểm trở lên" if rule.percent else "",
        f"từ {points} trở lên" if points else "",
        f"{len(rule.prize_ids)} loại giải đã chọn" if rule.prize_ids else "",
        "in kết quả bài thi" if rule.has_result else "",
    )
    return ", ".join(filter(None, parts))


async def _outdated_page(
    request: Request,
    viewer: Viewer,
    contest: ContestShown,
    form: Form,
    status: int = HTTPStatus.OK,
) -> Response:
    found = await changing.find_outdated(contest.id)
    is_open = any(
        each.purpose == "mend" and each.state in {"in_review", "approved", "issuing"}
        for each in await issuing.batches_of(contest.id)
    )
    typed = form.values.get("chon")
    return await certificate_page(
        request,
        viewer,
        contest,
        "manage/certificate_outdated.html",
        {
            "as_of": now(),
            "total": len(found),
            "is_open": is_open,
            "lines": [
                {
                    "id": each.certificate_id,
                    "number": each.number,
                    "kind": KINDS[each.kind],
                    "name": each.printed_name,
                    "unit": each.unit_name,
                    "result": each.result,
                    "right_result": each.right_result,
                    "is_revoked": each.deed == "revoke",
                    "is_chosen": typed is None or str(each.certificate_id) in typed,
                    "url": f"{path_of(contest)}/giay/{each.certificate_id}",
                }
                for each in found[:MOST_MENDED]
            ],
            "form": form.for_page(),
        },
        status=status,
    )
