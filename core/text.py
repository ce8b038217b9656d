"""How is Vietnamese text kept, searched, sorted and shown?"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta

import phonenumbers
from vn_collate import collate_key

from core.clock import local

# Letters that look like Đ but are not; they arrive by copy and paste (domain.md E2).
_LOOKALIKES = str.maketrans({"\u00d0": "Đ", "\u0189": "Đ", "\u00f0": "đ", "\u0256": "đ"})
_D_WITH_STROKE = str.maketrans({"đ": "d", "Đ": "D"})
_APOSTROPHES = str.maketrans(dict.fromkeys("'’‘ʼʻ`´′"))  # H'Mông, H’Mông and Hmông are one word
_SPACES = re.compile(r"\s+")
# Besides what hides in pasted text: NUL and lone surrogates, which PostgreSQL refuses.
_INVISIBLE = re.compile(
    "[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u00ad"
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]"
)
# Both spellings are right and the same person uses either: Lý and Lí, kỹ and kĩ (domain.md E3).
_FINAL_Y = re.compile(r"\b([hklmst])y\b")

# The conversion of 2018 from eleven to ten digits (domain.md E11).
_OLD_PREFIXES = {
    "162": "32", "163": "33", "164": "34", "165": "35", "166": "36", "167": "37",
    "168": "38", "169": "39", "120": "70", "121": "79", "122": "77", "126": "76",
    "128": "78", "123": "83", "124": "84", "125": "85", "127": "81", "129": "82",
    "186": "56", "188": "58", "199": "59",
}  # fmt: skip
_OLD_LENGTH = 10  # without the leading zero
_WEEKDAYS = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")


def clean(text: str) -> str:
    """One line of typed or pasted text: NFC, real Đ, no invisible marks, single spaces."""
    visible = _INVISIBLE.sub("", text)  # first: a hidden mark may stand between letter and tone
    composed = unicodedata.normalize("NFC", visible).translate(_LOOKALIKES)
    return _SPACES.sub(" ", composed).strip()


def clean_lines(text: str) -> str:
    """The same for text of several lines; line breaks stay."""
    lines = (clean(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    return "\n".join(lines).strip()


def fold(text: str) -> str:
    """The search key: lower case, no marks, đ as d, words joined by single spaces.

    Both tone styles (hòa, hoà) fold to the same key because every mark goes; so do both
    spellings of a final i (lý, lí), and an apostrophe joins what it stands between.
    """
    lower = clean(text).casefold().translate(_D_WITH_STROKE).translate(_APOSTROPHES)
    bare = "".join(
        letter
        for letter in unicodedata.normalize("NFD", lower)
        if not unicodedata.category(letter).startswith("M")
    )
    words = re.sub(r"\W+", " ", bare).strip()
    return _FINAL_Y.sub(r"\1i", words)


def name_sort_key(full_name: str) -> str:
    """The key for lists of people: given name, then family name, then middle names.

    Belongs in a `COLLATE "C"` column; vn_collate gives the Vietnamese order of letters and tones.
    Each part has a key of its own, so a tone in the given name outweighs any family name;
    capitals do not count, because half of all lists are typed in them.
    """
    words = clean(full_name).lower().split(" ")
    ordered = [words[-1], words[0], *words[1:-1]] if len(words) > 1 else words
    return ".".join(collate_key(word) for word in ordered)


def phone_e164(typed: str) -> str | None:
    """A Vietnamese mobile number as +84…, old eleven-digit prefixes converted; None if it is none."""
    digits = re.sub(r"[^0-9+]", "", unicodedata.normalize("NFKC", typed))
    national = re.sub(r"^(\+84|0084|84(?=[0-9]{9,11}$))0?", "", digits)
    national = national.removeprefix("0")
    if len(national) == _OLD_LENGTH and national[:3] in _OLD_PREFIXES:
        national = _OLD_PREFIXES[national[:3]] + national[3:]
    if not re.fullmatch(r"[35789][0-9]{8}", national):
        return None
    number = phonenumbers.parse(national, "VN")
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_shown(e164: str) -> str:
    """0912 345 678"""
    local_form = "0" + e164.removeprefix("+84")
    return f"{local_form[:4]} {local_form[4:7]} {local_form[7:]}".strip()


def phone_masked(e164: str) -> str:
    """0912***678, for lists and logs."""
    local_form = "0" + e164.removeprefix("+84")
    return f"{local_form[:4]}***{local_form[-3:]}"


def name_masked(full_name: str) -> str:
    """Lò Thị Mai → Lò Thị M.: enough to find oneself, too little to be found by others."""
    words = clean(full_name).split(" ")
    return " ".join([*words[:-1], f"{words[-1][:1]}."]) if words[0] else ""


def number(value: float, decimals: int = 0) -> str:
    """1234567.89 → 1.234.567,89"""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def percent(share: float | None, decimals: int = 1) -> str:
    """0.2353 → 23,5%"""
    return "–" if share is None else f"{number(share * 100, decimals)}%"


def date_shown(day: date) -> str:
    """A day as it is, an instant by its day in Việt Nam."""
    return (local(day) if isinstance(day, datetime) else day).strftime("%d/%m/%Y")


def time_shown(instant: datetime) -> str:
    return local(instant).strftime("%H:%M:%S")


def datetime_shown(instant: datetime) -> str:
    return local(instant).strftime("%H:%M %d/%m/%Y")


def deadline_shown(instant: datetime) -> str:
    """24 giờ Chủ nhật, 05/10/2026: midnight is told as the end of the day that it closes."""
    moment = local(instant)
    if (moment.hour, moment.minute, moment.second) == (0, 0, 0):
        moment -= timedelta(seconds=1)
        hour = "24 giờ"
    elif moment.minute:
        hour = f"{moment.hour} giờ {moment.minute:02d}"
    else:
        hour = f"{moment.hour} giờ"
    return f"{hour} {_WEEKDAYS[moment.weekday()]}, {moment:%d/%m/%Y}"


def duration_shown(milliseconds: int) -> str:
    """619000 → 10 phút 19 giây"""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} giờ"] if hours else []
    parts += [f"{minutes} phút"] if minutes else []
    parts += [f"{seconds} giây"] if seconds or not parts else []
    return " ".join(parts)


def clock_shown(milliseconds: int) -> str:
    """252000 → 04:12"""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes:02d}:{seconds:02d}"
