"""Which of PostgreSQL's own programs (pg_dump, pg_restore …) do we call, and how, without a password in sight?

Servers have Debian's; a one-machine run has the embedded ones. A program older than its server
refuses to work, and a much newer one writes what an old server does not understand, so the oldest
that is not older than the server is taken.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from core.errors import Refusal
from core.local import postgresql_folder

DEBIAN_FOLDER = Path("/usr/lib/postgresql")
# From this version on a dump begins with SET transaction_timeout, which older servers refuse.
_SETS_NEW_TIMEOUT = 17
_SPOKEN = 2000  # characters of a program's last words that are worth repeating


@dataclass(frozen=True)
class Tools:
    """A folder of PostgreSQL's programs and their major version."""

    folder: Path
    major: int

    def path(self, program: str) -> str:
        return str(self.folder / program)


async def find_tools(server_major: int, *, reading: int = 0) -> Tools:
    """The programs of this machine that `choose` takes."""
    found = [tools for folder in _folders() if (tools := await _tools_of(folder)) is not None]
    return choose(found, server_major, reading=reading)


def choose(found: Sequence[Tools], server_major: int, *, reading: int = 0) -> Tools:
    """The oldest that suit the server, and can read a dump that those of major `reading` wrote."""
    wanted = max(server_major, reading)
    fitting = [
        tools
        for tools in found
        if tools.major >= wanted
        and (tools.major < _SETS_NEW_TIMEOUT) >= (server_major < _SETS_NEW_TIMEOUT)
    ]
    if not fitting:
        raise Refusal(
            "no_postgresql_tools",
            f"Máy này không có pg_dump và pg_restore hợp với PostgreSQL {wanted}. Hãy cài gói "
            f"postgresql-client-{wanted}. / pg_dump and pg_restore for PostgreSQL {wanted} are "
            f"missing: install postgresql-client-{wanted}.",
        )
    return min(fitting, key=lambda tools: tools.major)


async def run_tool(
    tools: Tools,
    program: str,
    url: str,
    *arguments: str,
    fed: AsyncIterator[bytes] | None = None,
) -> None:
    """Run a program against the database at `url`, fed from an iterator where it reads its input.

    What it says when it fails becomes the refusal. It is killed when its caller is cancelled.
    """
    address, secrets = without_password(url)
    process = await asyncio.create_subprocess_exec(
        tools.path(program), f"--dbname={address}", "--no-password", *arguments,
        stdin=asyncio.subprocess.PIPE if fed else asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **secrets, "LC_ALL": "C"},
    )  # fmt: skip
    feeding = asyncio.create_task(_feed(process, fed)) if fed else None
    try:
        assert process.stderr is not None
        words = (await process.stderr.read()).decode(errors="replace").strip()
        await process.wait()
        if feeding is not None:
            await feeding
    finally:
        if feeding is not None:
            feeding.cancel()
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise Refusal("postgresql_tool_failed", f"{program}: {words[-_SPOKEN:]}")


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """The address as everybody on the machine may read it in `ps`, and the password as libpq takes it."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query)
    password = unquote(parts.password or "") or dict(pairs).get("password", "")
    user, at, place = parts.netloc.rpartition("@")
    shown = urlunsplit(
        parts._replace(
            scheme="postgresql",
            netloc=user.partition(":")[0] + at + place,
            query=urlencode([pair for pair in pairs if pair[0] != "password"]),
        )
    )
    return shown, {"PGPASSWORD": password} if password else {}


async def _feed(process: asyncio.subprocess.Process, fed: AsyncIterator[bytes]) -> None:
    assert process.stdin is not None
    try:
        async for chunk in fed:
            process.stdin.write(chunk)
            await process.stdin.drain()
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has ended before its input: its last words say why
    finally:
        process.stdin.close()


def _folders() -> Iterator[Path]:
    yield from DEBIAN_FOLDER.glob("*/bin")
    if on_path := shutil.which("pg_dump"):
        yield Path(on_path).parent
    try:
        yield postgresql_folder() / "bin"
    except Refusal:
        return  # a server set up without the embedded ones


async def _tools_of(folder: Path) -> Tools | None:
    if not all((folder / program).is_file() for program in ("pg_dump", "pg_restore")):
        return None
    process = await asyncio.create_subprocess_exec(
        str(folder / "pg_restore"),
        "--version",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    major = re.search(rb"\) (\d+)", said)
    return Tools(folder, int(major[1])) if major else None
