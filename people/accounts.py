"""How do citizens and staff get an account, and sign in to it?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from uuid import UUID

from core.clock import local_day, now
from core.db import Connection, pool, transaction
from core.errors import Refusal
from core.settings import is_loopback, settings
from core.text import clean, phone_e164
from people.audit import record
from people.codes import ask_code, get_asked, lock_phone, prove_code
from people.consents import MESSAGES, PURPOSES, TAKE_PART, current_texts, record_consent
from people.passwords import hash_password, readable_secret
from people.persons import make_person
from people.sessions import open_session, revoke_sessions
from people.units import find_selectable_unit, get_unit

# What people declare at sign-up; a contest with other divisions asks at its door.
DIVISIONS = (
    ("can-bo", "Cán bộ, công chức, viên chức, lực lượng vũ trang"),
    ("nguoi-dan", "Người dân"),
    ("hoc-sinh", "Học sinh, sinh viên"),
)
LONGEST_NAME = 120
OLDEST_AGE = 120
YOUNGEST_AGE = 5
TEMPORARY_GROUPS = 3  # of four letters, 59 bits
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{2,59}")
_DIVISION = re.compile(r"[\w-]{0,40}")
_NAME_MARKS = frozenset(" '’‘ʼ-‐.·")
_NOT_TICKED = frozenset({"", "0", "off", "false", "khong"})
_PHONE_SENTENCE = "Bạn hãy nhập số điện thoại di động gồm 10 chữ số, ví dụ 0912 345 678."


@dataclass(frozen=True)
class SignUp:
    """A checked sign-up form; `text_versions` says which words of consent were agreed to."""

    full_name: str
    birth_year: int
    phone: str
    unit_code: str
    division_code: str
    take_part: bool
    messages: bool
    text_versions: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class SignedIn:
    """Somebody has just signed in; the page sets the token as the session's cookie."""

    account_id: int
    person_id: int
    session_token: str
    shown_name: str


async def check_sign_up(form: Mapping[str, str]) -> SignUp:
    """Turn the form of /dang-ky into a sign-up, or refuse it with a sentence for each field."""
    wrong: dict[str, str] = {}
    full_name = clean(form.get("ho_ten", ""))
    birth_year = birth_year_of(form.get("nam_sinh", ""))
    phone = phone_e164(form.get("dien_thoai", ""))
    unit = await find_selectable_unit(clean(form.get("don_vi", "")))
    division_code = clean(form.get("bang", ""))
    if sentence := name_fault(full_name):
        wrong["ho_ten"] = sentence
    if birth_year is None:
        wrong["nam_sinh"] = "Bạn hãy nhập năm sinh gồm bốn chữ số, ví dụ 1985."
    elif not is_likely_birth_year(birth_year):
        wrong["nam_sinh"] = (
            f"Cuộc thi nhận người từ {YOUNGEST_AGE} tuổi. Bạn xem lại năm sinh giúp."
        )
    if phone is None:
        wrong["dien_thoai"] = _PHONE_SENTENCE
    if unit is None:
        wrong["don_vi"] = "Bạn hãy chọn đơn vị hoặc xã, phường của bạn trong danh sách."
    if not _DIVISION.fullmatch(division_code):
        wrong["bang"] = "Bạn hãy chọn bảng dự thi trong danh sách."
    if not _is_ticked(form, "dong_y_du_le"):
        wrong["dong_y_du_le"] = "Để dự thi, bạn cần đánh dấu đồng ý."
    if wrong or birth_year is None or phone is None or unit is None:
        raise Refusal("bad_form", "Bạn hãy xem lại những ô được đánh dấu.", fields=wrong)
    return SignUp(
        full_name=full_name,
        birth_year=birth_year,
        phone=phone,
        unit_code=unit.code,
        division_code=division_code,
        take_part=True,
        messages=_is_ticked(form, "dong_y_nhan_tin"),
    )


async def begin_sign_up(sign_up: SignUp, *, asked_from: str) -> UUID:
    """Ask for the code that proves the number; the form waits with it for at most a day.

    The words of consent in force now are the ones that count, whatever is published meanwhile.
    """
    texts = await current_texts()
    if not texts.keys() >= set(PURPOSES):
        raise Refusal(
            "no_consent_text",
            "Ban Tổ chức chưa công bố nội dung đồng ý, nên chưa thể đăng ký. Bạn hãy quay lại sau.",
        )
    pinned = replace(sign_up, text_versions={text.purpose: text.version for text in texts.values()})
    return await _ask(pinned.phone, asdict(pinned), asked_from)


