from __future__ import annotations

from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from certificates import payload
from certificates.payload import BadPayloadError, Claim, key_id, sign, verify
from core.qr_code import qr_code
from core.text import clean

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEYS = {key_id(KEY.public_key()): KEY.public_key()}
NUMBER = "00123/2026/GCN-BTC"
ADDRESS = "https://thi.laichau.gov.vn/chung-nhan/00123-2026-GCN-BTC?ma=ABCD-EFGH-JKMN#"
MAI = Claim(
    "00123-2026-GCN-BTC", "prize", "Lò Thị Mai", "Xã Mường Tè", "Tìm hiểu chuyển đổi số",
    "Đạt giải Nhất", date(2026, 10, 20),
)  # fmt: skip
# The longest unit of the province, and a contest's name as long as they come.
LONGEST = Claim(
    "00123-2026-GCN-BTC",
    "prize",
    "Nguyễn Phước Hoàng Bảo Quỳnh Thiên Kim",
    "Trường Phổ thông dân tộc bán trú Trung học cơ sở và Trung học phổ thông Nậm Nhùn, "
    "Sở Giáo dục và Đào tạo tỉnh Lai Châu",
    "Cuộc thi trực tuyến tìm hiểu về chuyển đổi số, dịch vụ công trực tuyến và an toàn thông tin "
    "trên địa bàn tỉnh Lai Châu năm 2026",
    "Đạt giải Khuyến khích bảng Học sinh trung học phổ thông, đợt 3",
    date(2026, 10, 20),
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60).map(clean)


@given(
    number=st.from_regex(r"[0-9]{1,6}/20[0-9]{2}/[A-ZĐ]{2,4}-[A-Z]{2,6}", fullmatch=True),
    kind=st.sampled_from(payload.KINDS),
    fields=st.tuples(texts, texts, texts, texts),
    days=st.integers(0, 65_535),
)
def test_what_was_signed_is_read_again(
    number: str, kind: str, fields: tuple[str, str, str, str], days: int
) -> None:
    issued_on = payload.FIRST_DAY + timedelta(days=days)
    claim = Claim(payload.url_number(number), kind, *fields, issued_on)
    assert verify(sign(claim, KEY), number, KEYS) == claim


@given(st.binary(max_size=200))
def test_digits_carry_every_byte(content: bytes) -> None:
    written = payload.to_digits(content)
    assert set(written) <= set(payload.DIGITS)
    assert payload.from_digits(written) == content


@given(place=st.integers(0, 400), digit=st.sampled_from(payload.DIGITS))
def test_one_letter_changed_is_noticed(place: int, digit: str) -> None:
    signed = sign(MAI, KEY)
    place %= len(signed)
    changed = signed[:place] + digit + signed[place + 1 :]
    if changed == signed:
        return
    with pytest.raises(BadPayloadError):
        verify(changed, NUMBER, KEYS)


@given(st.text(st.sampled_from(payload.DIGITS + "é %"), max_size=400))
def test_noise_is_refused_and_never_more(noise: str) -> None:
    with pytest.raises(BadPayloadError):
        verify(noise, NUMBER, KEYS)


def test_a_payload_holds_for_its_own_number_alone() -> None:
    assert verify(sign(MAI, KEY), NUMBER, KEYS) == MAI
    with pytest.raises(BadPayloadError):
        verify(sign(MAI, KEY), "00124/2026/GCN-BTC", KEYS)


def test_another_key_does_not_vouch() -> None:
    with pytest.raises(BadPayloadError, match="unknown key"):
        verify(sign(MAI, Ed25519PrivateKey.generate()), NUMBER, KEYS)


@pytest.mark.parametrize(
    ("claim", "largest"), [(MAI, 10), (LONGEST, 14)], ids=["a usual one", "the longest"]
)
def test_the_code_stays_small_enough_to_scan_from_paper(claim: Claim, largest: int) -> None:
    """At 30 mm, version 14 has modules of 0.4 mm, which old telephones read."""
    side = qr_code(ADDRESS + sign(claim, KEY)).side
    assert (side - 17) // 4 <= largest


def test_the_prefix_code_is_whole() -> None:
    """Every letter of Vietnamese has its code, and the codes fill all the room there is (Kraft)."""
    codes = payload.prefix_code().codes
    vowels = "aăâeêioôơuưy"
    for letter in "bcdđghklmnpqrstvxAĐÂÊÔƠƯ0123456789 ,.-/()" + vowels + vowels.upper():
        assert letter in codes, letter
    assert sum(2.0**-length for _, length in codes.values()) == 1
