"""What may a line of a question paper be: a question's start, an option, a key, a note, a heading?

Each answer is about the line alone; `quiz.exchange.docx_questions` decides among them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from core.text import clean, fold
from quiz.exchange.docx_text import Line

MOST_LABELS = 8  # A to H
# Signs and keys at the end of a line are sought in so many characters, in longer text in vain.
LONGEST_TRAILER = 80

_RIGHT_SIGNS = "*✓✔√☑☒★✅"
_WRONG_SIGNS = "✗✘☐❌"
_STRONG = re.compile(
    r"[^\w(\[]*[(\[]?(?:c[âa]u(?:\s*h[ỏo]i)?(?:\s*số)?|question|bài\s*tập)\s*[.:]?\s*"
    r"(?P<number>\d{1,4})(?!\d)(?P<notes>(?:\s*[(\[][^()\[\]]{1,60}[)\]])*)\s*[.:)\]/\-–—,]*\s*"
    r"(?P<more>(?:[(\[][^()\[\]]{1,40}[)\]]\s*[.:]?\s*)?)",
    re.IGNORECASE,
)
# "Câu 1 đến câu 5", "Câu 1, 2 và 3": a line about questions, not one.
_SEVERAL = re.compile(
    r"[^\w]*c[âa]u(?:\s*h[ỏo]i)?\s*\d{1,4}\s*(?:[-–,]|và\b|đến\b|tới\b|hoặc\b)\s*(?:c[âa]u\s*)?\d{1,4}(?![\d/%.,])",
    re.IGNORECASE,
)
_WEAK = re.compile(
    r"[\s*_]*(?P<number>\d{1,4})(?P<notes>(?:\s*[(\[][^()\[\]\d]{1,40}[)\]])?)"
    r"\s*(?P<end>[.):/\]]+|[-–—](?=\s)|(?=\t))\s*(?=\D|$)"
    r"(?P<more>(?:[(\[][^()\[\]]{1,40}[)\]]\s*[.:]?\s*)?)"
)
_BULLET = re.compile(r"\s*[•●○▪■◦‣\-–—+]\s+(?=\S)")
_NOTE_POINTS = re.compile(r"[\d.,/ ]+(?:d|diem|points?)")

_MARK_BEFORE = rf"(?P<before>(?:[{_RIGHT_SIGNS}{_WRONG_SIGNS}#→⇒]|[(\[]\s*[xX*✓✔]\s*[)\]]|\[\s*\]|\(\s\s*\)|=>|\s)*)"
_MARK_AFTER = rf"(?P<after>[ ]?[{_RIGHT_SIGNS}{_WRONG_SIGNS}]*)"
_LETTERS = "A-Ha-hĐđÁÀẢÃẠáàảãạАВСЕ"
_LABEL = re.compile(
    r"(?!\s*[Đđ]\s*[/.]\s*[AaÁá]\s*[.:\-])"  # "Đ/A: B" is a key
    + _MARK_BEFORE
    + r"(?:ph[ưu][ơo]ng án\s+)?"
    rf"(?:[(\[]\s*(?P<wrapped>[{_LETTERS}])\s*[)\]]|(?P<letter>[{_LETTERS}])"
    + _MARK_AFTER.replace("after", "within")
    + r"\s?(?P<end>[.):/\]]|[-–—](?=\s)|(?=\t)))[.:)]*"
    + _MARK_AFTER
    + r"\s*",
)
_SIGNS_BETWEEN = re.compile(
    rf"(?P<gap>\s*)(?P<signs>(?:[{_RIGHT_SIGNS}{_WRONG_SIGNS}#→⇒]|[(\[]\s*[xX*✓✔]\s*[)\]])*)(?P<after>\s*)$"
)
_FIRST_HINT = re.compile(r"[Aa][ *✓]?[.)/:\]\-–—\t]")
_KEY_HEAD_HINT = re.compile(r"đ[áa]p|tr[ảa]\s*l|h[ưu][ớo]ng|key|answer", re.IGNORECASE)
_EMPTY_BOX = re.compile(r"\[\s*\]|\(\s+\)")
_SAME_LETTER = {
    **dict.fromkeys("ÁÀẢÃẠА", "A"),
    **dict.fromkeys("áàảãạ", "a"),
    "В": "B", "С": "C", "Е": "E",
}  # fmt: skip
_TRAILING_RIGHT = re.compile(
    rf"\s*(?:[(\[]\s*(?:x|[{_RIGHT_SIGNS}]+|đ|đúng|đáp\s*án|đáp\s*án\s*đúng|đa|correct|true)\s*[)\]]"
    rf"|[{_RIGHT_SIGNS}]+|(?:←|<=+|<-+)\s*(?:đúng|đáp\s*án(?:\s*đúng)?)?|(?<=\s)x)\s*[.;]?\s*$",
    re.IGNORECASE,
)
_TRAILING_WRONG = re.compile(
    rf"\s*(?:[(\[]\s*(?:s|sai|false|[{_WRONG_SIGNS}]+)\s*[)\]]|[{_WRONG_SIGNS}]+)\s*[.;]?\s*$",
    re.IGNORECASE,
)

_KEY_NAMES = (
    r"(?:đáp\s*án|đ[áa]p\s*số|phương\s*án|câu\s*trả\s*lời|trả\s*lời|lựa\s*chọn|answer)"
    r"(?:\s*(?:đúng|chính\s*xác|đúng\s*nhất|gợi\s*ý|chọn))*|correct\s*answers?|answer|key|ans"
)
_FIELD_NAMES = {
    "answer": _KEY_NAMES,
    "topic": r"chủ\s*đề|lĩnh\s*vực|chuyên\s*đề|chuyên\s*mục|topic|category",
    "difficulty": r"mức\s*độ(?:\s*(?:nhận\s*thức|câu\s*hỏi|khó))?|độ\s*khó|cấp\s*độ|level|difficulty",
    "explanation": r"giải\s*thích(?:\s*(?:chi\s*tiết|đáp\s*án|thêm))?|lời\s*giải(?:\s*chi\s*tiết)?"
    r"|hướng\s*dẫn(?:\s*(?:giải|trả\s*lời))?|diễn\s*giải|lý\s*do|lí\s*do|ghi\s*chú|lưu\s*ý"
    r"|explanation|feedback|phản\s*hồi|gợi\s*ý",
    "source": r"căn\s*cứ(?:\s*pháp\s*l[ýí])?|cơ\s*sở\s*pháp\s*l[ýí]|nguồn(?:\s*trích\s*dẫn)?|văn\s*bản"
    r"|trích\s*dẫn|trích(?:\s*nguồn)?|tài\s*liệu(?:\s*tham\s*khảo)?|tham\s*khảo|theo|source|reference",
    "article": r"điều\s*khoản|điều|article",
    "link_url": r"link|đường\s*dẫn|đường\s*link|liên\s*kết|url|xem\s*thêm|website|truy\s*cập",
    "code": r"mã(?:\s*(?:câu(?:\s*hỏi)?|số|ch))?|id|code",
    "kind": r"loại(?:\s*câu(?:\s*hỏi)?)?|dạng(?:\s*câu(?:\s*hỏi)?)?|kind|type",
    "tags": r"từ\s*kho[áa]|từ\s*khóa|thẻ|tags?|nhãn",
}
_ANY_FIELD = "|".join(f"(?P<{name}>{names})" for name, names in _FIELD_NAMES.items())
_FIELD_START = re.compile(
    rf"[\s\W_]*?(?:{_ANY_FIELD})\s*(?:\([^)]*\)\s*)?(?:là\s*)?:", re.IGNORECASE
)
_FIELD_NEXT = re.compile(
    rf"(?:\s*[;|]\s*|\t\s*|\s{{2,}}|\s+[-–—]\s+|[.)\]]\s+[(\[]?)(?:{_ANY_FIELD})\s*:", re.IGNORECASE
)
_LETTER_LIST = r"[A-Ha-h](?:\s*(?:,|;|&|\+|và|\s|-|/)\s*[A-Ha-h])*"
# Without a colon, only where nothing but letters follows.
_BARE_KEY = re.compile(
    rf"[\s\W_]*(?:(?:{_KEY_NAMES}|chọn(?:\s*(?:đáp\s*án|phương\s*án|câu))?)\s*(?:là|[-–=→>]+)?"
    rf"|Đ\s*[/.]?\s*[AÁ]\s*[:.\-–=]+|[=→⇒]+\s*>?)\s*[:]?\s*[(\[]?(?P<value>{_LETTER_LIST}|đúng|sai)"
    r"[)\]]?\s*[.!]?\s*",
    re.IGNORECASE,
)
_SHORT_KEY = re.compile(
    r"[\s\W_]*(?:ĐA|Đ/A|Đ\.A\.?|DA|ĐÁ|Đ/a|đ/a|Key|KEY)\s*[:.\-–=]+\s*(?P<value>\S.*)"
)
_TRAILING_KEY = re.compile(
    rf"(?:[\s.;]+|[(\[]\s*)(?:đáp\s*án(?:\s*đúng)?(?:\s*là)?\s*[:\-]?|ĐA\s*[:.\-])\s*(?P<value>{_LETTER_LIST})\s*[)\]]?\s*\.?\s*$",
    re.IGNORECASE,
)
_KEY_HEAD = re.compile(
    r"(?:(?:bang |phieu )?(?:dap an|tra loi)(?: dung)?"
    r"(?: (?:va|de|mon|chi tiet|trac nghiem|cau hoi|tham khao|ma|phan|cuoc thi|bo|cac|goi y|thi|ky|nam)\b.*)?"
    r"|huong dan (?:cham|giai|tra loi)\b.*|(?:answer )?keys?|answers)"
)
_ENTRY = re.compile(
    r"(?:c[âa]u(?:\s*hỏi)?\s*)?(?P<number>\d{1,4})\s*[.:)\-–—=→/]*\s*(?:đáp\s*án\s*(?:là|:)?\s*|chọn\s*)?"
    r"(?P<value>[A-H](?:\s*[,;&+]\s*[A-H](?![\w.]))*|[A-H]{1,4}|đúng|sai|Đ|S|T|F)(?![^\W\d])",
    re.IGNORECASE,
)
_ENTRY_GAP = re.compile(r"[\s,;|.\-–/()]*")
_EXPLAINED_ENTRY = re.compile(
    r"[^\w]*(?:c[âa]u(?:\s*hỏi)?\s*)?(?P<number>\d{1,4})\s*[.:)\-–—]*\s*(?:đáp\s*án(?:\s*đúng)?\s*(?:là)?\s*:?\s*|chọn\s*)?"
    r"(?P<value>[A-H](?:\s*,\s*[A-H])*)(?P<rest>(?:[.:)\]]|\s*[-–(]|\s+vì\b|$).*)",
    re.IGNORECASE | re.DOTALL,
)

_HEADING = re.compile(
    r"(?:(?P<name>phần|chương|chủ\s*đề|mục|lĩnh\s*vực|chuyên\s*đề|nội\s*dung|nhóm|bài|phụ\s*lục)\s*"
    r"(?:(?:thứ\s*)?(?:[IVXLC]+|\d{1,2}|một|hai|ba|bốn|năm|nhất)\b)\s*[.:)\-–—]*|[IVX]{1,4}\s*[.:)\-–]\s)\s*(?P<topic>.*)",
    re.IGNORECASE,
)
_STRUCTURE = re.compile(
    r"\b(?:trac nghiem|tu luan|cau hoi|dap an|cau tra loi|de thi|de kiem tra)\b"
)
_END = re.compile(
    r"(?:het|the end|trang \d+(?: \d+)?|ma de(?: thi)? \w+|\W*|xin cam on.*|good luck)"
)
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"“”]+[^\s<>\"“”.,;)]")
_ARTICLE = re.compile(
    r"(?:(?:điểm\s+[a-zđ]\d?|khoản\s+\d+[a-z]?|điều\s+\d+[a-z]?|mục\s+[IVX\d]+(?:\.\d+)*|phần\s+[IVX]+)(?:\s*(?:,|và|;)?\s*)(?:của\s+|tại\s+)?)+",
    re.IGNORECASE,
)
_DIFFICULTIES = (
    ("hard", re.compile(r"\b(?:kho|van dung(?: cao)?|vdc|vd|nang cao|hard|cao|phan tich)\b")),
    ("medium", re.compile(r"\b(?:trung binh|thong hieu|th|tb|vua|medium|hieu)\b")),
    ("easy", re.compile(r"\b(?:de|nhan biet|nb|easy|co ban|thap|biet)\b")),
)


@dataclass(frozen=True, slots=True)
class Start:
    """A line that may begin a question: its number, where its text begins, what brackets said."""

    number: int
    offset: int
    notes: tuple[str, ...]
    is_strong: bool
    end: str = ""  # what stands behind a weak number


@dataclass(frozen=True, slots=True)
class Label:
    """An option's letter: its place (A is 0), its look on paper, and marks typed around it."""

    place: int
    is_upper: bool
    end: str
    start: int  # with the signs that belong to it
    letter_at: int
    offset: int  # where the option's words begin
    mark: str  # right, wrong, unclear or ""


