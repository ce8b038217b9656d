"""One embedded PostgreSQL and Valkey for the whole run; a database of its own for each worker."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
from argon2 import PasswordHasher

from certificates.printing import drawing
from core import clock, db
from core import queue as queue_module
from core.local import DATABASE, Addresses, LocalStack
from loadtest.prepared import copy_prepared
from people import passwords

# Two busy cores make any single example slow now and then; that says nothing about the code.
# Fifty examples find as much on the gate's hundredth run as a hundred on its fiftieth.
hypothesis.settings.register_profile("shared_machine", deadline=None, max_examples=50)
hypothesis.settings.load_profile("shared_machine")

# Staff of the cast sign in thousands of times; tests/people/test_passwords.py holds the real cost.
passwords._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)

ADDRESSES_VARIABLE = "HIEU_SO_TEST_ADDRESSES"
STACK_KEY = pytest.StashKey[tuple[LocalStack, Path]]()


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers once, in the process that leads the run."""
    os.environ.setdefault("SECRET_KEY", "a secret of the tests, long enough to sign with")
    if ADDRESSES_VARIABLE in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="hieu-so-test-"))
    folder.chmod(0o755)  # the servers' account must get through
    copy_prepared(folder, None, {**os.environ, "DATABASE_URL": "", "REDIS_URL": ""})
    stack = LocalStack(folder)
    addresses = stack.start()
    os.environ[ADDRESSES_VARIABLE] = json.dumps([addresses.database_url, addresses.redis_url])
    config.stash[STACK_KEY] = (stack, folder)


def pytest_unconfigure(config: pytest.Config) -> None:
    if STACK_KEY in config.stash:
        stack, folder = config.stash[STACK_KEY]
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
        os.environ.pop(ADDRESSES_VARIABLE, None)


@pytest.fixture(scope="session")
def addresses(worker_id: str) -> Addresses:
    """Where this test worker's own database and its own numbered Valkey database are."""
    database_url, redis_url = json.loads(os.environ[ADDRESSES_VARIABLE])
    parts = urlsplit(database_url)
    own = urlunsplit(parts._replace(path=f"/test_{worker_id}"))
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id.startswith("gw") else 0
    return Addresses(own, redis_url.removesuffix("/0") + f"/{number}")


@pytest.fixture(scope="session")
async def database(addresses: Addresses) -> AsyncIterator[Addresses]:
    """A migrated, opened database; shared by all tests of a worker, emptied before each."""
    name = urlsplit(addresses.database_url).path.removeprefix("/")
    # Nobody may be connected to the one that is copied, so ask from elsewhere.
    server = await asyncpg.connect(
        json.loads(os.environ[ADDRESSES_VARIABLE])[0], database="postgres"
    )
    await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{DATABASE}"')
    await server.close()
    await db.open_database(addresses.database_url)
    yield addresses
    await db.close_database()


@pytest.fixture(scope="session", autouse=True)
async def drawing_ends() -> AsyncIterator[None]:
    """The processes that draw certificates are kept for all tests of a worker: each loads for a second."""
    yield
    await drawing.close()


async def empty_tables() -> None:
    """Empty what a test has filled; truncating all sixty tables took half a second a test."""
    tables = await db.pool().fetch(
        "SELECT tablename FROM pg_tables "
        "WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"
    )
    names = [f'"{row["tablename"]}"' for row in tables]
    asked = " UNION ALL ".join(
        f"SELECT '{n}' AS name WHERE EXISTS (SELECT FROM {n})" for n in names
    )
    filled = [row["name"] for row in await db.pool().fetch(asked)]
    async with db.pool().acquire() as connection, connection.transaction():
        # Foreign keys and only-added triggers hold back a plain DELETE, TRUNCATE takes every table
        # that refers to one: with both kinds of trigger off, few rows go faster than many files.
        await connection.execute("SET LOCAL session_replication_role = replica")
        for name in filled:
            await connection.execute(f"DELETE FROM {name}")
        await connection.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) "
            "FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL"
        )


@pytest.fixture
async def clean(database: Addresses) -> AsyncIterator[None]:
    """Every table empty, every counter at one, and the clock running again afterwards."""
    await empty_tables()
    yield
    clock.freeze(None)


@pytest.fixture
async def spare_database(addresses: Addresses) -> AsyncIterator[str]:
    """The address of a second, empty database, gone afterwards."""
    own = urlsplit(addresses.database_url)
    name = own.path.removeprefix("/").replace("test_", "spare_")
    server = await asyncpg.connect(json.loads(os.environ[ADDRESSES_VARIABLE])[0])
    await server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await server.execute(f'CREATE DATABASE "{name}"')
    yield urlunsplit(own._replace(path=f"/{name}"))
    await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await server.close()


@pytest.fixture
async def queue(addresses: Addresses) -> AsyncIterator[None]:
    """The real doorbell, rung into this worker's Valkey database."""
    applications = queue_module._doorbell  # where one serves all tests of the worker
    queue_module.open_queue(addresses.redis_url)
    yield
    await queue_module.close_queue()
    queue_module._doorbell = applications


@pytest.fixture(scope="session")
def project_folder() -> Path:
    return Path(__file__).parent.parent
