"""What is computed of a round: from first attempts only, by question, by paper, by topic and unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core import clock, db
from core.errors import Refusal
from quiz import attempts, question_statistics
from quiz.attempts import Start
from quiz.contests import ContestShown
from quiz.question_statistics import compute, compute_due, knowledge_map, round_judged
from quiz.results import score_waiting
from tests.quiz.arena import instant, right_answers, save
from tests.quiz.conftest import Participant

PAPER = 8  # questions on the contest's paper


async def play(contest: ContestShown, who: Participant, right_count: int) -> None:
    """Somebody's whole attempt at the first round, with so many right answers; the rest is wrong."""
    writers = attempts.Attempts()
    started = await writers.start(
        Start(
            contest_id=contest.id,
            round_id=contest.rounds[0].id,
            person_id=who.person_id,
            division_id=who.division_id,
            unit_id=who.unit_id,
            shown_name=who.full_name,
            rules_version=1,
            arrived_at=instant(),
        )
    )
    answers = await right_answers(started.attempt_id, right_count)
    await writers.submit(save(started.attempt_id, 1, answers, is_submit=True))
    await writers.close()
    await score_waiting()


async def test_first_attempts_alone_are_judged(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    await play(contest, participants[0], PAPER)
    await play(contest, participants[1], 4)
    await play(contest, participants[1], PAPER)  # a second go: not looked at
    assert await compute(contest.rounds[0].id) == 2
    judged = await round_judged(contest.rounds[0].id)
    assert judged is not None
    assert (judged.attempt_count, judged.sampled_count) == (2, 2)
    (paper,) = judged.papers
    assert paper.division_name is None
    assert (paper.figures.mean, paper.figures.median) == (6.0, 6.0)
    assert sum(each.attempt_count for each in judged.questions) == 2 * PAPER
    right = sum(each.facility * each.attempt_count / 100 for each in judged.questions)
    assert right == pytest.approx(12)
    assert [each.facility for each in judged.questions] == sorted(
        each.facility for each in judged.questions
    )


async def test_options_have_their_words_and_add_up(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    for who in participants:
        await play(contest, who, 4)
    await compute(contest.rounds[0].id)
    judged = await round_judged(contest.rounds[0].id)
    assert judged is not None
    for each in judged.questions:
        assert sum(option.count for option in each.options) == each.attempt_count
        assert len(each.options) == 4
        assert [option.is_correct for option in each.options] == [True, False, False, False]
        assert each.options[0].text == f"Phương án 1 của {each.code}"


async def test_the_knowledge_map_counts_answers_by_topic_and_hides_small_units(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    for who in participants[:3]:
        await play(contest, who, PAPER)
    await compute(contest.rounds[0].id)
    found = await knowledge_map(contest.rounds[0].id, fewest_people=3)
    assert found is not None
    assert found.topics == {"chuyen-doi-so": "Chuyển đổi số", "du-lieu": "Dữ liệu"}
    (unit,) = found.units
    assert (unit.name, unit.people_count) == ("Xã Bình Lư", 3)
    assert {topic: cell.answer_count for topic, cell in unit.topics.items()} == {
        "chuyen-doi-so": 12,
        "du-lieu": 12,
    }
    assert all(cell.share == 1 for cell in unit.topics.values())
    hidden = await knowledge_map(contest.rounds[0].id, fewest_people=4)
    assert hidden is not None
    assert not hidden.units
    assert hidden.overall["du-lieu"].correct_count == 12


async def test_computing_again_replaces_what_was_there(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    await play(contest, participants[0], PAPER)
    await compute(contest.rounds[0].id)
    before = await round_judged(contest.rounds[0].id)
    await compute(contest.rounds[0].id)
    after = await round_judged(contest.rounds[0].id)
    assert before is not None
    assert after is not None
    assert (after.papers, after.questions) == (before.papers, before.questions)


async def test_a_closed_round_is_computed_once_and_an_open_one_by_night(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    await play(contest, participants[0], PAPER)
    noon = datetime.now(UTC).replace(hour=5)
    clock.freeze(noon)
    assert await compute_due() == 0
    clock.freeze(noon + timedelta(hours=14))  # two in the morning, Việt Nam's time
    assert await compute_due() == 1
    assert await compute_due() == 0
    await db.pool().execute(
        "UPDATE round SET result = 'provisional', opens_at = $2, closes_at = $3 WHERE id = $1",
        contest.rounds[0].id,
        noon - timedelta(days=2),
        noon,
    )
    await db.pool().execute(
        "UPDATE round_statistic SET computed_at = $1", noon - timedelta(hours=1)
    )
    clock.freeze(noon + timedelta(minutes=5))
    assert await compute_due() == 1
    assert await compute_due() == 0
    await db.pool().execute("UPDATE round SET scoring_version = 2 WHERE result = 'provisional'")
    clock.freeze(noon + timedelta(minutes=9))
    assert await compute_due() == 1  # a key was mended: the figures are old
    assert await compute_due() == 0


async def test_of_a_large_round_a_sample_is_taken(
    contest: ContestShown,
    participants: tuple[Participant, ...],
    queue: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for who in participants:
        await play(contest, who, PAPER)
    monkeypatch.setattr(question_statistics, "SAMPLE_SIZE", 3)
    taken = await db.pool().fetchval("SELECT count(*) FROM attempt WHERE left(id::text, 1) < '8'")
    assert await compute(contest.rounds[0].id) == taken
    judged = await round_judged(contest.rounds[0].id)
    assert judged is not None
    assert (judged.sampled_count, judged.attempt_count) == (taken, 6)


async def test_a_round_without_attempts_has_no_figures(contest: ContestShown) -> None:
    assert await round_judged(contest.rounds[0].id) is None
    assert await knowledge_map(contest.rounds[0].id, fewest_people=1) is None
    assert await compute(contest.rounds[1].id) == 0
    with pytest.raises(Refusal, match="Không tìm thấy"):
        await compute(10**9)


async def test_questions_are_judged_by_the_key_that_holds_now(
    contest: ContestShown, participants: tuple[Participant, ...], queue: None
) -> None:
    for who in participants:
        await play(contest, who, 0)
    round_id = contest.rounds[0].id
    await compute(round_id)
    before = await round_judged(round_id)
    assert before is not None
    wrong = max(before.questions, key=lambda each: each.attempt_count)
    chosen = next(place for place, option in enumerate(wrong.options) if option.count)
    await db.pool().execute(
        "INSERT INTO correction (round_id, question_version_id, kind, right_options, reason, state, "
        "created_at, applied_at) VALUES ($1, $2, 'rekey', $3, 'Gõ nhầm.', 'applied', now(), now())",
        round_id,
        wrong.question_version_id,
        [chosen],
    )
    await db.pool().execute("UPDATE round SET scoring_version = 2 WHERE id = $1", round_id)
    await compute(round_id)
    after = await round_judged(round_id)
    assert after is not None
    mended = next(
        each for each in after.questions if each.question_version_id == wrong.question_version_id
    )
    assert (wrong.facility, mended.facility > 0) == (0, True)
    assert [option.is_correct for option in mended.options].index(True) == chosen
