"""What does one citizen do, from the contest's page to the score?

Reads, thinks, answers, changes answers, leaves, comes back on another device, asks again when
refused, waits in line; everything that the server acknowledges goes into the ledger at once.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Callable
from random import Random

import gevent

from loadtest.crowd.ledger import Held, Ledger
from loadtest.crowd.paper import Paper
from loadtest.crowd.profiles import BOARD, MY_RANK, RESULT, Profile, Span
from loadtest.crowd.tally import Tally
from loadtest.crowd.wire import HTML, JSON, NO_ANSWER, REFUSED, Answer, Wire

OK = frozenset({200})
SEE_OTHER = frozenset({303})
SAVED = frozenset({200, 409})
SHED_FIRST = frozenset({BOARD, MY_RANK})  # may be refused to anybody
READS_BUTTON_SECONDS = 3.0
PREDICTION_MOST = 60_000
FIRST_POLL, POLL = (1.5, 2.5), (2.0, 4.0)  # the result's page asks every two seconds
_PLACE, _TURN = re.compile(rb'data-place="(\d+)\.(\d+)"'), re.compile(rb'data-turn="([^"]+)"')
_BUTTON = re.compile(rb'action="[^"]+/vao-thi"')
_RECEIPT = re.compile(rb'class="receipt">([^<]+)<')


class Left(Exception):
    """The person has gone: turned away, out of patience, or the run is over."""


class Clock:
    """Seconds since the crowd's run began, the same for everybody in a process."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._seconds = seconds

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._began

    @property
    def is_over(self) -> bool:
        return self.elapsed > self._seconds


def pause_before(dice: Random, tries: int, retry_after: float | None) -> float:
    """How long to wait after so many failures: doubled each time, half of it random.

    As the paper's own script does it, so that a crowd that failed together does not come back
    together.
    """
    pause = min(15.0, 0.5 * 2 ** (tries - 1)) * dice.uniform(0.5, 1.0)
    return max(pause, retry_after * dice.uniform(1.0, 1.3)) if retry_after else pause


