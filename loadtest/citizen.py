"""Can one citizen get through the platform over HTTP, by interfaces.md alone?

`python -m loadtest.citizen --url http://127.0.0.1:8000` signs somebody up, takes the open round of
a contest, hands in twice and prints one JSON line with the receipt, the score and the rank. It
imports nothing of the platform and needs DEMO=1, where every one-time code is 000000.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import random
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Any
from urllib.parse import urlencode, urlsplit

DEMO_SLUG = "tim-hieu-chuyen-doi-so"
DEMO_CODE = "000000"
TIMEOUT_SECONDS = 30
PATIENCE_SECONDS = 30  # for the code to be sent and the paper to be scored
# No operator has the prefix 053, so nobody's telephone rings.
PHONE_PREFIX = "053"

Fields = Sequence[tuple[str, str]]


class Failure(Exception):
    """The platform answered something that interfaces.md does not allow."""


@dataclass
class Choices:
    """What the fields of a page's forms may be set to, and whether several at once."""

    values: dict[str, list[str]] = field(default_factory=dict)
    several: set[str] = field(default_factory=set)


class FormReader(HTMLParser):
    """Collects the options of every select, radio group and set of checkboxes."""

    def __init__(self) -> None:
        super().__init__()
        self.choices = Choices()
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        kind, name, value = found.get("type"), found.get("name") or "", found.get("value") or ""
        if tag == "select":
            self._select = name
        elif tag == "option" and self._select and value:
            self._add(self._select, value)
        elif tag == "input" and kind in {"radio", "checkbox"}:
            self._add(name, value)
            if kind == "checkbox":
                self.choices.several.add(name)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def _add(self, name: str, value: str) -> None:
        self.choices.values.setdefault(name, []).append(value)


class RankReader(HTMLParser):
    """Finds the rank in the line of a board that is marked as the reader's own."""

    def __init__(self) -> None:
        super().__init__()
        self.rank: int | None = None
        self._is_own = self._is_rank = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = (dict(attrs).get("class") or "").split()
        if tag == "tr":
            self._is_own = "me" in classes
        self._is_rank = tag == "td" and self._is_own and "rank" in classes

    def handle_data(self, data: str) -> None:
        if self._is_rank and self.rank is None:
            self.rank = int(re.sub(r"\D", "", data))


@dataclass(frozen=True)
class Answer:
    """What the server said, after any redirects."""

    status: int
    url: str
    text: str

    def json(self) -> dict[str, Any]:
        try:
            found = json.loads(self.text)
        except ValueError:
            raise Failure(f"{self.url} answered {self.status} without JSON") from None
        return dict(found)


