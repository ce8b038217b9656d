"""How a page is looked at: by axe, at 320 pixels, in light and dark, in the largest letters."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

_RUN = """
async ([rules, tags]) => {
  const found = await axe.run(document, { resultTypes: ['violations'],
    runOnly: rules.length ? { type: 'rule', values: rules } : { type: 'tag', values: tags } });
  return found.violations.flatMap(v => v.nodes.slice(0, 4).map(n => v.id + ' at ' + n.target +
    ': ' + [...n.any, ...n.all, ...n.none].map(c => c.message).join('; ')));
}
"""

# What stands out at the side; a box that scrolls by itself may hold more than fits.
_WIDER = """
() => {
  const page = document.documentElement;
  if (page.scrollWidth <= page.clientWidth) return [];
  const out = Array.from(document.querySelectorAll('body *')).filter(e =>
    e.getBoundingClientRect().right > page.clientWidth + 1 && !e.closest('.scroll'));
  return [page.scrollWidth + ' px wide: ' + out.slice(0, 3).map(e => e.tagName + '.' +
    (e.getAttribute('class') || e.id)).join(', ')];
}
"""


def require_node_modules() -> None:
    """Failing that: a failure where CI=true, else a skip that says what to do."""
    if AXE.is_file() and shutil.which("npx"):
        return
    sentence = "No node_modules: run `npm ci --ignore-scripts` in the project's folder."
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


@cache
def _axe() -> str:
    return AXE.read_text(encoding="utf-8")


async def faults_of(page: Page, name: str, *, whole: bool = True) -> list[str]:
    """All that axe and a 320-pixel window find in what the page shows now.

    `whole` looks also in the dark and, at A++, in the narrow window; a state that differs little
    from one already seen is looked at once.
    """
    width, height = (page.viewport_size or {}).values()
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_axe())
    found = {"light": await page.evaluate(_RUN, [[], STANDARDS])}
    if whole:
        await page.emulate_media(color_scheme="dark")
        found["dark"] = await page.evaluate(_RUN, [["color-contrast"], []])
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size({"width": 320, "height": 640})
        found["320"] = await page.evaluate(_WIDER)
        await page.evaluate("document.documentElement.classList.add('a2')")
        found["320 A++"] = [
            *await page.evaluate(_WIDER),
            *await page.evaluate(_RUN, [["target-size"], []]),
        ]
        await page.evaluate("document.documentElement.classList.remove('a2')")
        await page.set_viewport_size({"width": width, "height": height})
    return [f"{name}, {how}: {fault}" for how, faults in found.items() for fault in faults]


async def picture(page: Page, name: str) -> None:
    """Keep a picture of the page at two widths where somebody asks for it."""
    folder = os.environ.get("PICTURES")
    if folder:
        for width in (360, 1280):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=f"{folder}/{name}-{width}.png", full_page=True)
        await page.set_viewport_size({"width": 360, "height": 740})
