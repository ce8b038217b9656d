"""How is a process that draws asked for a paper? Loads none of what drawing takes."""

from __future__ import annotations

from collections.abc import Mapping

import msgpack

from certificates.composing import face_to_json
from certificates.designs import DesignContent, stored
from certificates.face import Face


def request(
    face: Face, design: DesignContent, images: Mapping[str, tuple[str, bytes]], way: str = "fast"
) -> bytes:
    """What `certificates.drawing.answer` reads; `way` is "fast", "plain" or "look"."""
    told = {
        "face": face_to_json(face),
        "design": stored(design),
        "images": dict(images),
        "way": way,
    }
    return bytes(msgpack.packb(told))
