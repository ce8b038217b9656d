from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quiz import lots

codes = st.lists(st.text("ABCDEFGH0123456789-", min_size=1, max_size=12), unique=True, max_size=30)
words = st.text(min_size=1, max_size=20)


def published(entrants: list[str], secret: str = "s", beacon: str = "b", winners: int = 2) -> Any:
    order = lots.drawn_order(secret, beacon, entrants)
    return {
        "algorithm": lots.ALGORITHM,
        "entrants": entrants,
        "entrants_digest": lots.digest_of_list(entrants),
        "winner_count": winners,
        "commitment": lots.commitment_to(secret),
        "secret": secret,
        "beacon": beacon,
        "order": order,
        "winners": order[:winners],
    }


@given(codes, words, words, st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(
    entrants: list[str], secret: str, beacon: str, dice: Any
) -> None:
    order = lots.drawn_order(secret, beacon, entrants)
    digest = lots.digest_of_list(entrants)
    dice.shuffle(entrants)
    assert lots.drawn_order(secret, beacon, entrants) == order
    assert lots.digest_of_list(entrants) == digest
    assert sorted(order) == sorted(entrants)


@given(codes, words, words)
def test_an_honest_draw_has_no_fault(entrants: list[str], secret: str, beacon: str) -> None:
    assert lots.find_faults(published(entrants, secret, beacon)) == []


@pytest.mark.parametrize(
    "change",
    [
        {"secret": "other"},
        {"beacon": "other"},
        {"entrants": ["A", "B", "C", "D", "E", "F"]},
        {"winners": ["A", "B"]},
        {"algorithm": "other"},
        {"entrants": ["A", "A", "B", "C", "D", "E"]},
    ],
)
def test_whatever_was_changed_afterwards_is_found(change: dict[str, Any]) -> None:
    honest = published(["A", "B", "C", "D", "E"], winners=2)
    assert lots.find_faults({**honest, **change})


def test_a_known_draw_stays_what_it_was() -> None:
    order = lots.drawn_order("bi-mat", "12345", ["A1", "B2", "C3", "D4"])
    assert order == ["D4", "A1", "B2", "C3"]  # sha256sum says so too
    assert (
        lots.commitment_to("abc")
        == (
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, example B.1
        )
    )


@pytest.mark.parametrize(("change", "said"), [({}, "ĐÚNG"), ({"beacon": "x"}, "SAI")])
def test_the_file_runs_alone(tmp_path: Path, change: dict[str, str], said: str) -> None:
    draw = published([f"R-{number}" for number in range(9)], winners=3)
    (tmp_path / "draw.json").write_text(json.dumps({**draw, **change}), encoding="utf-8")
    alone = tmp_path / "lots.py"
    alone.write_bytes(Path(lots.__file__).read_bytes())
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(tmp_path / "draw.json")],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        env={"PYTHONIOENCODING": "utf-8"},
    )
    told = done.stdout.decode()
    assert said in told
    assert (done.returncode == 0) == (not change)
    if not change:
        assert told.splitlines()[-3:] == draw["winners"]
