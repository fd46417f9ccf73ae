"""Intervals of evaluations."""

import math

import pytest

from act_prm.metrics.intervals import mean_interval


def test_all_alike_still_leaves_doubt():
    low, high = mean_interval([1.0] * 10)
    assert (round(low, 3), high) == (0.722, pytest.approx(1.0))
    low, high = mean_interval([0.0] * 10)
    assert (low, round(high, 3)) == (pytest.approx(0.0), 0.278)


def test_wilsons_interval_of_a_share():
    low, high = mean_interval([1.0] * 8 + [0.0] * 2)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)


def test_values_beyond_a_share_have_students_interval():
    low, high = mean_interval([1.0, 2.0, 3.0])
    assert (low + high) / 2 == pytest.approx(2.0)
    assert (high - low) / 2 == pytest.approx(4.303 / math.sqrt(3), rel=1e-3)
    assert mean_interval([2.0]) == (-math.inf, math.inf)
    with pytest.raises(ValueError, match="at least one"):
        mean_interval([])
