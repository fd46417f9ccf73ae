"""Where the parts of the pass^k chart lie; `templates/chart.html` draws them as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, log

from tau2.metrics.figures import RunFigures

_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 12, 34  # margins, for the labels of the axes
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
_MOST_EVEN = 16
"""Up to how many k the axis is even; beyond that it is logarithmic, as the k that are shown are."""
_MOST_LABELS = 6  # of a logarithmic axis
_SHIFT = 5.0  # between the intervals of different runs at one k
COLOURS = 6
"""How many runs have a colour of their own; further ones reuse the colours, with dashed lines."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One value of a curve and the ends of its interval, in units of the chart."""

    x: float
    y: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PassHatCurve:
    """The values of one run."""

    style: str
    """Classes that colour it."""
    dots: list[Dot]


@dataclass(frozen=True, slots=True)
class PassHatChart:
    """The pass^k curves of some runs."""

    width: int
    height: int
    left: int
    right: int
    """Where the lines of the grid begin and end."""
    gridlines: list[tuple[float, float]]
    """Each as its value and its y."""
    ticks: list[tuple[int, float]]
    """Each as its k and its x."""
    curves: list[PassHatCurve]
    description: str
    """The same in words, for those who do not see it."""


def series_style(number: int) -> str:
    """Return the classes that colour a run."""
    return f"s{number % COLOURS}" + (" again" if number >= COLOURS else "")


def pass_hat_chart(figures: Sequence[RunFigures]) -> PassHatChart | None:
    """Return the pass^k curves of runs with their intervals; None when no run has a figure."""
    most = max((point.k for one in figures for point in one.pass_hat), default=0)
    if not most:
        return None
    curves = []
    descriptions = []
    for number, one in enumerate(figures):
        shift = (number - (len(figures) - 1) / 2) * _SHIFT
        dots = []
        for point in one.pass_hat:
            low, high = point.interval or (point.value, point.value)
            dots.append(Dot(_x(point.k, most) + shift, _y(point.value), _y(low), _y(high)))
        curves.append(PassHatCurve(series_style(number), dots))
        values = ", ".join(f"pass^{point.k} {point.value:.3f}" for point in one.pass_hat)
        descriptions.append(f"{one.title}: {values}")
    return PassHatChart(
        width=_WIDTH,
        height=_HEIGHT,
        left=_LEFT,
        right=_WIDTH - _RIGHT,
        gridlines=[(value, _y(value)) for value in _GRID],
        ticks=[(k, _x(k, most)) for k in _ticks(most)],
        curves=curves,
        description="; ".join(descriptions),
    )


def _ticks(most: int) -> Sequence[int]:
    if most <= _MOST_EVEN:
        return range(1, most + 1)
    powers = [2**exponent for exponent in range(most.bit_length())]
    return powers[:: ceil(len(powers) / _MOST_LABELS)]


def _x(k: int, most: int) -> float:
    share = (k - 0.5) / most if most <= _MOST_EVEN else 0.03 + 0.94 * log(k) / log(most)
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share


def _y(value: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value)
