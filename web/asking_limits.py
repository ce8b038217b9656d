"""How often may one address ask whether certificates are real?

A school, an office or a whole telephone network shares an address, so the limits are far above what
people do; they stop programs. Wrong answers are counted apart: whoever holds papers seldom errs.
The buckets are in Valkey, for all processes together. While Valkey is away nobody is stopped: what
keeps strangers from guessing are the sixty bits of a check code.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable

from limits import RateLimitItem, parse
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from starlette.requests import Request

from core.errors import Refusal
from core.log import logger

ASKED = parse("600/minute")
WRONG = parse("60/minute")
FILES = parse("60/minute")
RETRY_SECONDS = 60
IPV6_BITS = 64  # what a household or an office gets as a whole


Asking = Callable[..., Awaitable[bool]]


class AskingLimits:
    """The buckets of one process' connection to Valkey."""

    def __init__(self, redis_url: str) -> None:
        self._storage = RedisStorage(
            f"async+{redis_url}", implementation="redispy", socket_timeout=1,
            socket_connect_timeout=1,
        )  # fmt: skip
        self._limiter = FixedWindowRateLimiter(self._storage)

    async def count(self, request: Request, limit: RateLimitItem, name: str) -> None:
        """Count one question of this address; refuses "too_many_questions" over the limit."""
        if not await self._is_below(request, limit, name, self._limiter.hit):
            raise _too_many()

    async def look(self, request: Request, limit: RateLimitItem, name: str) -> None:
        """Refuse as `count` does, without counting."""
        if not await self._is_below(request, limit, name, self._limiter.test):
            raise _too_many()

    async def _is_below(
        self, request: Request, limit: RateLimitItem, name: str, ask: Asking
    ) -> bool:
        try:
            return await ask(limit, name, _network(request))
        except Exception as error:  # noqa: BLE001 — whatever Valkey's fault is, people must be answered
            logger.warning("asking_not_limited", reason=type(error).__name__)
            return True


def _network(request: Request) -> str:
    """The address, of IPv6 the network; "" where a server has none (a Unix socket)."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_BITS), strict=False))
    return str(address)


def _too_many() -> Refusal:
    return Refusal(
        "too_many_questions",
        "Địa chỉ mạng này vừa tra quá nhiều lần. Bạn chờ một phút rồi thử lại.",
        retry_after_seconds=RETRY_SECONDS,
    )


def limits_of(request: Request) -> AskingLimits:
    state = request.app.state
    if not hasattr(state, "asking_limits"):
        state.asking_limits = AskingLimits(state.settings.redis_url)
    return state.asking_limits  # type: ignore[no-any-return]  # State has no types
