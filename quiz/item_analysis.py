"""What do the answers of a paper say about its questions, and the paper about its people?

Classical test theory as Moodle's quiz statistics report computes it (docs.moodle.org/dev,
"Quiz statistics calculations"), checked against the expected values of Moodle's own tests. With
x a question's points over a whole point, T an attempt's sum of them, S the number of attempts,
P the number of questions on the paper and all variances with S - 1:

facility              100 · mean(x)
discrimination index  100 · r(x, T - x): the correlation with the rest of the paper
… efficiency          100 · C(x, T - x) / C_max, where C_max pairs both in sorted order
CIC (alpha)           100 · P/(P - 1) · (1 - ΣV(x)/V(T)); Cronbach 1951
error ratio           100 · √(1 - CIC/100)
standard error        error ratio · SD(T) / 100
skewness, kurtosis    k3/k2^1.5 and k4/k2², with Fisher's k-statistics

Papers are drawn, so not everybody has the same questions. A question is judged by the attempts that
had it. For alpha the items are the paper's slots: a blueprint line that leaves no choice gives each
question its own, any other shares one variance among its places, as Moodle's random questions do.
Distractors are compared between the upper and the lower 27 % of attempts (Kelley 1939); whoever has
the same total as the last of a group belongs to it, so the order of attempts decides nothing.
"""

from __future__ import annotations

import math
import statistics
from array import array
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from quiz.scoring import POINT

GROUP_SHARE = 0.27


@dataclass(frozen=True, slots=True)
class Response:
    """One question of one attempt: points in thousandths, chosen options by their pool place."""

    question: int  # the question version
    slot: Hashable
    points: int
    chosen: Sequence[int]


@dataclass(frozen=True, slots=True)
class OptionFigures:
    """Who chose an option: everybody's count and share, and the shares of both groups, 0 to 1."""

    place: int
    count: int
    share: float
    upper: float
    lower: float


@dataclass(frozen=True, slots=True)
class QuestionFigures:
    """Percentages; None where the attempts do not differ or are too few to say."""

    question: int
    attempt_count: int
    facility: float
    deviation: float | None
    discrimination_index: float | None
    discrimination_efficiency: float | None
    unanswered_share: float
    options: Sequence[OptionFigures]


@dataclass(frozen=True, slots=True)
class PaperFigures:
    """Scores in points (not percent), the coefficients in percent; None where nothing can be said."""

    attempt_count: int
    mean: float
    median: float
    deviation: float | None
    skewness: float | None
    kurtosis: float | None
    cic: float | None
    error_ratio: float | None
    standard_error: float | None


@dataclass(slots=True)
class _Column:
    """A question's answers, one entry an attempt; `chosen` has bit n set for option n."""

    points: array[int] = field(default_factory=lambda: array("h"))
    totals: array[int] = field(default_factory=lambda: array("i"))
    chosen: array[int] = field(default_factory=lambda: array("B"))


@dataclass(slots=True)
class _Slot:
    """Enough to know a slot's variance."""

    count: int = 0
    total: int = 0
    squares: int = 0

    def variance(self) -> float:
        return (self.squares - self.total**2 / self.count) / (self.count - 1)


