"""The certificates of the person who is signed in."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from certificates import lookup
from web.certificate_desk import certificate_line
from web.guard import signed_in
from web.render import render


async def own(request: Request) -> Response:
    viewer = await signed_in(request)
    found = await lookup.of_person(viewer.person_id)
    return render(
        request,
        "account/certificates.html",
        {
            "certificates": [
                {
                    **certificate_line(each),
                    "contest": each.contest_name,
                    "is_valid": each.state == "issued",
                    "state_at": each.state_at,
                    "public_reason": each.public_reason,
                    "by_number": each.superseded_by_number,
                }
                for each in found
            ]
        },
    )