async def begin_sign_in(phone: str, *, asked_from: str) -> UUID:
    """Ask for a code to sign in; an unknown number takes the same path and learns it at the end."""
    number = phone_e164(phone)
    if number is None:
        raise Refusal("bad_form", _PHONE_SENTENCE, fields={"dien_thoai": _PHONE_SENTENCE})
    return await _ask(number, None, asked_from)


async def ask_again(code_id: UUID, *, asked_from: str) -> UUID:
    """Ask for a new code in place of one that did not come; the cool-down applies."""
    asked = await get_asked(code_id)
    return await _ask(asked.phone, asked.sign_up, asked_from)


async def finish_with_code(code_id: UUID, typed: str, *, browser: str) -> SignedIn:
    """Sign in whoever typed the right code; a first sign-up gets its person, account, consents.

    A number that has an account keeps it as it is, whatever the form said.
    """
    proven = await prove_code(code_id, typed)
    async with transaction() as connection:
        await lock_phone(connection, proven.phone)
        account = await connection.fetchrow(
            "SELECT a.id, a.person_id, a.is_active, p.full_name, p.merged_into_id FROM account a "
            "JOIN person p ON p.id = a.person_id WHERE a.phone = $1",
            proven.phone,
        )
        if account is None:
            if proven.sign_up is None:
                raise Refusal(
                    "no_account",
                    "Số điện thoại này chưa đăng ký. Bạn hãy đăng ký để dự thi.",
                )
            account = await _make_citizen(connection, SignUp(**proven.sign_up))
        if not account["is_active"] and account.get("merged_into_id"):
            raise Refusal(
                "account_merged",
                "Hồ sơ của số này đã gộp vào hồ sơ khác của bạn. Bạn hãy đăng nhập bằng số điện thoại "
                "còn lại, hoặc liên hệ Ban Tổ chức.",
            )
        if not account["is_active"]:
            raise Refusal(
                "account_closed",
                "Tài khoản này đang bị khóa. Bạn liên hệ Ban Tổ chức để được giúp.",
            )
        return await open_account(connection, account, browser)


async def make_staff(
    *,
    username: str,
    password: str,
    full_name: str,
    unit_code: str | None = None,
    is_temporary: bool = False,
    by: int | None = None,
) -> int:
    """Make an account that signs in by name and password; return its id. Roles are granted apart.

    A temporary password must be changed before anything else is done with the account.
    """
    name = username_of(username)
    if not _USERNAME.fullmatch(name):
        sentence = "Tên đăng nhập có từ 3 đến 60 ký tự: chữ không dấu, số, dấu chấm, gạch, @."
        raise Refusal("bad_form", sentence, fields={"ten": sentence})
    if fault := name_fault(clean(full_name)):
        raise Refusal("bad_form", fault, fields={"ho_ten": fault})
    unit_id = (await get_unit(unit_code)).id if unit_code else None
    password_hash = await hash_password(password)
    async with transaction() as connection:
        if await connection.fetchval("SELECT id FROM account WHERE username = $1", name):
            sentence = f"Tên đăng nhập {name} đã có người dùng."
            raise Refusal("username_taken", sentence, fields={"ten": sentence})
        person_id = await make_person(
            connection, full_name=full_name, birth_year=None, unit_id=unit_id, division_code=""
        )
        account_id = await connection.fetchval(
            "INSERT INTO account (person_id, username, password_hash, is_active, failed_count, "
            "created_at, must_change_password) VALUES ($1, $2, $3, true, 0, $4, $5) RETURNING id",
            person_id,
            name,
            password_hash,
            now(),
            is_temporary,
        )
        if by is not None:
            await record(connection, by=by, action="make_staff", subject=f"account:{account_id}")
    return int(account_id)


def temporary_password() -> str:
    """A password to hand over once, until its owner chooses the own one."""
    return readable_secret(groups=TEMPORARY_GROUPS)


def username_of(typed: str) -> str:
    """A typed name as accounts keep it: capitals do not count."""
    return clean(typed).casefold()


async def find_staff(username: str) -> int | None:
    return await pool().fetchval(  # type: ignore[no-any-return]  # one bigint column
        "SELECT id FROM account WHERE username = $1", username_of(username)
    )


