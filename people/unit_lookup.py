"""Which unit does somebody mean who types its code or its name?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core.db import pool
from core.errors import Refusal
from core.text import clean, fold

SHOWN_CODES = 4


@dataclass(frozen=True)
class UnitNamed:
    """A unit that exists on the day, with its path in the tree."""

    id: int
    code: str
    name: str
    kind: str
    path: str


@dataclass(frozen=True)
class UnitIndex:
    """Units by code and by every name, so that a sheet of thousands of rows asks once."""

    by_code: Mapping[str, UnitNamed]
    by_name: Mapping[str, Sequence[UnitNamed]]

    def get(self, typed: str, *, field: str = "don_vi") -> UnitNamed:
        """The unit with this code or (present, former, other) name; refused when none or several."""
        name = clean(typed)
        if not name:
            raise _refused("Hãy ghi mã hoặc tên đơn vị.", field)
        if found := self.by_code.get(name.casefold()):
            return found
        named = self.by_name.get(fold(name), ())
        if len(named) == 1:
            return named[0]
        if not named:
            raise _refused("Không có đơn vị này trong phạm vi của bạn.", field)
        codes = ", ".join(each.code for each in named[:SHOWN_CODES])
        raise _refused(f"Có {len(named)} đơn vị cùng tên. Hãy ghi mã: {codes}.", field)


async def unit_index(paths: Sequence[str], *, on: date) -> UnitIndex:
    """Index the units of that day beneath `paths`."""
    rows = await pool().fetch(
        """
        SELECT u.id, u.code, u.name, u.kind, u.path, u.name_key,
               ARRAY(SELECT a.name_key FROM unit_alias a WHERE a.unit_id = u.id) AS other_keys
        FROM unit u
        WHERE EXISTS (SELECT FROM unnest($1::text[]) top WHERE starts_with(u.path, top))
          AND (u.valid_from IS NULL OR u.valid_from <= $2)
          AND (u.valid_to IS NULL OR u.valid_to >= $2)
        ORDER BY u.sort_key, u.code
        """,
        list(paths),
        on,
    )
    by_code: dict[str, UnitNamed] = {}
    by_name: dict[str, list[UnitNamed]] = defaultdict(list)
    for row in rows:
        unit = UnitNamed(row["id"], row["code"], row["name"], row["kind"], row["path"])
        by_code[unit.code.casefold()] = unit
        for key in {row["name_key"], *row["other_keys"]}:
            by_name[key].append(unit)
    return UnitIndex(by_code, by_name)


def _refused(sentence: str, field: str) -> Refusal:
    return Refusal("unknown_unit", sentence, fields={field: sentence})
