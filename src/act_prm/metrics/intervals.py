"""Confidence intervals of evaluations."""

from __future__ import annotations

import math
from collections.abc import Sequence

from tau2.metrics.distributions import normal_quantile, student_quantile


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return an interval for the mean of values that are drawn independently, one for each task.

    For values in [0, 1] it is Wilson's score interval (Brown, Cai and DasGupta, "Interval
    estimation for a binomial proportion", 2001): it has a width even where all values are 0 or all
    are 1, and is on the safe side for values in between. For others it is Student's. A single value
    outside of [0, 1] has an unbounded interval. Raise ValueError without values.
    """
    count = len(values)
    if not count:
        raise ValueError("an interval needs at least one value")
    mean = math.fsum(values) / count
    if all(0.0 <= value <= 1.0 for value in values):
        return _wilson(mean, count, normal_quantile((1.0 + confidence) / 2.0))
    if count == 1:
        return -math.inf, math.inf
    variance = math.fsum((value - mean) ** 2 for value in values) / (count - 1)
    half = student_quantile((1.0 + confidence) / 2.0, count - 1) * math.sqrt(variance / count)
    return mean - half, mean + half


def _wilson(share: float, count: int, z: float) -> tuple[float, float]:
    widened = 1.0 + z * z / count
    centre = (share + z * z / (2 * count)) / widened
    half = z * math.sqrt(share * (1.0 - share) / count + z * z / (4 * count * count)) / widened
    return max(centre - half, 0.0), min(centre + half, 1.0)
