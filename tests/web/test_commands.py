from __future__ import annotations

from pathlib import Path

import pytest

from core.documents import write_sheet
from core.errors import Refusal
from quiz.question_sheet import COLUMNS
from quiz.question_writing import make_bank
from quiz.questions import count_questions
from web.commands import import_bank

RIGHT = {
    "Mã": "CDS-001",
    "Chủ đề": "Chuyển đổi số",
    "Mức độ": "dễ",
    "Loại": "một đáp án",
    "Câu hỏi": "Ngày Chuyển đổi số quốc gia là ngày nào?",
    "Phương án A": "10/10",
    "Phương án B": "22/12",
    "Đáp án": "A",
}


def sheet(path: Path, *questions: dict[str, str]) -> Path:
    names = list(COLUMNS.values())
    lines = [[question.get(name, "") for name in names] for question in questions]
    path.write_bytes(write_sheet("Ngân hàng", names, lines))
    return path


async def test_a_right_file_comes_in(
    clean: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    file = sheet(tmp_path / "bank.xlsx", RIGHT)
    assert await import_bank("cds", file, is_dry_run=True) == 0
    assert await count_questions(bank_id) == 0
    assert "chưa ghi gì: sẽ nhập 1 câu" in capsys.readouterr().out
    assert await import_bank("cds", file, is_dry_run=False) == 0
    assert await count_questions(bank_id) == 1
    assert "Đã nhập 1 câu: 1 câu mới" in capsys.readouterr().out


async def test_a_wrong_cell_is_named_and_nothing_comes_in(
    clean: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    wrong = RIGHT | {"Mã": "CDS-002", "Câu hỏi": "Câu khác?", "Mức độ": "rất dễ"}
    file = sheet(tmp_path / "bank.xlsx", RIGHT, wrong)
    assert await import_bank("cds", file, is_dry_run=False) == 1
    assert await count_questions(bank_id) == 0
    said = capsys.readouterr().out
    assert "Ô C3 (Mức độ, đang ghi “rất dễ”)" in said
    assert "Có 1 ô cần sửa ở 1 dòng; chưa nhập câu nào." in said


async def test_a_bank_or_file_that_is_not_there_is_refused(clean: None, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="khong-co"):
        await import_bank("khong-co", tmp_path / "bank.xlsx", is_dry_run=False)
    await make_bank(code="cds", name="Chuyển đổi số")
    with pytest.raises(Refusal, match="Không đọc được tệp"):
        await import_bank("cds", tmp_path / "bank.xlsx", is_dry_run=False)
