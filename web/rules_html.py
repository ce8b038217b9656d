"""How do the rules of a contest reach a browser: as sections of a page, as a signed file?"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from core.errors import Refusal
from quiz.attachments import PDF, rules_pdf
from quiz.contests import ContestShown

LARGEST_VERSION = 9999
# A stranger's file: no script, no form, no origin of its own; and it is kept, not opened here.
_SANDBOX = "sandbox; default-src 'none'"


def sections(body: str) -> list[dict[str, Any]]:
    """Rules as they are kept, "## " a heading and "- " a list item, as the template wants them."""
    found: list[dict[str, Any]] = []
    for line in filter(None, (line.strip() for line in body.split("\n"))):
        if line.startswith("## ") or not found:
            title = line.removeprefix("## ") if line.startswith("## ") else ""
            found.append({"title": title, "paragraphs": [], "items": []})
            if title:
                continue
        kind = "items" if line.startswith("- ") else "paragraphs"
        found[-1][kind].append(line.removeprefix("- "))
    return found


async def pdf_response(found: ContestShown, version: int | None) -> Response:
    """The signed PDF of a version, to keep."""
    if version is None:
        raise Refusal("not_found", "Cuộc thi chưa có thể lệ này.")
    return Response(
        await rules_pdf(found.id, version),
        media_type=PDF,
        headers={
            "Content-Disposition": f'attachment; filename="the-le-{found.slug}-ban-{version}.pdf"',
            "Content-Security-Policy": _SANDBOX,
            "Cache-Control": "private, max-age=0, must-revalidate",
        },
    )
