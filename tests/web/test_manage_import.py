"""Files of questions in the browser's place: sent, looked at, mended, taken in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import httpx
import pytest

from core import db
from core.documents import write_sheet
from quiz.question_sheet import COLUMNS
from quiz.question_writing import make_bank
from quiz.questions import count_questions, find_bank, find_questions
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

UPLOAD = "/quan-tri/ngan-hang/nhap"
GOOD = """::A1::Ngày Chuyển đổi số quốc gia là ngày nào? {=10/10 ~22/12 ~2/9}

::A2::Nộp hồ sơ trực tuyến ở đâu? {=Cổng dịch vụ công ~Chợ}
"""
KEYLESS = "\n::A3::Ai cấp căn cước? {~Công an ~Tòa án ~Trường học}\n"


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    return await make_bank(code="cds", name="Chuyển đổi số")


@pytest.fixture
def author(stage: Stage) -> httpx.AsyncClient:
    return stage.clients["author"]


class _Fields(HTMLParser):
    """What a browser would send of the page's form when nothing was changed."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, list[str]] = {}
        self._select = self._textarea = ""
        self._words: list[str] = []

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        given = dict(pairs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "input" and (
            given.get("type") not in {"radio", "checkbox"} or "checked" in given
        ):
            self.values.setdefault(name, []).append(value)
        elif tag == "select":
            self._select = name
        elif tag == "option" and "selected" in given:
            self.values[self._select] = [value]
        elif tag == "textarea":
            self._textarea, self._words = name, []

    def handle_data(self, data: str) -> None:
        if self._textarea:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self.values[self._textarea] = ["".join(self._words).removeprefix("\n")]
            self._textarea = ""


def fields_of(page: httpx.Response) -> dict[str, list[str]]:
    parser = _Fields()
    parser.feed(page.text)
    return parser.values


async def send(
    client: httpx.AsyncClient, content: bytes | str, name: str = "tuần 1.gift", **fields: str
) -> httpx.Response:
    raw = content.encode() if isinstance(content, str) else content
    data = {"ngan_hang": "cds", "chu_de": "Dịch vụ công", "muc": "easy", **fields}
    return await client.post(UPLOAD, data=data, files={"tep": (name, raw, "text/plain")})


async def stage_file(client: httpx.AsyncClient, content: bytes | str, name: str = "t.gift") -> str:
    answer = await send(client, content, name)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def press(
    client: httpx.AsyncClient, address: str, button: str, **changes: str | list[str]
) -> httpx.Response:
    """Send the page back with some fields changed; an empty list is a box without its mark."""
    fields: Mapping[str, str | list[str]] = {**fields_of(await client.get(address)), **changes}
    return await client.post(address, data={**fields, "viec": button})


async def test_three_screens_lead_from_a_file_to_the_bank(
    author: httpx.AsyncClient, bank: int
) -> None:
    assert 'type="file"' in (await author.get(UPLOAD)).text
    review = await stage_file(author, GOOD)
    page = (await author.get(review)).text
    assert "Hiểu được 2/2 câu" in page
    assert "Nhập 2 câu vào ngân hàng" in page
    assert "Chủ đề sẽ được thêm vào ngân hàng" in page
    assert await count_questions(bank) == 0
    done = await press(author, review, "nhap")
    assert done.status_code == 303
    page = (await author.get(done.headers["location"])).text
    assert "Đã nhập 2 câu vào Chuyển đổi số" in page
    assert [each.state for each in await find_questions(bank)] == ["draft", "draft"]


async def test_a_fault_is_shown_at_its_field_and_mended_in_place(
    author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD + KEYLESS)
    page = (await author.get(review)).text
    assert "Hiểu được 2/3 câu" in page
    assert 'href="#c3_answer"' in page
    assert page.index('id="cau-3"') < page.index('id="cau-1"')  # faults first
    await press(author, review, "nhap")
    assert await count_questions(bank) == 2
    page = (await author.get(review)).text
    assert "Còn 1 câu chưa nhập" in page
    await press(author, review, "nhap", c3_right="0", c3_kind="single")
    assert await count_questions(bank) == 3
    assert "Còn" not in (await author.get(review)).text


async def test_what_is_typed_is_saved_and_a_question_left_out_stays_out(
    author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD)
    saved = await press(author, review, "luu", c1_text="Ngày nào là ngày Chuyển đổi số?")
    page = await author.get(saved.headers["location"])
    assert "Đã lưu những gì bạn sửa" in page.text
    assert fields_of(page)["c1_text"] == ["Ngày nào là ngày Chuyển đổi số?"]
    await press(author, review, "nhap", c2_chosen=[])
    [only] = await find_questions(bank)
    assert only.text == "Ngày nào là ngày Chuyển đổi số?"


async def test_two_clicks_take_a_file_in_once(author: httpx.AsyncClient, bank: int) -> None:
    review = await stage_file(author, GOOD)
    fields = {**fields_of(await author.get(review)), "viec": "nhap"}
    for _ in range(2):
        assert (await author.post(review, data=fields)).status_code == 303
    assert await count_questions(bank) == 2
    assert "Đã nhập 2 câu" in (await author.get(review)).text


async def test_another_tab_is_told_and_keeps_what_was_typed(
    author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD)
    old = {**fields_of(await author.get(review)), "viec": "luu", "c1_text": "Chữ của tab cũ?"}
    await press(author, review, "luu", c1_text="Chữ của tab mới?")
    answer = await author.post(review, data=old)
    assert answer.status_code == 409
    assert "đã được lưu ở nơi khác" in answer.text
    assert fields_of(answer)["c1_text"] == ["Chữ của tab cũ?"]
    again = {**fields_of(answer), "viec": "luu"}
    assert (await author.post(review, data=again)).status_code == 303
    assert fields_of(await author.get(review))["c1_text"] == ["Chữ của tab cũ?"]


async def test_questions_may_go_to_review_at_once(
    stage: Stage, author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD)
    assert f'value="{await stage.account_id("reviewer")}"' in (await author.get(review)).text
    await press(author, review, "nhap", gui=str(await stage.account_id("reviewer")))
    rows = await db.pool().fetch("SELECT state, assignee_id FROM question")
    assert {tuple(row) for row in rows} == {("in_review", await stage.account_id("reviewer"))}


async def test_who_may_not_review_is_sent_nothing_and_nothing_is_taken(
    stage: Stage, author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD)
    typed = fields_of(await author.get(review))
    mai = str(await stage.account_id("mai"))
    answer = await author.post(review, data={**typed, "viec": "nhap", "gui": mai})
    assert answer.status_code == 422
    assert "Hãy chọn người thẩm định" in answer.text
    assert await count_questions(bank) == 0


async def test_a_part_that_became_no_question_is_made_one(
    author: httpx.AsyncClient, bank: int
) -> None:
    review = await stage_file(author, GOOD + "\nHãy nêu cảm nghĩ của bạn {}\n")
    page = (await author.get(review)).text
    assert "Chưa thành câu" in page
    button = re.search(r'value="(them-[0-9]+)"', page)
    assert button is not None
    await press(author, review, button[1])
    page = (await author.get(review)).text
    assert "Chưa thành câu" not in page
    assert "Hiểu được 2/3 câu" in page


async def test_a_table_with_columns_of_its_own_asks_which_is_which(
    author: httpx.AsyncClient, bank: int
) -> None:
    rows = [["1", "Ai cấp căn cước?", "Công an", "Tòa án", "A"]]
    content = write_sheet("x", ["TT", "Hỏi", "Một", "Hai", "Khóa"], rows)
    review = await stage_file(author, content, "bảng.xlsx")
    page = (await author.get(review)).text
    assert "Cột nào là gì?" in page
    assert "B · Hỏi" in page
    wrong = await author.post(f"{review}/cot", data={"cot_text": "1"})
    assert wrong.status_code == 422
    assert '<option value="1" selected>' in wrong.text
    columns = {"cot_text": "1", "cot_option_a": "2", "cot_option_b": "3", "cot_answer": "4"}
    assert (await author.post(f"{review}/cot", data=columns)).status_code == 303
    assert "Hiểu được 1/1 câu" in (await author.get(review)).text
    await press(author, review, "nhap")
    assert await count_questions(bank) == 1


async def test_the_template_itself_comes_in(author: httpx.AsyncClient, bank: int) -> None:
    template = (await author.get("/quan-tri/ngan-hang/mau")).content
    review = await stage_file(author, template, "mẫu.xlsx")
    assert "Hiểu được 2/2 câu" in (await author.get(review)).text
    await press(author, review, "nhap")
    assert [each.code for each in await find_questions(bank)] == ["CDS-001", "CDS-002"]


async def test_a_new_bank_is_made_on_the_way(author: httpx.AsyncClient, bank: int) -> None:
    answer = await send(author, GOOD, ngan_hang="", ten_moi="Hộ tịch")
    assert answer.status_code == 303
    assert await find_bank("ho-tich") is not None
    taken = await send(author, GOOD, ngan_hang="", ten_moi="Hộ tịch")
    assert taken.status_code == 422
    assert 'href="#ten_moi"' in taken.text
    assert 'value="Hộ tịch"' in taken.text


async def test_no_bank_is_made_for_a_file_that_is_refused(
    author: httpx.AsyncClient, bank: int
) -> None:
    answer = await send(author, b"%PDF-1.7", ngan_hang="", ten_moi="Hộ tịch")
    assert answer.status_code == 422
    assert "PDF" in answer.text
    assert await find_bank("ho-tich") is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "Hãy chọn tệp"),
        (b"PK\x03\x04" + b"x" * 200, "hỏng"),
        (write_sheet("x", list(COLUMNS.values()), []), "chưa có câu hỏi nào"),
        (b"PK\x03\x04" + b"x" * 10_200_000, "Tệp lớn hơn 10 MB"),
        (b"PK\x03\x04" + b"PK\x01\x02" * 2_000, "cấu trúc lạ"),
        (b'<!DOCTYPE q [<!ENTITY a "b">]><quiz>&a;</quiz>', "tệp"),
        (b"\x00\x01\x02" * 100, "tệp"),
    ],
    ids=["empty", "broken", "no rows", "too large", "bomb", "entities", "binary"],
)
async def test_a_file_that_is_no_bank_leads_back_to_the_form(
    author: httpx.AsyncClient, bank: int, content: bytes, sentence: str
) -> None:
    answer = await send(author, content, "tệp.xlsx")
    assert answer.status_code in {413, 422}
    assert 'href="#tep"' in answer.text
    assert sentence in answer.text
    assert 'value="Dịch vụ công"' in answer.text or "10 MB" in answer.text or not content
    assert await db.pool().fetchval("SELECT count(*) FROM question_import") == 0