def start_of(line: Line) -> Start | None:
    """The question number at the beginning of a line, "Câu 5." (strong) or "5." (weak)."""
    match = _STRONG.match(line.text)
    if match and not _SEVERAL.match(line.text):
        return _start(match, is_strong=True)
    match = _WEAK.match(line.text)
    return _start(match, is_strong=False) if match else None


def _start(match: re.Match[str], *, is_strong: bool) -> Start:
    notes = re.findall(r"[(\[]([^()\[\]]+)[)\]]", match["notes"] + match["more"])
    offset = match.end()
    if match["more"] and not _is_note(match["more"]):
        offset, notes = match.start("more"), notes[:-1]
    end = "" if is_strong else match["end"]
    return Start(int(match["number"]), offset, tuple(notes), is_strong, end)


def _is_note(text: str) -> bool:
    folded = fold(text)
    return bool(_NOTE_POINTS.fullmatch(folded)) or (
        len(folded) < 25 and difficulty_of(text, is_alone=True) != ""  # noqa: PLR2004 — "mức độ vận dụng cao"
    )


def bullet_of(line: Line) -> int:
    """Where the text after a bullet begins; 0 when there is none."""
    match = _BULLET.match(line.text)
    return match.end() if match else 0


def label_of(line: Line) -> Label | None:
    match = _LABEL.match(line.text)
    return _label(match) if match else None


