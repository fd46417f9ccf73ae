"""The few distributions that comparisons need, without a numerical library.

Agreement with scipy and statsmodels is tested where these are installed.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from math import comb, exp, lgamma, log, log1p
from statistics import NormalDist

_TINY = 1e-300
_STEPS = 300
_CLOSE = 1e-15
_HALF = 0.5


def normal_cdf(value: float) -> float:
    """Return P(Z <= value) of the standard normal."""
    return NormalDist().cdf(value)


def normal_quantile(probability: float) -> float:
    """Return the standard normal quantile. Raise ValueError outside (0, 1)."""
    return NormalDist().inv_cdf(probability)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    By the continued fraction of the NIST Digital Library of Mathematical Functions, 8.17.22.
    """
    if x <= 0.0:
        return 0.0
    if x >= 1.0:
        return 1.0
    # The fraction converges fast below this point; above it, I_x(a, b) = 1 - I_(1-x)(b, a) is used.
    if x > (a + 1.0) / (a + b + 2.0):
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    return front * _continued_fraction(a, b, x) / a


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Evaluate the fraction from the front, by Lentz's method as modified by Thompson."""
    c = 1.0
    d = 1.0 / _away_from_zero(1.0 - (a + b) * x / (a + 1.0))
    result = d
    for step in range(1, _STEPS):
        even = step * (b - step) * x / ((a + 2 * step - 1) * (a + 2 * step))
        odd = -(a + step) * (a + b + step) * x / ((a + 2 * step) * (a + 2 * step + 1))
        for term in (even, odd):
            d = 1.0 / _away_from_zero(1.0 + term * d)
            c = _away_from_zero(1.0 + term / c)
            result *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return result


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def student_cdf(value: float, freedom: float) -> float:
    """Return P(T <= value) of Student's t with `freedom` degrees of freedom.

    By its relation to the incomplete beta function (Abramowitz and Stegun 1964, 26.7.1).
    """
    square = value * value
    # Near the middle, 1 - x would lose the digits of a small value.
    if square < freedom:
        half = incomplete_beta(0.5, freedom / 2.0, square / (freedom + square)) / 2.0
        return 0.5 + half if value > 0 else 0.5 - half
    tail = incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + square)) / 2.0
    return 1.0 - tail if value > 0 else tail


@lru_cache(maxsize=256)
def student_quantile(probability: float, freedom: float) -> float:
    """Return Student's t quantile, by bisection. Raise ValueError outside (0, 1)."""
    if not 0.0 < probability < 1.0:
        raise ValueError(f"a probability between 0 and 1 is needed, not {probability}")
    if probability < _HALF:
        return -student_quantile(1.0 - probability, freedom)
    high = next(2.0**power for power in count() if student_cdf(2.0**power, freedom) >= probability)
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if student_cdf(middle, freedom) < probability:
            low = middle
        else:
            high = middle
    return high


def sign_test(wins: int, losses: int) -> float:
    """Return the exact two-sided p-value of `wins` against `losses` under even odds.

    With the units that changed as wins and losses, this is McNemar's exact test.
    """
    total = wins + losses
    if not total:
        return 1.0
    tail = sum(comb(total, k) for k in range(min(wins, losses) + 1))
    return float(min(1.0, tail / 2 ** (total - 1)))
