from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import text

CAST = ["Lò Thị Mai", "Y Moan Êban", "K'Brôih", "Nguyễn Văn Ế", "Đặng Thị Ánh", "Vàng A Páo"]

# The conversion of 2018, prefix by prefix, without the leading zero.
CONVERSION = [
    *((f"16{n}", f"3{n}") for n in range(2, 10)),
    ("120", "70"), ("121", "79"), ("122", "77"), ("126", "76"), ("128", "78"),
    ("123", "83"), ("124", "84"), ("125", "85"), ("127", "81"), ("129", "82"),
    ("186", "56"), ("188", "58"), ("199", "59"),
]  # fmt: skip

vietnamese = st.text(
    alphabet="aăâbcdđeêghiklmnoôơpqrstuưvxyàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵĐÐƉ '’-",
    max_size=40,
)


@given(vietnamese)
def test_both_ways_to_write_a_letter_are_kept_alike(typed: str) -> None:
    decomposed = unicodedata.normalize("NFD", typed)
    assert text.clean(decomposed) == text.clean(typed)
    assert text.fold(decomposed) == text.fold(typed)
    assert text.name_sort_key(decomposed) == text.name_sort_key(typed)


@given(st.text(max_size=60))
@example("a\u200b\u0301")
@example("ŉ")
@example("\x00Mai\ud800")
@example("k'y")
def test_cleaning_and_folding_twice_change_nothing_more(typed: str) -> None:
    cleaned = text.clean(typed)
    assert text.clean(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert "\x00" not in cleaned
    folded = text.fold(typed)
    assert text.fold(folded) == folded
    assert folded == folded.strip()


@given(vietnamese)
def test_a_search_key_of_vietnamese_is_plain_ascii(typed: str) -> None:
    assert text.fold(typed).isascii()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hòa", "hoà"),
        ("thủy", "thuỷ"),
        ("Lý", "Lí"),
        ("kỹ sư", "kĩ sư"),
        ("H'Mông", "H’Mông"),
        ("H'Mông", "Hmông"),
        ("Kʼho", "K'Ho"),
        ("Đường", "duong"),
        ("Ðường", "Đường"),
        ("Ɖắk Lắk", "đak  lak"),
        ("Mường\u00a0Tè", "muong te"),
        ("Thu\u00ad Lũm", "thu lum"),
    ],
)
def test_spellings_that_people_mix_have_one_search_key(one: str, other: str) -> None:
    assert text.fold(one) == text.fold(other)


def test_names_of_every_people_of_the_province_stay_as_they_are() -> None:
    assert [text.clean(name) for name in CAST] == CAST


def test_lists_of_people_go_by_given_name_then_family_name_then_middle_names() -> None:
    in_order = [
        "Trần Văn An",
        "Đặng Thị Ánh",
        "Nguyễn Văn Ế",
        "Y Moan Êban",
        "K'Brôih",
        "Lò Thị Mai",
        "Lò Văn Mai",
        "Lý Thị Mai",
        "Nguyễn Văn Mai",
        "Đỗ Văn Mải",
        "Vàng A Páo",
        "Nguyễn Văn Toàn",
        "Nguyễn Thị Toán",
    ]
    assert sorted(set(in_order), key=text.name_sort_key) == in_order


def test_capitals_do_not_move_a_name() -> None:
    assert text.name_sort_key("LÒ THỊ MAI") == text.name_sort_key("Lò Thị Mai")


@pytest.mark.parametrize(("old", "new"), CONVERSION)
def test_every_eleven_digit_prefix_of_before_2018_becomes_its_new_one(old: str, new: str) -> None:
    for typed in (f"0{old}1234567", f"+84{old}1234567", f"84{old}1234567", f"0{old} 123 4567"):
        assert text.phone_e164(typed) == f"+84{new}1234567"


@pytest.mark.parametrize(
    "typed",
    [
        "0912345678",
        "0912 345 678",
        "0912.345.678",
        "+84912345678",
        "+84 (0)912 345 678",
        "0084912345678",
        "84912345678",
        "912345678",
        "０９１２３４５６７８",
        "(091) 234-5678",
    ],
)
def test_a_number_is_the_same_however_it_is_typed(typed: str) -> None:
    assert text.phone_e164(typed) == "+84912345678"


@pytest.mark.parametrize(
    "typed",
    ["", "abc", "02133876543", "19001234", "18001091", "091234567", "09123456789", "+1 202 555 0100",
     "0612345678", "٠٩١٢٣٤٥٦٧٨", "0912345678, 0987654321"],
)  # fmt: skip
def test_what_is_no_vietnamese_mobile_number_is_none(typed: str) -> None:
    assert text.phone_e164(typed) is None


@given(st.from_regex(r"0[35789][0-9]{8}", fullmatch=True))
def test_a_kept_number_shows_as_it_was_typed_and_masks_its_middle(typed: str) -> None:
    kept = text.phone_e164(typed)
    assert kept is not None
    assert text.phone_e164(kept) == kept
    assert text.phone_shown(kept).replace(" ", "") == typed
    assert text.phone_masked(kept) == f"{typed[:4]}***{typed[-3:]}"


def test_a_masked_name_keeps_all_but_the_given_name() -> None:
    assert [text.name_masked(name) for name in ("Lò Thị Mai", "K'Brôih", "")] == [
        "Lò Thị M.",
        "K.",
        "",
    ]


def test_numbers_and_dates_are_written_the_vietnamese_way() -> None:
    assert text.number(1234567.89, 2) == "1.234.567,89"
    assert text.percent(0.2353) == "23,5%"
    assert text.percent(None) == "–"
    instant = datetime(2026, 10, 5, 17, 0, tzinfo=UTC)
    assert text.deadline_shown(instant) == "24 giờ thứ Hai, 05/10/2026"
    assert text.datetime_shown(instant) == "00:00 06/10/2026"
    assert text.deadline_shown(datetime(2026, 10, 5, 8, 0, tzinfo=UTC)).startswith("15 giờ ")
    assert text.deadline_shown(datetime(2026, 10, 5, 8, 30, tzinfo=UTC)).startswith("15 giờ 30 ")


def test_durations_are_written_out() -> None:
    assert text.duration_shown(619_000) == "10 phút 19 giây"
    assert text.duration_shown(3_600_000) == "1 giờ"
    assert text.duration_shown(0) == "0 giây"
    assert text.clock_shown(252_000) == "04:12"


def test_lines_stay_lines() -> None:
    assert text.clean_lines(" một \r\n\r\n hai  ba\rbốn ") == "một\n\nhai ba\nbốn"
