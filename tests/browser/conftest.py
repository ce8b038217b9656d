"""A real Chromium on the real application, which serves a small copy of the demonstration province.

The province is laid once a worker and then only added to: every test brings people of its own.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from core import clock, db
from core.settings import Settings
from core.settings import settings as read_settings
from people.sessions import open_session
from tests.browser.paper import Person
from tests.web.conftest import Site, running_site, settings
from web.demo.accounts import STAFF
from web.demo.contests import OPEN_SLUG
from web.demo.people import Citizen, write_citizens
from web.demo.province import fill

__all__ = ["running_site", "settings"]  # the application that tests/web puts behind uvicorn

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking",
    "--disable-component-update", "--no-first-run", "--disable-sync",
]  # fmt: skip
PAST_ATTEMPTS = 400  # enough for two pages of a board
PHONE = {"width": 360, "height": 740}

OpenPage = Callable[..., Awaitable[Page]]
MakePerson = Callable[..., Awaitable[Person]]


def find_chromium() -> str | None:
    for name in (read_settings().chromium, "chromium", "google-chrome"):
        if name and (found := shutil.which(name)):
            return found
    return None


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    path = find_chromium()
    if path is None:
        sentence = "No Chromium: install it, or set CHROMIUM to the path of one."
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        await browser.close()


@pytest.fixture
async def province(running_site: Site, settings: Settings) -> Site:
    """The running application with the demonstration's units, staff, bank and three contests."""
    if not await db.pool().fetchval("SELECT 1 FROM contest WHERE slug = $1", OPEN_SLUG):
        tables = await db.pool().fetchval(
            "SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables "
            "WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
        )
        await db.pool().execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        await fill(settings, attempts=PAST_ATTEMPTS)
    running_site.forget()
    return running_site


@pytest.fixture
async def open_page(chromium: Browser, province: Site) -> AsyncIterator[OpenPage]:
    """Opens a page in a fresh context, a phone unless said otherwise.

    When the test ends, no page may have reported an error or a violation of the content security
    policy, but for what matches `tolerates`.
    """
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    async def make(
        person: Person | None = None, *, tolerates: str = r"(?!)", **options: Any
    ) -> Page:
        def note(text: str, address: str) -> None:
            if not re.search(tolerates, text):
                faults.append(f"{address}: {text}")

        context = await chromium.new_context(
            **{
                "viewport": PHONE,
                "base_url": province.url,
                "locale": "vi-VN",
                "timezone_id": "Asia/Ho_Chi_Minh",
                "has_touch": True,
                "reduced_motion": "reduce",
                **options,
            }
        )
        contexts.append(context)
        context.set_default_timeout(15_000)
        context.on(
            "console",
            lambda m: note(m.text, m.location["url"]) if m.type in {"error", "warning"} else None,
        )
        context.on("weberror", lambda e: note(str(e.error), "script"))
        if person is not None:
            await sign_in(context, province, person)
        return await context.new_page()

    yield make
    for context in contexts:
        await context.close()
    assert not faults, "\n".join(faults)


async def sign_in(context: BrowserContext, site: Site, person: Person) -> None:
    """Give the browser a session cookie of this person, as if by the one-time code."""
    async with db.transaction() as connection:
        token = await open_session(connection, person.account_id, "Trình duyệt của bài kiểm thử")
    tokens = site.app.state.tokens
    await context.add_cookies(
        [
            {
                "name": tokens.session_cookie,
                "value": tokens.session_value(token),
                "url": site.url,
                "httpOnly": True,
                "sameSite": "Lax",
            }
        ]
    )


_phones = count(84_520_000_000)


@pytest.fixture
async def make_person(province: Site) -> MakePerson:
    """Somebody who has signed up in Xã Mường Tè and agreed to take part."""

    async def make(full_name: str = "Lò Thị Mai") -> Person:
        unit_id = await db.pool().fetchval("SELECT id FROM unit WHERE name LIKE '%Mường Tè'")
        async with db.pool().acquire() as connection, connection.transaction():
            [written] = await write_citizens(
                connection,
                [
                    Citizen(
                        full_name=full_name,
                        birth_year=1990,
                        phone=f"+{next(_phones)}",
                        unit_id=unit_id,
                        division_code="nguoi-dan",
                        wants_messages=False,
                        signed_up_at=clock.now(),
                    )
                ],
            )
        return Person(written.person_id, written.account_id)

    return make


@pytest.fixture
async def mai(make_person: MakePerson) -> Person:
    return await make_person("Lò Thị Mai")


@pytest.fixture
async def admin(province: Site) -> Person:
    return await staff_member("admin")


async def staff_member(role: str) -> Person:
    username = next(each.username for each in STAFF if each.role == role)
    row = await db.pool().fetchrow(
        "SELECT person_id, id FROM account WHERE username = $1", username
    )
    assert row is not None
    return Person(row["person_id"], row["id"])
