"""Is this certificate real? For whoever holds a paper, a PDF file or a QR code, with or without a network."""

from __future__ import annotations

import asyncio
import hashlib
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from certificates import keys, lookup, payload, uploads
from certificates.lookup import Checked
from certificates.numbers import url_form
from certificates.owed import KINDS
from core import clock
from core.errors import Refusal
from core.text import clean
from web.asking_limits import ASKED, FILES, WRONG, limits_of
from web.assets import FOLDER, assets
from web.forms import Form
from web.load_level import CALM
from web.office import read_upload
from web.refusals import status_of
from web.render import language_of, render

PATH = "/chung-nhan"
KEYS = "/.well-known/hieu-so-keys.json"
KEYS_SECONDS = 60
LONGEST_TYPED = 100
# Looking into a file takes a second of a core in a process of its own: never more than these at once.
MOST_FILES_AT_ONCE = 2
BUSY_SECONDS = 10
BUSY = "Máy chủ đang bận nên tạm chưa kiểm tra tệp. Bạn thử lại sau, hoặc tra theo số giấy."
_looking = asyncio.Semaphore(MOST_FILES_AT_ONCE)
# What a page that opens without a network needs.
OFFLINE_FILES = (
    "base.css", "base.js", "check.js", "mark.svg", "vendor/ed25519.js",
)  # fmt: skip


async def ask_page(request: Request) -> Response:
    """The form; what was typed into it leads to the certificate's own address."""
    number = request.query_params.get("so", "").strip()[:LONGEST_TYPED]
    code = request.query_params.get("ma", "").strip()[:LONGEST_TYPED]
    form = Form({"so": [number], "ma": [code]})
    if number and code:
        address = f"{PATH}/{quote(payload.url_number(number), safe='')}?{urlencode({'ma': code})}"
        return RedirectResponse(address, HTTPStatus.SEE_OTHER)
    if number or code:
        missing = "ma" if number else "so"
        form.errors[missing] = "Bạn ghi cả số giấy và mã kiểm tra giúp."
    return _ask_page(
        request, form, HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    )


async def check_file(request: Request) -> Response:
    """A PDF file that somebody sends: is it ours, unchanged, still valid?"""
    form = Form({})
    try:
        await limits_of(request).count(request, FILES, "files")
        sent = await read_upload(request, "tep")
        if _looking.locked() or request.app.state.load.shed > CALM:
            raise Refusal("busy", BUSY, retry_after_seconds=BUSY_SECONDS)
        async with _looking:
            verdict = await uploads.check_file(sent.content)
    except Refusal as refusal:
        if refusal.code in {"busy", "too_many_questions"}:
            raise
        form.errors |= refusal.fields or {"tep": refusal.sentence}
        return _ask_page(request, form, status_of(refusal))
    found = verdict.certificate
    told = {
        "kind": verdict.kind,
        "signatures": verdict.signatures,
        "certificate": found,
        "url": f"{PATH}/{quote(url_form(found.number), safe='')}?{urlencode({'ma': found.check_code})}"
        if found and verdict.kind != "changed"
        else None,
    }
    return _answer(request, "check/ask.html", {"form": form.for_page(), "file": told})


async def check(request: Request) -> Response:
    """What the register says; a wrong code is answered as an unknown number is."""
    limits = limits_of(request)
    await limits.look(request, WRONG, "wrong")
    await limits.count(request, ASKED, "asked")
    number = request.path_params["number"][:LONGEST_TYPED]
    code = request.query_params.get("ma", "")[:LONGEST_TYPED]
    found = await lookup.find_by_number(number, code)
    if found is None:
        await limits.count(request, WRONG, "wrong")
        return _answer(
            request,
            "check/unknown.html",
            {"form": Form({"so": [number.replace("-", "/", 2)]}).for_page()},
            HTTPStatus.NOT_FOUND,
        )
    return _answer(request, "check/found.html", _shown(found))


async def offline_page(request: Request) -> Response:
    return _answer(request, "check/offline.html", {})


async def worker(request: Request) -> Response:
    """The script that keeps the offline page; it changes whenever something that it keeps does."""
    files = [assets().address(name) for name in OFFLINE_FILES]
    page = f"{PATH}/ngoai-tuyen"
    code = (FOLDER / "check-worker.js").read_text(encoding="utf-8")
    described = [page, language_of(request), *files, code]
    version = hashlib.sha256("\n".join(described).encode()).hexdigest()[:12]
    kept = {"version": version, "page": page, "keys": KEYS, "files": files}
    script = f"const KEPT = {orjson.dumps(kept).decode()};\n{code}"
    return Response(
        script, media_type="text/javascript; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )


async def key_set(_request: Request) -> Response:
    """Everything that somebody needs to check a QR by themselves; see certificates/payload.py."""
    published = await keys.published_keys()
    content = {
        "as_of": clock.local(clock.now()).isoformat(timespec="seconds"),
        "format": payload.FORMAT,
        "purpose": payload.PURPOSE,
        "keys": [
            {
                "id": key.id,
                "type": "Ed25519",
                "public_key": key.public_key.hex(),
                "registered_at": key.registered_at,
                "last_day": clock.local(key.ended_at).date() if key.ended_at else None,
                "distrusted_at": key.distrusted_at,
            }
            for key in published
        ],
        "letters": payload.letter_table(),
    }
    return Response(
        orjson.dumps(content),
        media_type="application/json",
        headers={"Cache-Control": f"public, max-age={KEYS_SECONDS}"},
    )


def _shown(found: Checked) -> dict[str, Any]:
    certificate = found.certificate
    return {
        "state": certificate.state,
        "state_at": certificate.state_at,
        "reason": certificate.public_reason,
        "next_number": certificate.superseded_by_number,
        "is_nameless": certificate.erased_at is not None,
        "face": found.face,
        "signed_name": clean(found.face.printed_name),  # as the payload has it
        "kind": KINDS[certificate.kind],
        "checked_at": clock.now(),
        "keys_url": KEYS,
    }


def _ask_page(request: Request, form: Form, status: int = HTTPStatus.OK) -> Response:
    return _answer(request, "check/ask.html", {"form": form.for_page()}, status)


def _answer(
    request: Request, template: str, context: dict[str, Any], status: int = HTTPStatus.OK
) -> Response:
    """No search engine keeps whose certificate it was."""
    described = {"keys_url": KEYS, "kinds": KINDS, **context}
    return render(request, template, described, status=status, headers={"X-Robots-Tag": "noindex"})
