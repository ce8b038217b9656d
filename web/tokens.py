"""What do our signed cookies carry, and how are they set?

The attempt token says "whoever holds this may answer this attempt": it is checked without a look
at the session or the database, and outlives the session, so nobody loses a paper to a sign-in.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from itsdangerous import BadSignature, Signer
from starlette.responses import Response

from core.clock import now
from people.staff_sign_in import HalfWay

ATTEMPT_SECONDS = 14 * 24 * 3600
SESSION_SECONDS = 30 * 24 * 3600
HALF_WAY_SECONDS = 300  # between the password and the second factor's code
TICKET_SECONDS = 12 * 3600
TICKET_PATH = "/cuoc-thi"
WATCH_SECONDS = 12 * 3600  # one day on duty
WATCH_PAGE = "/quan-tri/van-hanh"
STAFF_DOOR = "/dang-nhap/can-bo"
MOST_TOKENS_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class AttemptToken:
    attempt_id: UUID
    question_count: int


@dataclass(frozen=True, slots=True)
class Ticket:
    """A number in the waiting line; `epoch` says in which line."""

    epoch: int
    number: int


class Tokens:
    """Signs and reads the cookies of one installation."""

    def __init__(self, secret: str, *, is_https: bool) -> None:
        self._attempts = _signer(secret, "attempt")
        self._sessions = _signer(secret, "session")
        self._half_way = _signer(secret, "half-way")
        self._tickets = _signer(secret, "ticket")
        self._watches = _signer(secret, "watch")
        self._is_https = is_https
        # A browser shows the same cookie with each of its saves. Tokens do not expire, so a look
        # at the signature holds for ever.
        self.read_attempt = lru_cache(MOST_TOKENS_KEPT)(self._read_attempt)
        self.read_session = lru_cache(MOST_TOKENS_KEPT)(self._read_session)
        self.read_ticket = lru_cache(MOST_TOKENS_KEPT)(self._read_ticket)
        # Behind HTTPS the prefixes keep a neighbouring host from planting these cookies.
        self.session_cookie = "__Host-phien" if is_https else "phien"
        self.attempt_cookie = "__Secure-bai_thi" if is_https else "bai_thi"
        self.watch_cookie = "__Secure-truc" if is_https else "truc"
        self.half_way_cookie = "__Secure-cho_ma" if is_https else "cho_ma"
        self.ticket_cookie = "__Secure-so_cho" if is_https else "so_cho"

    def sign_attempt(self, token: AttemptToken) -> str:
        return self._attempts.sign(f"{token.attempt_id.hex}.{token.question_count}").decode()

    def _read_attempt(self, cookie: str | None) -> AttemptToken | None:
        if not cookie:
            return None
        try:
            attempt_id, _, count = self._attempts.unsign(cookie).decode().partition(".")
            return AttemptToken(UUID(hex=attempt_id), int(count))
        except (BadSignature, ValueError):
            return None

    def _read_session(self, cookie: str | None) -> str | None:
        if not cookie:
            return None
        try:
            return self._sessions.unsign(cookie).decode()
        except (BadSignature, UnicodeDecodeError):
            return None

    def session_value(self, session_token: str) -> str:
        return self._sessions.sign(session_token).decode()

    def set_session(self, response: Response, session_token: str, shown_name: str) -> None:
        self._set(response, self.session_cookie, self.session_value(session_token), "/")
        # The menu's name is written by script from this readable cookie, so that cached pages stay
        # the same for everybody.
        response.set_cookie(
            "ten_hien",
            quote(shown_name),
            max_age=SESSION_SECONDS,
            samesite="lax",
            secure=self._is_https,
        )

    def clear_session(self, response: Response) -> None:
        response.delete_cookie(self.session_cookie, secure=self._is_https, httponly=True)
        response.delete_cookie("ten_hien", secure=self._is_https)

    def set_half_way(self, response: Response, half_way: HalfWay) -> None:
        """The password itself stays nowhere while the code is typed."""
        until = int(now().timestamp()) + HALF_WAY_SECONDS
        value = f"{half_way.account_id}.{half_way.mark}.{until}"
        signed = self._half_way.sign(value).decode()
        self._set(response, self.half_way_cookie, signed, STAFF_DOOR, max_age=HALF_WAY_SECONDS)

    def read_half_way(self, cookie: str | None) -> HalfWay | None:
        if not cookie:
            return None
        try:
            account_id, mark, until = self._half_way.unsign(cookie).decode().split(".")
            is_fresh = now().timestamp() <= int(until)
            return HalfWay(int(account_id), mark) if is_fresh else None
        except (BadSignature, ValueError):
            return None

    def clear_half_way(self, response: Response) -> None:
        response.delete_cookie(
            self.half_way_cookie, path=STAFF_DOOR, secure=self._is_https, httponly=True
        )

    def set_watch(self, response: Response, account_id: int) -> None:
        """Who may see the operations page now may see it while no session can be looked up."""
        until = int(now().timestamp()) + WATCH_SECONDS
        signed = self._watches.sign(f"{account_id}.{until}").decode()
        self._set(response, self.watch_cookie, signed, WATCH_PAGE, max_age=WATCH_SECONDS)

    def is_watch(self, cookie: str | None) -> bool:
        try:
            _, until = self._watches.unsign(cookie or "").decode().split(".")
            return now().timestamp() <= int(until)
        except (BadSignature, ValueError):
            return False

    def clear_watch(self, response: Response) -> None:
        response.delete_cookie(
            self.watch_cookie, path=WATCH_PAGE, secure=self._is_https, httponly=True
        )

    def set_attempt(self, response: Response, token: AttemptToken) -> None:
        self._set(
            response,
            self.attempt_cookie,
            self.sign_attempt(token),
            f"/bai-thi/{token.attempt_id}",
            max_age=ATTEMPT_SECONDS,
        )

    def clear_attempt(self, response: Response, attempt_id: UUID) -> None:
        response.delete_cookie(
            self.attempt_cookie, path=f"/bai-thi/{attempt_id}", secure=self._is_https, httponly=True
        )

    def set_ticket(self, response: Response, ticket: Ticket, session_token: str) -> None:
        value = f"{ticket.epoch}.{ticket.number}"
        signature = self._tickets.get_signature(f"{value}|{session_token}").decode()
        # By hand: a crowd gets these, and http.cookies takes longer than all the rest of the answer.
        response.headers.append(
            "set-cookie",
            f"{self.ticket_cookie}={value}.{signature}; HttpOnly; Max-Age={TICKET_SECONDS}; "
            f"Path={TICKET_PATH}; SameSite=lax{'; Secure' if self._is_https else ''}",
        )

    def _read_ticket(self, cookie: str | None, session_token: str) -> Ticket | None:
        """The ticket, if it was given to this session: nobody goes in on another's number."""
        value, _, signature = (cookie or "").rpartition(".")
        if not self._tickets.verify_signature(f"{value}|{session_token}", signature):
            return None
        epoch, _, number = value.partition(".")
        return Ticket(int(epoch), int(number))

    def clear_ticket(self, response: Response) -> None:
        response.delete_cookie(
            self.ticket_cookie, path=TICKET_PATH, secure=self._is_https, httponly=True
        )

    def _set(
        self, response: Response, name: str, value: str, path: str, max_age: int = SESSION_SECONDS
    ) -> None:
        response.set_cookie(
            name,
            value,
            max_age=max_age,
            path=path,
            httponly=True,
            samesite="lax",
            secure=self._is_https,
        )


def _signer(secret: str, purpose: str) -> Signer:
    """The key is derived once here and not, as itsdangerous would, at every look at a cookie."""
    key = hmac.digest(secret.encode(), f"hieu-so/{purpose}".encode(), "sha256")
    return Signer(key, key_derivation="none", digest_method=hashlib.sha256)
