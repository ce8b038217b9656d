"""One question by page: written, read by a second person, changed, and saved by two at once."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from PIL import Image

from core import clock, db
from core.clock import local_day, now
from core.db import json_text
from people.audit import entries
from quiz.contest_making import add_round, make_contest
from quiz.question_writing import add_source, add_topic, make_bank
from quiz.questions import QuestionShown, find_question, get_question
from tests.web.cast import Stage, build_stage
from tests.web.conftest import SignIn

NEW = "/quan-tri/ngan-hang/cau-moi?ngan_hang=cds"
TYPED = {
    "viec": "luu",
    "ma": "CDS-1",
    "chu_de": "chung",
    "muc": "easy",
    "loai": "single",
    "cau_hoi": "Nộp hồ sơ trực tuyến ở đâu?",
    "so_pa": "4",
    "pa_1": "Cổng Dịch vụ công quốc gia",
    "pa_2": "Chợ",
    "pa_3": "Tất cả đều đúng",
    "dung": ["1"],
    "ghim": ["3"],
    "giai_thich": "Một cổng duy nhất.",
    "lien_ket": "https://dichvucong.gov.vn/p/1",
    "van_ban": "Nghị định số 118/2025/NĐ-CP",
    "dieu": "Điều 9",
    "den_ngay": "2030-12-31",
    "nhan": "Cấp xã, thủ tục",
}


@pytest.fixture
async def stage(sign_in: SignIn, visitor: httpx.AsyncClient) -> Stage:
    return await build_stage(sign_in, visitor)


@pytest.fixture
async def bank(stage: Stage) -> int:
    bank_id = await make_bank(code="cds", name="Chuyển đổi số")
    await add_topic(bank_id, code="chung", name="Chung")
    return bank_id


@pytest.fixture
async def path(stage: Stage, bank: int) -> str:
    """A draft by the author."""
    answer = await stage.clients["author"].post(NEW, data=TYPED)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].partition("?")[0]


def picture() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (8, 8), "red").save(drawn, "PNG")
    return drawn.getvalue()


async def kept(bank: int, code: str = "CDS-1") -> QuestionShown:
    return await get_question(await find_question(bank, code) or 0)


async def act(stage: Stage, who: str, path: str, deed: str, **fields: str) -> httpx.Response:
    return await stage.clients[who].post(f"{path}/viec", data={"viec": deed, **fields})


async def test_every_field_is_kept_and_shown(stage: Stage, bank: int, path: str) -> None:
    found = await kept(bank)
    assert [(each.text, each.is_correct, each.is_pinned) for each in found.options] == [
        ("Cổng Dịch vụ công quốc gia", True, False),
        ("Chợ", False, False),
        ("Tất cả đều đúng", False, True),
    ]
    assert found.tags == ("cấp xã", "thủ tục")
    assert (found.state, found.author_id) == ("draft", await stage.account_id("author"))
    page = (await stage.clients["reviewer"].get(path)).text
    for words in (
        "Nộp hồ sơ trực tuyến ở đâu?", "Một cổng duy nhất.", "Đáp án đúng", "giữ nguyên vị trí",
        'href="https://dichvucong.gov.vn/p/1" rel="noopener"', "Điều 9, Nghị định số 118/2025",
        "đến 31/12/2030", "cấp xã", "Bản viết đầu tiên.",
    ):  # fmt: skip
        assert words in page
    form = (await stage.clients["author"].get(f"{path}/sua")).text
    for words in ('value="2030-12-31"', 'value="cấp xã, thủ tục"', 'name="phien_ban" value="1"'):
        assert words in form


async def test_a_new_form_offers_a_free_code(stage: Stage, bank: int, path: str) -> None:
    assert 'value="cds-002"' in (await stage.clients["author"].get(NEW)).text
    taken = await stage.clients["author"].post(NEW, data={**TYPED, "cau_hoi": "Câu khác?"})
    assert taken.status_code == 422
    assert 'href="#ma"' in taken.text
    assert "Câu khác?" in taken.text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"cau_hoi": " "}, "cau_hoi"),
        ({"chu_de": "khong-co"}, "chu_de"),
        ({"muc": ""}, "muc"),
        ({"loai": "x"}, "loai"),
        ({"pa_2": "", "pa_3": ""}, "pa_2"),
        ({"dung": ["2", "4"]}, "pa_4"),
        ({"pa_3": "Chợ"}, "pa_3"),
        ({"dung": []}, "pa_1"),
        ({"lien_ket": "http://dichvucong.gov.vn"}, "lien_ket"),
        ({"den_ngay": "31/12/2030"}, "den_ngay"),
        ({"tu_ngay": "2031-01-01"}, "den_ngay"),
        ({"nhan": "a" * 41}, "nhan"),
        ({"nhan": ",".join(str(n) for n in range(11))}, "nhan"),
    ],
    ids=str,
)
async def test_each_fault_stands_at_its_field_and_nothing_typed_is_lost(
    stage: Stage, bank: int, changes: dict[str, str], field: str
) -> None:
    answer = await stage.clients["author"].post(NEW, data={**TYPED, **changes})
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert f'id="{field}"' in answer.text
    assert "Một cổng duy nhất." in answer.text
    assert await find_question(bank, "CDS-1") is None


async def test_options_are_added_and_taken_away_without_script(stage: Stage, bank: int) -> None:
    author = stage.clients["author"]
    more = (await author.post(NEW, data={**TYPED, "viec": "them"})).text
    assert 'id="pa_5"' in more
    assert 'value="Cổng Dịch vụ công quốc gia"' in more
    full = (await author.post(NEW, data={**TYPED, "viec": "them", "so_pa": "8"})).text
    assert 'value="them"' not in full
    fewer = (await author.post(NEW, data={**TYPED, "viec": "bo_2"})).text
    assert 'id="pa_2" name="pa_2" value="Tất cả đều đúng"' in fewer
    assert 'name="ghim" value="2" checked' in fewer
    assert 'id="pa_4"' not in fewer
    two = (await author.post(NEW, data={**TYPED, "viec": "bo_2", "so_pa": "2"})).text
    assert 'id="pa_2"' in two
    assert 'value="bo_' not in two
    assert await find_question(bank, "CDS-1") is None


async def test_a_picture_needs_words_and_stays_until_it_is_taken_away(
    stage: Stage, bank: int
) -> None:
    author, file = stage.clients["author"], {"hinh": ("a.png", picture(), "image/png")}
    silent = await author.post(NEW, data=TYPED, files=file)
    assert silent.status_code == 422
    assert 'href="#mo_ta_hinh"' in silent.text
    text_file = {"hinh": ("a.png", b"no picture", "image/png")}
    wrong = await author.post(NEW, data={**TYPED, "mo_ta_hinh": "Ô đỏ"}, files=text_file)
    assert 'href="#hinh"' in wrong.text
    made = await author.post(NEW, data={**TYPED, "mo_ta_hinh": "Ô đỏ"}, files=file)
    path = made.headers["location"].partition("?")[0]
    assert (await kept(bank)).image_alt == "Ô đỏ"
    assert 'alt="Ô đỏ"' in (await author.get(path)).text
    form = (await author.get(f"{path}/sua")).text
    image_id = form.partition('name="hinh_cu" value="')[2].partition('"')[0]
    fields = {**TYPED, "phien_ban": "1", "mo_ta_hinh": "Ô đỏ", "hinh_cu": image_id}
    await author.post(f"{path}/sua", data={**fields, "muc": "hard"})
    assert (await kept(bank)).image_digest is not None
    await author.post(f"{path}/sua", data={**fields, "phien_ban": "2", "bo_hinh": "1"})
    assert (await kept(bank)).image_digest is None


@pytest.mark.parametrize("image_id", ["999999", "²", "x"])
async def test_a_picture_that_nobody_kept_is_no_picture(
    stage: Stage, bank: int, image_id: str
) -> None:
    answer = await stage.clients["author"].post(NEW, data={**TYPED, "hinh_cu": image_id})
    assert answer.status_code == 303
    assert (await kept(bank)).image_digest is None


async def test_a_question_is_sent_returned_mended_and_approved(
    stage: Stage, bank: int, path: str
) -> None:
    reviewer_id = str(await stage.account_id("reviewer"))
    sent = await act(stage, "author", path, "gui", nguoi_duyet=reviewer_id)
    assert sent.status_code == 303
    page = (await stage.clients["reviewer"].get(path)).text
    assert 'value="duyet"' in page
    assert 'value="duyet"' not in (await stage.clients["author"].get(path)).text
    silent = await act(stage, "reviewer", path, "tra_lai")
    assert silent.status_code == 422
    assert 'href="#ly_do"' in silent.text
    await act(stage, "reviewer", path, "tra_lai", ly_do="Phương án B <chợ> khó hiểu.")
    back = (await stage.clients["author"].get(path)).text
    assert "Phương án B &lt;chợ&gt; khó hiểu." in back
    saved = await stage.clients["author"].post(
        f"{path}/sua", data={**TYPED, "phien_ban": "1", "pa_2": "Chợ trung tâm"}
    )
    shown = (await stage.clients["author"].get(saved.headers["location"])).text
    assert "Đã lưu phiên bản mới." in shown
    assert '<ins><span class="sr">[thêm: </span> trung tâm' in shown
    await act(stage, "author", path, "gui", nguoi_duyet=reviewer_id)
    assert (await act(stage, "reviewer", path, "duyet")).status_code == 303
    assert ((await kept(bank)).state, (await kept(bank)).number) == ("approved", 2)
    assert "đã duyệt" in (await stage.clients["approver"].get(path)).text


async def test_the_writer_is_told_why_another_person_approves(stage: Stage, bank: int) -> None:
    admin = stage.clients["admin"]
    path = (await admin.post(NEW, data=TYPED)).headers["location"].partition("?")[0]
    await act(stage, "admin", path, "gui")
    page = (await admin.get(path)).text
    assert "nên người khác duyệt" in page
    assert 'value="duyet"' not in page
    refused = await act(stage, "admin", path, "duyet")
    assert refused.status_code == 422
    assert "do chính bạn viết" in refused.text


async def test_a_lapsed_source_is_flagged_and_not_approved(
    stage: Stage, bank: int, path: str
) -> None:
    await act(stage, "author", path, "gui")
    ended = local_day(now()) - timedelta(days=1)
    await add_source("Nghị định số 118/2025/NĐ-CP", valid_to=ended)
    assert "đã hết hiệu lực: không được duyệt" in (await stage.clients["reviewer"].get(path)).text
    refused = await act(stage, "reviewer", path, "duyet")
    assert refused.status_code == 422
    assert "đã hết hiệu lực" in refused.text
    assert (await kept(bank)).state == "in_review"


async def test_whoever_saves_second_sees_both_versions(stage: Stage, bank: int, path: str) -> None:
    first = {**TYPED, "phien_ban": "1", "cau_hoi": "Nộp hồ sơ ở đâu?"}
    await stage.clients["organiser"].post(f"{path}/sua", data=first)
    second = {**TYPED, "phien_ban": "1", "cau_hoi": "Nộp hồ sơ trực tuyến tại đâu?"}
    refused = await stage.clients["author"].post(f"{path}/sua", data=second)
    assert refused.status_code == 409
    assert "đã lưu phiên bản 2" in refused.text
    assert "[thêm: </span>" in refused.text
    assert "Nộp hồ sơ trực tuyến tại đâu?" in refused.text  # what was typed is still there
    assert (await kept(bank)).text == "Nộp hồ sơ ở đâu?"
    assert 'name="phien_ban" value="2"' in refused.text
    again = {**second, "phien_ban": "2"}
    assert (await stage.clients["author"].post(f"{path}/sua", data=again)).status_code == 303
    assert ((await kept(bank)).number, (await kept(bank)).text) == (3, second["cau_hoi"])


async def test_the_same_words_again_save_nothing(stage: Stage, bank: int, path: str) -> None:
    saved = await stage.clients["author"].post(f"{path}/sua", data={**TYPED, "phien_ban": "1"})
    page = (await stage.clients["author"].get(saved.headers["location"])).text
    assert "Không có gì thay đổi" in page
    assert (await kept(bank)).number == 1


async def test_anybody_of_the_bank_may_comment(stage: Stage, bank: int, path: str) -> None:
    assert (await act(stage, "approver", path, "y_kien")).status_code == 422
    said = await act(stage, "approver", path, "y_kien", y_kien="Nên thêm ví dụ.")
    assert said.status_code == 303
    assert "Nên thêm ví dụ." in (await stage.clients["author"].get(path)).text
    assert (await act(stage, "approver", path, "ngung")).status_code == 404
    assert (await stage.clients["approver"].get(f"{path}/sua")).status_code == 403


async def test_a_question_is_retired_and_brought_back(stage: Stage, bank: int, path: str) -> None:
    await act(stage, "organiser", path, "ngung")
    page = (await stage.clients["organiser"].get(path)).text
    assert "ngừng dùng" in page
    assert 'value="gui"' not in page
    await act(stage, "organiser", path, "dung_lai")
    assert (await kept(bank)).state == "draft"


async def test_a_key_seen_before_the_opening_is_put_on_record(
    stage: Stage, bank: int, path: str
) -> None:
    reviewer, subject = stage.clients["reviewer"], f"question:{path.rpartition('/')[2]}"
    await reviewer.get(path)
    assert await entries(subject) == []
    contest_id = await make_contest(slug="sap-mo", name="Sắp mở", bank_id=bank, by=None)
    opens = clock.now() + timedelta(days=1)
    await add_round(
        contest_id, number=1, name="Tuần 1", opens=opens, closes=opens + timedelta(days=7),
        time_limit_seconds=600, by=None,
    )  # fmt: skip
    for _ in range(2):
        await reviewer.get(path)
    [seen] = await entries(subject)
    assert (seen.action, seen.by) == ("see_question", await stage.account_id("reviewer"))
    await stage.clients["author"].get(f"{path}/sua")
    assert (await entries(subject))[0].by == await stage.account_id("author")


async def test_measured_questions_show_their_figures(stage: Stage, bank: int, path: str) -> None:
    found = await kept(bank)
    content = {
        "attempt_count": 1200, "facility": 62.5, "discrimination_index": 31.3,
        "discrimination_efficiency": None,
        "options": [{"place": 1, "count": 450, "share": 0.375, "upper": 0.1, "lower": 0.6}],
    }  # fmt: skip
    async with db.transaction() as connection:
        await connection.execute(
            "INSERT INTO question_statistic (round_id, question_id, question_version_id, content, "
            "computed_at) VALUES ($1, $2, $3, $4::jsonb, $5)",
            stage.arena.round_id,
            found.id,
            found.version_id,
            json_text(content),
            clock.now(),
        )
    page = (await stage.clients["reviewer"].get(path)).text
    for words in (
        "1.200",
        "62,5%",
        "31,3%",
        '<th scope="row">B</th>',
        "37,5%",
        "60,0%",
        "tính lúc",
    ):
        assert words in page


@pytest.mark.parametrize("question", ["0", "999999", "²", "x", "9" * 30])
async def test_a_question_that_is_not_there_is_not_found(
    stage: Stage, bank: int, question: str
) -> None:
    author = stage.clients["author"]
    for end in ("", "/sua"):
        assert (await author.get(f"/quan-tri/ngan-hang/cau/{question}{end}")).status_code == 404


async def test_editing_says_which_papers_keep_the_old_version(
    stage: Stage, bank: int, path: str
) -> None:
    found = await kept(bank)
    # The arena's frozen pool holds the versions 1 to 20.
    assert found.version_id <= 20
    form = (await stage.clients["author"].get(f"{path}/sua")).text
    assert "Đề đã công bố giữ nguyên phiên bản cũ" in form
    await stage.clients["author"].post(
        f"{path}/sua", data={**TYPED, "phien_ban": "1", "cau_hoi": "Hỏi khác?"}
    )
    assert "Sửa câu hỏi không đổi đề này." in (await stage.clients["author"].get(path)).text