def _label(match: re.Match[str], before: str | None = None) -> Label | None:
    at = match.start("wrapped") if match["wrapped"] else match.start("letter")
    letter = match["wrapped"] or match["letter"]
    letter = _SAME_LETTER.get(letter, letter)
    place = {"Đ": 3, "đ": 3}.get(letter, ord(letter.upper()) - ord("A"))
    signs = (match["before"] if before is None else before) + (match["within"] or "")
    return Label(
        place=place,
        is_upper=letter.isupper(),
        end="()" if match["wrapped"] else match["end"],
        start=match.start(),
        letter_at=at,
        offset=match.end(),
        mark=_said_by(signs + match["after"]),
    )


def _said_by(signs: str) -> str:
    if any(sign in signs for sign in _RIGHT_SIGNS + "#→⇒xX>"):
        return "right"
    is_wrong = any(sign in signs for sign in _WRONG_SIGNS) or _EMPTY_BOX.search(signs)
    return "wrong" if is_wrong else ""


def next_label(text: str, start: int, place: int, like: Label) -> Label | None:
    """The label of the option at a place, written further on in the line in the style of another.

    A sign between two options belongs to the one that it is nearer to.
    """
    letter = chr(ord("A" if like.is_upper else "a") + place)
    for found in re.finditer(rf"(?<![^\s;.?!,:…*✓✔√☑☒☐#)])(?=[(\[]?{letter})", text[start:]):
        at = start + found.start()
        match = _LABEL.match(text, at)
        label = _label(match) if match else None
        if match is None or label is None or label.place != place:
            continue
        if not _is_alike(label.end, like.end):
            continue
        lead = _SIGNS_BETWEEN.search(text[start:at])
        if lead is None or not lead["signs"]:
            return label
        gap, after = len(lead["gap"].expandtabs()), len(lead["after"].expandtabs())
        if after > gap:
            return label
        said = _label(match, lead["signs"])
        assert said is not None
        return replace(
            said,
            start=start + lead.start("signs"),
            mark=said.mark if after < gap else "unclear",
        )
    return None


