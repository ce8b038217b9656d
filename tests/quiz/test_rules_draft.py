"""The first text of the rules says what was set up, and the ranking can be written in again."""

from __future__ import annotations

from datetime import timedelta

from quiz import contest_editing, contests, prizes
from quiz.prizes import PrizePlan
from quiz.rules_draft import RulesFacts, compose_rules, with_ranking


async def composed(contest_id: int, unit_name: str | None = None) -> str:
    shown = await contests.get_contest(contest_id)
    return compose_rules(RulesFacts(shown, await prizes.prizes_of(contest_id), unit_name))


async def test_the_text_says_what_was_set_up(draft: int) -> None:
    first, second = (await contests.get_contest(draft)).rounds
    await contest_editing.edit_round(
        first.id, name="Tuần 1", opens="16:00 ngày 05/10/2026", closes="24 giờ ngày 11/10/2026",
        time_limit_seconds=1200, attempt_limit=3, cooldown_seconds=1800,
    )  # fmt: skip
    await contest_editing.remove_round(second.id)
    await contest_editing.edit_contest(
        draft, slug="thi", name="Tìm hiểu", organiser="Sở KH&CN", audience="Dành cho mọi người",
        youngest_age=14, oldest_age=35, review="never",
    )  # fmt: skip
    await prizes.add_prize(draft, PrizePlan(name="giải Nhất", prize_count=1, reward="1 triệu đồng"))
    text = await composed(draft, "Tỉnh Lai Châu")
    for part in (
        "cuộc thi “Tìm hiểu” do Sở KH&CN tổ chức",
        "- Người thuộc Tỉnh Lai Châu và các đơn vị trực thuộc.",
        "từ 14 tuổi đến 35 tuổi, tính theo năm sinh",
        "- Tuần 1: từ 16:00 05/10/2026 đến 24 giờ Chủ nhật, 11/10/2026.",
        "Mỗi đề có 8 câu, làm trong 20 phút; mỗi người thi tối đa 3 lượt, lượt có kết quả tốt "
        "nhất được tính, hai lượt cách nhau ít nhất 30 phút.",
        "(1) điểm cao hơn; (2) dự đoán chênh ít hơn",
        "Các bảng xếp hạng riêng: Cán bộ; Người dân.",
        "01 giải Nhất cá nhân, chung cuộc: 1 triệu đồng.",
        "Mỗi người nhận nhiều nhất một giải cá nhân",
        "Đáp án không công bố trên trang thi.",
    ):
        assert part in text
    assert "danh sách dự thi" not in text


async def test_unlike_rounds_are_told_one_by_one(draft: int) -> None:
    second = (await contests.get_contest(draft)).rounds[1]
    await contest_editing.edit_round(
        second.id, name="Tuần 2", opens=second.opens_at,
        closes=second.closes_at + timedelta(hours=1), time_limit_seconds=600, attempt_limit=1,
    )  # fmt: skip
    text = await composed(draft)
    assert "- Tuần 1: Mỗi đề có 8 câu, làm trong 20 phút; không giới hạn số lượt" in text
    assert "- Tuần 2: Mỗi đề có 8 câu, làm trong 10 phút; mỗi người thi một lượt." in text
    assert "Cuộc thi không trao giải." in text


async def test_a_new_ranking_takes_the_old_ones_place_and_nothing_elses(draft: int) -> None:
    before = await composed(draft)
    await contest_editing.set_ranking(draft, ["closed_at", "points"], "")
    shown = await contests.get_contest(draft)
    after = with_ranking(before, shown)
    assert "(1) nộp bài sớm hơn; (2) điểm cao hơn" in after
    assert "dự đoán chênh" not in after
    assert after.count("## ") == before.count("## ")
    assert with_ranking(after, shown) == after
    own = with_ranking("## Điều 1\nAi cũng dự thi được.", shown)
    assert own.startswith("## Điều 1\nAi cũng dự thi được.\n## 4. Xếp hạng\n- Xếp hạng lần lượt")
