from __future__ import annotations

import gzip
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID

import httpx
import pytest

from core import db
from quiz import leaderboard, results
from quiz.finalising import finalise_round, freeze_prediction, mark_provisional
from tests.quiz.arena import Arena, build_arena, instant, right_answers
from tests.web.conftest import SignIn, Site

BOARD = "/cuoc-thi/thi/bang-xep-hang"
STATISTICS = "/cuoc-thi/thi/thong-ke"
PAGES = ("/", "/cuoc-thi/thi", "/cuoc-thi/thi/the-le", BOARD, STATISTICS, "/tro-nang")
LONG_NAME = "Công Tằng Tôn Nữ " + "Thị Hoàng " * 9 + "Ỹ"


async def stage(people: int = 6) -> Arena:
    arena = await build_arena(people=people)
    await db.pool().execute(
        "INSERT INTO rules_text (contest_id, version, body, change_note, published_at) "
        "VALUES ($1, 1, '## Điều 1\nAi cũng dự thi được.\n- Mỗi tuần một đề', '', now())",
        arena.contest_id,
    )
    return arena


async def play(sign_in: SignIn, person_id: int, right: int = 3) -> None:
    client = await sign_in(person_id)
    path = (await client.post("/cuoc-thi/thi/vao-thi")).headers["location"]
    answers = await right_answers(UUID(path.rsplit("/", 1)[1]), right)
    form = {f"q{position}": str(chosen[0]) for position, chosen in answers.items()}
    handed_in = await client.post(f"{path}/nop", data={"seq": "1", "du_doan": "12", **form})
    assert handed_in.status_code == 303, handed_in.text
    await results.score_waiting()


async def end_the_round() -> None:
    await db.pool().execute(
        "UPDATE round SET opens_at = $1, closes_at = $2", instant(-7200), instant(-10)
    )


