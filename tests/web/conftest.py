"""The whole application behind a real uvicorn, on the test's own database and queue."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette

from core import clock, db
from core.local import Addresses
from core.settings import Settings
from people.sessions import open_session
from quiz import frozen
from web.app import create_app
from web.save_wire import wire

# Each client would read all certificates of the machine anew, and a cast has eleven clients.
CERTIFICATES = ssl.create_default_context()
SECRET = "a secret of the tests, long enough to sign with"


@dataclass
class Site:
    """Where the running application answers."""

    app: Starlette
    url: str

    def forget(self) -> None:
        """Empty what a process remembers of a database that a test has emptied."""
        self.app.state.public_pages.forget()
        self.app.state.page_copies.forget()
        self.app.state.contests.forget()
        self.app.state.load.set_lite(False)  # the keeper would see it only at its next look
        frozen.forget_pools()


@pytest.fixture(scope="session")
def settings(addresses: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        local_dir=str(tmp_path_factory.mktemp("local")),
        database_url=addresses.database_url,
        redis_url=addresses.redis_url,
        secret_key=SECRET,
        demo=True,
        log_level="warning",
    )


@pytest.fixture(scope="session")
async def running_site(database: Addresses, settings: Settings) -> AsyncIterator[Site]:
    app = create_app(settings)
    # With the protocol named, asyncio sets TCP_NODELAY; without, each answer waits 40 ms for an ACK.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            app, http=wire(app.state), lifespan="on", log_config=None, timeout_graceful_shutdown=2
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.02)
        if serving.done():
            await serving
    yield Site(app, f"http://127.0.0.1:{listener.getsockname()[1]}")
    server.should_exit = True
    await serving
    # the application closed the database that the tests share with it
    await db.open_database(database.database_url)


@pytest.fixture
async def site(running_site: Site, clean: None) -> Site:
    running_site.forget()
    return running_site


@pytest.fixture
async def visitor(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    """A browser-like client without an account; redirects are looked at, not followed."""
    async with httpx.AsyncClient(base_url=site.url, timeout=20, verify=CERTIFICATES) as client:
        yield client


SignIn = Callable[[int], Awaitable[httpx.AsyncClient]]


@pytest.fixture
async def sign_in(site: Site) -> AsyncIterator[SignIn]:
    """Gives a client that is signed in as the person with this id."""
    clients: list[httpx.AsyncClient] = []

    async def make(person_id: int) -> httpx.AsyncClient:
        async with db.transaction() as connection:
            account_id = await connection.fetchval(
                "SELECT id FROM account WHERE person_id = $1", person_id
            ) or await connection.fetchval(
                "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
                "VALUES ($1, $2, true, 0, $3) RETURNING id",
                person_id,
                f"+8491{person_id:07d}",
                clock.now(),
            )
            token = await open_session(connection, account_id, "a test")
        tokens = site.app.state.tokens
        client = httpx.AsyncClient(
            base_url=site.url,
            timeout=20,
            verify=CERTIFICATES,
            cookies={tokens.session_cookie: tokens.session_value(token)},
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        await client.aclose()