async def test_a_body_that_is_no_form_leads_back_too(author: httpx.AsyncClient, bank: int) -> None:
    headers = {"content-type": "multipart/form-data; boundary=x"}
    broken = await author.post(UPLOAD, content=b"no boundary here", headers=headers)
    plain = await author.post(UPLOAD, data={"ngan_hang": "cds", "tep": "not a file"})
    for answer in (broken, plain):
        assert answer.status_code == 422
        assert 'type="file"' in answer.text


async def test_an_upload_without_a_bank_says_so_and_keeps_the_form(
    author: httpx.AsyncClient, bank: int
) -> None:
    answer = await send(author, GOOD, ngan_hang="khong-co")
    assert answer.status_code == 422
    assert 'href="#ngan_hang"' in answer.text


async def test_a_file_laid_aside_is_no_longer_listed(author: httpx.AsyncClient, bank: int) -> None:
    review = await stage_file(author, GOOD)
    assert review in (await author.get(UPLOAD)).text
    fields = fields_of(await author.get(review))
    assert (await press(author, review, "bo")).status_code == 303
    assert "Tệp này đã bỏ" in (await author.get(review)).text
    assert review not in (await author.get(UPLOAD)).text
    late = await author.post(review, data={**fields, "viec": "nhap"})
    assert late.status_code == 409
    assert await count_questions(bank) == 0