class Responses:
    """The answers of the attempts at one paper; figures do not depend on the order of adding."""

    def __init__(self) -> None:
        self._columns: defaultdict[int, _Column] = defaultdict(_Column)
        self._slots: defaultdict[Hashable, _Slot] = defaultdict(_Slot)
        self._totals = array("i")

    def add(self, responses: Iterable[Response]) -> None:
        """One attempt, with each of its questions."""
        listed = list(responses)
        total = sum(each.points for each in listed)
        self._totals.append(total)
        for each in listed:
            column = self._columns[each.question]
            column.points.append(each.points)
            column.totals.append(total)
            column.chosen.append(sum(1 << place for place in set(each.chosen)))
            slot = self._slots[each.slot]
            slot.count += 1
            slot.total += each.points
            slot.squares += each.points**2

    def questions(self) -> list[QuestionFigures]:
        return [_question(number, self._columns[number]) for number in sorted(self._columns)]

    def paper(self) -> PaperFigures | None:
        """None before the first attempt."""
        count = len(self._totals)
        if not count:
            return None
        totals = [total / POINT for total in self._totals]
        deviation = statistics.stdev(totals) if count > 1 else None
        cic = self._cic(deviation)
        error_ratio = None if cic is None else 100 * math.sqrt(1 - cic / 100)
        return PaperFigures(
            attempt_count=count,
            mean=statistics.fmean(totals),
            median=statistics.median(totals),
            deviation=deviation,
            skewness=skewness(totals),
            kurtosis=kurtosis(totals),
            cic=cic,
            error_ratio=error_ratio,
            standard_error=None
            if error_ratio is None or deviation is None
            else error_ratio * deviation / 100,
        )

    def _cic(self, deviation: float | None) -> float | None:
        attempts = len(self._totals)
        places = sum(slot.count for slot in self._slots.values()) / attempts
        if not deviation or places <= 1:
            return None
        within = sum(
            slot.count / attempts * slot.variance()
            for slot in self._slots.values()
            if slot.count > 1
        )
        return 100 * places / (places - 1) * (1 - within / POINT**2 / deviation**2)


def skewness(values: Sequence[float]) -> float | None:
    """Fisher's g1 from k-statistics; three values at least, not all the same."""
    count = len(values)
    second = _moment(values, 2)
    if count < 3 or not second:  # noqa: PLR2004 — the third k-statistic divides by n - 2
        return None
    third = count**2 * _moment(values, 3) / ((count - 1) * (count - 2))
    return float(third / (second * count / (count - 1)) ** 1.5)


def kurtosis(values: Sequence[float]) -> float | None:
    """Fisher's g2 (0 for a normal spread) from k-statistics; four values at least."""
    count = len(values)
    second = _moment(values, 2)
    if count < 4 or not second:  # noqa: PLR2004 — the fourth k-statistic divides by n - 3
        return None
    fourth = (
        count**2
        * ((count + 1) * _moment(values, 4) - 3 * (count - 1) * second**2)
        / ((count - 1) * (count - 2) * (count - 3))
    )
    return fourth / (second * count / (count - 1)) ** 2


def _moment(values: Sequence[float], power: int) -> float:
    mean = statistics.fmean(values)
    return statistics.fmean((value - mean) ** power for value in values)


def _question(number: int, column: _Column) -> QuestionFigures:
    count = len(column.points)
    points = list(column.points)
    rest = [total - own for total, own in zip(column.totals, points, strict=True)]
    index = efficiency = None
    if count > 1 and min(points) < max(points) and min(rest) < max(rest):
        index = 100 * statistics.correlation(points, rest)
        efficiency = (
            100
            * statistics.covariance(points, rest)
            / statistics.covariance(sorted(points), sorted(rest))
        )
    return QuestionFigures(
        question=number,
        attempt_count=count,
        facility=100 * statistics.fmean(points) / POINT,
        deviation=100 * statistics.stdev(points) / POINT if count > 1 else None,
        discrimination_index=index,
        discrimination_efficiency=efficiency,
        unanswered_share=column.chosen.count(0) / count,
        options=_options(column),
    )


def _options(column: _Column) -> list[OptionFigures]:
    count = len(column.chosen)
    ranked = sorted(column.totals)
    size = max(1, round(GROUP_SHARE * count))
    lowest, highest = ranked[size - 1], ranked[count - size]
    everybody = Counter(column.chosen)
    pairs = list(zip(column.totals, column.chosen, strict=True))
    upper = Counter(chosen for total, chosen in pairs if total >= highest)
    lower = Counter(chosen for total, chosen in pairs if total <= lowest)
    return [
        OptionFigures(
            place=place,
            count=_holding(everybody, place),
            share=_holding(everybody, place) / count,
            upper=_holding(upper, place) / upper.total(),
            lower=_holding(lower, place) / lower.total(),
        )
        for place in range(max(everybody).bit_length())
    ]


def _holding(chosen: Counter[int], place: int) -> int:
    return sum(count for mask, count in chosen.items() if mask >> place & 1)
