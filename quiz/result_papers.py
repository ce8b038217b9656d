"""What do the minutes of a result and the list of its winners say? Pure: from a signed snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from core.official_paper import OfficialPaper, Paragraph, Signer, Table
from core.text import datetime_shown, duration_shown, number, phone_masked
from quiz.awards import AwardShown
from quiz.contests import PREDICTION_TARGETS
from quiz.prizes import PrizeShown

_KINDS = {
    "rekey": "sửa đáp án",
    "full_marks": "cho điểm mọi người gặp câu này",
    "drop": "bỏ câu này khỏi bài thi",
}


@dataclass(frozen=True)
class PaperHead:
    """What the office fills in; everything else comes from the result."""

    authority: str
    place: str
    chair_title: str
    chair_name: str
    secretary_name: str
    parent_authority: str = ""
    number: int | None = None
    on: date | None = None
    recipients: Sequence[str] = ()


@dataclass(frozen=True)
class Signed:
    """A snapshot's content and digest, its prizes, and those who were given them."""

    content: Mapping[str, Any]
    digest: str
    prizes: Sequence[PrizeShown]
    awards: Sequence[AwardShown]


def minutes(signed: Signed, head: PaperHead) -> OfficialPaper:
    """The minutes of a round's result: course, figures, what was changed, winners, signatures."""
    content = signed.content
    contest, held = content["contest"], content["round"]
    return OfficialPaper(
        authority=head.authority,
        parent_authority=head.parent_authority,
        kind="Biên bản",
        subject=f"Xác nhận kết quả {held['name']}, cuộc thi “{contest['name']}”",
        symbol="BB-BTC",
        number=head.number,
        place=head.place,
        on=head.on,
        blocks=[
            Paragraph("I. Diễn biến", is_heading=True),
            *map(Paragraph, _course(content)),
            Paragraph("II. Số liệu", is_heading=True),
            _figures(content),
            *map(Paragraph, _counts(content)),
            Paragraph("III. Điều chỉnh, khiếu nại và bốc thăm", is_heading=True),
            *map(Paragraph, _changes(content)),
            Paragraph("IV. Kết quả", is_heading=True),
            *_results(signed, is_full=True),
            Paragraph("V. Kiểm tra lại", is_heading=True),
            *map(Paragraph, _proofs(content, signed.digest)),
        ],
        signers=[
            Signer("Thư ký", head.secretary_name),
            Signer(head.chair_title, head.chair_name, "TM. Ban Tổ chức"),
        ],
        recipients=head.recipients or ("Như trên;", "Lưu: VT."),
        footer=f"Mã kiểm tra kết quả: {signed.digest}",
    )


def winners_list(signed: Signed, head: PaperHead) -> OfficialPaper:
    """The list of winners that goes with the decision on the awards."""
    contest, held = signed.content["contest"], signed.content["round"]
    return OfficialPaper(
        authority=head.authority,
        parent_authority=head.parent_authority,
        kind="Danh sách",
        subject=f"Cá nhân, tập thể đoạt giải {held['name']}, cuộc thi “{contest['name']}”",
        symbol="DS-BTC",
        number=head.number,
        place=head.place,
        on=head.on,
        blocks=_results(signed, is_full=False),
        signers=[Signer(head.chair_title, head.chair_name, "TM. Ban Tổ chức")],
        recipients=head.recipients or ("Như trên;", "Lưu: VT."),
        footer=f"Mã kiểm tra kết quả: {signed.digest}",
    )


def _course(content: Mapping[str, Any]) -> list[str]:
    held, prediction = content["round"], content["prediction"]
    lines = [
        f"{held['name']} mở từ {_instant(held['opens_at'])} đến {_instant(held['closes_at'])}. "
        f"Bài thi được chấm tự động; thể lệ áp dụng là phiên bản {content['rules_version']}.",
        content["ranking"],
    ]
    if prediction["target"]:
        lines.append(
            f"Số thực tế của câu dự đoán ({PREDICTION_TARGETS[prediction['target']]}) là "
            f"{number(prediction['actual'])}, chốt lúc {_instant(prediction['frozen_at'])}, trước khi "
            "nhận khiếu nại."
        )
    return lines


def _figures(content: Mapping[str, Any]) -> Table:
    rows = [
        (each["name"], number(each["people_count"]), number(each["attempt_count"]))
        for each in content["divisions"]
    ]
    people = sum(each["people_count"] for each in content["divisions"])
    attempts = sum(each["attempt_count"] for each in content["divisions"])
    return Table(
        ("Bảng dự thi", "Số người", "Số lượt thi"),
        [*rows, ("Tổng cộng", number(people), number(attempts))],
        (0.5, 0.25, 0.25),
        centred=(1, 2),
    )