class Person:
    """One of the crowd."""

    def __init__(
        self,
        *,
        cookie: str,
        slug: str,
        profile: Profile,
        clock: Clock,
        wire: Wire,
        ledger: Ledger,
        tally: Tally,
        dice: Random,
    ) -> None:
        self._session = cookie
        self._slug = slug
        self._profile = profile
        self._clock = clock
        self._wire = wire
        self._ledger = ledger
        self._tally = tally
        self._dice = dice
        self._cookies: dict[str, str] = {}
        self._held = Held()
        self._paper = Paper(b"")
        self._is_inside = False

    def live(self) -> None:
        """Come, do what one came for, go."""
        self._tally.counts["came"] += 1
        try:
            self._come_in()
            if self._dice.random() < self._profile.watches:
                self._watch()
            else:
                self._take_part()
        except Left:
            self._tally.counts["left" if self._is_inside else "turned_away"] += 1
        else:
            self._tally.counts["served"] += 1

    def _come_in(self) -> None:
        contest = f"/cuoc-thi/{self._slug}"
        self._insist("contest page", "GET", contest, OK)
        self._rest(self._profile.reads)
        self._start()
        self._open_paper()
        self._is_inside = True
        self._tally.counts["inside"] += 1

    def _take_part(self) -> None:
        dice, manners = self._dice, self._profile.manners
        hands_in_at = self._profile.hand_in(dice, self._clock.elapsed, self._profile.seconds)
        if dice.random() < manners.without_script:
            self._answer_without_script(hands_in_at)
            return
        drops_off = dice.random() < manners.drops_off
        moves_at = hands_in_at * dice.random() if dice.random() < manners.other_device else None
        if drops_off:
            hands_in_at = self._clock.elapsed + (hands_in_at - self._clock.elapsed) * dice.random()
        self._answer_until(hands_in_at, moves_at)
        if drops_off:
            self._tally.counts["dropped_off"] += 1
            return
        self._hand_in()
        self._await_score()

    def _answer_until(self, hands_in_at: float, moves_at: float | None) -> None:
        self._rest_until(self._profile.reads, hands_in_at)
        while self._clock.elapsed < hands_in_at or not self._held.answers:
            self._change_an_answer()
            self._save()
            if moves_at is not None and self._clock.elapsed > moves_at:
                self._move_to_another_device()
                moves_at = None
            self._rest_until(self._profile.pause, hands_in_at)

    def _answer_without_script(self, hands_in_at: float) -> None:
        """The whole form at once, as a browser without JavaScript posts it."""
        self._tally.counts["without_script"] += 1
        self._rest(self._profile.reads)
        gevent.sleep(max(0.0, hands_in_at - self._clock.elapsed))
        for name in self._paper.options:
            self._held.answers[name] = self._paper.choose(self._dice, name)
        self._hand_in()
        answer = self._insist(RESULT, "GET", f"{self._path}/ket-qua", OK, own=True)
        receipt = _RECEIPT.search(answer.page)
        if receipt is None:
            self._tally.error(RESULT, "no receipt on it")
            return
        self._held.receipt = receipt[1].decode()
        self._ledger.write("score", self._held)

    def _watch(self) -> None:
        """Hand in a short attempt, then look at results and boards until the end."""
        for name in self._paper.options:
            self._held.answers[name] = self._paper.choose(self._dice, name)
        self._hand_in()
        self._await_score()
        pages, weights = zip(*self._profile.watched.items(), strict=True)
        while self._clock.elapsed < self._profile.seconds:
            self._rest(self._profile.refresh)
            self._look_at(self._dice.choices(pages, weights)[0])

    def _look_at(self, page: str) -> None:
        paths = {
            RESULT: f"{self._path}/ket-qua",
            BOARD: f"/cuoc-thi/{self._slug}/bang-xep-hang",
            MY_RANK: f"/cuoc-thi/{self._slug}/vi-tri",
        }
        with contextlib.suppress(Left):  # turned away until the end: boards are what goes first
            latest = self._profile.seconds
            self._insist(page, "GET", paths[page], OK, own=page == RESULT, gives_up_at=latest)

    # Starting, waiting in line, opening the paper

    def _start(self) -> None:
        gives_up_at = self._clock.elapsed + self._profile.patience
        while True:
            answer = self._insist(
                "start",
                "POST",
                f"/cuoc-thi/{self._slug}/vao-thi",
                SEE_OTHER,
                gives_up_at=gives_up_at,
            )
            self._keep_cookies(answer)
            where = answer.header("location")
            if not answer.is_refusal:
                break
            self._stand_in_line(answer, where, gives_up_at)
        self._held.attempt = where.removeprefix("/bai-thi/")
        self._held.cookie = self._cookies.pop("attempt", self._held.cookie)
        self._ledger.write("start", self._held)
        self._tally.counts["starts"] += 1

    def _stand_in_line(self, refusal: Answer, where: str, gives_up_at: float) -> None:
        """Read one's place, then ask what is being served as the page's script does."""
        self._tally.counts["waited"] += 1
        inside = self._is_inside
        page = self._insist("waiting room", "GET", where, OK | SEE_OTHER, gives_up_at=gives_up_at)
        self._keep_cookies(page)
        place, turn = _PLACE.search(page.page), _TURN.search(page.page)
        said = page.retry_after
        if said is None and (place or _BUTTON.search(page.page)):
            said = READS_BUTTON_SECONDS  # their turn came while they went to the room
        self._tally.refused("start", refusal.seconds, said, inside=inside)
        pause = 5.0 if said is None else said
        while True:
            self._pause(pause * self._dice.uniform(1.0, 1.15), gives_up_at)
            if place is None or turn is None:
                return  # the button is all there is to ask
            address = turn[1].decode()
            answer = self._insist("turn", "GET", address, OK, accept=JSON, gives_up_at=gives_up_at)
            told = json.loads(answer.page)
            ahead = int(place[2]) - told["served"]
            if told["epoch"] != int(place[1]) or ahead <= 0:
                return
            left = ahead / max(told["per_minute"], 1) * 60
            pause = min(max(left / 4, 2.0), 30.0) * self._dice.uniform(0.85, 1.0)

    def _open_paper(self) -> None:
        answer = self._insist("paper", "GET", self._path, OK, own=True)
        self._paper = Paper(answer.page)
        if not self._paper.options or not self._paper.opening:
            self._tally.error("paper", "no questions or no opening on it")
            raise Left
        if self._held.seq == 0 and self._paper.saved_seq:
            # Begun in an earlier run, or on a device of which this one knows nothing.
            self._held.seq, self._held.answers = self._paper.saved_seq, dict(self._paper.checked)
            self._ledger.write("found", self._held)
        elif self._paper.checked != self._held.answers:
            self._tally.error("paper", f"{self._held.attempt} shows other answers than were saved")

    def _move_to_another_device(self) -> None:
        """Open the paper there, save there, find the first device refused, take it over again."""
        first = self._paper.opening
        self._start()
        self._open_paper()
        self._change_an_answer()
        self._save()
        there, self._paper.opening = self._paper.opening, first
        refusal = self._post_save()
        if refusal.status != 409 or _told(refusal).get("code") != "taken_over":
            self._tally.error("save", f"an old opening was answered with {refusal.status}")
        self._paper.opening = there
        self._insist("take over", "POST", f"{self._path}/lam-tiep-o-day", SEE_OTHER, own=True)
        self._open_paper()
        self._tally.counts["took_over"] += 1

    # Answering and handing in

    def _change_an_answer(self) -> None:
        answers, options = self._held.answers, self._paper.options
        blank = [name for name in options if name not in answers]
        changes = not blank or (
            answers and self._dice.random() < self._profile.manners.changes_mind
        )
        name = self._dice.choice([*answers]) if changes else blank[0]
        self._held.answers[name] = self._paper.choose(self._dice, name)

    def _save(self) -> None:
        """The whole small state, as the page's script sends it; the same `seq` until it is kept."""
        self._held.seq += 1
        answer = self._insist_on(self._post_save, "save", OK)
        saved = json.loads(answer.body)
        if saved.get("saved_seq") != self._held.seq:
            self._tally.error("save", f"{self._held.seq} was answered with {saved}")
            raise Left
        self._tally.counts["saves"] += 1
        self._ledger.write("save", self._held)

    def _post_save(self) -> Answer:
        return self._act("save", f"{self._path}/luu", JSON, self._form())

    def _hand_in(self) -> None:
        self._held.seq += 1
        self._held.prediction = self._dice.randrange(PREDICTION_MOST)
        form = f"{self._form()}&du_doan={self._held.prediction}"
        self._insist_on(
            lambda: self._act("submit", f"{self._path}/nop", HTML, form), "submit", SEE_OTHER
        )
        self._tally.counts["submits"] += 1
        self._ledger.write("submit", self._held)

    def _await_score(self) -> None:
        self._rest(FIRST_POLL)
        while True:
            answer = self._insist(
                "result", "GET", f"{self._path}/ket-qua", OK, own=True, accept=JSON
            )
            told = json.loads(answer.body)
            self._held.receipt = told["receipt"]
            if told["score"] is not None:
                self._held.score = told["score"]
                self._ledger.write("score", self._held)
                return
            self._rest(POLL)

    def _form(self) -> str:
        fields = [f"seq={self._held.seq}", f"lan={self._paper.opening}"]
        fields += [
            f"q{name}={value}" for name, values in self._held.answers.items() for value in values
        ]
        return "&".join(fields)

    def _act(self, step: str, path: str, accept: str, form: str) -> Answer:
        """A request that changes something: until it is answered, the server may hold more."""
        self._held.in_doubt = True
        try:
            answer = self._wire.send(
                step, "POST", path, cookie=self._held.cookie, accept=accept, form=form
            )
        except BaseException:
            self._doubt()
            raise
        if answer.status == NO_ANSWER or answer.status >= 500:
            self._doubt()
        else:
            self._held.in_doubt = False
        return answer

    def _doubt(self) -> None:
        self._tally.counts["in_doubt"] += 1
        self._ledger.write("doubt", self._held)

    # Asking until it works

    def _insist(
        self,
        step: str,
        method: str,
        path: str,
        expected: frozenset[int],
        *,
        own: bool = False,
        accept: str = HTML,
        gives_up_at: float | None = None,
    ) -> Answer:
        """Ask until the answer is one of the expected; `own`: with the attempt's cookie."""

        def ask() -> Answer:
            cookie = self._held.cookie if own else self._site_cookies()
            return self._wire.send(step, method, path, cookie=cookie, accept=accept)

        return self._insist_on(ask, step, expected, gives_up_at)

    def _insist_on(
        self,
        ask: Callable[[], Answer],
        step: str,
        expected: frozenset[int],
        gives_up_at: float | None = None,
    ) -> Answer:
        tries = 0
        while True:
            answer = ask()
            if answer.status in expected:
                return answer
            tries += 1
            if answer.status in REFUSED:
                said = answer.retry_after
                inside = self._is_inside and step not in SHED_FIRST
                self._tally.refused(step, answer.seconds, said, inside=inside)
            else:
                said = None
                self._tally.error(step, f"{answer.status} {answer.page[:200]!r}")
                if 300 <= answer.status < 500:
                    raise Left  # asking again would get the same
            self._pause(pause_before(self._dice, tries, said), gives_up_at)

    def _pause(self, seconds: float, gives_up_at: float | None) -> None:
        """Wait, unless patience or the run would end first."""
        if gives_up_at is not None and self._clock.elapsed + seconds > gives_up_at:
            raise Left
        gevent.sleep(seconds)
        if self._clock.is_over:
            raise Left

    def _rest(self, span: Span) -> None:
        self._pause(self._dice.uniform(*span), None)

    def _rest_until(self, span: Span, latest: float) -> None:
        left = max(0.05, latest - self._clock.elapsed)
        self._pause(min(self._dice.uniform(*span), left), None)

    def _keep_cookies(self, answer: Answer) -> None:
        """The attempt's cookie has a path of its own; all others go to the whole site."""
        for line in answer.cookies:
            pair, _, attributes = line.partition(";")
            if "path=/bai-thi/" in attributes.lower():
                self._cookies["attempt"] = pair
            else:
                self._cookies[pair.partition("=")[0]] = pair

    def _site_cookies(self) -> str:
        return "; ".join([self._session, *self._cookies.values()])

    @property
    def _path(self) -> str:
        return f"/bai-thi/{self._held.attempt}"


def _told(answer: Answer) -> dict[str, object]:
    """What an answer for scripts says; nothing when it is a page."""
    try:
        found = json.loads(answer.page)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
