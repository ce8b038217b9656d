"""Which options does a question paper mark as right?

Three kinds of witnesses are heard: what is written ("Đáp án: B", a list at the end), signs typed at
options, and how options look. Looks count only where they set some options of a question apart
from what is usual in the document; witnesses that disagree give a fault and no key, because a wrong
key is worse than none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from core.text import clean, fold
from quiz.exchange.docx_lines import letters_of
from quiz.exchange.docx_styles import Look

# An option is bold, red … when nearly all of its letters are; a stressed word is not enough.
WHOLE_SHARE = 0.8
# A look that most options of the document have is its usual look.
USUAL_SHARE = 0.6
# Bold and italic also stress words: in fewer questions than this they are no way of marking keys.
WEAK_SHARE = 0.25
FEW_QUESTIONS = 4
# Cells shaded by column point at the same letter all the time.
SAME_LETTER_QUESTIONS = 6

TRUE_FALSE = ("dung", "sai")
_TRUE_WORDS = {"dung": "dung", "d": "dung", "true": "dung", "t": "dung", "co": "dung",
               "sai": "sai", "s": "sai", "false": "sai", "f": "sai", "khong": "sai"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class OptionMarks:
    """What is known of one option: its words, its letter, signs, and looks of letter and words."""

    text: str
    place: int | None  # by its letter; None where it has none
    sign: str  # right, wrong or ""
    letter_look: Look | None
    looks: Mapping[Look, int]  # how many letters look so


@dataclass(slots=True)
class Case:
    """A question before the judge; `written_keys` are what it and the lists say, in words."""

    options: Sequence[OptionMarks]
    written_keys: Sequence[str]
    ticked: Sequence[int] = ()
    says_several: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """The right options by place in the question; with a fault there are none."""

    right: tuple[int, ...] = ()
    fault: str = ""


@dataclass(frozen=True, slots=True)
class _Channel:
    """One way of setting options apart."""

    name: str
    of: Callable[[Look], str]
    is_weak: bool = False


_ITALIC = _Channel("in nghiêng", lambda look: "x" if look.italic else "", is_weak=True)
_SHADED = _Channel("tô nền", lambda look: look.highlight)
_CHANNELS = (
    _Channel("in đậm", lambda look: "x" if look.bold else "", is_weak=True),
    _Channel("gạch chân", lambda look: "x" if look.underline else ""),
    _Channel("tô màu chữ", lambda look: look.colour),
    _SHADED,
    _ITALIC,
)
_NO_MARK = (
    "không thấy phương án nào được đánh dấu là đúng (in đậm, gạch chân, tô màu, dấu * hoặc dòng "
    "“Đáp án: …”). Hãy chọn đáp án đúng."
)


@dataclass(slots=True)
class _Sight:
    """What a channel shows: by question, the options set apart, and those that alone are plain."""

    channel: _Channel
    is_of_letters: bool
    apart: dict[int, frozenset[int]] = field(default_factory=dict)
    plain: dict[int, frozenset[int]] = field(default_factory=dict)


def judge(cases: Sequence[Case]) -> list[Verdict]:
    """Decide every question of a document; looks are weighed over all of them."""
    written = [_written_key(case) for case in cases]
    sights = _trusted(_sights(cases), cases, written)
    return [
        _verdict(number, case, key, sights, len(cases))
        for number, (case, key) in enumerate(zip(cases, written, strict=True))
    ]


def is_true_false(texts: Sequence[str]) -> bool:
    return len(texts) == len(TRUE_FALSE) and sorted(map(fold, texts)) == list(TRUE_FALSE)


def true_false_of(value: str) -> str:
    """Dung or sai, as a key says it; "" when it says something else."""
    return _TRUE_WORDS.get(fold(value), "")


@dataclass(frozen=True, slots=True)
class _Written:
    right: frozenset[int] | None = None
    fault: str = ""


def _written_key(case: Case) -> _Written:
    """The places that the written keys name; a fault when they disagree or name nothing."""
    found: dict[frozenset[int], str] = {}
    for value in case.written_keys:
        places = _places_of(value, case.options)
        if places is None:
            shown = clean(value)[:60]
            return _Written(
                fault=f"đáp án ghi “{shown}” không ứng với phương án nào. Hãy chọn lại."
            )
        found[places] = value
    if case.ticked:
        found[frozenset(case.ticked)] = "dấu trong bảng"
    if len(found) > 1:
        shown = " và ".join(f"“{clean(value)[:30]}”" for value in found.values())
        return _Written(fault=f"đáp án được ghi hai lần khác nhau: {shown}. Hãy chọn lại.")
    return _Written(next(iter(found))) if found else _Written()


def _places_of(value: str, options: Sequence[OptionMarks]) -> frozenset[int] | None:
    """The options that a written key names, by words or by letters; None when it is not clear."""
    letters, rest = letters_of(value)
    by_letters = _by_letters(letters, options) if letters else _by_digit(value, options)
    by_words = _by_words(value, options)
    if by_words is not None:
        # "A" may be an option's own words: then the letter must not point elsewhere.
        return by_words if rest or by_letters in {None, by_words} else None
    if by_letters is None or len(by_letters) != max(len(letters), 1):
        return None
    named = _by_words(rest, options)
    # "B. words of option C" is clear to nobody.
    return by_letters if named is None or len(by_letters) > 1 or named == by_letters else None


def _by_words(value: str, options: Sequence[OptionMarks]) -> frozenset[int] | None:
    said = _key_of(value)
    texts = [_key_of(option.text) for option in options]
    if said and texts.count(said) == 1:
        return frozenset({texts.index(said)})
    if is_true_false(texts) and true_false_of(value):
        folded = [fold(text) for text in texts]
        return frozenset({folded.index(true_false_of(value))})
    return None


def _by_letters(letters: Sequence[int], options: Sequence[OptionMarks]) -> frozenset[int] | None:
    """Places in the question of letters A = 0 …; None when one has no option or two."""
    labels = [option.place for option in options]
    if all(label is not None for label in labels) and labels != list(range(len(labels))):
        if any(labels.count(letter) != 1 for letter in letters):
            is_shifted = labels[0] is not None and labels[0] >= len(labels)
            # A list that Word numbered on, E to H: then A means the first of them.
            in_range = all(letter < len(labels) for letter in letters)
            return frozenset(letters) if is_shifted and in_range else None
        return frozenset(labels.index(letter) for letter in letters)
    return frozenset(letters) if all(letter < len(options) for letter in letters) else None


def _by_digit(value: str, options: Sequence[OptionMarks]) -> frozenset[int] | None:
    digits = value.strip(" .()")
    if digits.isdecimal() and len(digits) == 1 and all(option.place is None for option in options):
        place = int(digits) - 1
        return frozenset({place}) if 0 <= place < len(options) else None
    return None


def _key_of(text: str) -> str:
    return clean(text).casefold().strip(" .;,:“”\"'*")


def _sights(cases: Sequence[Case]) -> list[_Sight]:
    sights = []
    for channel in _CHANNELS:
        for is_of_letters in (False, True):
            shown = [_shown(case, channel, is_of_letters) for case in cases]
            usual = _usual(shown)
            sight = _Sight(channel, is_of_letters)
            for number, colours in enumerate(shown):
                marked = frozenset(
                    place for place, said in enumerate(colours) if said not in {"", "?", usual}
                )
                plain = frozenset(place for place, said in enumerate(colours) if not said)
                if 0 < len(marked) < len(colours):
                    sight.apart[number] = marked
                elif usual and not is_of_letters and 0 < len(plain) < len(colours):
                    sight.plain[number] = plain
            sights.append(sight)
    return sights


def _shown(case: Case, channel: _Channel, is_of_letters: bool) -> list[str]:
    """How each option looks in a channel: "" plain, "?" mixed."""
    shown = []
    for option in case.options:
        letter = {} if option.letter_look is None else {option.letter_look: 1}
        looks = letter if is_of_letters else option.looks
        if not looks:
            shown.append("?" if is_of_letters else "")
            continue
        counted: Counter[str] = Counter()
        for look, count in looks.items():
            counted[channel.of(look)] += count
        marked = sum(count for colour, count in counted.items() if colour)
        total = counted.total()
        if marked >= WHOLE_SHARE * total:
            del counted[""]
            shown.append(counted.most_common(1)[0][0])
        else:
            shown.append("" if marked <= (1 - WHOLE_SHARE) * total else "?")
    return shown


def _usual(shown: Sequence[Sequence[str]]) -> str:
    counted = Counter(colour for colours in shown for colour in colours if colour != "?")
    if not counted:
        return ""
    colour, count = counted.most_common(1)[0]
    return colour if count > USUAL_SHARE * counted.total() else ""


def _trusted(
    sights: Sequence[_Sight], cases: Sequence[Case], written: Sequence[_Written]
) -> list[_Sight]:
    """The channels that mark keys in this document; those that only decorate are left out."""
    trusted = []
    for sight in sights:
        checked = [
            apart == written[number].right
            for number, apart in sight.apart.items()
            if written[number].right is not None
        ]
        if len(checked) >= 3 and sum(checked) * 2 < len(checked):  # noqa: PLR2004 — fewer prove nothing
            continue
        letters = {min(apart) for apart in sight.apart.values()}
        is_by_column = len(sight.apart) >= SAME_LETTER_QUESTIONS and len(letters) == 1
        if sight.channel is _SHADED and not sight.is_of_letters and is_by_column:
            continue
        trusted.append(sight)
    told = {number for number, key in enumerate(written) if key.right is not None}
    told |= {number for number, case in enumerate(cases) if _by_signs(case) is not None}
    for sight in trusted:
        if sight.channel is not _ITALIC:
            told |= sight.apart.keys()
    # Names and foreign words stand in italics, too: they are heard only where nothing else speaks.
    if len(told) > (1 - USUAL_SHARE) * len(cases):
        trusted = [sight for sight in trusted if sight.channel is not _ITALIC]
    return trusted


def _verdict(
    number: int, case: Case, written: _Written, sights: Sequence[_Sight], case_count: int
) -> Verdict:
    if written.fault:
        return Verdict(fault=written.fault)
    if any(option.sign == "unclear" for option in case.options):
        return Verdict(
            fault="không rõ dấu giữa hai phương án trên cùng một dòng là của phương án nào. Hãy chọn "
            "đáp án đúng."
        )
    heard = _heard(number, case, written, sights)
    if not heard:
        return Verdict(fault=_plain_alone(number, sights) or _NO_MARK)
    if len(heard) > 1:
        shown = "; ".join(f"{name}: {_letters(places)}" for places, name in heard.items())
        return Verdict(fault=f"các dấu hiệu đáp án mâu thuẫn ({shown}). Hãy chọn đáp án đúng.")
    right, name = next(iter(heard.items()))
    is_only_seen = written.right is None and _by_signs(case) is None
    doubt = _doubt(number, case, right, sights, case_count) if is_only_seen else ""
    if len(right) == len(case.options) and len(right) > 1:
        doubt = f"mọi phương án đều được đánh dấu là đúng ({name}). Hãy chọn lại."
    return Verdict(fault=doubt) if doubt else Verdict(tuple(sorted(right)))


def _heard(
    number: int, case: Case, written: _Written, sights: Sequence[_Sight]
) -> dict[frozenset[int], str]:
    """What each witness names as right, with the first witness's name; one entry when they agree."""
    heard: dict[frozenset[int], str] = {}
    if written.right is not None:
        heard[written.right] = "đáp án được ghi"
    signs = _by_signs(case)
    if signs is not None:
        heard.setdefault(signs, "dấu ở phương án")
    for sight in sights:
        if number in sight.apart:
            heard.setdefault(sight.apart[number], sight.channel.name)
    return heard


