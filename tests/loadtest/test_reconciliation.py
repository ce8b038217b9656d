from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from core import db
from core.local import Addresses
from loadtest import crowd, reconciliation
from loadtest.crowd.ledger import Held, Ledger
from loadtest.reconciliation import Acknowledged, difference, read_ledgers
from quiz.attempts import Attempts
from tests.quiz.arena import build_arena, save


def row(**changed: object) -> dict[str, Any]:
    kept = {
        "saved_seq": 3, "answers": '{"1": [2]}', "state": "submitted", "prediction": 12_345,
        "receipt": "AB", "points": 1000,
    }  # fmt: skip
    return kept | changed


@pytest.mark.parametrize(
    "kept",
    [
        None,
        row(saved_seq=2),
        row(saved_seq=4),
        row(answers='{"1": [1]}'),
        row(answers="{}"),
        row(receipt="CD"),
        row(state="open"),
        row(points=0),
        row(points=None),
        row(prediction=1),
    ],
)
def test_a_difference_is_said(kept: dict[str, Any] | None) -> None:
    told = Acknowledged(
        saved_seq=3, answers={"1": [2]}, prediction=12_345, receipt="AB", score=1.0,
        is_submitted=True,
    )  # fmt: skip
    assert difference(told, row()) == ""
    assert difference(told, kept)


def test_a_failed_request_may_have_been_kept_but_an_acknowledged_one_must_be() -> None:
    told = Acknowledged(saved_seq=3, answers={"1": [2]}, is_in_doubt=True)
    assert difference(told, row(saved_seq=4, answers='{"1": [1]}')) == ""
    assert difference(told, row(saved_seq=4, answers='{"2": [1]}'))
    assert difference(told, row(saved_seq=2))
    assert difference(told, row(answers='{"1": [1]}'))


def test_no_doubt_excuses_an_attempt_that_was_handed_in() -> None:
    told = Acknowledged(saved_seq=3, answers={"1": [2]}, is_submitted=True, is_in_doubt=True)
    assert difference(told, row(saved_seq=4))


def test_a_ledger_tells_the_last_state_and_counts_what_was_acknowledged(tmp_path: Path) -> None:
    first, second = UUID(int=1), UUID(int=2)
    ledgers = [Ledger(tmp_path, 0), Ledger(tmp_path, 1)]
    held = Held(attempt=str(first), cookie="bai_thi=x")
    ledgers[0].write("start", held)
    held.seq, held.answers = 1, {"1": [2]}
    ledgers[0].write("save", held)
    held.seq, held.answers = 2, {"1": [3]}
    ledgers[0].write("doubt", held)
    ledgers[1].write("start", Held(attempt=str(second), cookie="bai_thi=y"))
    ledgers[1].write("submit", Held(attempt=str(second), seq=1, prediction=7))
    with (tmp_path / "ledger-1.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"at": 1, "kind": "sa')  # killed while it wrote
    found = read_ledgers(tmp_path)
    assert found.count == 4
    assert found.most_inside == 2
    assert found.cookies == {first: "bai_thi=x", second: "bai_thi=y"}
    assert found.by_attempt == {
        first: Acknowledged(saved_seq=1, answers={"1": [2]}, is_in_doubt=True),
        second: Acknowledged(saved_seq=1, prediction=7, is_submitted=True),
    }


@pytest.fixture
async def held(
    clean: None, queue: None, addresses: Addresses
) -> AsyncIterator[dict[UUID, Acknowledged]]:
    """An open attempt and one that was handed in, and what their people were told."""
    arena = await build_arena()
    attempts = Attempts()
    told = {}
    for person, is_handed_in in ((0, False), (1, True)):
        attempt_id = (await attempts.start(arena.start(person))).attempt_id
        answers = {"1": [2], "2": [1]}
        saved = await attempts.save(save(attempt_id, 1, answers))
        if is_handed_in:
            handed_in = save(attempt_id, 2, {}, is_submit=True, prediction=9, sets_prediction=True)
            saved = await attempts.submit(handed_in)
        told[attempt_id] = Acknowledged(
            saved_seq=saved.saved_seq,
            answers=answers,
            prediction=9 if is_handed_in else None,
            receipt=saved.receipt,
            is_submitted=is_handed_in,
        )
    yield told
    await attempts.close()


async def test_what_was_acknowledged_is_found(
    held: dict[UUID, Acknowledged], addresses: Addresses
) -> None:
    assert await reconciliation.reconcile(addresses.database_url, held) == []


@pytest.mark.parametrize(
    "loss",
    [
        "UPDATE attempt SET answers = answers - '2'",
        "UPDATE attempt SET saved_seq = saved_seq - 1",
        "UPDATE attempt SET state = 'open', closed_at = NULL, receipt = NULL",
        "UPDATE attempt SET prediction = 8",
        "DELETE FROM attempt",
    ],
)
async def test_one_loss_in_the_database_is_caught(
    held: dict[UUID, Acknowledged], addresses: Addresses, loss: str
) -> None:
    handed_in = next(each for each, told in held.items() if told.is_submitted)
    await db.pool().execute(f"{loss} WHERE id = $1", handed_in)
    (found,) = await reconciliation.reconcile(addresses.database_url, held)
    assert str(handed_in) in found


def test_the_crowd_imports_nothing_of_the_platform() -> None:
    (folder,) = map(Path, crowd.__path__)
    lines = [line for file in folder.glob("*.py") for line in file.read_text("utf-8").splitlines()]
    ours = ("core", "people", "quiz", "certificates", "campaigns", "web", "loadtest")
    imported = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    found = {name for name in imported if name.split(".")[0] in ours}
    assert found
    assert all(name.startswith("loadtest.crowd.") for name in found)