async def test_a_long_file_is_looked_at_page_by_page(author: httpx.AsyncClient, bank: int) -> None:
    content = "\n".join(f"::Q{n}::Câu hỏi số {n} là gì? {{=Đây ~Kia}}\n" for n in range(1, 121))
    review = await stage_file(author, content)
    first = await author.get(review)
    assert "Trang 1/3" in first.text
    moved = await press(author, review, "trang-2", c1_text="Câu đầu, đã sửa")
    assert moved.headers["location"].endswith("?trang=2")
    second = await author.get(moved.headers["location"])
    assert fields_of(second)["cau"] == [str(number) for number in range(51, 101)]
    await press(author, moved.headers["location"], "nhap")
    assert await count_questions(bank) == 120
    assert [each.text for each in await find_questions(bank, "da sua")] == ["Câu đầu, đã sửa"]


async def test_forty_options_are_shown_to_be_mended(author: httpx.AsyncClient, bank: int) -> None:
    wrong = " ".join(f"~Phương án {number}" for number in range(39))
    review = await stage_file(author, f"::Q::Câu nào? {{=Đây {wrong}}}\n")
    page = await author.get(review)
    assert page.status_code == 200
    assert "Nhiều nhất 8 phương án." in page.text


@pytest.mark.parametrize("address", [f"{UPLOAD}/999", f"{UPLOAD}/x", f"{UPLOAD}/{'9' * 30}"])
async def test_an_unknown_file_is_not_found(author: httpx.AsyncClient, address: str) -> None:
    assert (await author.get(address)).status_code == 404
    assert (await author.post(address, data={"viec": "luu"})).status_code == 404