def first_label(text: str, start: int) -> Label | None:
    """A label A or a that does not begin the line."""
    if _FIRST_HINT.search(text, start) is None:
        return None
    for upper in (True, False):
        for end in (".", ")", "/", ":", "()"):
            like = Label(0, upper, end, 0, 0, 0, "")
            if found := next_label(text, start, 0, like):
                return found
    return None


def _is_alike(one: str, other: str) -> bool:
    return one == other or {one, other} <= {".", ")", ":"}


def trailing_mark(text: str) -> tuple[str, int]:
    """What a sign at the end says of an option (right, wrong or ""), and where its text ends."""
    for said, pattern in (("right", _TRAILING_RIGHT), ("wrong", _TRAILING_WRONG)):
        match = pattern.search(text, max(0, len(text) - LONGEST_TRAILER))
        if match and match.start() > 0:
            return said, match.start()
    return "", len(text)


def fields_of(line: Line) -> list[tuple[str, Line]]:
    """The named notes of a line, "Đáp án: B; Mức độ: dễ", in order; empty for any other line."""
    text = line.text
    match = _FIELD_START.match(text)
    if match is None or len(text[: match.start(match.lastgroup or 0)].strip()) > 2:  # noqa: PLR2004 — a bullet, a bracket
        short = _SHORT_KEY.fullmatch(text) or _BARE_KEY.fullmatch(text)
        return [("answer", line.cut(short.start("value")))] if short else []
    found: list[tuple[str, Line]] = []
    while match is not None:
        name = match.lastgroup or ""
        following = _FIELD_NEXT.search(text, match.end())
        end = following.start() if following else len(text)
        found.append((name, line.cut(match.end(), end)))
        match = following
    return found


