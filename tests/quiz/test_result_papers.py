"""What the minutes and the winners' list say, from a signed result."""

from __future__ import annotations

from datetime import date
from io import BytesIO

import pytest
from docx import Document

from core.official_paper import OfficialPaper, Paragraph, Table, to_docx
from quiz.awards import awards_of, give_awards
from quiz.contests import ContestShown
from quiz.prizes import prizes_of
from quiz.result_papers import PaperHead, Signed, minutes, winners_list
from quiz.result_snapshots import sign_result, snapshots_of
from tests.quiz.conftest import Participant, Staff
from tests.quiz.test_awards import add_prize, make_final, played

__all__ = ["played"]  # a fixture of the awards' tests
HEAD = PaperHead(
    authority="Ban Tổ chức cuộc thi",
    place="Lai Châu",
    chair_title="Trưởng ban",
    chair_name="Phạm Văn Minh",
    secretary_name="Vàng Thị Lan",
    number=5,
    on=date(2026, 2, 6),
)


@pytest.fixture
async def signed(contest: ContestShown, played: tuple[Participant, ...], staff: Staff) -> Signed:
    await add_prize(contest, "Giải Nhất")
    await add_prize(contest, "Giải tập thể", kind="collective", measure="people")
    await make_final(contest, 1)
    await give_awards(contest.id, by=staff.lan)
    await sign_result(contest.rounds[0].id, by=staff.minh)
    (snapshot,) = await snapshots_of(contest.id)
    return Signed(
        snapshot.content, snapshot.digest, await prizes_of(contest.id), await awards_of(contest.id)
    )


def said(paper: OfficialPaper) -> str:
    return "\n".join(
        block.text if isinstance(block, Paragraph) else " | ".join(map(" ".join, block.rows))
        for block in paper.blocks
    )


async def test_the_minutes_tell_course_figures_winners_and_how_to_check(signed: Signed) -> None:
    paper = minutes(signed, HEAD)
    told = said(paper)
    assert paper.subject == "Xác nhận kết quả Tuần 1, cuộc thi “Tìm hiểu chuyển đổi số”"
    assert "Số thực tế của câu dự đoán (số người có bài thi được ghi nhận trong đợt) là 6" in told
    assert "Tổng cộng 6 6" in told
    assert "Không có câu hỏi nào phải điều chỉnh" in told
    assert "Không có khiếu nại." in told
    assert "Lò Thị Mai, Xã Bình Lư 8/8" in told
    assert signed.digest in told
    assert [each.title for each in paper.signers] == ["Thư ký", "Trưởng ban"]


async def test_corrections_appeals_and_exclusions_are_told(signed: Signed) -> None:
    content = {
        **signed.content,
        "disqualified_count": 2,
        "appeals": {"accepted": 1, "rejected": 3},
        "corrections": [
            {"kind": "rekey", "reason": "Đáp án gõ nhầm.", "question": "Câu nào?",
             "applied_at": "2026-11-20T02:00:00Z"},
        ],
    }  # fmt: skip
    told = said(minutes(Signed(content, signed.digest, (), ()), HEAD))
    assert "Có 2 người không được xếp hạng" in told
    assert "Khiếu nại: 4; chấp nhận 1, không chấp nhận 3, người gửi rút 0." in told
    assert "Câu “Câu nào?”: sửa đáp án, áp dụng lúc 09:00" in told
    assert "Lý do: Đáp án gõ nhầm." in told
    assert "Đợt thi này không trao giải." in told


async def test_the_list_masks_telephone_numbers_and_becomes_a_word_file(signed: Signed) -> None:
    paper = winners_list(signed, HEAD)
    people = next(block for block in paper.blocks if isinstance(block, Table))
    assert people.rows[0][:3] == ("1", "Lò Thị Mai", "Xã Bình Lư")
    tables = Document(BytesIO(to_docx(paper))).tables
    assert "Lò Thị Mai" in "".join(cell.text for table in tables for cell in table._cells)
    assert "Xã Bình Lư" in "".join(cell.text for table in tables for cell in table._cells)
