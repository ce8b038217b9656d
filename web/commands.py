"""What do the commands print that a person reads in a terminal?"""

from __future__ import annotations

from pathlib import Path

from core.errors import Refusal
from quiz import bank_import
from quiz.bank_import import BankReport, CellFault
from quiz.questions import find_bank


async def import_bank(bank_code: str, path: Path, *, is_dry_run: bool) -> int:
    """Read an XLSX file of questions into a bank and print what came of it, fault by fault.

    Returns 1 when cells are wrong; then nothing was changed. A file that is no such table, or a
    bank that does not exist, is refused.
    """
    bank_id = await find_bank(bank_code)
    if bank_id is None:
        raise Refusal("not_found", f"Không có ngân hàng câu hỏi mang mã “{bank_code}”.")
    try:
        content = path.read_bytes()  # noqa: ASYNC240 — a command has nobody else to serve meanwhile
    except OSError as error:
        raise Refusal("bad_file", f"Không đọc được tệp {path}: {error.strerror}.") from None
    report = await bank_import.import_bank(bank_id, content, by=None, is_dry_run=is_dry_run)
    for line in _lines(report):
        print(line)  # noqa: T201 — the command's answer
    return 1 if report.faults else 0


def _lines(report: BankReport) -> list[str]:
    if report.faults:
        rows = len({fault.row for fault in report.faults})
        return [
            *(_fault_line(fault) for fault in report.faults),
            f"Có {len(report.faults)} ô cần sửa ở {rows} dòng; chưa nhập câu nào.",
        ]
    lines = [f"Bỏ qua cột “{name}”." for name in report.ignored_columns]
    lines += [f"Chủ đề mới: {name}." for name in report.new_topics]
    done = "Đã nhập" if report.is_written else "Thử, chưa ghi gì: sẽ nhập"
    return [
        *lines,
        f"{done} {report.row_count} câu: {report.made_count} câu mới, {report.changed_count} câu "
        f"có phiên bản mới, {report.unchanged_count} câu không đổi.",
    ]


def _fault_line(fault: CellFault) -> str:
    place = f"Ô {fault.column}{fault.row}" if fault.column else f"Dòng {fault.row}"
    typed = f", đang ghi “{fault.typed}”" if fault.typed else ""
    return f"{place} ({fault.column_name}{typed}): {fault.sentence}"
