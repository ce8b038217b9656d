from __future__ import annotations

import httpx
import pytest

from certificates.changing import Change, correct, revoke
from certificates.owed import Rule
from certificates.printing import keep_paper
from core import db
from tests.certificates import offices
from tests.certificates.stage import Stage, build_stage
from tests.certificates.test_examining import with_another_text
from tests.web.conftest import Site
from web import asking_limits
from web.asking_limits import parse

PLACE = "Không tìm thấy trong sổ cấp"


@pytest.fixture
async def stage(site: Site, monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = await build_stage()
    await made.issued(Rule(kind="participation"))
    return made


async def printed(position: int = 0) -> tuple[int, str, str, str]:
    """A certificate's id, its address, its number in the address and its code."""
    row = await db.pool().fetchrow(
        "SELECT id, face->>'check_url' AS url FROM certificate ORDER BY id OFFSET $1", position
    )
    assert row is not None
    url = httpx.URL(row["url"])
    return row["id"], url.raw_path.decode(), url.path.rsplit("/", 1)[1], url.params["ma"]


async def test_a_good_certificate_is_shown_as_it_was_printed(
    stage: Stage, visitor: httpx.AsyncClient
) -> None:
    _, address, number, code = await printed()
    answer = await visitor.get(address)
    assert answer.status_code == 200
    assert "Giấy chứng nhận có giá trị" in answer.text
    name = await db.pool().fetchval("SELECT printed_name FROM certificate ORDER BY id LIMIT 1")
    assert name in answer.text
    assert answer.headers["x-robots-tag"] == "noindex"
    assert answer.headers["cache-control"] == "no-store"
    typed = await visitor.get(
        "/chung-nhan", params={"so": number.replace("-", "/", 2), "ma": code.lower()}
    )
    assert typed.status_code == 303
    assert "có giá trị" in (await visitor.get(typed.headers["location"])).text


async def test_an_unknown_number_and_a_wrong_code_look_alike(
    stage: Stage, visitor: httpx.AsyncClient
) -> None:
    _, _, number, code = await printed()
    wrong = await visitor.get(f"/chung-nhan/{number}?ma=0000-0000-0000")
    unknown = await visitor.get(f"/chung-nhan/99999{number[5:]}?ma={code}")
    strange = await visitor.get("/chung-nhan/%F0%9F%8E%89'--?ma=x")
    assert (wrong.status_code, unknown.status_code, strange.status_code) == (404, 404, 404)
    assert PLACE in strange.text
    shown = number.replace("-", "/", 2)
    assert wrong.text.replace(shown, "") == unknown.text.replace(f"99999{shown[5:]}", "")


async def test_a_revoked_one_says_since_when_and_why(
    stage: Stage, visitor: httpx.AsyncClient
) -> None:
    certificate_id, address, _, _ = await printed()
    await revoke(
        certificate_id, reason="nội bộ: đơn thư", public_reason="Cấp nhầm người", by=stage.lan
    )
    shown = (await visitor.get(address)).text
    assert "đã bị thu hồi" in shown
    assert "Cấp nhầm người" in shown
    assert "đơn thư" not in shown


async def test_a_corrected_one_names_the_number_that_counts(
    stage: Stage, visitor: httpx.AsyncClient
) -> None:
    certificate_id, address, _, _ = await printed()
    change = Change(printed_name="Lò Thị Mái", unit_name="Xã Mường Tè", result="")
    await correct(
        certificate_id, change, reason="sai tên", public_reason="Ghi sai họ tên", by=stage.lan
    )
    shown = (await visitor.get(address)).text
    row = await db.pool().fetchrow(
        "SELECT number, check_code FROM certificate ORDER BY id DESC LIMIT 1"
    )
    assert row is not None
    assert "được thay bằng giấy khác" in shown
    assert row["number"] in shown
    assert row["check_code"] not in shown


async def test_guessing_ends_while_others_go_on(
    stage: Stage, visitor: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, _, number, _ = await printed()
    monkeypatch.setattr("web.pages.check.WRONG", parse("3/hour"))
    guesses = [await visitor.get(f"/chung-nhan/{number}?ma={guess}") for guess in range(5)]
    assert [each.status_code for each in guesses] == [404, 404, 404, 429, 429]
    assert guesses[-1].headers["retry-after"] == "60"
    assert (await visitor.get("/chung-nhan")).status_code == 200
    assert (await visitor.get("/.well-known/hieu-so-keys.json")).status_code == 200


async def test_a_file_is_told_from_a_forgery(stage: Stage, visitor: httpx.AsyncClient) -> None:
    certificate_id, _, _, code = await printed()
    plain = offices.paper("Lò Thị Mai")
    await keep_paper(certificate_id, "plain", plain)
    sent = await visitor.post("/chung-nhan", files={"tep": ("a.pdf", plain)})
    assert "không bị sửa một ký tự nào" in sent.text
    assert "đang có giá trị" in sent.text
    assert code in sent.text  # whoever has the file has the code that is printed in it
    forged = with_another_text(plain)
    sent = await visitor.post("/chung-nhan", files={"tep": ("a.pdf", forged)})
    assert "đã bị thêm hoặc sửa" in sent.text
    assert code not in sent.text
    sent = await visitor.post("/chung-nhan", files={"tep": ("a.pdf", offices.paper("x"))})
    assert "không phải tệp do chúng tôi cấp" in sent.text
    assert (await visitor.post("/chung-nhan", files={"tep": ("a.pdf", b"PK")})).status_code == 422
    large = b"%PDF-" + bytes(11_000_000)
    assert (await visitor.post("/chung-nhan", files={"tep": ("a.pdf", large)})).status_code == 413


async def test_a_half_filled_form_keeps_what_was_typed(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    answer = await visitor.get("/chung-nhan", params={"so": "00001/2026/GCN-BTC"})
    assert answer.status_code == 422
    assert "00001/2026/GCN-BTC" in answer.text


async def test_the_key_set_holds_what_a_stranger_needs(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    published = (await visitor.get("/.well-known/hieu-so-keys.json")).json()
    assert [len(key["public_key"]) for key in published["keys"]] == [64]
    assert published["keys"][0]["last_day"] is None
    assert len(published["letters"]) > 8
    assert "PRIVATE" not in str(published)


async def test_the_worker_keeps_only_what_is_there(site: Site, visitor: httpx.AsyncClient) -> None:
    script = (await visitor.get("/chung-nhan/khong-mang.js")).text
    head = script.splitlines()[0].removeprefix("const KEPT = ").removesuffix(";")
    import orjson  # noqa: PLC0415 — for this line alone

    kept = orjson.loads(head)
    for address in (kept["page"], kept["keys"], *kept["files"]):
        assert (await visitor.get(address)).status_code == 200, address


@pytest.mark.parametrize(
    ("host", "network"),
    [("203.0.113.7", "203.0.113.7"), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"), ("x", "x")],
)
def test_a_household_is_one_address(host: str, network: str) -> None:
    from starlette.requests import Request  # noqa: PLC0415 — for this line alone

    asked = Request({"type": "http", "client": (host, 1), "headers": []})
    assert asking_limits._network(asked) == network
