from __future__ import annotations

import pytest

from core.errors import Refusal
from core.postgresql_tools import find_tools, without_password


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


async def test_programs_older_than_the_server_are_not_taken() -> None:
    assert (await find_tools(15)).major >= 15
    assert (await find_tools(18)).major >= 18
    with pytest.raises(Refusal, match="postgresql-client-99"):
        await find_tools(99)