def _counts(content: Mapping[str, Any]) -> list[str]:
    count = content["disqualified_count"]
    excluded = f"Có {number(count)} người không được xếp hạng theo quyết định của Ban Tổ chức."
    return [f"Số người được xếp hạng: {number(content['ranked_count'])}."] + [excluded] * bool(
        count
    )


def _changes(content: Mapping[str, Any]) -> list[str]:
    lines = [
        f"Câu “{each['question']}”: {_KINDS[each['kind']]}, áp dụng lúc "
        f"{_instant(each['applied_at'])}. Lý do: {each['reason']}"
        for each in content["corrections"]
    ] or ["Không có câu hỏi nào phải điều chỉnh sau khi thi."]
    appeals = content["appeals"]
    decided = {name: appeals.get(name, 0) for name in ("accepted", "rejected", "withdrawn")}
    if any(decided.values()):
        lines.append(
            f"Khiếu nại: {number(sum(decided.values()))}; chấp nhận {number(decided['accepted'])}, "
            f"không chấp nhận {number(decided['rejected'])}, người gửi rút "
            f"{number(decided['withdrawn'])}."
        )
    else:
        lines.append("Không có khiếu nại.")
    lines += [
        f"Bốc thăm “{each['title']}”: cam kết {each['commitment']}; số công khai: "
        f"{each['beacon']} ({each['beacon_rule']})."
        for each in content["draws"]
    ]
    return lines


def _results(signed: Signed, *, is_full: bool) -> list[Paragraph | Table]:
    """A table a prize; the minutes tell also what each result rests on."""
    blocks: list[Paragraph | Table] = []
    for prize in signed.prizes:
        given = [
            each for each in signed.awards if each.prize_id == prize.id and each.state == "given"
        ]
        reward = f" ({prize.reward})" if prize.reward else ""
        division = f", bảng {prize.division_name}" if prize.division_name else ""
        name = prize.name[:1].upper() + prize.name[1:]  # it begins the line
        blocks.append(Paragraph(f"{name}{division}{reward}", is_heading=True))
        if not given:
            blocks.append(Paragraph("Không có người đủ điều kiện."))
        elif prize.kind == "collective":
            blocks.append(_units(given))
        else:
            blocks.append(_people(given, is_full=is_full))
    return blocks or [Paragraph("Đợt thi này không trao giải.")]


def _units(given: Sequence[AwardShown]) -> Table:
    return Table(
        ("TT", "Đơn vị", "Trực thuộc"),
        [(str(each.place), each.printed_name, each.unit_name) for each in given],
        (0.1, 0.5, 0.4),
        centred=(0,),
    )


def _people(given: Sequence[AwardShown], *, is_full: bool) -> Table:
    if not is_full:
        return Table(
            ("TT", "Họ và tên", "Đơn vị", "Điện thoại"),
            [
                (
                    str(each.place),
                    each.printed_name,
                    each.unit_name,
                    phone_masked(each.phone) if each.phone else "",
                )
                for each in given
            ],
            (0.08, 0.36, 0.36, 0.2),
            centred=(0, 3),
        )
    return Table(
        ("TT", "Họ và tên, đơn vị", "Số câu đúng", "Dự đoán", "Thời gian", "Mã biên nhận"),
        [
            (
                str(each.place),
                f"{each.printed_name}, {each.unit_name}",
                "" if each.correct_count is None else f"{each.correct_count}/{each.question_count}",
                "" if each.prediction is None else number(each.prediction),
                "" if each.duration_ms is None else duration_shown(each.duration_ms),
                each.receipt or "",
            )
            for each in given
        ],
        (0.06, 0.29, 0.11, 0.13, 0.15, 0.26),
        centred=(0, 2, 3, 4, 5),
    )


def _proofs(content: Mapping[str, Any], digest: str) -> list[str]:
    lines = [
        f"Mã kiểm tra của kết quả này (SHA-256): {digest}.",
        f"Mã kiểm tra của toàn bộ bảng xếp hạng (SHA-256): {content['ranking_digest']}.",
    ]
    if content["audit_seal"]:
        seal = content["audit_seal"]
        lines.append(f"Dấu nối của nhật ký, dòng {number(seal['number'])}: {seal['seal']}.")
    return lines


def _instant(written: str | None) -> str:
    """An instant of a snapshot, which keeps them as ISO 8601."""
    return datetime_shown(datetime.fromisoformat(written)) if written else "(chưa ghi)"
