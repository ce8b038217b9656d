"""A paper in a browser: what was chosen, what the page says is saved, and what the database has."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from playwright.async_api import Page, Response, expect

from core import db
from web.demo.contests import OPEN_SLUG

SAVED = re.compile(r"^Đã lưu lúc \d\d:\d\d:\d\d$")
expect.set_options(timeout=15_000)  # two busy cores; nothing here is about speed
NOT_SENT = "Chưa gửi được, sẽ tự gửi lại"
ENTER = f"/cuoc-thi/{OPEN_SLUG}/vao-thi"

# Tells every change of "Đã lưu" at once, with what was chosen at that moment.
_WATCH = """
addEventListener('DOMContentLoaded', () => {
  const form = document.getElementById('bai');
  if (!form || !window.tellClaims) return;
  let told = '';
  const look = () => {
    const claims = {}, all = document.getElementById('da-luu').classList.contains('ok');
    form.querySelectorAll('.q').forEach(q => {
      const n = q.dataset.n, state = q.querySelector('.q-state');
      const chosen = n === 'p' ? [q.querySelector('input').value].filter(Boolean)
        : Array.from(q.querySelectorAll('input:checked')).map(i => i.value);
      if (chosen.length && (all || state.classList.contains('ok'))) claims[n] = chosen.map(Number);
    });
    const now = JSON.stringify(claims);
    if (now !== told) { told = now; window.tellClaims(claims); }
  };
  new MutationObserver(look).observe(document.body,
    { subtree: true, childList: true, attributes: true, attributeFilter: ['class'] });
});
"""


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    person_id: int
    account_id: int


@dataclass
class Paper:
    """One attempt, perhaps open on several pages; remembers all that was ever chosen."""

    attempt_id: UUID
    history: dict[str, list[tuple[int, ...]]] = field(default_factory=lambda: defaultdict(list))
    claims_count: int = 0
    false_claims: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return f"/bai-thi/{self.attempt_id}"

    async def watch(self, page: Page) -> None:
        """Check each "Đã lưu" of this page's papers against the database as it appears."""

        async def tell(_source: object, claims: dict[str, list[int]]) -> None:
            kept = await self.saved()
            for n, claimed in claims.items():
                self.claims_count += 1
                mine, seen = self.history[n], tuple(claimed)
                if seen not in mine or kept.get(n, ()) not in mine[mine.index(seen) :]:
                    self.false_claims.append(f"{n}: said {claimed}, has {kept.get(n)}")

        await page.context.expose_binding("tellClaims", tell)
        await page.context.add_init_script(_WATCH)

    async def open(self, page: Page, *, view: str = "list") -> Response | None:
        """Open the paper on a page; `view` is "one" question or the whole "list"."""
        await page.context.add_init_script(
            f"try {{ localStorage.setItem('kieu-xem', '{view}') }} catch (e) {{ }}"
        )
        return await page.goto(self.path)

    async def choose(self, page: Page, n: int, option: int) -> None:
        """Tap an option; what it amounts to is remembered before the page can say it is saved."""
        control = page.locator(f"#q{n}-{option}")
        before = self.history[str(n)][-1] if self.history[str(n)] else ()
        if await control.get_attribute("type") == "checkbox":
            after = tuple(sorted(set(before) ^ {option}))
        else:
            after = (option,)
        self.history[str(n)].append(after)
        await control.tap()

    async def guess(self, page: Page, number: int) -> None:
        self.history["p"].append((number,))
        await page.locator("#du_doan").fill(str(number))

    async def saved(self) -> dict[str, tuple[int, ...]]:
        """What the database has, in the form of `history`."""
        row = await db.pool().fetchrow(
            "SELECT answers, prediction FROM attempt WHERE id = $1", self.attempt_id
        )
        assert row is not None
        kept = {n: tuple(chosen) for n, chosen in row["answers"].items() if chosen}
        return kept if row["prediction"] is None else {**kept, "p": (row["prediction"],)}

    @property
    def chosen(self) -> dict[str, tuple[int, ...]]:
        return {n: each[-1] for n, each in self.history.items() if each and each[-1]}

    async def expect_all_saved(self, page: Page, *, seconds: float = 30) -> None:
        """The page says that nothing is left to send; then all that was chosen is in the database."""
        await expect(page.locator("#da-luu")).to_have_text(SAVED, timeout=seconds * 1000)
        assert await self.saved() == self.chosen
        assert not self.false_claims


async def begin(page: Page) -> Paper:
    """Enter the open contest with a signed-in page, by a request of its own."""
    answer = await page.request.post(ENTER, max_redirects=0)
    assert answer.status == 303, await answer.text()
    return Paper(UUID(answer.headers["location"].rsplit("/", 1)[1]))


async def set_deadline(paper: Paper, seconds: float) -> None:
    """Let the attempt end so many seconds from now."""
    await db.pool().execute(
        "UPDATE attempt SET deadline_at = clock_timestamp() + make_interval(secs => $2) "
        "WHERE id = $1",
        paper.attempt_id,
        seconds,
    )


async def state_of(paper: Paper) -> Any:
    return await db.pool().fetchval("SELECT state FROM attempt WHERE id = $1", paper.attempt_id)
