"""Where and how large does each text of a certificate stand: from its face to a page of HTML?

The same composition is drawn by WeasyPrint (the plain way) and set into a blank (the fast way).
Lines that differ from one certificate to the next are slots: their font family is `slot-…`, which
nothing else on the page may use.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import jinja2

from certificates import ornaments
from certificates.designs import IMAGES, INK, PALETTES, DesignContent
from certificates.face import Face
from certificates.fitting import POINT_MM, Step, fit
from certificates.places import EMBLEM_MM, MIDDLE, MIDDLE_HEIGHTS_MM, ORDER, PERSONAL, PLACES
from core.blank import PLACEHOLDER, PLACEHOLDER_LINK, Slot
from core.errors import Refusal
from core.text import clean
from core.typefaces import typeface

# How far the middle of the sheet is set smaller when its texts together are too tall.
_SCALES = (1.0, 0.94, 0.88, 0.82, 0.76, 0.7)


@dataclass(frozen=True, slots=True)
class Block:
    """One text as it is set."""

    typeface: str
    points: float
    leading: float
    space_mm: float
    lines: tuple[str, ...]

    @property
    def height_mm(self) -> float:
        return self.space_mm + len(self.lines) * self.points * self.leading * POINT_MM


@dataclass(frozen=True, slots=True)
class Composition:
    """All texts of one sheet; `shape` is equal for sheets that differ in nothing but their slots."""

    design: DesignContent
    blocks: Mapping[str, Block]
    constant: tuple[str, ...]
    document_title: str
    link: str
    qr: str
    made_on: date

    @property
    def shape(self) -> tuple[object, ...]:
        slots = tuple(
            (name, block.typeface, block.points, len(block.lines))
            for name, block in self.blocks.items()
            if name in PERSONAL
        )
        return (self.design, self.constant, slots)

    @property
    def slots(self) -> list[tuple[Slot, str]]:
        """Each line that is a slot, with its text, in the page's order."""
        places = PLACES[self.design.base]
        return [
            (Slot(block.typeface, block.points, places[name].is_centred), line)
            for name in ORDER
            if name in PERSONAL and (block := self.blocks.get(name))
            for line in block.lines
        ]


# What a refusal calls them.
_LABELS = {
    "superior": "Tên cơ quan cấp trên",
    "issuer": "Tên cơ quan cấp",
    "title": "Tiêu đề",
    "lead": "Lời dẫn",
    "name": "Tên người hoặc đơn vị được cấp",
    "unit": "Tên đơn vị",
    "statement": "Nội dung chứng nhận",
    "contest": "Tên cuộc thi",
    "result": "Kết quả",
    "number": "Số",
    "url": "Địa chỉ kiểm tra",
    "dated": "Địa danh và ngày",
    "authority": "Thẩm quyền ký",
    "signer_title": "Chức vụ người ký",
    "signer_name": "Tên người ký",
}


def compose(face: Face, design: DesignContent) -> Composition:
    """Set every text of a certificate.

    Refuses "does_not_fit" when one would have to be cut or set too small to read, and
    "cannot_print" when nothing of a name can be printed.
    """
    texts = {name: _printable(text) for name, text in _texts(face, design).items()}
    if not texts["name"]:
        raise Refusal("cannot_print", "Tên được cấp không có chữ nào in được. Hãy sửa lại tên.")
    blocks = {
        name: _set(design.base, name, texts[name])
        for name in ORDER
        if texts[name] and name not in MIDDLE
    }
    blocks |= _set_middle({name: texts[name] for name in MIDDLE if texts[name]}, design)
    return Composition(
        design=design,
        blocks={name: blocks[name] for name in ORDER if name in blocks},
        constant=tuple(texts[name] for name in ORDER if name not in PERSONAL),
        document_title=f"{clean(face.title)} số {clean(face.number)}",
        link=face.check_url,
        qr=face.qr,
        made_on=face.issued_on,
    )


