"""What do the commands print that a person reads in a terminal?"""

from __future__ import annotations

from pathlib import Path

from certificates import keys
from core.errors import Refusal
from core.text import datetime_shown
from people import accounts, audit_chain, second_factor, unit_writing, units
from people.consents import publish_first_texts
from people.roles import grant_role
from quiz import bank_import, question_imports
from quiz.bank_import import BankReport, CellFault
from quiz.import_entries import Defaults
from quiz.question_writing import make_bank
from quiz.questions import find_bank
from web import contest_file

# What questions get on the command line that say no topic or difficulty themselves.
USUAL_DEFAULTS = Defaults(topic="Chung", difficulty="medium")


async def load_province(code: int) -> int:
    """Load a province with its communes, and the first words of consent."""
    added_count = await unit_writing.load_province(code, on=unit_writing.TWO_TIERS_SINCE)
    await publish_first_texts()
    print(f"Đã thêm {added_count} đơn vị.")  # noqa: T201 — the command's answer
    return 0


async def make_admin(username: str, full_name: str, unit_code: str, password: str) -> int:
    """Make an account that may do everything beneath a unit; the first one of a new house."""
    unit = await units.get_unit(unit_code)
    account_id = await accounts.make_staff(
        username=username, password=password, full_name=full_name, unit_code=None
    )
    await grant_role(account_id, "admin", unit_id=unit.id, by=None)
    print(f"Đã tạo tài khoản {username}, quản trị {unit.name}.")  # noqa: T201 — the command's answer
    return 0


async def verify_audit(seal: str | None) -> int:
    """Check the chain of the audit trail, and that a seal which was written down is still in it.

    Returns 1 when a link is broken or the seal is gone.
    """
    report = await audit_chain.verify_chain()
    if report.fault:
        print(f"HỎNG: {report.fault}")  # noqa: T201 — the command's answer
        return 1
    if seal and not await audit_chain.has_seal(seal):
        print("HỎNG: không còn dấu niêm phong đã ghi lại; phần cuối của nhật ký đã bị thay.")  # noqa: T201 — the command's answer
        return 1
    waiting = f", {report.unsealed_count} dòng chờ niêm phong" if report.unsealed_count else ""
    print(f"OK: {report.count} dòng liền mạch{waiting}; dấu cuối {report.last.seal}")  # noqa: T201 — the command's answer
    return 0


async def reset_second_factor(username: str) -> int:
    """Take the second factor off an account, where no administrator can still sign in to do it."""
    account_id = await accounts.find_staff(username)
    if account_id is None:
        raise Refusal("not_found", f"Không có tài khoản cán bộ tên “{username}”.")
    await second_factor.reset(account_id, by=None)
    print(f"Đã tắt xác thực hai lớp của {username}.")  # noqa: T201 — the command's answer
    return 0


async def show_certificate_keys() -> int:
    """List every key that ever vouched for certificates, the newest first."""
    for key in await keys.published_keys():
        state = "đang ký" if key.id == keys.own_key_id() else "đã thay"
        if key.ended_at and key.id != keys.own_key_id():
            state = f"ký đến {datetime_shown(key.ended_at)}"
        if key.distrusted_at:
            state = f"không còn tin từ {datetime_shown(key.distrusted_at)}"
        print(f"{key.id}  {key.public_key.hex()}  {state}")  # noqa: T201 — the command's answer
    return 0


def make_certificate_key(path: Path) -> int:
    """Make a key file to change over to."""
    key = keys.make_key_file(path)
    print(  # noqa: T201 — the command's answer
        f"Đã tạo khóa {key}. Chép tệp {path} sang mọi máy chủ, đặt CERTIFICATE_KEY_FILE bằng đường "
        "dẫn của tệp rồi khởi động lại. Giữ một bản ở nơi an toàn: bản sao lưu không có khóa này."
    )
    return 0


async def distrust_certificate_key(key: str) -> int:
    """Tell everybody that what a key signed counts for nothing without the register."""
    await keys.distrust_key(key, by=None)
    print(f"Từ nay không ai tin chữ ký của khóa {key} nữa.")  # noqa: T201 — the command's answer
    return 0


async def make_contest(path: Path, username: str) -> int:
    """Make a draft from a TOML file in the name of a staff account."""
    account_id = await accounts.find_staff(username)
    if account_id is None:
        raise Refusal("not_found", f"Không có tài khoản cán bộ tên “{username}”.")
    address = await contest_file.make_contest(path, by=account_id)
    print(f"Đã tạo bản nháp. Xem, gửi duyệt và duyệt tại {address}")  # noqa: T201 — the command's answer
    return 0


async def import_bank(
    bank_code: str, path: Path, *, name: str | None = None, is_dry_run: bool
) -> int:
    """Read a file of questions into a bank and print what came of it, fault by fault.

    Returns 1 when something is wrong; then the bank was not changed. A file that is no list of
    questions is refused, and so is a bank that does not exist, unless `name` says what to call a
    new one.
    """
    bank_id = await find_bank(bank_code)
    if bank_id is None and name:
        bank_id = await make_bank(code=bank_code, name=name)
    if bank_id is None:
        raise Refusal("not_found", f"Không có ngân hàng câu hỏi mang mã “{bank_code}”.")
    try:
        content = path.read_bytes()  # noqa: ASYNC240 — a command has nobody else to serve meanwhile
    except OSError as error:
        raise Refusal("bad_file", f"Không đọc được tệp {path}: {error.strerror}.") from None
    if path.suffix.lower() != ".xlsx":
        return await _import_file(bank_id, content, path.name, is_dry_run=is_dry_run)
    report = await bank_import.import_bank(bank_id, content, by=None, is_dry_run=is_dry_run)
    for line in _lines(report):
        print(line)  # noqa: T201 — the command's answer
    return 1 if report.faults else 0


async def _import_file(bank_id: int, content: bytes, file_name: str, *, is_dry_run: bool) -> int:
    """What needs a look waits for it in the browser; the bank gets the whole file or nothing."""
    read = await question_imports.read_file(content, file_name)
    import_id = await question_imports.stage_import(
        bank_id, read, file_name, defaults=USUAL_DEFAULTS, by=None
    )
    shown = await question_imports.get_import(import_id)
    lines = [f"Không chuyển được: {loss}" for loss in shown.losses]
    for entry in shown.entries:
        sentences = [entry.miss] if entry.miss else shown.faults.get(entry.id, {}).values()
        lines += [f"{entry.place}: {sentence}" for sentence in sentences]
    is_whole = shown.table is None and len(shown.ready) == len(shown.entries)
    if is_dry_run:
        await question_imports.discard_import(import_id, by=None)
        lines.append(f"Thử, chưa ghi gì: sẽ nhập {len(shown.ready)} câu.")
    elif is_whole:
        taken = await question_imports.accept_import(
            import_id, {}, revision=shown.revision, by=None
        )
        lines.append(f"Đã nhập {len(taken.question_ids)} câu.")
    else:
        lines.append(
            f"Chưa nhập câu nào. Xem và sửa trong trình duyệt: /quan-tri/ngan-hang/nhap/{import_id}"
        )
    for line in lines:
        print(line)  # noqa: T201 — the command's answer
    return 0 if is_whole else 1


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
