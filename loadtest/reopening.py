"""Without its database, does a platform still show what it acknowledged?

Weaker than reconciliation: the platform is asked about itself. The result of each attempt that was
handed in is read again; each open one is opened again, and its page must show the saved answers.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from loadtest.crowd.paper import Paper
from loadtest.reconciliation import Acknowledged, Held

AT_ONCE = 8
TIMEOUT_SECONDS = 30


def reopen(url: str, held: Held) -> list[str]:
    """One sentence for each attempt that shows something else than was acknowledged."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        found = threads.map(
            lambda each: _difference(url, each, held.by_attempt[each], held.cookies[each]),
            [each for each in held.by_attempt if each in held.cookies],
        )
        return [sentence for sentence in found if sentence]


def _difference(url: str, attempt: UUID, told: Acknowledged, cookie: str) -> str:
    path = f"{url}/bai-thi/{attempt}"
    try:
        if told.is_submitted:
            shown = json.loads(_read(f"{path}/ket-qua", "application/json", cookie))
            wanted: Mapping[str, object] = {
                "state": "submitted",
                **({"receipt": told.receipt} if told.receipt else {}),
                **({"score": told.score} if told.score is not None else {}),
            }
        elif told.is_in_doubt:
            return ""  # handed in perhaps: what it shows proves nothing
        else:
            paper = Paper(_read(path, "text/html", cookie))
            shown = {"saved_seq": paper.saved_seq, "answers": paper.checked}
            wanted = {"saved_seq": told.saved_seq, "answers": told.answers}
    except (OSError, ValueError) as failure:
        return f"attempt {attempt} cannot be opened again: {failure}"
    return "; ".join(
        f"attempt {attempt}: {name} was acknowledged as {value!r} and is {shown.get(name)!r}"
        for name, value in wanted.items()
        if shown.get(name) != value
    )


def _read(address: str, accept: str, cookie: str) -> bytes:
    request = urllib.request.Request(  # noqa: S310 — loadtest.load let only http and https through
        address, headers={"Accept": accept, "Cookie": cookie}
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=TIMEOUT_SECONDS) as answer:
        return bytes(answer.read())
