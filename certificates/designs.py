"""Which designs of certificates are there, and what of them may an office change?

Only what cannot break the paper: some texts, images, colours from pairs whose contrast is checked,
and places from a short list. A version's content is stored as JSON and never changes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from core.errors import Refusal
from core.text import clean

BASES = {
    "trang-trong": "Trang trọng",
    "hien-dai": "Hiện đại",
    "tap-the": "Tập thể",
}
EMBLEM_PLACES = {"header": "Giữa tên cơ quan và quốc hiệu", "middle": "Trên tiêu đề"}
SIDES = {"left": "Bên trái", "right": "Bên phải"}
NAME_CASES = {"upper": "Chữ in hoa", "as_written": "Như đã ghi"}
LEAD_LIMIT = 60
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours that go together; `primary` and `accent_ink` are read on white at 4,5:1 or more."""

    label: str
    primary: str  # title, name, frame
    accent: str  # ornaments
    accent_ink: str  # the result
    ground: str  # behind ornaments


PALETTES = {
    "son": Palette("Đỏ son và nghệ", "#8e1b1f", "#c0892b", "#7a4b00", "#7d161a"),
    "cham": Palette("Chàm và nghệ", "#27306b", "#c98f2e", "#7a4b00", "#232b61"),
    "la": Palette("Xanh lá và nghệ", "#14532f", "#bd8a2a", "#7a4b00", "#11482a"),
    "than": Palette("Than và đồng", "#2b2b2e", "#a57a3a", "#6e4510", "#2b2b2e"),
}
INK = "#1d1a17"


@dataclass(frozen=True, slots=True, kw_only=True)
class DesignContent:
    """All that a design's version says; images are digests of `quiz.images`."""

    base: str
    palette: str
    lead: str  # the words above the name; may be empty
    name_case: str
    emblem_place: str = "header"
    qr_side: str = "left"
    emblem: str = ""
    seal: str = ""
    signature: str = ""


BUILT_IN = {
    "trang-trong": DesignContent(
        base="trang-trong", palette="son", lead="Chứng nhận ông/bà", name_case="upper"
    ),
    "hien-dai": DesignContent(
        base="hien-dai", palette="cham", lead="Trân trọng chứng nhận ông/bà", name_case="as_written"
    ),
    "tap-the": DesignContent(
        base="tap-the", palette="la", lead="Chứng nhận tập thể", name_case="upper"
    ),
}
IMAGES = ("emblem", "seal", "signature")


def parse(stored: Mapping[str, object]) -> DesignContent:
    """Read what was stored or typed; what is missing stays as in its base.

    Refuses "bad_design" with a sentence for each field.
    """
    base = str(stored.get("base", ""))
    if base not in BASES:
        raise Refusal(
            "bad_design", "Hãy chọn một mẫu giấy chứng nhận.", fields={"base": "Hãy chọn mẫu."}
        )
    names = {entry.name for entry in fields(DesignContent)}
    typed = {name: clean(str(value)) for name, value in stored.items() if name in names}
    content = replace(BUILT_IN[base], **typed)
    if found := faults(content):
        raise Refusal("bad_design", "Mẫu chưa dùng được: " + " ".join(found.values()), fields=found)
    return content


def faults(content: DesignContent) -> dict[str, str]:
    """What cannot be printed so: a sentence for each field."""
    found: dict[str, str] = {}
    for name, choices in (
        ("base", BASES),
        ("palette", PALETTES),
        ("name_case", NAME_CASES),
        ("emblem_place", EMBLEM_PLACES),
        ("qr_side", SIDES),
    ):
        if getattr(content, name) not in choices:
            found[name] = "Hãy chọn trong danh sách."
    if len(content.lead) > LEAD_LIMIT:
        found["lead"] = f"Lời dẫn dài quá {LEAD_LIMIT} chữ cái."
    for name in IMAGES:
        digest = getattr(content, name)
        if digest and not _DIGEST.fullmatch(digest):
            found[name] = "Hình không có trong kho."
    return found


def stored(content: DesignContent) -> dict[str, str]:
    """What `parse` reads."""
    return asdict(content)
