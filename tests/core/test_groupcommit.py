from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import db, groupcommit
from core.errors import Refusal
from core.groupcommit import GroupCommitter

Row = tuple[int, str]


async def write(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
    written = await connection.fetch(
        "INSERT INTO written (id, word) SELECT * FROM unnest($1::int[], $2::text[]) "
        "ON CONFLICT (id) DO UPDATE SET word = excluded.word RETURNING id",
        [number for number, _ in rows],
        [word for _, word in rows],
    )
    assert len(written) == len(rows)
    return [number for number, _ in rows]


@pytest.fixture
async def table(clean: None) -> AsyncIterator[None]:
    await db.pool().execute(
        "CREATE TABLE written (id int PRIMARY KEY, word text CHECK (word <> 'bad'))"
    )
    yield
    await db.pool().execute("DROP TABLE written")


async def words() -> dict[int, str]:
    return {row["id"]: row["word"] for row in await db.pool().fetch("SELECT * FROM written")}


async def test_a_caller_gets_its_answer_only_after_its_row_is_durable(table: None) -> None:
    committer = GroupCommitter("test", db.pool(), write, key=lambda row: row[0])
    for number in range(20):
        assert await committer.submit((number, "x")) == number
        assert number in await words()  # seen by another connection: committed
    await committer.close()


async def test_many_callers_share_few_commits(table: None) -> None:
    batches: list[int] = []

    async def counted(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        batches.append(len(rows))
        return await write(connection, rows)

    committer = GroupCommitter("test", db.pool(), counted, key=lambda row: row[0])
    await asyncio.gather(*(committer.submit((number, "x")) for number in range(300)))
    await committer.close()
    assert len(await words()) == 300
    assert len(batches) < 30


async def test_one_bad_row_fails_its_own_caller_and_not_the_batch(table: None) -> None:
    committer = GroupCommitter("test", db.pool(), write, key=lambda row: row[0])
    results = await asyncio.gather(
        *(committer.submit((number, "bad" if number == 7 else "x")) for number in range(50)),
        return_exceptions=True,
    )
    await committer.close()
    assert [n for n, result in enumerate(results) if isinstance(result, Exception)] == [7]
    assert set(await words()) == set(range(50)) - {7}


async def test_a_refusal_in_the_results_reaches_only_its_caller(table: None) -> None:
    async def picky(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        return [Refusal("no", "Không") if number % 2 else number for number, _ in rows]

    committer = GroupCommitter("test", db.pool(), picky, key=lambda row: row[0])
    results = await asyncio.gather(
        *(committer.submit((number, "x")) for number in range(10)), return_exceptions=True
    )
    await committer.close()
    assert [isinstance(result, Refusal) for result in results] == [bool(n % 2) for n in range(10)]


async def test_rows_of_one_key_are_written_in_the_order_in_which_they_came(table: None) -> None:
    committer = GroupCommitter("test", db.pool(), write, key=lambda row: row[0])
    await asyncio.gather(*(committer.submit((1, f"word {turn}")) for turn in range(25)))
    await committer.close()
    assert await words() == {1: "word 24"}


async def test_a_full_queue_is_an_honest_refusal(table: None) -> None:
    release = asyncio.Event()

    async def slow(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        await release.wait()
        return await write(connection, rows)

    committer = GroupCommitter("test", db.pool(), slow, key=lambda row: row[0], queue_limit=5)
    waiting = [asyncio.create_task(committer.submit((number, "x"))) for number in range(6)]
    await asyncio.sleep(0.05)
    waiting += [asyncio.create_task(committer.submit((number, "x"))) for number in range(6, 12)]
    await asyncio.sleep(0.05)
    release.set()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await committer.close()
    refused = [result for result in results if isinstance(result, Refusal)]
    assert refused
    assert all(refusal.code == "busy" and refusal.retry_after_seconds for refusal in refused)
    assert len(await words()) == 12 - len(refused)


async def test_closing_writes_what_waits_and_takes_no_more(table: None) -> None:
    committer = GroupCommitter("test", db.pool(), write, key=lambda row: row[0])
    waiting = [asyncio.create_task(committer.submit((number, "x"))) for number in range(40)]
    await asyncio.sleep(0)
    await committer.close()
    assert await asyncio.gather(*waiting) == list(range(40))
    with pytest.raises(Refusal):
        await committer.submit((99, "x"))


async def test_a_lost_connection_is_tried_again_until_the_row_is_durable(table: None) -> None:
    tries = 0

    async def stumbling(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        nonlocal tries
        tries += 1
        if tries <= 2:
            await connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return await write(connection, rows)

    committer = GroupCommitter("test", db.pool(), stumbling, key=lambda row: row[0])
    assert await committer.submit((1, "x")) == 1
    await committer.close()
    assert tries == 3
    assert await words() == {1: "x"}


async def test_a_connection_that_died_between_two_rows_is_replaced(table: None) -> None:
    pids: list[int] = []

    async def noting(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        pids.append(await connection.fetchval("SELECT pg_backend_pid()"))
        return await write(connection, rows)

    committer = GroupCommitter("test", db.pool(), noting, key=lambda row: row[0])
    for number in range(4):
        assert await committer.submit((number, "x")) == number
        await db.pool().execute("SELECT pg_terminate_backend($1)", pids[-1])
        await asyncio.sleep(0.05 * (number % 2))  # both before and after the pool has noticed
    await committer.close()
    assert len(set(pids)) == 4
    assert set(await words()) == set(range(4))


async def test_nobody_waits_longer_than_promised_while_the_database_is_away(table: None) -> None:
    async def away(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        raise ConnectionRefusedError

    committer = GroupCommitter(
        "test", db.pool(), away, key=lambda row: row[0], longest_wait_seconds=0.2
    )
    with pytest.raises(Refusal) as refused:
        await committer.submit((1, "x"))
    await committer.close()
    assert refused.value.code == "busy"


async def test_a_database_that_says_nothing_is_asked_again(
    table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groupcommit, "SILENCE_SECONDS", 0.2)
    first, second = asyncio.Event(), asyncio.Event()

    async def told(connection: Any, rows: Sequence[Row]) -> list[int | Exception]:
        (second if first.is_set() else first).set()
        return await write(connection, rows)

    committer = GroupCommitter("test", db.pool(), told, key=lambda row: row[0])
    async with db.pool().acquire() as other, other.transaction():
        await other.execute("LOCK TABLE written")
        answer = asyncio.create_task(committer.submit((1, "x")))
        await second.wait()
    assert await answer == 1
    await committer.close()
    assert await words() == {1: "x"}


async def test_those_behind_a_silent_write_are_not_kept_waiting_either(
    table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groupcommit, "SILENCE_SECONDS", 0.2)
    committer = GroupCommitter(
        "test", db.pool(), write, key=lambda row: row[0], longest_wait_seconds=0.5
    )
    async with db.pool().acquire() as other, other.transaction():
        await other.execute("LOCK TABLE written")
        results = await asyncio.gather(
            *(committer.submit((1, word)) for word in ("a", "b", "c")), return_exceptions=True
        )
    await committer.close()
    assert [getattr(result, "code", result) for result in results] == ["busy"] * 3


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", "bad"])), max_size=40))
async def test_whatever_comes_each_caller_learns_the_truth(table: None, rows: list[Row]) -> None:
    await db.pool().execute("TRUNCATE written")
    committer = GroupCommitter("test", db.pool(), write, key=lambda row: row[0], batch_limit=7)
    results = await asyncio.gather(*(committer.submit(row) for row in rows), return_exceptions=True)
    await committer.close()
    expected: dict[int, str] = {}
    for (number, word), result in zip(rows, results, strict=True):
        assert isinstance(result, Exception) == (word == "bad")
        if word != "bad":
            expected[number] = word
    assert await words() == expected
