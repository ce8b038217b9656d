"""How are papers kept in an S3-compatible bucket?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.store import S3Store

from certificates.store import StoreAwayError, place_of
from core.log import logger
from core.settings import Settings

if TYPE_CHECKING:  # obstore has this name for checkers only
    from obstore.store import S3Config

# A paper has some 60 kB: whoever needs longer for it is as good as away, and somebody waits.
CONNECT_SECONDS = 3
ANSWER_SECONDS = 8
LIMIT_SECONDS = 15.0  # with the second try
TRIES_AGAIN = 1
_LONGEST_FAULT = 300  # characters of it in the log


class Bucket:
    """A store in a bucket, laid out as a folder is."""

    def __init__(self, bucket: S3Store) -> None:
        self._bucket = bucket

    async def put(self, content: bytes) -> str:
        # Again if it is there: one question is less than two, and the bytes are the same.
        digest = sha256(content).hexdigest()
        async with _told_plainly("put"):
            await obstore.put_async(self._bucket, place_of(digest), content, use_multipart=False)
        return digest

    async def get(self, digest: str) -> bytes | None:
        place = place_of(digest)
        async with _told_plainly("get"):
            try:
                found = await obstore.get_async(self._bucket, place)
                content = bytes(await found.bytes_async())
            except FileNotFoundError as fault:
                # A bucket that is gone, or a stranger at its address, answers 404 as well.
                if await self._is_listed(place):
                    raise StoreAwayError from fault
                return None
        return content if sha256(content).hexdigest() == digest else None

    async def remove(self, digest: str) -> None:
        place = place_of(digest)
        async with _told_plainly("remove"):
            await obstore.delete_async(self._bucket, place)

    async def _is_listed(self, place: str) -> bool:
        listed = await obstore.list(self._bucket, place.rpartition("/")[0]).collect_async()
        return any(each["path"] == place for each in listed)


@asynccontextmanager
async def _told_plainly(deed: str) -> AsyncIterator[None]:
    """Whatever goes wrong on the way becomes "away", with the reason in the log."""
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            yield
    except StoreAwayError:
        raise
    # Errors of obstore's own, OSErrors (a time limit, a bucket that is not there) and Rust's panics:
    # whatever it is, nobody knows what is there.
    except Exception as fault:
        reason = str(fault).partition("\n\nDebug source")[0][:_LONGEST_FAULT]
        logger.error("store_away", deed=deed, reason=reason or type(fault).__name__)
        raise StoreAwayError from fault


def open_bucket(settings: Settings) -> Bucket:
    """The bucket that the settings name; nothing is asked of it yet."""
    named = urlsplit(settings.certificate_bucket)
    endpoint = settings.certificate_bucket_endpoint
    config: S3Config = {
        "region": settings.certificate_bucket_region,
        "access_key_id": settings.certificate_bucket_key,
        "secret_access_key": settings.certificate_bucket_secret,
        # A service of one's own seldom has a host name for each bucket, Amazon's always.
        "virtual_hosted_style_request": not endpoint,
    }
    if endpoint:
        config["endpoint"] = endpoint
    return Bucket(
        S3Store(
            named.netloc,
            prefix=named.path.strip("/") or None,
            config=config,
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
                "timeout": timedelta(seconds=ANSWER_SECONDS),
            },
            retry_config={
                "max_retries": TRIES_AGAIN,
                "retry_timeout": timedelta(seconds=LIMIT_SECONDS),
            },
        )
    )
