"""How does a certificate's face become its PDF, in the process that draws?

A program of `core.killable`, asked by `certificates.drawing_request`; only it loads fonts, HarfBuzz
and WeasyPrint.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from functools import cache
from typing import Any

import msgpack

from certificates.composing import face_from_json
from certificates.designs import DesignContent, parse
from certificates.face import Face
from certificates.share_picture import share_picture
from certificates.typesetting import Composition, compose, data_address, page
from core.archive_page import PageDrawer
from core.blank import PLACEHOLDER, PLACEHOLDER_QR, Blank, NotABlankError, Sheet
from core.imposing import imposed
from core.killable import serve
from core.page_picture import page_picture
from core.qr_code import qr_code
from core.small_picture import Room, colour_picture, ink_picture

Images = Mapping[str, tuple[str, bytes]]
# A batch has some ten: by how many lines, in which size, a name and a unit take.
KEPT_BLANKS = 64
# The room of each on the sheet (25 × 21, 28 × 28, 46 × 20 mm) in pixels at `PICTURE_DPI`, and bytes
# so that a certificate with all three and the longest names stays under 60 kB.
PICTURE_ROOMS = {
    "emblem": Room(196, 165, 5_200),
    "seal": Room(220, 220, 4_200),
    "signature": Room(362, 157, 2_800),
}
LOOK_WIDTH = 1300  # pixels: the smallest print can just be read
_IDENTIFIER = b"giay-chung-nhan."  # a plain certificate's; a blank makes its own of what it holds

_blanks: OrderedDict[tuple[object, ...], Blank] = OrderedDict()


def answer(content: bytes) -> bytes:
    told: dict[str, Any] = msgpack.unpackb(content)
    if "sheets" in told:
        return imposed(told["sheets"])
    if "share" in told:
        return share_picture(told["share"])
    if "picture" in told:
        make = colour_picture if told["place"] == "emblem" else ink_picture
        return make(told["picture"], PICTURE_ROOMS[told["place"]])
    face = face_from_json(told["face"])
    design = parse(told["design"])
    images: Images = {name: (image[0], image[1]) for name, image in told["images"].items()}
    if told["way"] == "look":
        return look(face, design, images)
    return (draw if told["way"] == "fast" else draw_plainly)(face, design, images)


def draw(face: Face, design: DesignContent, images: Images) -> bytes:
    """The fast way: its lines set into a blank, which is made at first use."""
    composition = compose(face, design)
    key = composition.shape
    blank = _blanks.get(key)
    if blank is None:
        try:
            blank = _blank(composition, images)
        except NotABlankError:  # a face whose slots cannot be told apart is drawn whole
            return draw_plainly(face, design, images)
        _blanks[key] = blank
        if len(_blanks) > KEPT_BLANKS:
            _blanks.popitem(last=False)
    else:
        _blanks.move_to_end(key)
    return blank.fill(
        Sheet(
            tuple(line for _, line in composition.slots),
            composition.link,
            qr_code(composition.qr),
            composition.document_title,
        )
    )


def draw_plainly(
    face: Face, design: DesignContent, images: Images, drawer: PageDrawer | None = None
) -> bytes:
    """The plain way: WeasyPrint draws the whole sheet; what the fast way is compared with."""
    composition = compose(face, design)
    picture = data_address("image/png", qr_code(composition.qr).png())
    return (drawer or _drawer()).draw(
        page(composition, _addresses(images), picture),
        composition.document_title,
        composition.made_on,
        identifier=_IDENTIFIER,
    )


def look(face: Face, design: DesignContent, images: Images) -> bytes:
    """A picture of the sheet, and in which size and on how many lines the name stands there."""
    name = compose(face, design).blocks["name"]
    told = {
        "picture": page_picture(draw_plainly(face, design, images), LOOK_WIDTH),
        "name_points": name.points,
        "name_lines": len(name.lines),
    }
    return bytes(msgpack.packb(told))


def _blank(composition: Composition, images: Images) -> Blank:
    picture = data_address("image/png", PLACEHOLDER_QR.png())
    drawn = _drawer().draw(
        page(composition, _addresses(images), picture, is_blank=True),
        PLACEHOLDER,
        composition.made_on,
        identifier=_IDENTIFIER,
    )
    return Blank(drawn, [slot for slot, _ in composition.slots], composition.made_on)


def _addresses(images: Images) -> dict[str, str]:
    return {
        name: data_address(media_type, content) for name, (media_type, content) in images.items()
    }


@cache
def _drawer() -> PageDrawer:
    return PageDrawer()


if __name__ == "__main__":
    serve(answer)
