"""What a store promises, be it a folder or a bucket behind a real S3 server; and a bucket that is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import httpx
import obstore
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from certificates import batch_signing, bucket, printing
from certificates.bucket import open_bucket
from certificates.erasing import erase_person
from certificates.owed import Rule
from certificates.store import Folder, Store, is_usable, place_of, store_of
from core import db
from core.errors import Refusal
from core.settings import Settings, settings
from tests.certificates import offices
from tests.certificates.stage import Stage

NOWHERE = "http://127.0.0.1:1"
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """A store, and a way to spoil what lies in it behind its back."""

    store: Store
    spoil: Callable[[str, bytes], Awaitable[object]]


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 server with a bucket `giay`; one request at a time, for its memory bears no more."""
    application = DomainDispatcherApplication(create_backend_app)
    server = make_server("127.0.0.1", 0, application, threaded=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    httpx.put(f"{address}/giay").raise_for_status()
    yield address
    server.shutdown()
    thread.join()
    server.server_close()


def bucket_settings(endpoint: str, name: str = "giay/nam-2026") -> Settings:
    return Settings(
        certificate_bucket=f"s3://{name}",
        certificate_bucket_endpoint=endpoint,
        certificate_bucket_key="key",
        certificate_bucket_secret="secret",
    )


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: str) -> Place:
    if request.param == "folder":

        async def write(digest: str, content: bytes) -> None:
            (tmp_path / "store" / place_of(digest)).write_bytes(content)

        return Place(Folder(tmp_path / "store"), write)
    opened = open_bucket(bucket_settings(s3))
    return Place(
        opened,
        lambda digest, content: obstore.put_async(opened._bucket, place_of(digest), content),
    )


async def test_a_store_keeps_once_and_gives_back_only_what_its_name_says(place: Place) -> None:
    store = place.store
    digest = await store.put(b"one")
    assert digest == sha256(b"one").hexdigest()
    assert await store.put(b"one") == digest
    assert await store.get(digest) == b"one"
    await place.spoil(digest, b"another")
    assert await store.get(digest) is None
    assert await store.put(b"one") == digest
    assert await store.get(digest) == b"one"
    await store.remove(digest)
    await store.remove(digest)
    assert await store.get(digest) is None


async def test_many_may_put_and_get_the_same_at_once(place: Place) -> None:
    content = bytes(range(256)) * 250
    digests = set(await asyncio.gather(*(place.store.put(content) for _ in range(20))))
    assert digests == {sha256(content).hexdigest()}
    found = await asyncio.gather(
        *(place.store.get(digest) for digest in digests for _ in range(20))
    )
    assert set(found) == {content}
    assert await is_usable(place.store)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63, "a" * 64 + "\n"])
async def test_a_store_goes_nowhere_but_by_a_digest(place: Place, name: str) -> None:
    for deed in (place.store.get, place.store.remove):
        with pytest.raises(ValueError, match="not a digest"):
            await deed(name)


async def test_a_folder_and_a_bucket_are_laid_out_alike(s3: str, tmp_path: Path) -> None:
    """So that a plain copy moves from one to the other."""
    digest = await Folder(tmp_path).put(b"a paper")
    opened = open_bucket(bucket_settings(s3, "giay"))
    copied = (tmp_path / place_of(digest)).read_bytes()
    await obstore.put_async(opened._bucket, place_of(digest), copied)
    assert await opened.get(digest) == b"a paper"


async def _says_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def _knows_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\nConnection: close\r\n\r\nnot found"
    )
    writer.close()


async def _breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n%PDF-1.7")
    writer.close()


async def _fails(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


async def _forbids(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    writer.close()


@asynccontextmanager
async def a_server(answer: Answer) -> AsyncIterator[str]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize(
    "answer",
    [_says_nothing, _knows_nothing, _breaks_off, _fails, _forbids],
    ids=lambda f: f.__name__,
)
async def test_trouble_on_the_way_never_means_not_there(
    answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bucket, "LIMIT_SECONDS", 0.5)
    async with a_server(answer) as endpoint:
        opened = open_bucket(bucket_settings(endpoint))
        with pytest.raises(Refusal, match="store_away") as refused:
            await opened.get("a" * 64)
        assert refused.value.retry_after_seconds
        assert not await is_usable(opened)


async def test_a_bucket_that_is_not_there_is_away_for_every_deed(s3: str) -> None:
    for chosen in (bucket_settings(s3, "another"), bucket_settings(NOWHERE)):
        opened = open_bucket(chosen)
        for deed in (opened.get("a" * 64), opened.put(b"x"), opened.remove("a" * 64)):
            with pytest.raises(Refusal, match="store_away"):
                await deed
        assert not await is_usable(opened)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch, s3: str) -> Callable[[str], None]:
    """Let the settings name a bucket at this endpoint."""

    def go(endpoint: str) -> None:
        chosen = bucket_settings(endpoint, f"giay/{id(monkeypatch)}")
        for name in ("bucket", "bucket_endpoint", "bucket_key", "bucket_secret"):
            value = getattr(chosen, f"certificate_{name}")
            monkeypatch.setenv(f"CERTIFICATE_{name.upper()}", value)
        settings.cache_clear()

    go(s3)
    return go


async def test_papers_are_drawn_signed_and_forgotten_in_a_bucket(
    stage: Stage,
    s3: str,
    at: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batch_id = await stage.issued(Rule(kind="participation"))
    first = await db.pool().fetchval(
        "SELECT id FROM certificate WHERE participant_id = $1", stage.participant_ids[0]
    )

    at(NOWHERE)  # nothing is noted against a paper that could not be kept
    with pytest.raises(Refusal, match="store_away"):
        await printing.render_batch(batch_id)
    assert await db.pool().fetchval("SELECT count(*) FROM certificate_paper") == 0

    at(s3)
    assert await printing.render_batch(batch_id) == len(stage.participant_ids)
    plain = await printing.paper(first)
    assert await store_of(settings()).get(plain.digest) == plain.content
    assert not (tmp_path / "certificates").exists()

    chosen = offices.with_key_file(tmp_path)
    monkeypatch.setenv("SIGNING_KEY_FILE", chosen.signing_key_file)
    monkeypatch.setenv("SIGNING_PASSWORD", chosen.signing_password)
    at(NOWHERE)
    await batch_signing.ask_signing(stage.contest_id, batch_id, by=stage.lan)
    with pytest.raises(Refusal, match="store_away"):
        await batch_signing.sign_waiting()
    [line] = await batch_signing.lists_of(stage.contest_id)
    assert (line.is_running, line.fault) == (True, "")  # the sweep goes on with it

    await erase_person(stage.arena.person_ids[0], by=stage.minh)  # not held up by the bucket
    with pytest.raises(Refusal, match="store_away"):
        await printing.remove_given_up()
    at(s3)
    assert await store_of(settings()).get(plain.digest) == plain.content
    assert await printing.remove_given_up() == 1
    assert await store_of(settings()).get(plain.digest) is None
    assert await printing.remove_given_up() == 0


async def test_what_was_given_up_and_came_back_stays(stage: Stage) -> None:
    await stage.issued(Rule(kind="participation"))
    first = await db.pool().fetchval("SELECT min(id) FROM certificate")
    one, other = (offices.paper(name) for name in ("one", "other"))
    digest = await printing.keep_paper(first, "outside_signed", one)
    await printing.keep_paper(first, "outside_signed", other)
    store = store_of(settings())
    assert await store.get(digest) is None  # another came in its place
    await printing.keep_paper(first, "outside_signed", one)
    assert await printing.remove_given_up() == 0
    assert (await printing.paper(first)).content == one