def trailing_key(text: str) -> tuple[str, int] | None:
    """Letters in "… (Đáp án: B)" at the end of other text, and where that begins."""
    match = _TRAILING_KEY.search(text, max(0, len(text) - LONGEST_TRAILER))
    return (match["value"], match.start()) if match and match.start() > 0 else None


def is_key_head(text: str) -> bool:
    is_short = len(text) < 120  # noqa: PLR2004 — a heading is short
    return (
        is_short
        and _KEY_HEAD_HINT.search(text) is not None
        and _KEY_HEAD.fullmatch(fold(text)) is not None
    )


def entries_of(text: str) -> list[tuple[int, str]]:
    """The pairs of a line that holds nothing else: "1.A 2.B 3-C" or "Câu 1: A, C"."""
    entries = []
    place = _ENTRY_GAP.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    while place < len(text):
        match = _ENTRY.match(text, place)
        if match is None:
            return []
        entries.append((int(match["number"]), match["value"]))
        place = _ENTRY_GAP.match(text, match.end()).end()  # type: ignore[union-attr]  # as above
    return entries


def explained_entry(text: str) -> tuple[int, str, str] | None:
    """Split "Câu 1: B. Vì theo Điều 5 …" into number, letters and the words behind them."""
    match = _EXPLAINED_ENTRY.fullmatch(text)
    if match is None:
        return None
    return int(match["number"]), match["value"], match["rest"].strip(" .:)]-–")


def topic_of_heading(line: Line) -> str | None:
    """The topic that a heading names; "" for a heading of structure; None when it is no heading."""
    text = clean(line.text)
    if not text or len(text) > 200:  # noqa: PLR2004 — a heading is short
        return None
    if match := _HEADING.fullmatch(text):
        topic = match["topic"].strip(" .:-–") or (text if match["name"] else "")
        return "" if _STRUCTURE.search(fold(topic)) else topic
    if line.outline is not None:
        return (
            ""
            if _STRUCTURE.search(fold(text))
            else re.sub(r"^(?:\d+(?:\.\d+)*|[A-Z])[.)]\s+", "", text).strip(" .:")
        )
    return None


def is_capitals(text: str) -> bool:
    letters = [letter for letter in text if letter.isalpha()]
    return len(letters) > 3 and sum(letter.isupper() for letter in letters) > 0.8 * len(letters)  # noqa: PLR2004 — a word, nearly all


