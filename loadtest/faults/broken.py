"""What would the harness see if the platform were careless? Started instead of `python -m web`.

`python -m loadtest.faults.broken CARELESSNESS serve …` patches this one process and then runs the
platform's own command. Nothing of it is a setting: the platform itself cannot be started so.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from core.db import _CrowdConnection
from core.groupcommit import GroupCommitter
from quiz import attempts
from quiz.attempts import Attempts, Save, Saved
from web.edge import Edge

SLOW_WRITE_SECONDS = 0.15
SLOW_SCORING_SECONDS = 0.1
SLOW_NUMBERING_SECONDS = 1.0
ARRIVED = "~"  # between a request's id and the moment


def reply_before_commit() -> None:
    """The answer goes out while the row still waits for its commit."""
    tasks = set()

    def put_save(self: Attempts, save: Save) -> asyncio.Future[Saved]:
        task = asyncio.create_task(_quietly_later(self._saves, save))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        deadline = save.arrived_at + timedelta(minutes=20)
        answer = asyncio.get_running_loop().create_future()
        answer.set_result(Saved(1, save.seq, save.arrived_at, deadline, "open", None))
        return answer

    Attempts.put_save = put_save  # type: ignore[method-assign]  # that is the carelessness


async def _quietly_later(saves: GroupCommitter[Save, Saved], save: Save) -> None:
    await asyncio.sleep(SLOW_WRITE_SECONDS)  # with few people the window would be too short to hit
    await asyncio.gather(saves.submit(save), return_exceptions=True)


def deadline_in_python() -> None:
    """The deadline is looked up and compared with this machine's clock, and then it is written."""
    write = attempts.write_saves

    async def check_then_write(connection: Any, saves: Sequence[Save]) -> list[Any]:
        rows = await connection.fetch(
            "SELECT id, deadline_at FROM attempt WHERE id = ANY($1::uuid[])",
            [save.attempt_id for save in saves],
        )
        deadlines = {row["id"]: row["deadline_at"] for row in rows}
        await asyncio.sleep(SLOW_WRITE_SECONDS)
        at = datetime.now(UTC)
        judged = [_stamped(save, deadlines[save.attempt_id], at) for save in saves]
        return await write(connection, judged)

    attempts.write_saves = check_then_write
    observe_arrivals()


def _stamped(save: Save, deadline: datetime, at: datetime) -> Save:
    """In time by the clock on the wall: a moment that the statement accepts, otherwise one it refuses."""
    moment = deadline - timedelta(seconds=1) if at <= deadline else deadline + timedelta(seconds=1)
    return Save(
        save.attempt_id, save.seq, save.answers, moment, save.opening, save.prediction,
        save.sets_prediction, save.is_submit,
    )  # fmt: skip


def observe_arrivals() -> None:
    """No carelessness: a request's id says when it came in, by the clock on the wall."""
    come_in = Edge.come_in

    def noted(self: Edge, scope: Any) -> None:
        arrived = time.time()
        come_in(self, scope)
        scope["state"]["request_id"] += f"{ARRIVED}{arrived}"

    Edge.come_in = noted  # type: ignore[method-assign]  # an instrument


def scoring_without_transaction() -> None:
    """Claim, scores and counters each commit for themselves, with time to be killed in between."""
    execute = _CrowdConnection.execute

    class Nothing:
        async def __aenter__(self) -> None: ...

        async def __aexit__(self, *_: object) -> None: ...

    async def slow_execute(self: Any, *arguments: Any, **named: Any) -> Any:
        await asyncio.sleep(SLOW_SCORING_SECONDS)
        return await execute(self, *arguments, **named)

    def no_transaction(*_: object, **__: object) -> Any:
        return Nothing()

    _CrowdConnection.transaction = no_transaction  # type: ignore[method-assign]  # that is the carelessness
    _CrowdConnection.execute = slow_execute


def scoring_without_sweep() -> None:
    """Only the doorbell says that something waits for its score."""
    from web import worker  # noqa: PLC0415 — the web process need not load arq's worker

    lines = worker.cron_lines

    def without_scoring() -> list[Any]:
        return [line for line in lines() if "score_attempts" not in line.name]

    worker.cron_lines = without_scoring


def issuing_without_transaction() -> None:
    """Numbers are taken and certificates written in commits of their own, with time to die between."""
    from tortoise.connection import connections  # noqa: PLC0415 — only this carelessness needs it

    from certificates import issuing  # noqa: PLC0415 — as above

    class Apart:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def __getattr__(self, name: str) -> Any:
            return getattr(self._connection, name)

        async def fetchrow(self, query: str, *arguments: Any) -> Any:
            found = await self._connection.fetchrow(query, *arguments)
            if query.startswith("UPDATE certificate_series"):
                await asyncio.sleep(SLOW_NUMBERING_SECONDS)
            return found

    @asynccontextmanager
    async def no_transaction() -> AsyncIterator[Any]:
        async with connections.get("default").acquire_connection() as connection:
            yield Apart(connection)

    issuing.transaction = no_transaction


CARELESS: dict[str, Callable[[], None]] = {
    call.__name__: call
    for call in (
        reply_before_commit,
        deadline_in_python,
        observe_arrivals,
        scoring_without_transaction,
        scoring_without_sweep,
        issuing_without_transaction,
    )
}


def entry(carelessness: Callable[[], None]) -> Sequence[str]:
    """What starts a process with it, for loadtest.stack.Program."""
    return ["-m", "loadtest.faults.broken", carelessness.__name__]


if __name__ == "__main__":
    from web.__main__ import main

    # Run as a program this module is `__main__`; the patches are the same functions.
    CARELESS[sys.argv.pop(1)]()
    sys.exit(main())
