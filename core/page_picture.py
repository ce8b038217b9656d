"""What does a PDF's first page look like, as a picture?

Called only in a process that may be killed.
"""

from __future__ import annotations

from io import BytesIO

import pypdfium2

_QUALITY = 82  # small print stays clear of spots


def page_picture(pdf: bytes, width: int) -> bytes:
    """The first page as a WebP of so many pixels across."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        drawn = page.render(scale=width / page.get_width()).to_pil()
    out = BytesIO()
    drawn.convert("RGB").save(out, "WEBP", quality=_QUALITY)
    return out.getvalue()