def _texts(face: Face, design: DesignContent) -> dict[str, str]:
    name = face.printed_name.upper() if design.name_case == "upper" else face.printed_name
    return {
        "superior": face.superior,
        "issuer": face.issuer,
        "title": face.title,
        "lead": design.lead,
        "name": name,
        "unit": face.unit_name,
        "statement": face.statement,
        "contest": face.contest_title,
        "result": face.result,
        "number": f"Số: {face.number}",
        "url": face.check_url,
        "dated": dated(face.place, face.issued_on),
        "authority": face.authority,
        "signer_title": face.signer_title,
        "signer_name": face.signer_name,
    }


def dated(place: str, day: date) -> str:
    """Lai Châu, ngày 06 tháng 3 năm 2026: days below 10 and the months 1 and 2 have a zero (NĐ 30)."""
    month = f"{day.month:02d}" if day.month <= 2 else str(day.month)  # noqa: PLR2004 — February
    when = f"ngày {day.day:02d} tháng {month} năm {day.year}"
    return f"{place}, {when}" if place else when.capitalize()


@lru_cache(maxsize=4096)
def _set(base: str, name: str, text: str, scale: float = 1.0) -> Block:
    place = PLACES[base][name]
    face = next(
        (face for face in place.typefaces if typeface(face).covers(text)), place.typefaces[-1]
    )
    steps = [Step(round(step.points * scale, 1), step.lines) for step in place.steps]
    found = fit(text, place.width_mm, steps, typeface(face).width)
    if found is None:
        raise Refusal(
            "does_not_fit",
            f"{_LABELS[name]} dài quá, không in vừa giấy chứng nhận. Hãy rút ngắn lại.",
            fields={name: "Dài quá, không in vừa."},
        )
    points, lines = found
    return Block(face, points, place.leading, place.space_mm * scale, tuple(lines))


def _set_middle(texts: Mapping[str, str], design: DesignContent) -> dict[str, Block]:
    """The texts of the sheet's middle, all together smaller when they are too tall."""
    room = MIDDLE_HEIGHTS_MM[design.base]
    if design.emblem and design.emblem_place == "middle":
        room -= EMBLEM_MM
    for scale in _SCALES:
        blocks = {name: _set(design.base, name, text, scale) for name, text in texts.items()}
        if sum(block.height_mm for block in blocks.values()) <= room:
            return blocks
    raise Refusal(
        "does_not_fit",
        "Tên, nội dung và kết quả cộng lại dài quá, không in vừa một trang. Hãy rút ngắn lại.",
    )


def _printable(text: str) -> str:
    """What there are letters for; marks of other scripts and pictures are left out."""
    cleaned = clean(text)
    if any(typeface(name).covers(cleaned) for name in ("serif", "sans")):
        return cleaned
    return clean("".join(letter for letter in cleaned if typeface("serif").covers(letter)))


def page(
    composition: Composition,
    images: Mapping[str, str],
    qr_address: str,
    *,
    is_blank: bool = False,
) -> str:
    """The sheet as HTML; a blank has digits in its slots. `images` are data: addresses by name."""
    design = composition.design
    shown = {
        name: {
            "family": ("slot-" if name in PERSONAL else "face-") + block.typeface,
            "points": block.points,
            "leading": block.leading,
            "space": round(block.space_mm, 2),
            "lines": [
                PLACEHOLDER if is_blank and name in PERSONAL else line for line in block.lines
            ],
        }
        for name, block in composition.blocks.items()
    }
    return (
        _environment()
        .get_template(f"{design.base}.html")
        .render(
            blocks=dict.fromkeys(ORDER) | shown,
            design=design,
            palette=PALETTES[design.palette],
            ink=INK,
            title=PLACEHOLDER if is_blank else composition.document_title,
            link=PLACEHOLDER_LINK if is_blank else composition.link,
            qr=qr_address,
            images=dict.fromkeys(IMAGES) | dict(images),
            ornament=_ornament(design.base, design.palette),
        )
    )


@cache
def _ornament(base: str, palette: str) -> str:
    colours = PALETTES[palette]
    match base:
        case "trang-trong":
            drawing = ornaments.frame(colours.primary, colours.accent)
        case "hien-dai":
            drawing = ornaments.strip("#ffffff", colours.accent, colours.ground)
        case _:
            drawing = ornaments.bands(colours.primary, colours.accent)
    return data_address("image/svg+xml", drawing.encode())


def data_address(media_type: str, content: bytes) -> str:
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
