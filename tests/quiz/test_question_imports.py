"""A staged file: looked at, mended, taken into the bank once, in whole or in part."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from core import db
from core.errors import Refusal
from people.audit import entries as audit_entries
from quiz.exchange.item import Item, ItemFault, ItemImage, ItemOption, Miss, Understood
from quiz.import_entries import Defaults, Retyped
from quiz.question_imports import (
    ImportShown,
    accept_import,
    discard_import,
    get_import,
    open_imports,
    save_import,
    stage_import,
)
from quiz.question_writing import make_bank
from quiz.questions import count_questions, find_questions, topics_of
from tests.quiz.conftest import Staff

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def item(number: int, **changes: object) -> Item:
    told: dict[str, object] = {
        "text": f"Thủ tục thứ {number} nộp ở đâu?",
        "options": (ItemOption("Cổng dịch vụ công", is_correct=True), ItemOption("Bưu điện")),
        "place": f"đoạn {number}",
        "written": f"Câu {number}.",
    }
    return Item(number=number, **{**told, **changes})  # type: ignore[arg-type]  # the fields of a dictionary have no types


async def stage(bank_id: int, items: Sequence[Item], by: int, **more: Sequence[object]) -> int:
    understood = Understood("docx", items, **more)  # type: ignore[arg-type]  # the fields of a dictionary have no types
    defaults = Defaults(topic="Dữ liệu", difficulty="easy")
    return await stage_import(bank_id, understood, "Câu hỏi.docx", defaults=defaults, by=by)


def as_shown(shown: ImportShown) -> dict[int, Retyped]:
    return {
        each.id: Retyped(each.draft, is_chosen=each.is_chosen, is_right=False)
        for each in shown.entries
        if not each.miss
    }


async def accept(import_id: int, by: int, **changes: Retyped) -> int:
    shown = await get_import(import_id)
    typed = as_shown(shown) | {int(name[1:]): each for name, each in changes.items()}
    done = await accept_import(import_id, typed, revision=shown.revision, by=by)
    return len(done.question_ids)


async def test_a_staged_file_is_shown_and_the_bank_has_nothing_of_it(
    empty_bank: int, staff: Staff
) -> None:
    losses = ["Không giữ được màu chữ."]
    misses = [Miss("đoạn 2", "???", "Không hiểu đoạn này.")]
    import_id = await stage(empty_bank, [item(1), item(3)], staff.lan, misses=misses, losses=losses)
    shown = await get_import(import_id)
    assert [each.place for each in shown.entries] == ["đoạn 1", "đoạn 2", "đoạn 3"]
    assert (shown.state, shown.losses, shown.faults) == ("open", losses, {})
    assert [each.draft.topic for each in shown.ready] == ["Dữ liệu", "Dữ liệu"]
    assert shown.new_topics == []
    assert await count_questions(empty_bank) == 0
    [listed] = await open_imports()
    assert (listed.id, listed.by_name) == (import_id, "Vàng Thị Lan")


async def test_a_whole_file_comes_in_with_codes_of_its_topic(empty_bank: int, staff: Staff) -> None:
    named = item(3, code="ABC-5", topic="Hộ tịch")
    import_id = await stage(empty_bank, [item(1), item(2), named], staff.lan)
    assert (await get_import(import_id)).new_topics == ["Hộ tịch"]
    assert await accept(import_id, staff.lan) == 3
    found = await find_questions(empty_bank)
    assert [each.code for each in found] == ["ABC-5", "DL-001", "DL-002"]
    assert {each.state for each in found} == {"draft"}
    assert (await topics_of(empty_bank))["ho-tich"] == "Hộ tịch"
    shown = await get_import(import_id)
    assert (shown.state, [each.taken_as for each in shown.taken]) == (
        "done", ["DL-001", "DL-002", "ABC-5"],
    )  # fmt: skip
    assert await open_imports() == []
    newest = (await audit_entries(f"bank:{empty_bank}"))[0]
    assert (newest.action, newest.detail["question_count"]) == ("import_bank", 3)


async def test_questions_with_faults_stay_and_are_mended_later(
    empty_bank: int, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    await write_question(empty_bank, "CU-1", text="Câu đã có trong ngân hàng?")
    keyless = (ItemOption("một"), ItemOption("hai"))
    gap = ItemFault("option_c", "Không thấy phương án C.")
    items = [
        item(1),
        item(2, options=keyless),
        item(3, text="CÂU ĐÃ CÓ trong ngân hàng"),
        item(4, faults=(gap,)),
    ]
    import_id = await stage(empty_bank, items, staff.lan)
    shown = await get_import(import_id)
    assert {number: set(faults) for number, faults in shown.faults.items()} == {
        2: {"answer"}, 3: {"text"}, 4: {"option_c"},
    }  # fmt: skip
    [twin] = shown.entries[2].alike
    assert (twin.where, twin.percent) == ("CU-1", 100)
    assert await accept(import_id, staff.lan) == 1
    left = await get_import(import_id)
    assert (left.state, len(left.faults), len(left.taken)) == ("open", 3, 1)

    drafts = {each.id: each.draft for each in left.entries}
    right = tuple(replace(each, is_correct=each.text == "hai") for each in drafts[2].options)
    taken = await accept(
        import_id,
        staff.lan,
        n2=Retyped(replace(drafts[2], options=right), is_chosen=True, is_right=False),
        n3=Retyped(drafts[3], is_chosen=False, is_right=False),
        n4=Retyped(drafts[4], is_chosen=True, is_right=True),
    )
    assert taken == 2
    assert (await get_import(import_id)).state == "done"
    assert await count_questions(empty_bank) == 4


async def test_two_clicks_take_a_file_in_once(empty_bank: int, staff: Staff) -> None:
    import_id = await stage(empty_bank, [item(1), item(2)], staff.lan)
    shown = await get_import(import_id)
    done = await asyncio.gather(
        *(
            accept_import(import_id, as_shown(shown), revision=shown.revision, by=staff.lan)
            for _ in range(3)
        )
    )
    assert sorted(len(each.question_ids) for each in done) == [0, 0, 2]
    assert await count_questions(empty_bank) == 2


async def test_two_files_at_once_get_different_codes(empty_bank: int, staff: Staff) -> None:
    files = [
        await stage(empty_bank, [item(n) for n in range(at, at + 5)], staff.lan) for at in (1, 6)
    ]
    assert await asyncio.gather(*(accept(each, staff.lan) for each in files)) == [5, 5]
    codes = {each.code for each in await find_questions(empty_bank)}
    assert codes == {f"DL-{number:03}" for number in range(1, 11)}


async def test_a_code_that_the_file_names_becomes_a_new_version(
    empty_bank: int, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    await write_question(empty_bank, "CU-1", text="Chữ cũ?")
    import_id = await stage(empty_bank, [item(1, code="CU-1"), item(2)], staff.lan)
    assert await accept(import_id, staff.lan) == 2
    found = {each.code: each for each in await find_questions(empty_bank)}
    assert (found["CU-1"].number, found["CU-1"].text) == (2, "Thủ tục thứ 1 nộp ở đâu?")


async def test_what_is_typed_is_kept_and_what_another_saved_is_not_lost(
    empty_bank: int, staff: Staff
) -> None:
    import_id = await stage(empty_bank, [item(1), item(2)], staff.lan)
    shown = await get_import(import_id)
    typed = as_shown(shown)

    def worded(text: str) -> dict[int, Retyped]:
        draft = replace(typed[1].draft, text=text)
        return {**typed, 1: Retyped(draft, is_chosen=True, is_right=False)}

    await save_import(import_id, worded("Chữ của Lan?"), revision=shown.revision)
    with pytest.raises(Refusal) as refusal:
        await save_import(import_id, worded("Chữ của Minh?"), revision=shown.revision)
    assert refusal.value.code == "changed_meanwhile"
    now_shown = await get_import(import_id)
    assert now_shown.entries[0].draft.text == "Chữ của Lan?"
    await save_import(import_id, worded("Chữ của Minh?"), revision=now_shown.revision)
    assert (await get_import(import_id)).entries[0].draft.text == "Chữ của Minh?"


async def test_near_duplicates_are_found_again_when_words_change(
    empty_bank: int, staff: Staff, write_question: Callable[..., Awaitable[int]]
) -> None:
    await write_question(empty_bank, "CU-1", text="Hộ chiếu phổ thông có thời hạn mấy năm?")
    near = item(1, text="Hộ chiếu phổ thông có thời hạn bao nhiêu năm?")
    again = item(2, text="Hộ chiếu phổ thông thì có thời hạn bao nhiêu năm?")
    import_id = await stage(empty_bank, [near, again], staff.lan)
    shown = await get_import(import_id)
    assert [each.where for each in shown.entries[0].alike] == ["CU-1"]
    assert [each.where for each in shown.entries[1].alike] == ["câu 1", "CU-1"]
    assert shown.faults == {}  # near is no fault
    draft = replace(shown.entries[0].draft, text="Ai cấp giấy khai sinh?")
    await save_import(
        import_id, {1: Retyped(draft, is_chosen=True, is_right=False)}, revision=shown.revision
    )
    assert (await get_import(import_id)).entries[0].alike == ()


async def test_a_picture_comes_along_and_waits_for_its_words(empty_bank: int, staff: Staff) -> None:
    image = ItemImage(PIXEL, "image/png")
    broken = ItemImage(b"\x89PNG nothing", "image/png", "Con dấu")
    import_id = await stage(empty_bank, [item(1, image=image), item(2, image=broken)], staff.lan)
    shown = await get_import(import_id)
    assert {number: set(faults) for number, faults in shown.faults.items()} == {
        1: {"image_alt"}, 2: {"image"},
    }  # fmt: skip
    draft = replace(shown.entries[0].draft, image_alt="Một điểm màu")
    assert (
        await accept(import_id, staff.lan, n1=Retyped(draft, is_chosen=True, is_right=False)) == 1
    )
    [found] = await find_questions(empty_bank)
    assert (found.image_digest, found.image_alt) == (
        shown.entries[0].image_digest, "Một điểm màu",
    )  # fmt: skip


async def test_a_part_that_was_not_understood_is_made_a_question(
    empty_bank: int, staff: Staff
) -> None:
    misses = [Miss("đoạn 2", "Câu 2. Gì?\nA. Này\nB. Kia", "Không rõ đáp án.")]
    import_id = await stage(empty_bank, [item(1)], staff.lan, misses=misses)
    assert await accept(import_id, staff.lan) == 1
    shown = await get_import(import_id)
    assert shown.state == "open"  # nothing is dropped in silence
    await save_import(import_id, {}, revision=shown.revision, revived=2)
    shown = await get_import(import_id)
    assert set(shown.faults[2]) == {"answer"}
    assert [each.text for each in shown.entries[1].draft.options] == ["Này", "Kia"]


async def test_a_file_laid_aside_takes_nothing_any_more(empty_bank: int, staff: Staff) -> None:
    import_id = await stage(empty_bank, [item(1)], staff.lan)
    shown = await get_import(import_id)
    for _ in range(2):
        await discard_import(import_id, by=staff.lan)
    assert (await get_import(import_id)).state == "discarded"
    with pytest.raises(Refusal) as refusal:
        await accept_import(import_id, as_shown(shown), revision=shown.revision, by=staff.lan)
    assert refusal.value.code == "closed_import"
    assert await count_questions(empty_bank) == 0


async def test_an_empty_file_and_an_unknown_import_are_refused(
    empty_bank: int, staff: Staff
) -> None:
    with pytest.raises(Refusal) as refusal:
        await stage(empty_bank, [], staff.lan)
    assert refusal.value.code == "empty_file"
    for verb in (get_import(404), save_import(404, {}, revision=1)):
        with pytest.raises(Refusal) as refusal:
            await verb
        assert refusal.value.code == "not_found"


async def test_a_thousand_questions_come_in(clean: None, staff: Staff) -> None:
    bank_id = await make_bank(code="lon", name="Lớn")
    import_id = await stage(bank_id, [item(number) for number in range(1000)], staff.lan)
    assert await accept(import_id, staff.lan) == 1000
    assert await db.pool().fetchval("SELECT count(DISTINCT code) FROM question") == 1000
