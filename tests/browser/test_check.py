"""Somebody scans a certificate's QR: with a network, without one, and a paper that was tampered with."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect

from certificates.owed import Rule
from core import db
from tests.browser.conftest import OpenPage
from tests.browser.looking import faults_of, require_node_modules
from tests.certificates.stage import build_stage
from tests.web.conftest import Site

pytestmark = pytest.mark.browser
SIGNED, FORGED = "Chữ ký số đúng", "Chữ ký số không đúng"
# A browser that cannot check Ed25519 by itself takes the small library.
WITHOUT_ED25519 = """
const subtle = window.crypto && crypto.subtle;  // about:blank has none
const known = subtle && subtle.importKey.bind(subtle);
if (subtle) subtle.importKey = (format, key, how, ...rest) =>
  how.name === 'Ed25519' ? Promise.reject(new Error('unknown')) : known(format, key, how, ...rest);
"""


@dataclass(frozen=True)
class Paper:
    """A valid certificate: what a telephone reads from it, behind the platform's address."""

    scanned: str
    name: str


@pytest.fixture
async def paper(province: Site) -> Paper:
    valid = (
        "SELECT face->>'qr' AS qr, printed_name FROM certificate WHERE state = 'issued' "
        "ORDER BY id DESC LIMIT 1"
    )
    found = await db.pool().fetchrow(valid)
    if found is None:
        stage = await build_stage()
        await stage.issued(Rule(kind="participation"))
        found = await db.pool().fetchrow(valid)
    assert found is not None
    return Paper("/chung-nhan/" + found["qr"].partition("/chung-nhan/")[2], found["printed_name"])


def tampered(address: str) -> str:
    """One letter of the payload is another one."""
    place = address.index("#") + 40
    letter = "A" if address[place] != "A" else "B"
    return address[:place] + letter + address[place + 1 :]


async def kept(page: Page) -> None:
    """The browser has put aside what it needs without a network."""
    await page.evaluate("navigator.serviceWorker.ready.then(() => true)")


async def test_a_scanned_certificate_is_checked_with_and_without_a_network(
    open_page: OpenPage, paper: Paper
) -> None:
    require_node_modules()
    page = await open_page(tolerates="ERR_INTERNET_DISCONNECTED|status of 404")
    await page.goto(paper.scanned)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Giấy chứng nhận có giá trị")
    await expect(page.get_by_text(SIGNED)).to_be_visible()
    faults = await faults_of(page, "có giá trị")
    await kept(page)

    await page.context.set_offline(True)
    await page.goto("about:blank")
    await page.goto(paper.scanned)
    await expect(page.get_by_text("Đang không có mạng")).to_be_visible()
    await expect(page.locator("[data-field=name]")).to_have_text(paper.name)
    faults += await faults_of(page, "không mạng")
    await page.goto("about:blank")
    await page.goto(tampered(paper.scanned))
    await expect(page.get_by_text(FORGED)).to_be_visible()
    await expect(page.locator("[data-field=name]")).to_be_hidden()

    await page.context.set_offline(False)
    await page.goto("about:blank")
    await page.goto(tampered(paper.scanned))
    await expect(page.get_by_text(FORGED)).to_be_visible()
    await expect(page.locator("p[data-verdict=forged]")).to_contain_text("Chỉ tin")
    await page.goto("/chung-nhan")
    faults += await faults_of(page, "tra số")
    await page.get_by_role("textbox", name="Số giấy").fill("1/2026/GCN-BTC")
    await page.get_by_role("textbox", name="Mã kiểm tra").fill("0000-0000-0000")
    await page.get_by_role("button", name="Kiểm tra", exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Không tìm thấy trong sổ cấp")
    faults += await faults_of(page, "không thấy")
    assert not faults, "\n".join(faults)


async def test_an_old_browser_checks_by_the_small_library(
    open_page: OpenPage, paper: Paper
) -> None:
    page = await open_page()
    await page.add_init_script(WITHOUT_ED25519)
    await page.goto(paper.scanned)
    await expect(page.get_by_text(SIGNED)).to_be_visible()
    await page.goto("about:blank")
    await page.goto(tampered(paper.scanned))
    await expect(page.get_by_text(FORGED)).to_be_visible()
