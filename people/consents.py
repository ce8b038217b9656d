"""What did people agree to, in which words, and do they still?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core.clock import now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.text import clean_lines

TAKE_PART = "take_part"
MESSAGES = "messages"
PUBLISH_NAME = "publish_name"
PURPOSES = (TAKE_PART, MESSAGES, PUBLISH_NAME)

# The words of a new installation; the province replaces them by publishing its own.
FIRST_TEXTS = {
    TAKE_PART: (
        "Tôi đồng ý để Ban Tổ chức dùng họ tên, năm sinh, số điện thoại, đơn vị và bài thi của tôi "
        "để tổ chức cuộc thi, xếp hạng và trao giải. Tôi có thể xem, sửa, rút lại sự đồng ý hoặc "
        "yêu cầu xóa dữ liệu của mình bất cứ lúc nào."
    ),
    MESSAGES: (
        "Tôi đồng ý nhận tin nhắn về các cuộc thi và dịch vụ công trực tuyến của tỉnh. Tôi có thể "
        "ngừng nhận tin bất cứ lúc nào mà vẫn được dự thi."
    ),
    PUBLISH_NAME: (
        "Nếu tôi đoạt giải, tôi đồng ý để họ tên đầy đủ và đơn vị của tôi được công bố trên trang kết "
        "quả. Nếu không đồng ý, trang kết quả chỉ ghi tên viết tắt; giải thưởng của tôi không thay đổi."
    ),
}


@dataclass(frozen=True)
class ConsentTextShown:
    """The words that a form shows beside its box, with the version that the answer will name."""

    purpose: str
    version: int
    body: str


@dataclass(frozen=True)
class ConsentHeld:
    """A person's latest word on one purpose."""

    purpose: str
    is_given: bool
    text_version: int
    recorded_at: datetime


async def publish_text(purpose: str, body: str) -> int:
    """Publish new words for a purpose and return their version; the same words change nothing."""
    _check_purpose(purpose)
    wording = clean_lines(body)
    if not wording:
        raise Refusal("no_consent_text", "Hãy nhập nội dung để người dùng đồng ý.")
    async with transaction() as connection:
        await connection.execute("LOCK TABLE consent_text IN SHARE ROW EXCLUSIVE MODE")
        newest = await connection.fetchrow(
            "SELECT version, body FROM consent_text WHERE purpose = $1 "
            "ORDER BY version DESC LIMIT 1",
            purpose,
        )
        if newest and newest["body"] == wording:
            return int(newest["version"])
        version = newest["version"] + 1 if newest else 1
        await connection.execute(
            "INSERT INTO consent_text (purpose, version, body, published_at) "
            "VALUES ($1, $2, $3, $4)",
            purpose,
            version,
            wording,
            now(),
        )
    return int(version)


async def publish_first_texts() -> None:
    """Give every purpose words to agree to, where none were published yet; may run again."""
    published = await current_texts()
    for purpose, body in FIRST_TEXTS.items():
        if purpose not in published:
            await publish_text(purpose, body)


async def current_texts() -> dict[str, ConsentTextShown]:
    """Return the words in force by purpose."""
    rows = await pool().fetch(
        "SELECT DISTINCT ON (purpose) purpose, version, body FROM consent_text "
        "ORDER BY purpose, version DESC"
    )
    return {row["purpose"]: ConsentTextShown(**row) for row in rows}


async def record_consent(
    connection: Connection, person_id: int, purpose: str, is_given: bool, text_version: int
) -> None:
    """Add a person's yes or no to the words that were shown, inside the caller's transaction."""
    _check_purpose(purpose)
    text_id = await connection.fetchval(
        "SELECT id FROM consent_text WHERE purpose = $1 AND version = $2", purpose, text_version
    )
    if text_id is None:
        raise Refusal(
            "unknown_consent_text", "Nội dung đồng ý này không còn. Bạn hãy tải lại trang."
        )
    await connection.execute(
        "INSERT INTO consent (person_id, text_id, is_given, recorded_at) VALUES ($1, $2, $3, $4)",
        person_id,
        text_id,
        is_given,
        now(),
    )


async def give(person_id: int, purpose: str) -> None:
    """Record a yes to the words in force now; one that is given already stays as it is."""
    _check_purpose(purpose)
    text = (await current_texts()).get(purpose)
    if text is None:
        raise Refusal("no_consent_text", "Ban Tổ chức chưa công bố nội dung đồng ý này.")
    async with transaction() as connection:
        # The person's row is the lock: two clicks at once give one yes.
        await connection.execute("SELECT FROM person WHERE id = $1 FOR UPDATE", person_id)
        is_given = await connection.fetchval(
            "SELECT c.is_given FROM consent c JOIN consent_text t ON t.id = c.text_id "
            "WHERE c.person_id = $1 AND t.purpose = $2 ORDER BY c.id DESC LIMIT 1",
            person_id,
            purpose,
        )
        if not is_given:
            await record_consent(connection, person_id, purpose, True, text.version)


async def withdraw(person_id: int, purpose: str) -> None:
    """Take back a yes; without one, nothing is recorded, so it may be asked twice."""
    _check_purpose(purpose)
    async with transaction() as connection:
        await withdraw_held(connection, person_id, [purpose])


async def withdraw_held(connection: Connection, person_id: int, purposes: list[str]) -> None:
    """Take back those of the purposes that are given, inside the caller's transaction."""
    await connection.execute(
        """
        INSERT INTO consent (person_id, text_id, is_given, recorded_at)
        SELECT $1, held.text_id, false, $3 FROM (
            SELECT DISTINCT ON (t.purpose) c.text_id, c.is_given
            FROM consent c JOIN consent_text t ON t.id = c.text_id
            WHERE c.person_id = $1 AND t.purpose = ANY($2)
            ORDER BY t.purpose, c.id DESC
        ) held
        WHERE held.is_given
        """,
        person_id,
        purposes,
        now(),
    )


async def consents_of(person_id: int) -> list[ConsentHeld]:
    """List the latest word on each purpose that the person was ever asked about."""
    rows = await pool().fetch(
        """
        SELECT DISTINCT ON (t.purpose) t.purpose, c.is_given, t.version AS text_version,
               c.recorded_at
        FROM consent c JOIN consent_text t ON t.id = c.text_id
        WHERE c.person_id = $1
        ORDER BY t.purpose, c.id DESC
        """,
        person_id,
    )
    return [ConsentHeld(**row) for row in rows]


def _check_purpose(purpose: str) -> None:
    if purpose not in PURPOSES:
        raise Refusal("unknown_purpose", f"Không có mục đích “{purpose}”.")
