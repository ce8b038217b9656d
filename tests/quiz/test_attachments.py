from __future__ import annotations

import pytest

from core.errors import Refusal
from quiz import attachments, contest_making, contests
from quiz.contests import ContestShown
from tests.quiz.conftest import Staff

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


async def test_the_signed_file_belongs_to_its_version(contest: ContestShown, staff: Staff) -> None:
    kept = await attachments.keep_pdf(contest.id, "Thể lệ.pdf", PDF, by=staff.lan)
    assert await attachments.keep_pdf(contest.id, "lần nữa.pdf", PDF, by=staff.lan) == kept
    version = await contest_making.publish_rules(
        contest.id, "Như bản ký.", "Đính kèm bản ký", by=staff.lan, attachment_id=kept
    )
    assert await attachments.rules_pdf(contest.id, version) == PDF
    assert (await contests.rules_of(contest.id)).attachment_name == "Thể lệ.pdf"
    assert (await contests.rules_of(contest.id, 1)).attachment_name is None
    with pytest.raises(Refusal) as refusal:
        await attachments.rules_pdf(contest.id, 1)
    assert refusal.value.code == "not_found"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"PK\x03\x04 a Word file", "không phải PDF"),
        (b"<html>%PDF-1.7 %%EOF", "không phải PDF"),
        (PDF[:20], "cắt ngang"),
        (PDF + b"0" * 10_000_001, "lớn hơn 10 MB"),
    ],
    ids=["docx", "html", "cut", "large"],
)
async def test_what_is_no_whole_pdf_is_refused(draft: int, content: bytes, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence) as refusal:
        await attachments.keep_pdf(draft, "x.pdf", content, by=None)
    assert refusal.value.code == "bad_pdf"
