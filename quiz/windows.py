"""Which instant does an organiser mean by "24 giờ ngày 5/10"?"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import NoReturn

from core.clock import VIETNAM, local
from core.errors import Refusal
from core.text import clean

# A contest of another century is a slip of the finger.
FIRST_YEAR, LAST_YEAR = 2000, 2099

_EXAMPLE = "Hãy ghi giờ và ngày như “16:00 ngày 05/10/2026” hoặc “24 giờ ngày 5/10/2026”."
_DATES = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)t?"),  # a browser's own field
    re.compile(r"(?P<day>\d{1,2}) ?thang ?(?P<month>\d{1,2})(?: ?nam ?(?P<year>\d{4}))?"),
    re.compile(r"(?P<day>\d{1,2}) ?([.-]) ?(?P<month>\d{1,2}) ?\2 ?(?P<year>\d{4})"),
    re.compile(r"(?P<day>\d{1,2}) ?/ ?(?P<month>\d{1,2})(?: ?/ ?(?P<year>\d{4}))?"),
)
_TIME = re.compile(
    r"(?<!\d)(?P<hour>\d{1,2}) ?(?:gio|[:hg])"
    r"(?: ?(?P<minute>\d{1,2})(?: ?(?:phut|ph|p|'|:(?P<second>\d\d)))?)?(?!\d)"
)
_WEEKDAYS = {
    "thu hai": 0, "thu 2": 0, "thu ba": 1, "thu 3": 1, "thu tu": 2, "thu 4": 2,
    "thu nam": 3, "thu 5": 3, "thu sau": 4, "thu 6": 4, "thu bay": 5, "thu 7": 5,
    "chu nhat": 6,
}  # fmt: skip
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b")
_WEEKDAY_NAMES = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_FILLER = re.compile(r"(?:\b(?:ngay|luc|vao|hoi|tu|den|het|truoc)\b|[ ,.()])*")


def parse_instant(text: str, *, year: int | None = None) -> datetime:
    """The instant in UTC that a clock time and a day in Việt Nam stand for.

    24 giờ is the midnight that ends the day. `year` completes a day written without one. Refuses
    "bad_instant" whatever leaves a doubt: no year, a weekday that is not that day's, two dates.
    """
    rest = _bare(text)
    day, rest = _take_date(rest, year)
    moment, rest = _take_time(rest)
    rest = _take_weekday(rest, day)
    if not _FILLER.fullmatch(rest):
        _refuse(f"Không hiểu “{clean(text)}”. {_EXAMPLE}")
    midnight = datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
    return midnight.astimezone(UTC) + moment


def _refuse(sentence: str) -> NoReturn:
    raise Refusal("bad_instant", sentence)


def _bare(text: str) -> str:
    """Lower case without marks; unlike core.text.fold it keeps the punctuation of dates."""
    decomposed = unicodedata.normalize("NFD", clean(text).casefold().replace("đ", "d"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def _take_date(text: str, year: int | None) -> tuple[date, str]:
    found = next((match for match in (date.search(text) for date in _DATES) if match), None)
    if found is None:
        _refuse(f"Thiếu ngày. {_EXAMPLE}")
    written_year = found["year"] or year
    if written_year is None:
        _refuse(f"Thiếu năm. {_EXAMPLE}")
    if not FIRST_YEAR <= int(written_year) <= LAST_YEAR:
        _refuse(f"Năm {written_year} không hợp lý. {_EXAMPLE}")
    try:
        day = date(int(written_year), int(found["month"]), int(found["day"]))
    except ValueError:
        _refuse(f"Không có ngày {found['day']}/{found['month']}/{written_year}. {_EXAMPLE}")
    return day, f"{text[: found.start()]} {text[found.end() :]}"


def _take_time(text: str) -> tuple[timedelta, str]:
    found = _TIME.search(text)
    if found is None:
        _refuse(f"Thiếu giờ. {_EXAMPLE}")
    hour, minute, second = (int(found[part] or 0) for part in ("hour", "minute", "second"))
    moment = timedelta(hours=hour, minutes=minute, seconds=second)
    if minute > 59 or second > 59 or moment > timedelta(hours=24):  # noqa: PLR2004 — a clock's own numbers
        _refuse(f"Không có giờ {found[0].strip()}. {_EXAMPLE}")
    return moment, f"{text[: found.start()]} {text[found.end() :]}"


def _take_weekday(text: str, day: date) -> str:
    found = _WEEKDAY.search(text)
    if found is None:
        return text
    if _WEEKDAYS[found[0]] != day.weekday():
        _refuse(
            f"Ngày {day:%d/%m/%Y} là {_WEEKDAY_NAMES[day.weekday()]}. Hãy sửa lại ngày hoặc thứ."
        )
    return f"{text[: found.start()]} {text[found.end() :]}"


def understood(instant: datetime) -> str:
    """How a written instant was understood: thứ Ba, 00:00 ngày 06/10/2026."""
    moment = local(instant)
    name = _WEEKDAY_NAMES[moment.weekday()]
    return f"{name}, {moment:%H:%M} ngày {moment:%d/%m/%Y}"
