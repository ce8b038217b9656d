from __future__ import annotations

import asyncio

import pytest

from core import db
from core.errors import Refusal
from people import consents
from people.persons import make_person


async def mai() -> int:
    async with db.transaction() as connection:
        return await make_person(
            connection, full_name="Lò Thị Mai", birth_year=1994, unit_id=None, division_code=""
        )


async def say(person_id: int, purpose: str, *, is_given: bool, version: int = 1) -> None:
    async with db.transaction() as connection:
        await consents.record_consent(connection, person_id, purpose, is_given, version)


async def words_of(person_id: int) -> dict[str, tuple[bool, int]]:
    held = await consents.consents_of(person_id)
    return {each.purpose: (each.is_given, each.text_version) for each in held}


async def test_new_words_get_the_next_version_and_the_same_words_none(clean: None) -> None:
    assert await consents.publish_text("messages", "Nhận tin?") == 1
    assert await consents.publish_text("messages", " Nhận  tin? ") == 1
    assert await consents.publish_text("messages", "Nhận tin nhắn?") == 2
    assert await consents.publish_text("take_part", "Dự thi?") == 1
    shown = (await consents.current_texts())["messages"]
    assert (shown.version, shown.body) == (2, "Nhận tin nhắn?")


async def test_two_who_publish_at_once_get_versions_of_their_own(clean: None) -> None:
    versions = await asyncio.gather(
        *(consents.publish_text("messages", f"Lời {n}") for n in range(4))
    )
    assert sorted(versions) == [1, 2, 3, 4]


async def test_first_words_never_replace_what_the_province_published(clean: None) -> None:
    await consents.publish_text("messages", "Lời của tỉnh")
    await consents.publish_first_texts()
    await consents.publish_first_texts()
    texts = await consents.current_texts()
    assert {purpose: text.version for purpose, text in texts.items()} == {
        "take_part": 1,
        "messages": 1,
        "publish_name": 1,
    }
    assert texts["messages"].body == "Lời của tỉnh"


async def test_each_purpose_is_its_own_and_the_latest_word_counts(clean: None) -> None:
    await consents.publish_first_texts()
    person_id = await mai()
    assert await words_of(person_id) == {}
    await say(person_id, "take_part", is_given=True)
    await say(person_id, "messages", is_given=True)
    await say(person_id, "messages", is_given=False)
    assert await words_of(person_id) == {"take_part": (True, 1), "messages": (False, 1)}


async def test_a_yes_may_be_taken_back_and_all_that_was_said_stays_on_record(
    clean: None,
) -> None:
    await consents.publish_first_texts()
    person_id = await mai()
    await consents.withdraw(person_id, "messages")
    await say(person_id, "messages", is_given=True)
    await consents.withdraw(person_id, "messages")
    await consents.withdraw(person_id, "messages")
    assert await words_of(person_id) == {"messages": (False, 1)}
    assert await db.pool().fetchval("SELECT count(*) FROM consent") == 2


async def test_a_yes_may_be_given_later_and_twice_is_once(clean: None) -> None:
    await consents.publish_first_texts()
    person_id = await mai()
    await asyncio.gather(*(consents.give(person_id, "messages") for _ in range(3)))
    assert await words_of(person_id) == {"messages": (True, 1)}
    await consents.withdraw(person_id, "messages")
    await consents.publish_text("messages", "Lời mới")
    await consents.give(person_id, "messages")
    assert await words_of(person_id) == {"messages": (True, 2)}
    assert await db.pool().fetchval("SELECT count(*) FROM consent") == 3


async def test_nobody_agrees_to_words_that_were_never_shown(clean: None) -> None:
    await consents.publish_first_texts()
    person_id = await mai()
    with pytest.raises(Refusal, match="unknown_consent_text"):
        await say(person_id, "messages", is_given=True, version=9)
    with pytest.raises(Refusal, match="unknown_purpose"):
        await say(person_id, "selling", is_given=True)
    with pytest.raises(Refusal, match="no_consent_text"):
        await consents.publish_text("messages", " ")
