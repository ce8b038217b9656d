from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from threading import Thread
from urllib.parse import parse_qs

import pytest

from loadtest.crowd.ledger import Ledger
from loadtest.crowd.person import Clock, Person
from loadtest.crowd.profiles import PROFILES, Manners, Profile
from loadtest.crowd.tally import Tally
from loadtest.crowd.wire import Wire, open_pool
from loadtest.reconciliation import Held, read_ledgers
from loadtest.reopening import reopen

ATTEMPT = "00000000-0000-4000-8000-000000000001"
PAPER = (
    '<form data-saved-seq="{seq}"><input type="hidden" name="lan" value="{opening}">'
    '<input type="radio" id="q1-1" name="q1" value="1"><input type="radio" id="q1-2" name="q1" '
    'value="2"{checked}></form>'
)


class Platform(BaseHTTPRequestHandler):
    """Answers like the platform on a bad day: each trouble once, then as it should."""

    protocol_version = "HTTP/1.1"
    troubles: tuple[str, ...] = ()
    seen: list[str]
    opening: int
    kept: dict[str, list[str]]
    receipt = "AB"
    forgets = False

    def do_GET(self) -> None:
        if self.path.endswith("/cho"):
            turn = f"{self.path}/den-luot"
            self.answer(200, f'<p data-place="3.7" data-turn="{turn}">', **{"Retry-After": "1"})
        elif self.path.endswith("/den-luot"):
            self.seen.append("turn")
            self.answer(200, '{"epoch": 3, "served": 7, "per_minute": 60}')
        elif self.path == f"/bai-thi/{ATTEMPT}":
            type(self).opening += 1
            kept = self.kept
            seq = kept.get("seq", ["0"])[0]
            checked = " checked" if kept.get("q1") == ["2"] else ""
            page = PAPER.format(seq=seq, opening=self.opening, checked=checked)
            if kept.get("q1") == ["1"]:
                page = page.replace('value="1">', 'value="1" checked>')
            self.answer(200, page)
        elif self.path.endswith("/ket-qua"):
            told = {"state": "submitted", "receipt": self.receipt, "score": 1.0}
            is_json = self.headers["Accept"] == "application/json"
            self.answer(200, json.dumps(told) if is_json else '<p class="receipt">AB</p>')
        else:
            self.answer(200, "")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())
        step = self.path.rpartition("/")[2]
        trouble = f"{step} " + ("busy" if f"{step} busy" in self.troubles else "line")
        if trouble in self.troubles and trouble not in self.seen:
            self.seen.append(trouble)
            if trouble.endswith("line"):
                self.answer(303, "", Location="/cuoc-thi/thi/cho", **{"Set-Cookie": "so=7; Path=/"})
            else:
                self.answer(503, "", **{"Retry-After": "1"})
            return
        self.seen.append(f"{step} {self.headers['Cookie']}")
        if step == "vao-thi":
            cookie = f"bai_thi=x; Path=/bai-thi/{ATTEMPT}"
            self.answer(303, "", Location=f"/bai-thi/{ATTEMPT}", **{"Set-Cookie": cookie})
        elif step == "luu" and int(form["lan"][0]) < self.opening:
            self.answer(409, '{"code": "taken_over"}')
        elif step == "luu":
            type(self).kept = {} if self.forgets else form
            self.answer(200, json.dumps({"saved_seq": int(form["seq"][0])}))
        else:
            self.answer(303, "", Location=f"/bai-thi/{ATTEMPT}")

    def answer(self, status: int, body: str, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Platform.seen, Platform.opening, Platform.kept = [], 0, {}
    Platform.forgets = False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Platform)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def live(url: str, folder: Path, **manners: float) -> tuple[Tally, Held]:
    """One person's hour, in seconds."""
    quiet = {"without_script": 0.0, "drops_off": 0.0, "other_device": 0.0} | manners
    hurried: Profile = PROFILES["closing_rush"].over(2)
    profile = Profile(**{**vars(hurried), "manners": Manners(**quiet), "tail": 30})
    tally, ledger = Tally(), Ledger(folder, 0)
    Person(
        cookie="phien=1", slug="thi", profile=profile, clock=Clock(30), tally=tally,
        wire=Wire(url, open_pool(), _Deaf(), tally), ledger=ledger, dice=Random(5),
    ).live()  # fmt: skip
    return tally, read_ledgers(folder)


