"""How do pages become sheets for a print shop: two A4 landscape on SRA3 upright, with crop marks?"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import pikepdf

_MM = 72 / 25.4
_SHEET = (320 * _MM, 450 * _MM)
_PAGE = (297 * _MM, 210 * _MM)
_MARK, _AWAY = 5 * _MM, 2 * _MM  # how long a mark is, and how far from the paper's corner


def imposed(pages: Sequence[bytes]) -> bytes:
    """One PDF of sheets; each of `pages` is a PDF whose first page is taken."""
    left = (_SHEET[0] - _PAGE[0]) / 2
    bottom = (_SHEET[1] - 2 * _PAGE[1]) / 2
    places = [(left, bottom + _PAGE[1]), (left, bottom)]
    marks = _crop_marks(left, (bottom, bottom + _PAGE[1], bottom + 2 * _PAGE[1]))
    with pikepdf.new() as book:
        for start in range(0, len(pages), len(places)):
            sheet = book.add_blank_page(page_size=_SHEET)
            content = [marks]
            drawn = pikepdf.Dictionary()
            for number, page in enumerate(pages[start : start + len(places)]):
                with pikepdf.open(BytesIO(page)) as source:
                    drawn[f"/P{number}"] = book.copy_foreign(source.pages[0].as_form_xobject())
                x, y = places[number]
                content.append(f"q 1 0 0 1 {x:.3f} {y:.3f} cm /P{number} Do Q")
            sheet.obj.Resources = pikepdf.Dictionary(XObject=drawn)
            sheet.obj.Contents = book.make_stream("\n".join(content).encode())
        out = BytesIO()
        book.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate)
        return out.getvalue()


def _crop_marks(left: float, heights: Sequence[float]) -> str:
    right = left + _PAGE[0]
    lines = [
        line
        for y in heights
        for line in (
            (left - _AWAY - _MARK, y, left - _AWAY, y),
            (right + _AWAY, y, right + _AWAY + _MARK, y),
        )
    ]
    top, bottom = heights[-1], heights[0]
    lines += [
        line
        for x in (left, right)
        for line in (
            (x, bottom - _AWAY - _MARK, x, bottom - _AWAY),
            (x, top + _AWAY, x, top + _AWAY + _MARK),
        )
    ]
    drawn = " ".join(f"{a:.3f} {b:.3f} m {c:.3f} {d:.3f} l S" for a, b, c, d in lines)
    return f"q 0.25 w {drawn} Q"
