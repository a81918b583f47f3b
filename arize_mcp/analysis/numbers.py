"""Statistics of finite numbers, all defined here; None stands for a result that a double can't hold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Collection, Sequence
from fractions import Fraction
from functools import cache
from typing import Final

Number = int | float
"""A finite number that a double can hold, as JSON has it."""

_DIGITS: Final = 6
_LARGEST_EXACT: Final = 2**53
"""Up to here every integer is a double."""

_EXACT_UP_TO: Final = 100
"""Degrees of freedom from which a series in 1/df gives Student's t to ten digits."""


def is_number(value: Number) -> bool:
    """Whether a double can hold it: no NaN, no infinity, no integer beyond 1.8e308."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def rounded(value: Number | None) -> Number | None:
    """Six significant digits, as an integer where that is one; None for None and for what is no number."""
    if value is None or not is_number(value):
        return None
    short = float(f"{value:.{_DIGITS}g}")
    return int(short) if short.is_integer() and abs(short) < 2**53 else short


def mean(values: Collection[Number]) -> float | None:
    """The arithmetic mean: the exact sum, rounded once to a double, divided by the count.

    None for no values, and where a double can't hold the sum.
    """
    total = _sum(values)
    return total / len(values) if values and total is not None else None


def mean_difference(before: Sequence[Number], after: Sequence[Number]) -> float | None:
    """The mean of after minus before, pair by pair, from their exact sum: no difference is rounded by itself.

    None for no pairs, and where a double can't hold the sum.
    """
    total = _sum([*after, *(-value for value in before)])
    return total / len(before) if before and total is not None else None


def mean_of_runs(values: Sequence[Number]) -> Number | None:
    """An example's value: the mean over its runs that have one, from their exact sum.

    The mean of equal values is that value. The mean of 0.1, 0.2 and 0.3 is 0.2: as 0.19999999999999998 it would count
    as worse than another run's 0.2 (``_settled``). None where a double can't hold the sum.
    """
    if len(values) == 1:
        return values[0]
    value = mean(values)
    if value is None or values.count(values[0]) == len(values):
        return None if value is None else values[0]
    return _settled(value, max(map(abs, values)), lambda: sum(map(Fraction, values), Fraction()) / len(values))


def difference(before: Number, after: Number) -> Number:
    """After minus before; an infinity where a double can't hold it.

    From 0.7 to 0.9 it is the same as from 0.2 to 0.4, not larger by 0.00000000000000004 (``_settled``). It is 0 only
    for equal numbers.
    """
    value = after - before
    if value == 0 or isinstance(value, int) or not is_number(value):
        return value
    return _settled(value, max(abs(before), abs(after)), lambda: Fraction(after) - Fraction(before))


def percentile(in_order: Sequence[Number], percent: int) -> float | None:
    """The percentile by linear interpolation between the two nearest ranks, numpy's default; None for no values.

    Args:
        in_order: the values, the smallest first.
        percent: from 0 to 100; 50 is the median.
    """
    if not in_order:
        return None
    rank, hundredths = divmod(percent * (len(in_order) - 1), 100)
    if not hundredths:
        return float(in_order[rank])
    below, above = Fraction(in_order[rank]), Fraction(in_order[rank + 1])
    return float(below + (above - below) * hundredths / 100)


def stdev(values: Collection[Number]) -> float | None:
    """The sample's standard deviation (n - 1); None for fewer than two values."""
    if len(values) < 2:
        return None
    try:
        return statistics.stdev(values)
    except OverflowError:
        return None


def confidence_interval_95(differences: Collection[Number]) -> tuple[float, float] | None:
    """The paired 95 % interval of a mean difference: mean ± t·s/√n, with Student's t of n - 1; None for n < 2."""
    middle, deviation = mean(differences), stdev(differences)
    if middle is None or deviation is None:
        return None
    half = student_t_975(len(differences) - 1) * deviation / math.sqrt(len(differences))
    low, high = middle - half, middle + half
    return (low, high) if is_number(low) and is_number(high) else None


@cache
def student_t_975(degrees_of_freedom: int) -> float:
    """The 0.975 quantile of Student's t distribution: 2.5 % of it lie above, 2.5 % below its negative.

    Up to 100 degrees of freedom by bisection of the distribution's closed form (Abramowitz and Stegun, 26.7.3 and
    26.7.4), from there by the expansion of 26.7.5.
    """
    if degrees_of_freedom > _EXACT_UP_TO:
        z = statistics.NormalDist().inv_cdf(0.975)
        terms = (
            z,
            (z**3 + z) / 4,
            (5 * z**5 + 16 * z**3 + 3 * z) / 96,
            (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
            (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92_160,
        )
        return sum(term / degrees_of_freedom**power for power, term in enumerate(terms))
    low, high = 0.0, math.pi / 2
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if _within(middle, degrees_of_freedom) < 0.95 else (low, middle)
    return math.tan(high) * math.sqrt(degrees_of_freedom)


def sign_test_p(better: int, worse: int) -> float:
    """The exact two-sided binomial p of a split at least as uneven, if better and worse were equally likely.

    1 where nothing changed.
    """
    changed = better + worse
    ways = total = 1
    for count in range(min(better, worse)):
        ways = ways * (changed - count) // (count + 1)
        total += ways
    return min(1.0, 2 * total / 2**changed)


def _sum(values: Collection[Number]) -> float | None:
    try:
        # fsum rounds every integer to a double first.
        if all(value.__class__ is float or abs(value) <= _LARGEST_EXACT for value in values):
            return math.fsum(values)
    except OverflowError:
        pass  # a part of the sum is too large, though the whole may not be
    try:
        return float(sum(map(Fraction, values)))
    except OverflowError:
        return None


def _settled(value: float, largest: Number, exact: Callable[[], Fraction]) -> Number:
    """The result of a calculation, without the error of numbers that were rounded to doubles before it.

    A decimal with 15 digits, counted from the first digit of ``largest``, is the result where it can't be told from
    the exact one. Elsewhere, and where that decimal is 0, the exact one is.

    Args:
        value: the result, nearly.
        largest: the largest of the numbers, without its sign.
        exact: calculates the exact result from the doubles.
    """
    try:
        short = round(value, 14 - math.floor(math.log10(largest)))
    except OverflowError:  # next to the largest double, above which that decimal would be
        return value
    if short == value:
        return short
    precise = exact()
    if precise.denominator == 1:
        return precise.numerator
    return short if short and abs(short - precise) <= math.ulp(largest) else float(precise)


def _within(angle: float, degrees_of_freedom: int) -> float:
    """The probability of |t| below tan(angle)·√df."""
    cosine, sine = math.cos(angle), math.sin(angle)
    is_odd = degrees_of_freedom % 2
    term = cosine if is_odd else 1.0
    total = 0.0
    for factor in range(2 + is_odd, degrees_of_freedom + 1, 2):
        total += term
        term *= cosine * cosine * (factor - 1) / factor
    return 2 / math.pi * (angle + sine * total) if is_odd else sine * total