class _Deaf:
    """Stands where Locust listens to requests."""

    def fire(self, **_request: object) -> None:
        """Nobody listens."""


def test_refusals_and_the_line_are_honoured_and_the_same_save_is_sent_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Platform, "troubles", ("vao-thi line", "luu busy", "nop busy"))
    tally, held = live(url, tmp_path)
    assert tally.errors == []
    assert (tally.counts["waited"], Platform.seen.count("turn")) == (1, 1)
    assert (tally.counts["refused"], tally.counts["refused_inside"]) == (3, 2)
    assert (tally.counts["served"], tally.counts["submits"]) == (1, 1)
    assert "vao-thi phien=1; so=7" in Platform.seen  # the place in the line comes along
    assert "luu bai_thi=x" in Platform.seen
    (told,) = held.by_attempt.values()
    assert (told.receipt, told.score, told.is_submitted) == ("AB", 1.0, True)
    assert told.is_in_doubt is False
    assert told.saved_seq == tally.counts["saves"] + 1


def test_another_device_takes_the_paper_over_and_gives_it_back(url: str, tmp_path: Path) -> None:
    tally, _held = live(url, tmp_path, other_device=1.0)
    assert tally.errors == []
    assert tally.counts["took_over"] == 1
    assert Platform.opening == 3
    assert "lam-tiep-o-day bai_thi=x" in Platform.seen


def test_without_a_script_the_whole_form_is_handed_in_at_once(url: str, tmp_path: Path) -> None:
    tally, held = live(url, tmp_path, without_script=1.0)
    assert (tally.counts["saves"], tally.counts["submits"]) == (0, 1)
    (told,) = held.by_attempt.values()
    assert told.answers.keys() == {"1"}
    assert told.receipt == "AB"


def test_whoever_drops_off_never_hands_in(url: str, tmp_path: Path) -> None:
    tally, held = live(url, tmp_path, drops_off=1.0)
    assert (tally.counts["dropped_off"], tally.counts["submits"]) == (1, 0)
    assert tally.counts["saves"] >= 1
    (told,) = held.by_attempt.values()
    assert told.is_submitted is False


def test_a_paper_that_was_begun_before_is_gone_on_with(url: str, tmp_path: Path) -> None:
    Platform.kept = {"seq": ["7"], "q1": ["2"]}
    tally, held = live(url, tmp_path)
    assert tally.errors == []
    (told,) = held.by_attempt.values()
    assert told.saved_seq == 7 + tally.counts["saves"] + 1


def test_a_paper_that_lacks_a_saved_answer_is_an_error(url: str, tmp_path: Path) -> None:
    Platform.forgets = True
    tally, _held = live(url, tmp_path, other_device=1.0)
    assert tally.counts["errors"] >= 1
    assert "shows other answers than were saved" in tally.errors[0]


def test_without_the_database_a_receipt_is_looked_at_again(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _tally, held = live(url, tmp_path)
    assert reopen(url, held) == []
    monkeypatch.setattr(Platform, "receipt", "CD")
    (found,) = reopen(url, held)
    assert "receipt was acknowledged as 'AB' and is 'CD'" in found


def test_without_the_database_an_open_paper_is_opened_again(url: str, tmp_path: Path) -> None:
    _tally, held = live(url, tmp_path, drops_off=1.0)
    assert reopen(url, held) == []
    Platform.kept = {}
    (found,) = reopen(url, held)
    assert "saved_seq was acknowledged" in found
    assert "answers was acknowledged" in found
