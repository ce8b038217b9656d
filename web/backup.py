"""How do an administrator's two commands keep the house: back up, and bring back?"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from core import backup
from core.backup_file import Manifest
from core.clock import local, now
from core.db import transaction
from core.errors import Refusal
from core.settings import Settings
from core.text import datetime_shown, number
from people.audit import AuditFilter, AuditShown, find_entries, record
from web.commands import verify_audit

_NAME = "hieuso-{:%Y%m%d-%H%M%S}.tar"
_PATTERN = "hieuso-????????-??????.tar"


async def back_up(chosen: Settings, target: Path, *, keep: int | None = None) -> int:
    """Write a backup into a new file, or a named one into a folder; `keep` so many of the folder's.

    The audit trail tells of it, which is where `last_backup` looks.
    """
    _refuse_pgbouncer(chosen)
    if keep is not None and keep < 1:
        raise Refusal("bad_keep", "--keep phải từ 1 trở lên. / --keep must be at least 1.")
    path = await asyncio.to_thread(_new_file, target)
    started = time.monotonic()
    manifest = await backup.back_up(chosen.database_url, path)
    seconds = round(time.monotonic() - started, 1)
    size = manifest.dump.bytes
    async with transaction() as connection:
        detail: dict[str, object] = {"bytes": size, "rows": manifest.row_count, "seconds": seconds}
        await record(
            connection, by=None, action="back_up", subject=f"backup:{path.name}", detail=detail
        )
    _say_done(path, manifest, seconds)
    if keep is not None:
        await asyncio.to_thread(_remove_old, path.parent, keep)
    return 0


async def restore(chosen: Settings, path: Path, *, replace: str | None) -> None:
    """Bring the database back to what the file holds; see `core.backup.restore` for what is refused."""
    _refuse_pgbouncer(chosen)
    manifest = await backup.restore(chosen.database_url, path, replace=replace)
    print(  # noqa: T201 — the command's answer
        f"Đã khôi phục {number(manifest.row_count)} dòng của {len(manifest.tables)} bảng, lấy "
        f"lúc {datetime_shown(manifest.made_at)}; mọi bảng khớp mã băm."
    )


async def check_restored(path: Path) -> int:
    """Verify the audit trail that came back, and add the restoring to it; 1 when a link is broken.

    A broken link came with the backup (its hashes agree), so the data stay; somebody must look.
    """
    result = await verify_audit(None)
    async with transaction() as connection:
        await record(connection, by=None, action="restore_backup", subject=f"backup:{path.name}")
    return result


async def last_backup() -> AuditShown | None:
    """The newest backup that the trail knows of: when, which file, bytes, rows and seconds."""
    found = await find_entries(AuditFilter(action="back_up"), limit=1)
    return found[0] if found else None


def _new_file(target: Path) -> Path:
    """The file itself, or one with the instant in its name where `target` is (or names) a folder."""
    if target.suffix == ".tar" and not target.is_dir():
        return target
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target / _NAME.format(local(now()))


def _remove_old(folder: Path, keep: int) -> None:
    for old in sorted(folder.glob(_PATTERN))[:-keep]:
        old.unlink()
        print(f"Đã xóa bản cũ {old.name}.")  # noqa: T201 — the command's answer


def _say_done(path: Path, manifest: Manifest, seconds: float) -> None:
    print(  # noqa: T201 — the command's answer
        f"Đã sao lưu {number(manifest.row_count)} dòng của {len(manifest.tables)} bảng vào {path} "
        f"({number(manifest.dump.bytes / 1e6, 1)} MB, {number(seconds, 1)} giây).\n"
        "Tệp có dữ liệu cá nhân và khóa xác thực hai lớp đã mã hóa: hãy chép sang máy khác và chỉ "
        "cho người có trách nhiệm đọc. SECRET_KEY không nằm trong tệp; hãy giữ riêng."
    )


def _refuse_pgbouncer(chosen: Settings) -> None:
    if chosen.pgbouncer:
        raise Refusal(
            "needs_postgresql_itself",
            "Sao lưu và khôi phục cần nối thẳng tới PostgreSQL, không qua PgBouncer. Hãy đặt "
            "DATABASE_DIRECT_URL là địa chỉ của PostgreSQL. / Needs PostgreSQL itself: set "
            "DATABASE_DIRECT_URL to its address.",
        )