def _by_signs(case: Case) -> frozenset[int] | None:
    right = frozenset(place for place, each in enumerate(case.options) if each.sign == "right")
    wrong = [each for each in case.options if each.sign == "wrong"]
    if right and len(right) < len(case.options):
        return right
    if not right and len(wrong) == len(case.options) - 1 and wrong:
        return frozenset(place for place, each in enumerate(case.options) if not each.sign)
    return None


def _doubt(
    number: int,
    case: Case,
    right: frozenset[int],
    sights: Sequence[_Sight],
    case_count: int,
) -> str:
    """Why a look alone is not believed here; "" when it is."""
    seen = [sight for sight in sights if number in sight.apart]
    names = ", ".join(dict.fromkeys(sight.channel.name for sight in seen))
    is_all_but_one = len(right) == len(case.options) - 1 and len(right) > 1
    if is_all_but_one and not case.says_several and all(sight.channel.is_weak for sight in seen):
        return (
            f"các phương án {_letters(right)} đều {names}, chỉ một phương án không; không rõ phương "
            "án nào đúng. Hãy chọn đáp án đúng."
        )
    if all(sight.channel.is_weak for sight in seen) and not _is_habit(seen, sights, case_count):
        return (
            f"phương án {_letters(right)} {names}, nhưng phần lớn câu khác trong tệp không đánh dấu "
            "đáp án như vậy. Hãy chọn đáp án đúng."
        )
    return ""


def _plain_alone(number: int, sights: Sequence[_Sight]) -> str:
    for sight in sights:
        if number in sight.plain:
            return (
                f"phần lớn phương án trong tệp đều {sight.channel.name}, riêng "
                f"{_letters(sight.plain[number])} thì không, nên không rõ đó có phải đáp án. Hãy "
                "chọn đáp án đúng."
            )
    return ""


def _is_habit(seen: Sequence[_Sight], sights: Sequence[_Sight], case_count: int) -> bool:
    channels = [sight.channel for sight in seen]
    marked: set[int] = set()
    for sight in sights:
        if sight.channel in channels:
            marked |= sight.apart.keys()
    return case_count < FEW_QUESTIONS or len(marked) >= WEAK_SHARE * case_count


def _letters(places: frozenset[int]) -> str:
    return ", ".join(chr(ord("A") + place) for place in sorted(places))
