"""Statistics: against tables, against the standard library, and where a double ends."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import pytest

from arize_mcp.analysis.numbers import (
    confidence_interval_95,
    difference,
    is_number,
    mean,
    mean_difference,
    mean_of_runs,
    percentile,
    rounded,
    sign_test_p,
    stdev,
    student_t_975,
)

# As printed in tables of Student's distribution, two-sided 5 %.
TABLE = {
    1: 12.706205, 2: 4.302653, 3: 3.182446, 4: 2.776445, 5: 2.570582, 6: 2.446912, 7: 2.364624, 8: 2.306004,
    9: 2.262157, 10: 2.228139, 15: 2.131450, 20: 2.085963, 25: 2.059539, 30: 2.042272, 40: 2.021075, 50: 2.008559,
    60: 2.000298, 80: 1.990063, 100: 1.983972, 120: 1.979930, 200: 1.971896, 500: 1.964720, 1000: 1.962339,
}  # fmt: skip


@pytest.mark.parametrize("degrees_of_freedom", TABLE)
def test_t_is_the_tables_to_six_digits(degrees_of_freedom: int):
    assert f"{student_t_975(degrees_of_freedom):.6f}" == f"{TABLE[degrees_of_freedom]:.6f}"


@pytest.mark.parametrize("degrees_of_freedom", [*range(1, 40), 99, 100, 101, 102, 300, 5000])
def test_t_cuts_two_and_a_half_percent_off_the_density(degrees_of_freedom: int):
    n, t = degrees_of_freedom, student_t_975(degrees_of_freedom)
    scale = math.exp(math.lgamma((n + 1) / 2) - math.lgamma(n / 2)) / math.sqrt(n * math.pi)
    steps = 4000
    ordinates = [scale * (1 + (t * step / steps) ** 2 / n) ** (-(n + 1) / 2) for step in range(steps + 1)]
    simpson = ordinates[0] + ordinates[-1] + 4 * sum(ordinates[1:-1:2]) + 2 * sum(ordinates[2:-1:2])
    assert math.isclose(simpson * t / steps / 3, 0.475, abs_tol=1e-9)


@pytest.mark.parametrize(
    ("better", "worse", "p"),
    [(0, 0, 1), (1, 0, 1), (1, 1, 1), (5, 0, 2 / 32), (0, 5, 2 / 32), (1, 9, 22 / 1024), (10, 0, 2 / 1024), (3, 4, 1)],
)
def test_the_sign_tests_p_is_the_exact_binomials(better: int, worse: int, p: float):
    assert sign_test_p(better, worse) == p


def test_the_sign_test_takes_as_many_as_there_are():
    assert rounded(sign_test_p(10_000, 10_000)) == 1
    assert 0.47 < sign_test_p(10_000, 10_100) < 0.49
    assert sign_test_p(0, 5000) == 0


@pytest.mark.parametrize("count", range(2, 45))
def test_percentiles_are_the_standard_librarys_inclusive_ones(count: int):
    values = sorted((n * 37 % 101) / 8 for n in range(count))
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    for percent in (5, 50, 95):
        got = percentile(values, percent)
        assert got is not None
        assert math.isclose(got, cuts[percent - 1], rel_tol=1e-14)


def test_percentiles_of_few_and_of_extreme_values():
    assert percentile([], 50) is None
    assert percentile([3], 95) == 3
    assert percentile([-1.7e308, 1.7e308], 50) == 0
    assert percentile([5e-324, 5e-324], 50) == 5e-324
    assert percentile([1, 2], 95) == 1.95


def test_a_mean_is_that_of_the_exact_sum():
    assert mean([0.1] * 10) == 0.1
    assert mean([1e16, 1, -1e16]) == 1 / 3
    assert mean([1.7e308, 1.7e308, -1.7e308, -1.7e308]) == 0
    assert mean([2**53, 1]) == float(Fraction(2**53 + 1, 2))
    assert mean([]) is None


def test_a_sum_that_no_double_holds_has_no_mean():
    assert mean([1.7e308, 1.7e308]) is None
    assert confidence_interval_95([1.7e308, 1.7e308]) is None


def test_the_standard_deviation_is_the_samples():
    assert stdev([2, 4, 4, 4, 5, 5, 7, 9]) == math.sqrt(32 / 7)
    assert stdev([1]) is None
    assert stdev([]) is None
    assert stdev([1e-200, 3e-200]) == pytest.approx(math.sqrt(2) * 1e-200)
    assert stdev([1.7e308, -1.7e308]) is None


def test_the_interval_is_the_mean_and_t_standard_errors_to_each_side():
    # Mean 2, deviation 1, n 3: 2 ± 4.302653 · 1 / √3.
    assert confidence_interval_95([1, 2, 3]) == pytest.approx((2 - 2.484138, 2 + 2.484138), abs=1e-6)
    assert confidence_interval_95([1, 1]) == (1, 1)
    assert confidence_interval_95([1]) is None


def test_the_mean_over_an_examples_runs_is_no_rounding_error_away_from_what_it_is():
    assert mean_of_runs([1, 2]) == 1.5
    assert mean_of_runs([0.1, 0.2, 0.3]) == 0.2
    assert mean_of_runs([2**53 + 1]) == 2**53 + 1
    assert mean_of_runs([1.7e308, 1.7e308]) is None


def test_a_difference_of_decimals_is_a_decimal_and_of_others_exact():
    assert difference(0.7, 0.9) == difference(0.2, 0.4) == difference(1.0, 1.2) == 0.2
    assert difference(0.3, 0.3) == 0
    assert difference(0.3, 0.1 + 0.2) > 0
    assert difference(2**60, 2**60 + 1) == 1
    assert difference(1, 1 + 2**-50) == 2**-50
    assert difference(5e-324, 1.5e-323) == 1e-323
    assert difference(-1e308, 1e308) == math.inf
    assert difference(0, 1e300) == 1e300


@pytest.mark.parametrize("value", [1.7976931348623151e308, 1.7976931348623157e308])
def test_a_difference_next_to_the_largest_double_is_the_difference(value: float):
    assert difference(0.0, value) == value
    assert difference(value, 0.0) == -value
    assert difference(-value / 2, value / 2) == value


def test_a_mean_difference_is_of_the_exact_sum():
    assert mean_difference([1e16, 0.25], [0.5, 1e16]) == 0.125
    assert mean_difference([2**60, 0], [2**60 + 1, 0]) == 0.5
    assert mean_difference([-1e308, 1e308], [1e308, -1e308]) == 0
    assert mean_difference([-1e308], [1e308]) is None
    assert mean_difference([], []) is None
    assert mean([2**60 + 1, -(2**60), 0.5]) == 0.5


@pytest.mark.parametrize("value", [0.1 + 0.2, 0.8444218515250481, 1 / 3, 5e-324, 1e300, 2**53 + 1, 10**40, 0])
@pytest.mark.parametrize("count", [1, 2, 3, 5, 7])
def test_runs_that_agree_have_exactly_their_value(value: float, count: int):
    assert mean_of_runs([value] * count) == value


def test_a_mean_over_runs_that_is_exact_is_not_rounded():
    assert mean_of_runs([2**53, 2**53 + 4]) == 2**53 + 2
    assert mean_of_runs([2**60 + 1, 2**60 + 3]) == 2**60 + 2
    assert mean_of_runs([1, 1 + 2**-50]) == 1 + 2**-51
    assert mean_of_runs([2**53 + 1, 2**53 + 2, 2**53 + 4]) == 2**53 + 2  # and a third: the nearest double
    assert mean_of_runs([1.1, -1.0]) == 0.05
    assert mean_of_runs([0.5, 2e-300, -0.5, 0]) == 5e-301
    assert mean_of_runs([0.686, 0.772]) == 0.729
    assert mean_of_runs([0.7, -0.6996]) == 0.0002


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "1"), (0.1 + 0.2, "0.3"), (1 / 3, "0.333333"), (123_456_789, "123457000"), (-0.0, "0"),
        (5e-324, "5e-324"),
        (1.797693134862315e308, "1.79769e+308"), (math.inf, "None"), (math.nan, "None"), (10**400, "None"),
        (2**60, "1.15292e+18"), (None, "None"),
    ],
)  # fmt: skip
def test_numbers_are_shown_with_six_digits(value: float | None, shown: str):
    assert str(rounded(value)) == shown


def test_only_what_a_double_holds_is_a_number():
    assert [is_number(value) for value in (1, 2**1023, 1e308)] == [True] * 3
    assert [is_number(value) for value in (10**400, math.inf, -math.inf, math.nan)] == [False] * 4


def test_an_interval_of_which_a_double_cant_hold_one_end_is_none():
    assert confidence_interval_95([9.45e307, 7.55e307]) is None
    assert confidence_interval_95([-9.45e307, -7.55e307]) is None
    assert confidence_interval_95([9.45e306, 7.55e306]) is not None


def test_beyond_the_tables_student_t_leaves_five_percent_outside_to_ten_digits():
    freedom = 102
    cosine_squared = 1 / (1 + student_t_975(freedom) ** 2 / freedom)
    # Abramowitz and Stegun, 26.7.4: the closed form for an even number of degrees of freedom.
    terms = [1.0]
    for factor in range(1, freedom - 2, 2):
        terms.append(terms[-1] * cosine_squared * factor / (factor + 1))
    assert math.sqrt(1 - cosine_squared) * math.fsum(terms) == pytest.approx(0.95, abs=1e-10)
