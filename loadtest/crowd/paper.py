"""What does the page of a paper ask, and which answers does it show as saved?"""

from __future__ import annotations

import re
from random import Random

_CHOICE = re.compile(rb'type="(radio|checkbox)" id="[^"]*" name="q(\d+)" value="(\d+)"( checked)?')
_OPENING = re.compile(rb'name="lan" value="(\d+)"')
_SAVED_SEQ = re.compile(rb'data-saved-seq="(\d+)"')


class Paper:
    """The questions as the page shows them, and this opening of it."""

    def __init__(self, page: bytes) -> None:
        opening, saved = _OPENING.search(page), _SAVED_SEQ.search(page)
        self.opening = int(opening[1]) if opening else 0
        self.saved_seq = int(saved[1]) if saved else 0
        self.options: dict[str, list[int]] = {}
        self.several: set[str] = set()
        self.checked: dict[str, list[int]] = {}
        for kind, position, value, checked in _CHOICE.findall(page):
            name = position.decode()
            self.options.setdefault(name, []).append(int(value))
            if kind == b"checkbox":
                self.several.add(name)
            if checked:
                self.checked.setdefault(name, []).append(int(value))

    def choose(self, dice: Random, name: str) -> list[int]:
        values = self.options[name]
        if name not in self.several:
            return [dice.choice(values)]
        return sorted(dice.sample(values, dice.randint(1, len(values))))
