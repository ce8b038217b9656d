from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from openbadgeslib.ob3.verifier import OB3VerificationError, OB3Verifier

from certificates.changing import revoke
from certificates.owed import Rule
from core import db
from tests.certificates.stage import build_stage
from tests.web.conftest import SignIn, Site


async def served(visitor: httpx.AsyncClient) -> Callable[[str], bytes]:
    """What the platform publishes, as if it were reached by https."""
    paths = ("/.well-known/did.json", "/huy-hieu/trang-thai/0")
    found = {path: (await visitor.get(path)).content for path in paths}
    return lambda url: found[httpx.URL(url).path]


async def test_the_holder_gets_a_badge_that_ends_with_its_certificate(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    site.app.state.badge_lists = {}
    stage = await build_stage()
    await stage.issued(Rule(kind="participation"))
    row = await db.pool().fetchrow(
        "SELECT c.id, c.number, m.person_id, c.printed_name FROM certificate c "
        "JOIN participant m ON m.id = c.participant_id ORDER BY c.id LIMIT 1"
    )
    assert row is not None
    address = f"/tai-khoan/chung-nhan/{row['number'].replace('/', '-')}/huy-hieu"
    mai = await sign_in(row["person_id"])
    charlie = await sign_in(stage.arena.person_ids[1])
    assert (await charlie.get(address)).status_code == 404

    token = (await mai.get(address)).text
    did = f"did:web:127.0.0.1%3A{httpx.URL(site.url).port}"
    download = await served(visitor)
    verifier = OB3Verifier.for_issuer_did(did, download=download)
    held = verifier.verify(token, check_status=True, download=download)
    assert row["printed_name"] not in str(held)
    about = await visitor.get(httpx.URL(held.achievement.id).path)
    assert about.json()["name"] == held.achievement.name

    await revoke(row["id"], reason="thử", public_reason="Cấp nhầm", by=stage.lan)
    site.app.state.badge_lists = {}
    with pytest.raises(OB3VerificationError, match="'revocation' is set"):
        verifier.verify(token, check_status=True, download=await served(visitor))
    assert (await mai.get(address)).status_code == 409
