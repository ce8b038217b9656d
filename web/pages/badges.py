"""Certificates for digital wallets: the holder's own badge, and what everybody needs to check one."""

from __future__ import annotations

import time
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from certificates import badges, keys, lookup
from certificates.badges import Awarded, Issuer
from certificates.numbers import url_form
from certificates.owed import KINDS
from core import clock
from core.errors import Refusal
from quiz.contests import PUBLIC_STATES, contest_by_slug
from web.forms import whole
from web.guard import signed_in
from web.office import download

LIST_FRESH_SECONDS = 30  # of the five minutes for which a wallet may keep the list
ISSUER_SECONDS = 300
MOST_LISTS = 64  # eight million certificates


async def own_badge(request: Request) -> Response:
    """The holder's badge as a file; one that counts no more is not given out."""
    viewer = await signed_in(request)
    found = await lookup.find_held(viewer.person_id, request.path_params["number"])
    if found is None:
        raise Refusal("not_found", "Không tìm thấy giấy chứng nhận này.")
    if found.state != "issued":
        raise Refusal("not_valid", "Giấy này không còn giá trị nên không có huy hiệu số.")
    await keys.published_keys()  # so that nobody holds a badge whose key nobody knows
    awarded = Awarded(found.id, found.contest_slug, await lookup.face_of(found.id))
    token = badges.credential(_issuer(request), awarded)
    name = f"huy-hieu-{url_form(found.number).encode('ascii', 'ignore').decode()}.jwt"
    return download(token.encode(), name, "application/vc+jwt")


async def achievement(request: Request) -> Response:
    kind = request.path_params["kind"]
    contest = await contest_by_slug(request.path_params["slug"])
    if kind not in KINDS or contest.state not in PUBLIC_STATES:
        raise Refusal("not_found", "Không tìm thấy trang này.")
    described = badges.achievement(_issuer(request), contest.slug, kind, contest.name)
    return _json({"@context": badges.CONTEXTS, **described})


async def issuer_profile(request: Request) -> Response:
    return _json({"@context": badges.CONTEXTS, **badges.profile(_issuer(request))})


async def did_document(request: Request) -> Response:
    """The issuer's identity as did:web wants it."""
    known = {key.id: key.public_key for key in await keys.published_keys() if not key.distrusted_at}
    return _json(badges.did_document(_issuer(request), known))


async def status_list(request: Request) -> Response:
    """Which badges of a stretch count no more; made at most every half minute."""
    number = whole(request.path_params["list"], largest=MOST_LISTS - 1)
    if number is None:
        raise Refusal("not_found", "Không tìm thấy trang này.")
    issuer = _issuer(request)
    kept = _kept_lists(request)
    made_at, token = kept.get((issuer.base_url, number), (0.0, ""))
    if time.monotonic() - made_at > LIST_FRESH_SECONDS or not token:
        await keys.published_keys()
        ids = await lookup.invalid_ids(number * badges.LIST_BITS, (number + 1) * badges.LIST_BITS)
        token = badges.status_list(issuer, number, ids, clock.now())
        if len(kept) >= MOST_LISTS:
            kept.clear()
        kept[issuer.base_url, number] = (time.monotonic(), token)
    return Response(
        token,
        media_type="application/vc+jwt",
        headers={"Cache-Control": f"public, max-age={LIST_FRESH_SECONDS}"},
    )


def _kept_lists(request: Request) -> dict[tuple[str, int], tuple[float, str]]:
    """The lists that this process made last, by the address that asked and their number."""
    state = request.app.state
    if not hasattr(state, "badge_lists"):
        state.badge_lists = {}
    return state.badge_lists  # type: ignore[no-any-return]  # State has no types


def _issuer(request: Request) -> Issuer:
    settings = request.app.state.settings
    base = settings.public_url or str(request.base_url)
    return Issuer(base.rstrip("/"), settings.site_organiser, keys.own_key())


def _json(content: dict[str, Any]) -> Response:
    return Response(
        orjson.dumps(content),
        media_type="application/ld+json",
        headers={"Cache-Control": f"public, max-age={ISSUER_SECONDS}"},
    )
