"""What might people in Lai Châu be called? Invented full names; nobody real is meant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Naming:
    """How one people names: family, then a middle name by sex, then a given name by sex."""

    families: Sequence[str]
    men_middle: Sequence[str]
    women_middle: Sequence[str]
    men: Sequence[str]
    women: Sequence[str]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMINGS = {
    "Thái": Naming(
        _words("Lò Lò Lò Vàng Lường Lường Điêu Hoàng Quàng Tòng Lù Khoàng Mào Cà Hà"),
        _words("Văn Văn Văn Đức Minh Ngọc"),
        _words("Thị Thị Thị Thu Thanh"),
        _words("Ín Ơn Panh Hặc Chương Thoan Pâng Tiêng Biên Hùng Dũng Sơn Long Thắng Tuấn Xuân"),
        _words("Mai Inh Ón Panh Phương Tươi Sươi Hương Thím Lả Ngoan Biên Yến Thoa Nga Duyên"),
    ),
    "H'Mông": Naming(
        _words("Giàng Giàng Sùng Sùng Vàng Thào Thào Mùa Hạng Cứ Chang Tráng Ly Lầu Vừ"),
        _words("A A A A Seo"),
        _words("Thị Thị Thị Seo"),
        _words("Chu Páo Dế Tủa Sình Lử Tráng Dơ Chinh Nủ Phử Pao Sử Lềnh Vảng Chống Dình"),
        _words("Mỷ Dợ Sua Chứ Pàng Dúa Xía Mo Cở Sông Mai Súa Dí Pà Ca Chá"),
    ),
    "Kinh": Naming(
        _words("Nguyễn Nguyễn Nguyễn Trần Lê Phạm Hoàng Vũ Bùi Đỗ Đặng Ngô Phan Đinh Trịnh Đoàn"),
        _words("Văn Đức Minh Quang Hữu Mạnh Xuân Trung Ngọc"),
        _words("Thị Thị Thu Thanh Minh Ngọc Phương Hồng Bích"),
        _words("Anh Cường Dũng Đạt Hải Hiếu Hùng Khánh Long Nam Phong Quân Sơn Tiến Tuấn Việt"),
        _words("Anh Chi Dung Giang Hà Hằng Hoa Huyền Lan Linh Mai Nga Nhung Oanh Trang Yến"),
    ),
    "Dao": Naming(
        _words("Tẩn Tẩn Tẩn Phàn Phàn Chẻo Chẻo Lý Phùng"),
        _words("A A Lao Phù Kim"),
        _words("Thị Mý Tả San"),
        _words("Sài San Phủ Sơn Quẩy Cheo Vần Chòi Dao Nhàn Siểu Pao"),
        _words("Mẩy Lở Nái Liều Mế Sính Nhàn Pham Kiều Xuân"),
    ),
    "Hà Nhì": Naming(
        _words("Lỳ Lỳ Pờ Chang Sừng Phùng Vù Khoàng Mạ Ky"),
        _words("Hừ Gó Xì Phì Gia"),
        _words("Mỳ Gó Xừ Lò Nhù"),
        _words("Xá Lòng Xa Cà Sinh Tư Ché Hừ Pó"),
        _words("Nu Lế De Xó Phà Nhù Pứ Mé"),
    ),
    "Giáy": Naming(
        _words("Vàng Lù Sần Hù Nông Lục"),
        _words("Văn Seo Dỉn"),
        _words("Thị Thị Thu"),
        _words("Chẩn Páo Sơn Thành Dìn Phúc"),
        _words("Sen Mai Pin Hiền Thắm Lả"),
    ),
}  # fmt: skip

# Shares in percent: offices have more Kinh than villages do.
IN_OFFICES = {"Thái": 24, "H'Mông": 10, "Kinh": 52, "Dao": 6, "Hà Nhì": 4, "Giáy": 4}
IN_COMMUNES = {"Thái": 33, "H'Mông": 25, "Kinh": 14, "Dao": 15, "Hà Nhì": 8, "Giáy": 5}


def make_names(dice: Random, count: int, shares: dict[str, int]) -> list[str]:
    """So many full names in these shares; the same dice give the same names."""
    peoples = dice.choices(list(shares), weights=list(shares.values()), k=count)
    return [_full_name(dice, NAMINGS[people]) for people in peoples]


def _full_name(dice: Random, naming: Naming) -> str:
    family = dice.choice(naming.families)
    middle, given = (
        (naming.women_middle, naming.women)
        if dice.random() < 0.5  # noqa: PLR2004 — half are women
        else (naming.men_middle, naming.men)
    )
    return f"{family} {dice.choice(middle)} {dice.choice(given)}"
