"""From a final result to certificates in the browser: propose, approve as another, mend, own page."""

from __future__ import annotations

import re

import httpx
import pytest

from certificates.issuing import issue_waiting
from certificates.lookup import of_person
from core import clock, db
from tests.certificates.stage import make_final, play
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

PATH = "/quan-tri/cuoc-thi/thi/chung-nhan"
SIGNER = {
    "co_quan": "BAN TỔ CHỨC", "dia_danh": "Lai Châu", "quyen_han": "TM. BAN TỔ CHỨC",
    "chuc_vu": "TRƯỞNG BAN", "ho_ten": "Giàng A Páo",
}  # fmt: skip


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient, queue: None) -> Stage:
    """Mai and Charlie have played a round that is final; nobody has issued anything."""
    made = await build_stage(sign_in, visitor)
    await make_final(made.arena.round_id)
    for person, right_count in ((0, 20), (1, 12)):
        await play(made.arena, person, right_count)
    return made


def option(page: str, name: str) -> str:
    """The value of a select's last choice."""
    found = re.search(rf'<select[^>]* name="{name}".*?</select>', page, re.DOTALL)
    assert found is not None
    return re.findall(r'value="([0-9]+)"', found[0])[-1]


async def propose(stage: Stage) -> str:
    """The organiser proposes certificates of participation; the address of the list."""
    organiser = stage.clients["organiser"]
    assert (
        await organiser.post("/quan-tri/chung-nhan/so", data={"ky_hieu": "GCN-BTC"})
    ).is_redirect
    assert (await organiser.post("/quan-tri/chung-nhan/nguoi-ky", data=SIGNER)).is_redirect
    assert "2 người hoặc đơn vị" in (await organiser.get(f"{PATH}/lap")).text
    rule = {"loai": "participation", "co_ket_qua": "1"}
    page = (await organiser.get(f"{PATH}/lap", params=rule)).text
    assert "2. Danh sách: 2 dòng" in page
    assert "Đúng 20/20 câu trong 10 phút" in page
    printed = {
        "ten_giay": "GIẤY CHỨNG NHẬN",
        "cau": "đã tham gia cuộc thi",
        **{name: option(page, name) for name in ("mau", "so", "nguoi_ky")},
    }
    answer = await organiser.post(f"{PATH}/lap", data={**rule, **printed, "cau": ""})
    assert answer.status_code == 422
    assert "Hãy ghi câu chứng nhận" in answer.text
    answer = await organiser.post(f"{PATH}/lap", data={**rule, **printed})
    assert answer.status_code == 303
    return answer.headers["location"]


async def test_a_list_goes_from_the_organiser_to_the_approver_to_the_holder(stage: Stage) -> None:
    place = await propose(stage)
    assert "Chờ duyệt" in (await stage.clients["organiser"].get(place)).text
    assert (await stage.clients["organiser"].post(f"{place}/duyet")).status_code == 403
    assert (await stage.clients["approver"].post(f"{place}/duyet")).status_code == 303
    await issue_waiting()
    year = clock.now().year
    page = (await stage.clients["auditor"].get(PATH, params={"tim": "lo thi mai"})).text
    assert "1 giấy chứng nhận" in page
    own = (await stage.clients["mai"].get("/tai-khoan/chung-nhan")).text
    assert f"/{year}/GCN-BTC" in own
    assert "Còn hiệu lực" in own
    assert f"/{year}/GCN-BTC" in (await stage.clients["mai"].get("/tai-khoan")).text


async def test_whoever_made_the_list_does_not_approve_it(stage: Stage) -> None:
    place = await propose(stage)
    await db.pool().execute(
        "UPDATE certificate_batch SET made_by_id = $1", await stage.account_id("admin")
    )
    answer = await stage.clients["admin"].post(f"{place}/duyet")
    assert (answer.status_code, "Hãy nhờ người khác duyệt" in answer.text) == (422, True)


async def test_one_is_corrected_and_another_revoked_with_reasons(stage: Stage) -> None:
    place = await propose(stage)
    await stage.clients["approver"].post(f"{place}/duyet")
    await issue_waiting()
    organiser = stage.clients["organiser"]
    [mai] = await of_person(stage.person_ids["mai"])
    change = {"ten": "Lò Thị <b>Mãi</b>", "don_vi": "Xã Bình Lư", "ket_qua": ""}
    answer = await organiser.post(f"{PATH}/giay/{mai.id}/sua", data=change)
    assert answer.status_code == 422
    assert "Lò Thị &lt;b&gt;Mãi" in answer.text  # what was typed is kept, and is only text
    why = {"ly_do_sua": "Đơn ngày 02/11", "ly_do_sua_cong_khai": "Đính chính"}
    answer = await organiser.post(f"{PATH}/giay/{mai.id}/sua", data={**change, **why})
    assert answer.status_code == 303
    assert "Thay cho giấy số" in (await organiser.get(answer.headers["location"])).text
    old = (await organiser.get(f"{PATH}/giay/{mai.id}")).text
    assert "Được thay bằng giấy số" in old
    why = {"ly_do": "Thi hộ", "ly_do_cong_khai": "Vi phạm thể lệ"}
    [other] = await of_person(stage.person_ids["charlie"])
    assert (await organiser.post(f"{PATH}/giay/{other.id}/thu-hoi")).status_code == 422
    assert (await organiser.post(f"{PATH}/giay/{other.id}/thu-hoi", data=why)).is_redirect
    own = (await stage.clients["charlie"].get("/tai-khoan/chung-nhan")).text
    assert "Đã thu hồi" in own
    assert "Vi phạm thể lệ" in own
    assert "Thi hộ" not in own


async def test_after_a_disqualification_the_outdated_are_listed_and_a_list_is_proposed(
    stage: Stage,
) -> None:
    place = await propose(stage)
    await stage.clients["approver"].post(f"{place}/duyet")
    await issue_waiting()
    await db.pool().execute(
        "INSERT INTO disqualification (participant_id, reason, created_at, lift_reason) "
        "SELECT id, 'Thi hộ', now(), '' FROM participant WHERE person_id = $1",
        stage.person_ids["charlie"],
    )
    organiser = stage.clients["organiser"]
    page = (await organiser.get(f"{PATH}/can-sua")).text
    assert "1 giấy" in page
    [other] = await of_person(stage.person_ids["charlie"])
    chosen = {"chon": str(other.id)}
    assert (await organiser.post(f"{PATH}/can-sua", data=chosen)).status_code == 422
    why = {"ly_do": "Biên bản số 3", "ly_do_cong_khai": "Vi phạm thể lệ"}
    answer = await organiser.post(f"{PATH}/can-sua", data={**chosen, **why})
    assert answer.status_code == 303
    await stage.clients["approver"].post(f"{answer.headers['location']}/duyet")
    await issue_waiting()
    [other] = await of_person(stage.person_ids["charlie"])
    assert other.state == "revoked"
    assert "Mọi giấy đã cấp đều còn đúng" in (await organiser.get(f"{PATH}/can-sua")).text


async def test_erasing_an_account_takes_the_name_off_its_certificates(stage: Stage) -> None:
    place = await propose(stage)
    await stage.clients["approver"].post(f"{place}/duyet")
    await issue_waiting()
    await stage.clients["mai"].post("/tai-khoan/du-lieu/xoa", data={"xac_nhan": "1"})
    # The organiser of the cast bears the same name, in the menu.
    table = (await stage.clients["organiser"].get(PATH)).text.partition("<table")[2]
    assert "người đã xóa dữ liệu" in table
    assert "Lò Thị Mai" not in table
