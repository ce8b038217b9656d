from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import Refusal
from core.postgresql_tools import Tools, choose, find_tools, without_password


@pytest.mark.parametrize(
    ("url", "shown", "password"),
    [
        ("postgresql://hieuso:m%40t@10.0.0.1:5432/thi", "postgresql://hieuso@10.0.0.1:5432/thi", "m@t"),
        ("postgres://hieuso@host/thi?sslmode=require", "postgresql://hieuso@host/thi?sslmode=require", ""),
        ("postgresql:///thi?host=%2Frun&password=x%26y", "postgresql:///thi?host=%2Frun", "x&y"),
        ("postgresql://a:b@[::1]:5432/thi", "postgresql://a@[::1]:5432/thi", "b"),
    ],
)  # fmt: skip
def test_no_password_stands_where_everybody_can_read_it(
    url: str, shown: str, password: str
) -> None:
    assert without_password(url) == (shown, {"PGPASSWORD": password} if password else {})


@pytest.mark.parametrize(
    ("installed", "server", "reading", "taken"),
    [
        ((15, 18), 15, 0, 15),
        ((15, 18), 16, 0, None),  # 18's dumps begin with what 16 refuses
        ((15, 18), 17, 0, 18),
        ((15, 16, 18), 15, 16, 16),  # an older pg_restore cannot read the file
        ((15, 18), 15, 18, None),
        ((15,), 18, 0, None),
        ((), 15, 0, None),
    ],
)
def test_the_oldest_programs_that_suit_the_server_are_taken(
    installed: tuple[int, ...], server: int, reading: int, taken: int | None
) -> None:
    found = [Tools(Path("bin"), major) for major in installed]
    if taken is None:
        with pytest.raises(Refusal, match=f"postgresql-client-{max(server, reading)}"):
            choose(found, server, reading=reading)
    else:
        assert choose(found, server, reading=reading).major == taken


async def test_the_embedded_programs_are_found() -> None:
    assert (await find_tools(18)).major >= 18
