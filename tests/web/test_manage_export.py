"""Questions as a file: first what it cannot hold, then the file."""

from __future__ import annotations

import httpx
import pytest

from people.audit import entries
from quiz.exchange.formats import understand
from quiz.pools import PoolOption
from quiz.question_writing import add_topic, make_bank, save_question
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

EXPORT = "/quan-tri/ngan-hang/xuat"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    await add_topic(bank_id, code="chung", name="Chung")
    options = [PoolOption("Đây", is_correct=True), PoolOption("Kia", is_correct=False)]
    for number in range(1, 4):
        await save_question(
            bank_id, code=f"C-{number}", topic="chung", difficulty="easy", kind="single",
            text=f"Câu {number} hỏi gì?", options=options, by=None,
        )  # fmt: skip
    return bank_id


async def done_to(bank: int) -> list[str]:
    return [line.action for line in await entries(f"bank:{bank}")]


async def test_an_organiser_sees_what_is_lost_and_takes_the_file(stage: Stage, bank: int) -> None:
    organiser = stage.clients["organiser"]
    wanted = {"ngan_hang": "cds", "dinh_dang": "moodle_xml"}
    page = (await organiser.get(EXPORT, params=wanted)).text
    assert "Tệp sẽ có 3 câu, kèm đáp án" in page
    assert "Không mất gì" in page
    assert "export_questions" not in await done_to(bank)
    file = await organiser.post(EXPORT, data=wanted)
    assert file.status_code == 200
    assert "attachment" in file.headers["content-disposition"]
    assert len(understand(file.content, "x.xml").items) == 3
    assert (await done_to(bank)).count("export_questions") == 1


async def test_an_export_of_nothing_says_so(stage: Stage, bank: int) -> None:
    organiser = stage.clients["organiser"]
    wanted = {"ngan_hang": "cds", "dinh_dang": "gift", "tim": "không có câu nào như thế"}
    page = (await organiser.get(EXPORT, params=wanted)).text
    assert "Tệp sẽ có 0 câu" in page
    answer = await organiser.post(EXPORT, data=wanted)
    assert answer.status_code == 422
    assert "Không có câu hỏi nào khớp" in answer.text


@pytest.mark.parametrize("file_format", ["exe", "aiken"])
async def test_an_unknown_format_leads_back_to_the_form(
    stage: Stage, bank: int, file_format: str
) -> None:
    wanted = {"ngan_hang": "cds", "dinh_dang": file_format}
    organiser = stage.clients["organiser"]
    for answer in (
        await organiser.get(EXPORT, params=wanted),
        await organiser.post(EXPORT, data=wanted),
    ):
        assert answer.status_code == 422
        assert 'href="#dinh_dang"' in answer.text


async def test_only_those_who_may_see_the_way_out(stage: Stage, bank: int) -> None:
    for name, may_export in (("organiser", True), ("author", False)):
        page = (await stage.clients[name].get("/quan-tri/ngan-hang")).text
        assert (f'href="{EXPORT}' in page) is may_export
