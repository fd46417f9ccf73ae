"""A sign-flip test and a bootstrap interval for the mean of per-task differences.

Tasks are the clusters: trials of one task are not independent, so a task is flipped or drawn as a
whole.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from math import gcd, lcm, sqrt
from typing import NamedTuple

from tau2.metrics.distributions import normal_cdf, student_quantile
from tau2.seeds import derive_seed

# Of big-integer arithmetic, about a second; beyond that, sign patterns are drawn at random.
_MOST_BITS = 20_000_000_000
_DRAWN_FLIPS = 100_000
_MOST_RESAMPLED = 200  # tasks


class PermutationTest(NamedTuple):
    """How unusual the mean difference is if the two agents could be exchanged within every task."""

    p_value: float
    """Two-sided; at most the nominal rate of false alarms."""
    mid_p: float
    """Ties with the observed difference count half (Lancaster 1961). Its rate of false alarms is
    close to the nominal one; that of `p_value`, for rewards of 0 and 1, stays well below."""
    exact: bool
    """Whether every sign pattern was counted; otherwise 100,000 were drawn."""


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


def permutation_test(differences: Sequence[Fraction], *, seed: int = 0) -> PermutationTest:
    """Return the sign-flip permutation test of "the differences have mean 0" (Fisher 1935).

    If A and B are equally good, the sign of each task's difference is as likely plus as minus.
    """
    denominator = lcm(*(value.denominator for value in differences)) if differences else 1
    whole = [abs(int(value * denominator)) for value in differences if value]
    if not whole:
        return PermutationTest(1.0, 1.0, exact=True)
    unit = gcd(*whole)
    whole = [value // unit for value in whole]
    observed = abs(int(sum(differences) * denominator)) // unit
    if sum(whole) * (len(whole) + 1) * len(whole) > _MOST_BITS:
        return _sampled(whole, observed, seed)
    return _exact(whole, observed)


def _exact(whole: Sequence[int], observed: int) -> PermutationTest:
    """Count all sign patterns: a big integer holds, in slots, how many subsets have each sum."""
    slot = len(whole) + 1
    total = sum(whole)
    ways = 1
    for value in whole:
        ways += ways << (slot * value)
    mask = (1 << slot) - 1
    # A subset with sum s, signed plus and the rest minus, has the signed sum 2s - total.
    above = equal = 0
    for subset in range(total // 2 + 1):
        size = (ways >> (slot * subset)) & mask
        signed = total - 2 * subset
        # The other half of the sums mirrors this one, so that all but 0 count twice.
        size *= 2 if signed else 1
        above += size * (signed > observed)
        equal += size * (signed == observed)
    patterns = 2 ** len(whole)
    return PermutationTest((above + equal) / patterns, (above + equal / 2) / patterns, exact=True)


def _sampled(whole: Sequence[int], observed: int, seed: int) -> PermutationTest:
    rng = random.Random(derive_seed(seed, "permutation"))  # noqa: S311  -- statistics, not secrets
    above = equal = 0
    for _ in range(_DRAWN_FLIPS):
        signs = rng.getrandbits(len(whole))
        signed = abs(
            sum(value if signs >> place & 1 else -value for place, value in enumerate(whole))
        )
        above += signed > observed
        equal += signed == observed
    # The observed pattern counts as one of those drawn (Phipson and Smyth 2010).
    drawn = _DRAWN_FLIPS + 1
    return PermutationTest(
        (above + equal + 1) / drawn, (above + (equal + 1) / 2) / drawn, exact=False
    )


def cluster_bootstrap(
    differences: Sequence[float],
    *,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval | None:
    """Return the expanded percentile interval of the mean; None for fewer than two tasks.

    Tasks are resampled. Plain percentiles are too narrow for few tasks; their levels are widened so
    that the interval agrees with Student's for normal data (Hesterberg 2015, "What teachers should
    know about the bootstrap", section 4).
    """
    size = len(differences)
    if size <= 1:
        return None
    if len(set(differences)) == 1:
        means = [sum(differences) / size] * resamples
    else:
        rng = random.Random(derive_seed(seed, "bootstrap"))  # noqa: S311  -- no secrets
        means = sorted(sum(rng.choices(differences, k=size)) / size for _ in range(resamples))
    return _expanded_percentiles(means, size, confidence)


def mean_interval(
    values: Sequence[float], *, confidence: float = 0.95, resamples: int = 2_000, seed: int = 0
) -> Interval | None:
    """Return an interval of the mean of one value per task; None for fewer than two tasks.

    The bootstrap for up to 200 tasks. For more, Student's interval, with which it agrees: it takes
    no time, and is kept within the range of the values.
    """
    size = len(values)
    if size <= _MOST_RESAMPLED:
        return cluster_bootstrap(values, confidence=confidence, resamples=resamples, seed=seed)
    centre = sum(values) / size
    variance = sum((value - centre) ** 2 for value in values) / (size - 1)
    half = -student_quantile((1 - confidence) / 2, size - 1) * sqrt(variance / size)
    return Interval(max(min(values), centre - half), min(max(values), centre + half))


def ratio_bootstrap(
    parts: Sequence[tuple[float, float]],
    *,
    confidence: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> Interval | None:
    """Return the interval of a ratio of sums, such as a rate over all events of all tasks.

    As `cluster_bootstrap`; `parts` are the numerator and denominator of each task. None where fewer
    than two tasks have a denominator.
    """
    counting = [part for part in parts if part[1]]
    size = len(counting)
    if size <= 1:
        return None
    rng = random.Random(derive_seed(seed, "bootstrap"))  # noqa: S311  -- statistics, not secrets
    ratios = []
    for _ in range(resamples):
        drawn = rng.choices(counting, k=size)
        ratios.append(sum(top for top, _ in drawn) / sum(bottom for _, bottom in drawn))
    return _expanded_percentiles(sorted(ratios), size, confidence)


def _expanded_percentiles(ordered: Sequence[float], size: int, confidence: float) -> Interval:
    tail = normal_cdf(sqrt(size / (size - 1)) * student_quantile((1 - confidence) / 2, size - 1))
    return Interval(_percentile(ordered, tail), _percentile(ordered, 1 - tail))


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value at a share of an ordered list, between neighbours by weight."""
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