class Browser:
    """Cookies and redirects, and nothing else that a browser does."""

    def __init__(self, base: str) -> None:
        self._base = base.rstrip("/")
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPCookieProcessor(CookieJar()),
        )

    def get(self, path: str, *, as_json: bool = False) -> Answer:
        return self._ask(path, None, as_json=as_json)

    def post(self, path: str, fields: Fields = (), *, as_json: bool = False) -> Answer:
        return self._ask(path, urlencode(fields).encode(), as_json=as_json)

    def _ask(self, path: str, body: bytes | None, *, as_json: bool) -> Answer:
        request = urllib.request.Request(  # noqa: S310 — main() let only http and https through
            self._base + path,
            data=body,
            headers={"Accept": "application/json" if as_json else "text/html"},
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                return Answer(response.status, response.geturl(), response.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.url, error.read().decode(errors="replace"))


class Citizen:
    """One person, from signing up to the place on the board."""

    def __init__(self, browser: Browser, dice: random.Random) -> None:
        self._browser = browser
        self._dice = dice
        self._attempt = ""
        self._seq = 0

    @property
    def attempt_id(self) -> str:
        return self._attempt.removeprefix("/bai-thi/")

    def sign_up(self, *, unit: str | None, division: str | None) -> str:
        """Sign up by the form and the code; return the telephone number."""
        page = _expect(self._browser.get("/dang-ky"), 200)
        choices = _choices(page.text)
        phone = f"{PHONE_PREFIX}{self._dice.randrange(10_000_000):07d}"
        form = [
            ("ho_ten", "Lò Thị Dự Thi"),
            ("nam_sinh", "1990"),
            ("dien_thoai", phone),
            ("don_vi", unit or self._one_of(choices, "don_vi")),
            ("bang", division or self._one_of(choices, "bang")),
            ("dong_y_du_le", "1"),
        ]
        _expect(self._browser.post("/dang-ky", form, as_json=True), 200)
        self._type_code()
        return phone

    def enter(self, slug: str) -> Choices:
        """Enter the open round and read the paper."""
        page = _expect(self._browser.post(f"/cuoc-thi/{slug}/vao-thi"), 200)
        path = urlsplit(page.url).path
        if not re.fullmatch(r"/bai-thi/[^/]+", path):
            raise Failure(f"entering led to {path} instead of a paper")
        self._attempt = path
        choices = _choices(page.text)
        choices.values = {
            name: values
            for name, values in choices.values.items()
            if re.fullmatch(r"q[0-9]+", name)
        }
        if not choices.values:
            raise Failure(f"{path} shows no question")
        return choices

    def answer(self, paper: Choices, prediction: int) -> list[dict[str, Any]]:
        """Save every answer at once, one request each, and the prediction; what each was told."""
        saves = [[(name, value) for value in self._choose(paper, name)] for name in paper.values]
        saves.append([("du_doan", str(prediction))])
        return [self._save(fields) for fields in saves]

    def submit(self) -> str:
        """Hand in and return the receipt."""
        self._seq += 1
        fields = [("seq", str(self._seq))]
        page = _expect(self._browser.post(f"{self._attempt}/nop", fields), 200)
        if urlsplit(page.url).path != f"{self._attempt}/ket-qua":
            raise Failure(f"handing in led to {page.url}")
        return str(self.result()["receipt"])

    def result(self) -> dict[str, Any]:
        return _expect(self._browser.get(f"{self._attempt}/ket-qua", as_json=True), 200).json()

    def scored_result(self) -> dict[str, Any]:
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while (result := self.result())["score"] is None:
            if time.monotonic() > give_up_at:
                raise Failure(f"no score within {PATIENCE_SECONDS} s")
            time.sleep(0.2)
        return result

    def rank(self, slug: str) -> int:
        reader = RankReader()
        reader.feed(_expect(self._browser.get(f"/cuoc-thi/{slug}/vi-tri"), 200).text)
        if reader.rank is None:
            raise Failure("the page of my place shows no rank")
        return reader.rank

    def _type_code(self) -> None:
        """Type the code as soon as it has been sent, which the worker does behind the page."""
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        while True:
            typed = self._browser.post("/dang-ky/ma", [("ma", DEMO_CODE)], as_json=True)
            if typed.status == 200:
                return
            if typed.json().get("code") != "code_not_sent" or time.monotonic() > give_up_at:
                raise Failure(f"the code was refused: {typed.text[:300]}")
            time.sleep(0.2)

    def _save(self, fields: Fields) -> dict[str, Any]:
        self._seq += 1
        answer = self._browser.post(
            f"{self._attempt}/luu", [("seq", str(self._seq)), *fields], as_json=True
        )
        saved = _expect(answer, 200).json()
        if saved["saved_seq"] != self._seq:
            raise Failure(f"save {self._seq} was answered with {saved}")
        return saved

    def _choose(self, paper: Choices, name: str) -> list[str]:
        values = paper.values[name]
        if name not in paper.several:
            return [self._dice.choice(values)]
        return self._dice.sample(values, self._dice.randint(1, len(values)))

    def _one_of(self, choices: Choices, name: str) -> str:
        values = [value for value in choices.values.get(name, []) if value]
        if not values:
            raise Failure(f"the sign-up form offers nothing for {name}")
        return self._dice.choice(values)


def play(browser: Browser, arguments: argparse.Namespace) -> Mapping[str, Any]:
    """One citizen's whole way; what it came to."""
    began = time.monotonic()
    citizen = Citizen(browser, random.Random(arguments.seed))
    phone = citizen.sign_up(unit=arguments.unit, division=arguments.division)
    paper = citizen.enter(arguments.slug)
    saves = citizen.answer(paper, arguments.prediction)
    receipt = citizen.submit()
    if (again := citizen.submit()) != receipt:
        raise Failure(f"handing in twice gave {receipt} and {again}")
    result = citizen.scored_result()
    return {
        "phone": phone,
        "attempt": citizen.attempt_id,
        "question_count": len(paper.values),
        "save_count": len(saves),
        "receipt": result["receipt"],
        "score": result["score"],
        "correct_count": result["correct_count"],
        "duration_ms": result["duration_ms"],
        "rank": citizen.rank(arguments.slug),
        "seconds": round(time.monotonic() - began, 3),
    }


def main() -> int:
    arguments = _parser().parse_args()
    if fault := refusal(arguments.url, arguments.remote):
        print(fault, file=sys.stderr)
        return 2
    try:
        print(json.dumps(play(Browser(arguments.url), arguments), ensure_ascii=False))
    except (Failure, OSError) as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


def refusal(url: str, remote: str | None) -> str | None:
    """Why this address is not played against: another machine must be named on purpose."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in {"http", "https"} or not host:
        return f"{url} is no http address."
    if is_loopback(host) or host == remote:
        return None
    return f"{host} is another machine: say --remote {host} if it is yours to test."


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _choices(text: str) -> Choices:
    reader = FormReader()
    reader.feed(text)
    return reader.choices


def _expect(answer: Answer, status: int) -> Answer:
    if answer.status != status:
        raise Failure(f"{answer.url} answered {answer.status}: {answer.text[:300]}")
    return answer


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtest.citizen", description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--slug", default=DEMO_SLUG, help="the contest's")
    parser.add_argument("--remote", metavar="HOST", help="another machine that may be played")
    parser.add_argument("--unit", metavar="CODE", help="otherwise one of those on the form")
    parser.add_argument("--division", metavar="CODE", help="otherwise one of those on the form")
    parser.add_argument("--prediction", type=int, default=500)
    parser.add_argument("--seed", type=int, help="for the same person and answers again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
