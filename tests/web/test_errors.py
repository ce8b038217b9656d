from __future__ import annotations

from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tortoise.exceptions import DBConnectionError

from tests.web.conftest import Site


def wrapped_by_the_orm() -> Exception:
    error = DBConnectionError("gone")
    error.__cause__ = asyncpg.ConnectionDoesNotExistError("gone")
    return error


@pytest.fixture(
    params=[
        ConnectionRefusedError("nobody there"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.DiskFullError("no space left"),
        wrapped_by_the_orm(),
    ],
    ids=lambda error: type(error).__name__,
)
def page_without_database(request: pytest.FixtureRequest, running_site: Site) -> Iterator[str]:
    async def fail(_request: Request) -> Response:
        raise request.param

    route = Route("/khong-co-du-lieu", fail)
    running_site.app.router.routes.append(route)
    yield "/khong-co-du-lieu"
    running_site.app.router.routes.remove(route)


async def test_while_postgresql_is_away_every_page_asks_people_to_come_back(
    page_without_database: str, visitor: httpx.AsyncClient
) -> None:
    page = await visitor.get(page_without_database)
    told = await visitor.get(page_without_database, headers={"accept": "application/json"})
    for answer in (page, told):
        assert answer.status_code == 503
        assert int(answer.headers["retry-after"]) > 0
    assert "những gì đã lưu vẫn còn nguyên" in page.text
    assert told.json()["code"] == "busy"