def is_end(text: str) -> bool:
    """A line like "--- HẾT ---", a page number, a rule: nothing that anybody would miss."""
    return _END.fullmatch(fold(text)) is not None


def url_of(text: str) -> str:
    match = _URL.search(text)
    return match[0] if match else ""


def is_bare_url(text: str) -> bool:
    return _URL.fullmatch(text.strip(" .<>()")) is not None


def article_of(text: str) -> tuple[str, str]:
    """Split "Khoản 2 Điều 5 Luật Đất đai" into ("Khoản 2 Điều 5", "Luật Đất đai")."""
    text = _reference(text)
    if match := _ARTICLE.match(text):
        rest = re.sub(r"^(?:của|tại|trong|[,;–-])\s*", "", text[match.end() :]).strip()
        article = re.sub(r"\s*(?:của|tại|,|;|và)\s*$", "", match[0].strip())
        return article, rest
    if match := re.search(
        rf"[,;(–-]\s*(?:tại\s+)?({_ARTICLE.pattern})\)?\s*$", text, re.IGNORECASE
    ):
        return match[1].strip(), text[: match.start()].strip(" ,;(")
    return "", text


def _reference(text: str) -> str:
    bare = clean(text).strip(" .;")
    if bare[:1] + bare[-1:] in {"()", "[]"}:
        bare = bare[1:-1]
    return re.sub(
        r"^(?:theo|căn cứ(?: vào| theo)?|trích|xem|tại)\s+", "", bare, flags=re.IGNORECASE
    )


def is_article(text: str) -> bool:
    """A line that is nothing but a reference, "Điều 5 Luật Giao dịch điện tử 2023"."""
    match = _ARTICLE.match(_reference(text))
    return match is not None and len(text) < 250 and not text.rstrip().endswith("?")  # noqa: PLR2004 — two lines


def difficulty_of(text: str, *, is_alone: bool = False) -> str:
    """The bank's word for a level; `is_alone`: only when nothing else is said."""
    folded = re.sub(r"^(?:muc do|do kho|muc|cap do)\s*\d*\s*", "", fold(text)).strip()
    numbered = re.fullmatch(r"(?:muc|cap do|level)?\s*([1-4])", folded)
    if numbered:
        return {"1": "easy", "2": "medium"}.get(numbered[1], "hard") if not is_alone else ""
    for code, pattern in _DIFFICULTIES:
        match = pattern.fullmatch(folded) if is_alone else pattern.search(folded)
        if match:
            return code
    return ""


def kind_of(text: str) -> str:
    folded = fold(text)
    if "dung sai" in folded or "true false" in folded:
        return "true_false"
    if re.search(r"\bnhieu (?:dap an|lua chon dung|phuong an)|multiple", folded):
        return "multiple"
    return ""


def letters_of(value: str) -> tuple[tuple[int, ...], str]:
    """The places of the letters that a key begins with, and the words behind them."""
    match = re.match(
        rf"[\s(\[“\"'*]*(?:(?:câu|phương\s*án|đáp\s*án|ý|là|cả|gồm)\s+)*({_LETTER_LIST}|[A-H]{{2,6}})(?![\w/])[\s)\]”\"'*]*",
        value,
        re.IGNORECASE,
    )
    if match is None:
        return (), value.strip()
    letters = re.sub(r"và|[^A-Ha-h]", "", match[1])
    following = value[match.end(1) : match.end(1) + 1]
    if letters.islower() and following not in {"", ".", ")", ":", ",", ";", "]"}:
        return (), value.strip()  # "e ngại", "b-ring": a word
    places = tuple(ord(letter.upper()) - ord("A") for letter in letters)
    rest = value[match.end() :].strip(" .:)-–")
    if re.match(r"(?:hoặc|hay|or)\b", rest, re.IGNORECASE):
        return (), value.strip()  # one or the other is no key
    return places, rest


def joined(lines: Sequence[Line]) -> str:
    """Text of several lines, cleaned, without empty ones."""
    return "\n".join(text for text in (clean(line.text) for line in lines) if text)
