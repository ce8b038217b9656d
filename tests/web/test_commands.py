from __future__ import annotations

from pathlib import Path

import pytest

from core import db
from core.documents import write_sheet
from core.errors import Refusal
from people.accounts import make_staff
from people.audit import record
from people.audit_chain import seal_entries
from people.second_factor import begin, get_factor
from quiz.question_sheet import COLUMNS
from quiz.question_writing import make_bank
from quiz.questions import count_questions
from web.commands import import_bank, reset_second_factor, verify_audit

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


async def test_a_file_of_another_format_comes_in_whole_or_waits_in_the_browser(
    clean: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    file = tmp_path / "cau-hoi.gift"
    right = "Ngày Chuyển đổi số quốc gia là ngày nào? {=10/10 ~22/12}\n"
    file.write_text(right)
    assert await import_bank("cds", file, is_dry_run=True) == 0
    assert await count_questions(bank_id) == 0
    assert "sẽ nhập 1 câu" in capsys.readouterr().out
    file.write_text(f"{right}\nAi cấp căn cước? {{~Công an ~Tòa án}}\n")
    assert await import_bank("cds", file, is_dry_run=False) == 1
    assert await count_questions(bank_id) == 0
    said = capsys.readouterr().out
    assert "dòng 3: Không có phương án nào được đánh dấu đúng." in said
    assert "/quan-tri/ngan-hang/nhap/2" in said
    file.write_text(right)
    assert await import_bank("cds", file, is_dry_run=False) == 0
    assert await count_questions(bank_id) == 1


async def test_a_bank_or_file_that_is_not_there_is_refused(clean: None, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="khong-co"):
        await import_bank("khong-co", tmp_path / "bank.xlsx", is_dry_run=False)
    await make_bank(code="cds", name="Chuyển đổi số")
    with pytest.raises(Refusal, match="Không đọc được tệp"):
        await import_bank("cds", tmp_path / "bank.xlsx", is_dry_run=False)


async def test_the_trail_is_verified_and_a_broken_link_told(
    clean: None, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        async with db.transaction() as connection:
            await record(connection, by=None, action="open", subject=f"contest:{number}")
    await seal_entries(limit=2)
    assert await verify_audit(None) == 0
    said = capsys.readouterr().out
    assert "OK: 2 dòng liền mạch, 1 dòng chờ niêm phong" in said
    seal = said.split()[-1]
    assert await verify_audit(seal) == 0
    assert await verify_audit("f" * 64) == 1
    async with db.pool().acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute("UPDATE audit_entry SET subject = 'contest:9' WHERE id = 2")
    assert await verify_audit(seal) == 1
    assert "HỎNG: Dấu niêm phong số 2" in capsys.readouterr().out


async def test_a_lost_second_factor_is_taken_off_by_command(clean: None) -> None:
    account_id = await make_staff(username="alice", password="rừng xanh", full_name="Alice")
    await begin(account_id)
    await db.pool().execute("UPDATE account SET totp_confirmed_at = now()")
    assert await reset_second_factor("Alice") == 0
    assert (await get_factor(account_id)).confirmed_at is None
    with pytest.raises(Refusal, match="bob"):
        await reset_second_factor("bob")
