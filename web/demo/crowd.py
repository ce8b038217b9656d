"""How does a load test get a crowd of signed-up people who need not sign in by code?"""

from __future__ import annotations

import csv
import hashlib
import secrets
from collections.abc import Sequence
from pathlib import Path
from random import Random

from core.clock import local_day, now
from core.db import Connection, pool
from core.errors import Refusal
from core.settings import Settings, require_secret
from people.accounts import DIVISIONS
from people.sessions import CITIZEN_SIGNED_IN_FOR, TOKEN_BYTES
from web.demo.lai_chau import Unit, units_with_people
from web.demo.names import IN_COMMUNES, make_names
from web.demo.people import CROWD_PHONES, PHONES_A_RANGE, Citizen, write_citizens
from web.demo.province import refuse_unless_demo
from web.tokens import Tokens

BROWSER = "Đám đông thử tải"
_NAMES = 2_000
_AGES = (18, 65)


async def make_crowd(settings: Settings, count: int, out: Path) -> int:
    """Make so many people who are signed in, and write `phone,cookie` for each; return 0.

    Another call makes other people. Refused outside DEMO=1 and before the province is there.
    """
    refuse_unless_demo(settings)
    units = await units_with_people()
    if not units:
        raise Refusal(
            "no_province",
            "Chưa có tỉnh trình diễn: hãy chạy `python -m web seed` trước. / No demonstration "
            "province yet: run `python -m web seed` first.",
        )
    tokens = [secrets.token_urlsafe(TOKEN_BYTES) for _ in range(count)]
    async with pool().acquire() as connection, connection.transaction():
        first = await _first_free_number(connection)
        if first + count > PHONES_A_RANGE:
            raise Refusal("crowd_full", f"Đám đông chỉ có {PHONES_A_RANGE} số điện thoại.")
        citizens = _citizens(units, first, count)
        written = await write_citizens(connection, citizens)
        await _open_sessions(connection, [each.account_id for each in written], tokens)
    _write_file(settings, out, citizens, tokens)
    return 0


async def _first_free_number(connection: Connection) -> int:
    # Two crowds at once would take the same numbers.
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended('crowd', 0))")
    newest: str | None = await connection.fetchval(
        "SELECT max(phone) FROM account WHERE phone >= $1 AND phone < $2",
        f"+{CROWD_PHONES}",
        f"+{CROWD_PHONES + PHONES_A_RANGE}",
    )
    return int(newest.removeprefix("+")) - CROWD_PHONES + 1 if newest else 0


def _citizens(units: Sequence[Unit], first: int, count: int) -> list[Citizen]:
    dice = Random(first)  # noqa: S311 — invented people's dice need no secrecy
    names = make_names(dice, _NAMES, IN_COMMUNES)
    at = now()
    return [
        Citizen(
            full_name=dice.choice(names),
            birth_year=local_day(at).year - dice.randint(*_AGES),
            phone=f"+{CROWD_PHONES + number}",
            unit_id=units[number % len(units)].id,
            division_code=DIVISIONS[number % len(DIVISIONS)][0],
            wants_messages=False,
            signed_up_at=at,
        )
        for number in range(first, first + count)
    ]


async def _open_sessions(
    connection: Connection, account_ids: Sequence[int], tokens: Sequence[str]
) -> None:
    """What `people.sessions.open_session` writes for one person, for all of them at once."""
    at = now()
    await connection.copy_records_to_table(
        "session",
        records=[
            (
                hashlib.sha256(token.encode()).hexdigest(),
                account_id,
                BROWSER,
                at,
                at,
                at + CITIZEN_SIGNED_IN_FOR,
            )
            for account_id, token in zip(account_ids, tokens, strict=True)
        ],
        columns=["token_hash", "account_id", "browser", "created_at", "seen_at", "expires_at"],
    )


def _write_file(
    settings: Settings, out: Path, citizens: Sequence[Citizen], tokens: Sequence[str]
) -> None:
    signer = Tokens(require_secret(settings), is_https=settings.is_https)
    # The cookies sign people in: the file is for its owner alone.
    out.touch(mode=0o600)
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["phone", "cookie"])
        for citizen, token in zip(citizens, tokens, strict=True):
            cookie = f"{signer.session_cookie}={signer.session_value(token)}"
            writer.writerow(["0" + citizen.phone.removeprefix("+84"), cookie])
