"""Which signed PDF files belong to a contest?"""

from __future__ import annotations

from hashlib import sha256

from core import clock
from core.db import pool, transaction
from core.errors import Refusal
from core.office_archive import FILE_LIMIT_BYTES, MEGABYTE
from core.text import clean
from quiz.contest_draft import lock_contest, record_change

PDF = "application/pdf"
LONGEST_FILE_NAME = 100
_START, _END = b"%PDF-", b"%%EOF"
_END_WITHIN_BYTES = 2_048  # some programs write a few bytes behind the end


async def keep_pdf(contest_id: int, file_name: str, content: bytes, *, by: int | None) -> int:
    """Keep a PDF file of a contest and return its id; refuses "bad_pdf" what is no whole PDF.

    The same bytes are kept once. Nothing is opened: browsers get the file in a sandbox.
    """
    fault = _fault(content)
    if fault:
        raise Refusal("bad_pdf", fault, fields={"attachment": fault})
    digest = sha256(content).hexdigest()
    async with transaction() as connection:
        await lock_contest(connection, contest_id)
        kept: int | None = await connection.fetchval(
            "SELECT id FROM attachment WHERE contest_id = $1 AND digest = $2", contest_id, digest
        )
        if kept is not None:
            return kept
        attachment_id: int = await connection.fetchval(
            "INSERT INTO attachment (contest_id, file_name, media_type, digest, content, "
            "created_by_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
            contest_id,
            clean(file_name)[:LONGEST_FILE_NAME] or "the-le.pdf",
            PDF,
            digest,
            content,
            by,
            clock.now(),
        )
        detail = {"file_name": clean(file_name), "digest": digest}
        await record_change(connection, contest_id, by, "keep_pdf", detail)
    return attachment_id


async def rules_pdf(contest_id: int, version: int) -> bytes:
    """The signed PDF of a version of the rules."""
    content: bytes | None = await pool().fetchval(
        "SELECT a.content FROM rules_text t JOIN attachment a ON a.id = t.attachment_id "
        "WHERE t.contest_id = $1 AND t.version = $2",
        contest_id,
        version,
    )
    if content is None:
        raise Refusal("not_found", "Bản thể lệ này không có tệp PDF kèm theo.")
    return content


def _fault(content: bytes) -> str | None:
    if len(content) > FILE_LIMIT_BYTES:
        return f"Tệp lớn hơn {FILE_LIMIT_BYTES // MEGABYTE} MB."
    if not content.startswith(_START):
        return "Tệp không phải PDF. Hãy quét hoặc lưu văn bản đã ký thành PDF."
    if _END not in content[-_END_WITHIN_BYTES:]:
        return "Tệp PDF bị cắt ngang, hãy tải lên lại."
    return None