async def account_names(account_ids: Iterable[int | None]) -> dict[int, str]:
    """The full names of the people behind accounts."""
    rows = await pool().fetch(
        "SELECT a.id, p.full_name FROM account a JOIN person p ON p.id = a.person_id "
        "WHERE a.id = ANY($1::bigint[])",
        [each for each in account_ids if each is not None],
    )
    return {row["id"]: row["full_name"] for row in rows}


async def set_password(
    account_id: int, password: str, *, by: int | None, is_temporary: bool = False
) -> None:
    """Give a staff account a new password, unlock it and sign all its browsers out."""
    password_hash = await hash_password(password)
    async with transaction() as connection:
        changed = await connection.fetchval(
            "UPDATE account SET password_hash = $2, failed_count = 0, locked_until = NULL, "
            "must_change_password = $3 "
            "WHERE id = $1 AND username IS NOT NULL AND is_active RETURNING id",
            account_id,
            password_hash,
            is_temporary,
        )
        if changed is None:
            raise Refusal("unknown_account", "Không tìm thấy tài khoản có tên đăng nhập này.")
        await revoke_sessions(connection, account_id)
        await record(connection, by=by, action="set_password", subject=f"account:{account_id}")


async def _ask(phone: str, sign_up: Mapping[str, object] | None, asked_from: str) -> UUID:
    chosen = settings()
    return await ask_code(
        phone=phone,
        sign_up=sign_up,
        # Loopback is a proxy that nobody told us to trust: behind it stands the whole province.
        asked_from="" if is_loopback(asked_from) else asked_from,
        per_number_per_hour=chosen.sign_in_codes_per_hour,
        per_day=chosen.sign_in_codes_per_day,
    )


async def _make_citizen(connection: Connection, sign_up: SignUp) -> Mapping[str, object]:
    # The unit may have ended since the form was checked; the person still says where they were.
    unit_id = await connection.fetchval("SELECT id FROM unit WHERE code = $1", sign_up.unit_code)
    person_id = await make_person(
        connection,
        full_name=sign_up.full_name,
        birth_year=sign_up.birth_year,
        unit_id=unit_id,
        division_code=sign_up.division_code,
    )
    account_id = await connection.fetchval(
        "INSERT INTO account (person_id, phone, is_active, failed_count, created_at) "
        "VALUES ($1, $2, true, 0, $3) RETURNING id",
        person_id,
        sign_up.phone,
        now(),
    )
    for purpose, is_given in ((TAKE_PART, sign_up.take_part), (MESSAGES, sign_up.messages)):
        if is_given:
            await record_consent(
                connection, person_id, purpose, is_given, sign_up.text_versions[purpose]
            )
    return {
        "id": account_id,
        "person_id": person_id,
        "is_active": True,
        "full_name": sign_up.full_name,
    }


async def open_account(
    connection: Connection, account: Mapping[str, object], browser: str
) -> SignedIn:
    """Open a session for an account that has just proven itself, inside the caller's transaction."""
    account_id, person_id = account["id"], account["person_id"]
    assert isinstance(account_id, int)
    assert isinstance(person_id, int)
    token = await open_session(connection, account_id, browser)
    return SignedIn(account_id, person_id, token, str(account["full_name"]))


def name_fault(name: str) -> str | None:
    if not any(letter.isalpha() for letter in name):
        return "Bạn hãy nhập họ và tên như trong giấy tờ."
    if len(name) > LONGEST_NAME:
        return f"Họ và tên dài quá {LONGEST_NAME} ký tự."
    if any(
        letter not in _NAME_MARKS and unicodedata.category(letter)[0] not in "LM" for letter in name
    ):
        return "Họ và tên chỉ gồm chữ, dấu cách, dấu nháy và gạch nối."
    return None


def birth_year_of(typed: str) -> int | None:
    text = unicodedata.normalize("NFKC", clean(typed))
    return int(text) if re.fullmatch(r"[0-9]{4}", text) else None


def is_likely_birth_year(birth_year: int) -> bool:
    return YOUNGEST_AGE <= local_day(now()).year - birth_year <= OLDEST_AGE


def _is_ticked(form: Mapping[str, str], name: str) -> bool:
    return form.get(name, "").strip().lower() not in _NOT_TICKED
