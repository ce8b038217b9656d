"""How do questions leave the bank as a file, with their keys, and who is told that they did?"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.clock import now
from core.db import transaction
from core.errors import Refusal
from core.text import datetime_shown
from people.audit import record
from quiz.exchange.docx_writing import write_docx, write_versions
from quiz.exchange.formats import FORMATS, write
from quiz.exchange.item import Item, ItemImage, ItemOption, Written
from quiz.images import get_images
from quiz.questions import Chosen, QuestionShown, every_question

# Word and Moodle take no more in one file without pain.
MOST_EXPORTED = 5_000
FEWEST_VERSIONS, MOST_VERSIONS, USUAL_VERSIONS = 2, 24, 4
FIRST_CODE = 101  # as papers in schools are numbered
# Besides the formats that can be read back: what is printed.
PAPER, VERSIONS = "docx_paper", "docx_versions"
EXPORTS: Mapping[str, str] = {
    **{key: each.name for key, each in FORMATS.items() if each.is_written},
    PAPER: "Word: đề và đáp án",
    VERSIONS: "Word: nhiều mã đề và bảng đáp án",
}


@dataclass(frozen=True)
class Wanted:
    """Which file: its format, the title over it, and how many versions of a paper."""

    file_format: str
    title: str
    version_count: int = USUAL_VERSIONS


async def preview_export(
    bank_id: int, wanted: Wanted, *, text: str = "", chosen: Chosen
) -> tuple[int, Sequence[str]]:
    """How many questions a file would hold, and what of them it would lose, a sentence each."""
    items = await _items(bank_id, text, chosen)
    if not items:
        return 0, ()
    written = await _write(items, wanted, seed="", watermark="")
    return len(items), written.losses


async def export_questions(
    bank_id: int,
    wanted: Wanted,
    *,
    text: str = "",
    chosen: Chosen,
    by: int,
    by_name: str,
) -> Written:
    """Write a file of the chosen questions with their keys, marked with who took it and when.

    Every export stands in the audit trail before the file leaves, versions of a paper with the
    seed that makes them again. Refuses "nothing_chosen", "too_many_questions" and "bad_format".
    """
    items = await _items(bank_id, text, chosen)
    if not items:
        raise Refusal("nothing_chosen", "Không có câu hỏi nào khớp để xuất.")
    watermark = f"{by_name} xuất lúc {datetime_shown(now())}"
    seed = secrets.token_hex(8)
    written = await _write(items, wanted, seed=seed, watermark=watermark)
    detail: dict[str, object] = {"count": len(items), "format": wanted.file_format}
    if wanted.file_format == VERSIONS:
        detail |= {"seed": seed, "versions": wanted.version_count}
    async with transaction() as connection:
        await record(
            connection,
            by=by,
            action="export_questions",
            subject=f"bank:{bank_id}",
            detail=detail,
        )
    return written


async def _write(items: Sequence[Item], wanted: Wanted, *, seed: str, watermark: str) -> Written:
    if wanted.file_format not in EXPORTS:
        sentence = "Hãy chọn loại tệp trong danh sách."
        raise Refusal("bad_format", sentence, fields={"dinh_dang": sentence})
    if not FEWEST_VERSIONS <= wanted.version_count <= MOST_VERSIONS:
        sentence = f"Số mã đề từ {FEWEST_VERSIONS} đến {MOST_VERSIONS}."
        raise Refusal("bad_format", sentence, fields={"so_ma": sentence})
    # Thousands of questions take seconds, and the event loop has citizens to serve.
    return await asyncio.to_thread(_written, items, wanted, seed, watermark)


def _written(items: Sequence[Item], wanted: Wanted, seed: str, watermark: str) -> Written:
    match wanted.file_format:
        case "docx_paper":
            return write_docx(items, title=wanted.title, with_key=True, watermark=watermark)
        case "docx_versions":
            codes = [str(FIRST_CODE + place) for place in range(wanted.version_count)]
            return write_versions(
                items, title=wanted.title, codes=codes, seed=seed, watermark=watermark
            )
        case file_format:
            return write(items, file_format, title=wanted.title, watermark=watermark)


async def _items(bank_id: int, text: str, chosen: Chosen) -> list[Item]:
    found = await every_question(bank_id, text, **chosen)
    if len(found) > MOST_EXPORTED:
        raise Refusal(
            "too_many_questions",
            "Mỗi tệp chứa được nhiều nhất 5.000 câu. Hãy lọc bớt, ví dụ theo chủ đề.",
        )
    images = await get_images({each.image_digest for each in found if each.image_digest})
    items = [_item(number, each) for number, each in enumerate(found, start=1)]
    return [_with_image(item, each, images) for item, each in zip(items, found, strict=True)]


def _item(number: int, question: QuestionShown) -> Item:
    return Item(
        number=number,
        text=question.text,
        options=tuple(
            ItemOption(each.text, each.is_correct, each.is_pinned) for each in question.options
        ),
        code=question.code,
        topic=question.topic_name,
        difficulty=question.difficulty,
        kind=question.kind,
        explanation=question.explanation,
        source=question.source,
        article=question.article,
        link_url=question.link_url,
        tags=question.tags,
        valid_from=question.valid_from,
        valid_to=question.valid_to,
    )


def _with_image(
    item: Item, question: QuestionShown, images: Mapping[str, tuple[str, bytes]]
) -> Item:
    if question.image_digest is None:
        return item
    media_type, content = images[question.image_digest]
    return replace(item, image=ItemImage(content, media_type, question.image_alt))