async def test_every_page_renders_before_anybody_has_played(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    assert (await visitor.get("/")).status_code == 200  # not even a contest
    await stage(people=0)
    site.forget()
    for path in PAGES:
        page = await visitor.get(path)
        assert page.status_code == 200, path
        assert "None" not in page.text, path
    assert "Chưa có ai ở bảng này" in (await visitor.get(BOARD)).text
    assert "Chưa có lượt thi nào" in (await visitor.get(STATISTICS)).text


@pytest.fixture
async def statements(site: Site) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Gives every statement that PostgreSQL has run for this database since the last call."""
    own = "(SELECT oid FROM pg_database WHERE datname = current_database())"
    await db.pool().execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    async def run_since() -> str:
        rows = await db.pool().fetch(f"SELECT query FROM pg_stat_statements WHERE dbid = {own}")
        await db.pool().execute(f"SELECT pg_stat_statements_reset(0, {own}, 0)")
        return "\n".join(row["query"] for row in rows)

    yield run_since
    await db.pool().execute("DROP EXTENSION pg_stat_statements")


async def test_no_page_of_the_crowd_reads_attempts_or_scores(
    site: Site,
    visitor: httpx.AsyncClient,
    sign_in: SignIn,
    statements: Callable[[], Awaitable[str]],
) -> None:
    """Whatever a province hands in: boards and figures come from what is counted (QL4)."""
    arena = await stage()
    for person_id in arena.person_ids:
        await play(sign_in, person_id)
    read_attempts = re.compile(r"\b(from|join)\s+(attempt|score)\b", re.IGNORECASE)
    assert read_attempts.search(await statements())
    site.forget()
    pages = ("/", "/cuoc-thi/thi", BOARD, f"{BOARD}?bang=don-vi", STATISTICS)
    for path in pages:
        assert (await visitor.get(path)).status_code == 200
    client = await sign_in(arena.person_ids[0])
    assert (await client.get("/cuoc-thi/thi/vi-tri")).status_code == 200
    asked = await statements()
    for table in ("standing", "standing_bucket", "participation", "score_tally"):
        assert re.search(rf"\bfrom {table}\b", asked, re.IGNORECASE), table
    assert not read_attempts.search(asked)


async def test_one_person_is_on_the_board_masked_and_in_no_figure(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    await db.pool().execute(
        "INSERT INTO headcount (unit_id, counted_on, people_count, source) "
        "VALUES ($1, '2025-07-01', 40, '')", arena.unit_id,
    )  # fmt: skip
    await play(sign_in, arena.person_ids[0])
    board = (await visitor.get(BOARD)).text
    assert "Lò Thị M." in board
    assert "Lò Thị Mai" not in board
    units = (await visitor.get(f"{BOARD}?bang=don-vi")).text
    assert "dưới 5" in units
    assert "2,5%" not in units
    statistics = (await visitor.get(STATISTICS)).text
    assert "dưới 5" in statistics
    assert "2,5%" not in statistics
    assert 'viewBox="0 -1 ' in statistics  # the frame of a chart tells no more than its bars
    home = (await visitor.get("/")).text
    assert "người đã thi" not in home
    assert "2,5%" not in home


async def test_five_people_are_counted(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    for place, person_id in enumerate(arena.person_ids[:5]):
        await play(sign_in, person_id, right=place + 1)
    board = (await visitor.get(BOARD)).text
    assert "5 người có kết quả" in board
    assert board.index(">5<") < board.index(">1<span")
    assert "người đã thi" in (await visitor.get("/cuoc-thi/thi")).text
    assert "dưới 5" in (await visitor.get(STATISTICS)).text  # one attempt for each score


async def test_no_page_shows_a_telephone_or_a_whole_name(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    for person_id in arena.person_ids:
        await play(sign_in, person_id)
    names = await db.pool().fetch("SELECT full_name, phone FROM person JOIN account a "
                                  "ON a.person_id = person.id")  # fmt: skip
    for path in (*PAGES, f"{BOARD}?bang=don-vi"):
        page = (await visitor.get(path)).text
        for row in names:
            assert row["phone"] not in page
            assert row["phone"].replace("+84", "0") not in page
            if len(row["full_name"].split(" ")[-1]) > 1:  # "Ế" is its own initial
                assert row["full_name"] not in page


async def test_a_very_long_name_and_markup_in_a_name_stay_text(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    await db.pool().execute(
        "UPDATE unit SET name = $1", "Sở <script>alert(1)</script> " + "Ơ" * 200
    )
    await db.pool().execute("UPDATE person SET full_name = $1", LONG_NAME)
    await play(sign_in, arena.person_ids[0])
    page = await visitor.get(BOARD)
    assert page.status_code == 200
    assert "Thị Hoàng Ỹ." in page.text
    assert "<script>alert" not in page.text


async def test_a_frozen_board_stands_still_while_people_go_on(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    await play(sign_in, arena.person_ids[0])
    await db.pool().execute("UPDATE contest SET board_freeze_seconds = 7200")
    assert await leaderboard.take_snapshots(at=instant()) == 1
    await play(sign_in, arena.person_ids[1])
    site.forget()
    page = (await visitor.get(BOARD)).text
    assert "Bảng tạm khóa" in page
    assert "Lò Thị M." in page
    assert "Y Moan" not in page
    assert (await visitor.get(f"{BOARD}?bang=don-vi")).status_code == 200
    late = await sign_in(arena.person_ids[1])
    assert "Bạn đứng thứ" not in (await late.get("/cuoc-thi/thi/vi-tri")).text
    assert "Hạng tạm thời" not in (await late.get("/tai-khoan")).text


async def test_a_final_board_shows_how_far_predictions_were_off(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn
) -> None:
    arena = await stage()
    await play(sign_in, arena.person_ids[0])
    await end_the_round()
    assert await mark_provisional() == 1
    assert await freeze_prediction(arena.round_id, by=None) == 1
    await finalise_round(arena.round_id, by=None)
    site.forget()
    page = (await visitor.get(BOARD)).text
    assert "Kết quả chính thức" in page
    assert "Lệch dự đoán" in page
    assert ">11<" in page
    assert "Kết quả chính thức" in (await visitor.get("/")).text
    assert "có kết quả" in (await visitor.get("/cuoc-thi/thi")).text


@pytest.mark.parametrize("path", PAGES)
async def test_an_unchanged_page_costs_a_304(
    site: Site, visitor: httpx.AsyncClient, path: str
) -> None:
    await stage()
    first = await visitor.get(path)
    again = await visitor.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    other = await visitor.get(path, headers={"if-none-match": '"older"'})
    assert other.status_code == 200


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_is_packed_only_for_who_can_unpack_it(
    site: Site, visitor: httpx.AsyncClient, path: str
) -> None:
    await stage()
    async with visitor.stream("GET", path, headers={"accept-encoding": "gzip"}) as packed:
        raw = b"".join([chunk async for chunk in packed.aiter_raw()])
    plain = await visitor.get(path, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
    assert "Accept-Encoding" in packed.headers["vary"]


@pytest.mark.parametrize("path", PAGES)
async def test_signed_in_and_anonymous_get_the_same_bytes(
    site: Site, visitor: httpx.AsyncClient, sign_in: SignIn, path: str
) -> None:
    arena = await stage()
    mai = await sign_in(arena.person_ids[0])
    hers = await mai.get(path)
    site.forget()
    theirs = await visitor.get(path)
    minute = b"l\xc3\xbac"  # only the time of the figures may have moved on between two renders
    assert len(hers.content) == len(theirs.content) or minute in hers.content
    assert b"Mai" not in hers.content
    assert "set-cookie" not in hers.headers
    cached = await mai.get(path)
    assert cached.content == theirs.content


async def test_htmx_gets_the_part_and_a_history_restore_the_whole(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    await stage()
    part = await visitor.get(BOARD, headers={"hx-request": "true"})
    whole = await visitor.get(BOARD)
    restored = await visitor.get(
        BOARD, headers={"hx-request": "true", "hx-history-restore-request": "true"}
    )
    assert "<html" not in part.text
    assert '<section id="bang"' in part.text
    assert part.text.strip() in whole.text
    assert restored.content == whole.content
    assert part.headers["etag"] != whole.headers["etag"]
    for answer in (part, whole, restored):
        assert "HX-Request" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["", "/the-le", "/bang-xep-hang", "/thong-ke"])
async def test_a_contest_that_is_not_public_does_not_exist(
    site: Site, visitor: httpx.AsyncClient, path: str
) -> None:
    await stage()
    assert (await visitor.get(f"/cuoc-thi/khong-co{path}")).status_code == 404
    for state in ("draft", "in_review"):
        await db.pool().execute("UPDATE contest SET state = $1", state)
        site.forget()
        assert (await visitor.get(f"/cuoc-thi/thi{path}")).status_code == 404
        assert "/cuoc-thi/thi" not in (await visitor.get("/")).text


@pytest.mark.parametrize("page", ["0", "-1", "2", "999999", "abc", "1.5", "²", "9" * 40])
async def test_a_page_beyond_the_board_is_its_nearest_page(
    site: Site, visitor: httpx.AsyncClient, page: str
) -> None:
    await stage()
    answer = await visitor.get(BOARD, params={"trang": page})
    assert answer.status_code == 200


@pytest.mark.parametrize("number", ["0", "2", "abc", "²", "999999999"])
async def test_an_unknown_round_is_404(site: Site, visitor: httpx.AsyncClient, number: str) -> None:
    await stage()
    for path in (BOARD, STATISTICS):
        assert (await visitor.get(path, params={"dot": number})).status_code == 404


async def test_an_older_version_of_the_rules_stays_readable(
    site: Site, visitor: httpx.AsyncClient
) -> None:
    arena = await stage()
    await db.pool().execute(
        "INSERT INTO rules_text (contest_id, version, body, change_note, published_at) "
        "VALUES ($1, 2, 'Bản mới', 'sửa giờ', now())",
        arena.contest_id,
    )
    rules = "/cuoc-thi/thi/the-le"
    assert "Bản mới" in (await visitor.get(rules)).text
    assert "Ai cũng dự thi được." in (await visitor.get(f"{rules}?ban=1")).text
    assert (await visitor.get(f"{rules}?ban=3")).status_code == 404
    assert (await visitor.get(f"{rules}?ban=abc")).status_code == 404


async def test_a_stranger_to_the_contest_has_no_place_yet(site: Site, sign_in: SignIn) -> None:
    arena = await stage()
    mai = await sign_in(arena.person_ids[0])
    page = await mai.get("/cuoc-thi/thi/vi-tri")
    assert "Bạn chưa có trên bảng" in page.text
    assert page.headers["cache-control"] == "no-store"
