"""Charts as SVG that the page's own style colours; every figure is also in a table beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tau2.metrics.figures import Point, RunFigures
from tau2.metrics.outcomes import Outcome
from tau2.report.html.markup import Html, joined, tag

_WIDTH, _HEIGHT = 440, 250
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 14, 12, 34
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
COLOURS = 6
"""How many runs have a colour of their own; further ones take the colours again, with dashed lines."""
_DODGE = 5.0  # between the intervals of different runs at one k

CODES: Mapping[Outcome, str] = {
    Outcome.PASSED: "p",
    Outcome.AGENT_FAILURE: "a",
    Outcome.USER_FAILURE: "u",
    Outcome.WORLD_FAULT: "w",
    Outcome.INFRASTRUCTURE: "i",
}
SIGNS: Mapping[Outcome, str] = {
    Outcome.PASSED: "✓",
    Outcome.AGENT_FAILURE: "✗",
    Outcome.USER_FAILURE: "U",
    Outcome.WORLD_FAULT: "E",
    Outcome.INFRASTRUCTURE: "–",
}


def series_class(number: int) -> str:
    """Return the class that colours a run."""
    return f"s{number % COLOURS}" + (" again" if number >= COLOURS else "")


def pass_hat_chart(figures: Sequence[RunFigures]) -> Html:
    """Return the pass^k curves of runs with their intervals; nothing when none has a figure."""
    most = max((len(one.pass_hat) for one in figures), default=0)
    if not most:
        return Html("")
    said = "; ".join(
        f"{one.title}: " + ", ".join(f"pass^{point.k} {point.value:.3f}" for point in one.pass_hat)
        for one in figures
    )
    lines = [_curve(one.pass_hat, number, len(figures), most) for number, one in enumerate(figures)]
    return tag(
        "svg", tag("title", said), *_axes(most), *lines,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}", role="img", class_="chart",
    )  # fmt: skip


def _x(k: int, most: int) -> float:
    room = _WIDTH - _LEFT - _RIGHT
    return _LEFT + room * ((k - 0.5) / most)


def _y(value: float) -> float:
    return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value)


def _axes(most: int) -> Iterator[Html]:
    for value in _GRID:
        height = f"{_y(value):.1f}"
        yield tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=height, y2=height, class_="gridline")
        yield tag(
            "text", f"{100 * value:.0f}%", x=_LEFT - 6, y=f"{_y(value) + 4:.1f}", text_anchor="end"
        )
    step = max(1, most // 16)
    for k in range(1, most + 1, step):
        yield tag("text", f"k={k}", x=f"{_x(k, most):.1f}", y=_HEIGHT - 12, text_anchor="middle")


def _curve(points: Sequence[Point], number: int, runs: int, most: int) -> Html:
    shift = (number - (runs - 1) / 2) * _DODGE
    places = [(_x(point.k, most) + shift, point) for point in points]
    parts = [
        tag(
            "polyline",
            points=" ".join(f"{x:.1f},{_y(point.value):.1f}" for x, point in places),
            class_="curve",
        )
    ]
    for x, point in places:
        low, high = point.interval or (point.value, point.value)
        parts += [
            tag(
                "line",
                x1=f"{x:.1f}",
                x2=f"{x:.1f}",
                y1=f"{_y(low):.1f}",
                y2=f"{_y(high):.1f}",
                class_="whisker",
            ),
            tag("circle", cx=f"{x:.1f}", cy=f"{_y(point.value):.1f}", r=4, class_="dot"),
        ]
    return tag("g", *parts, class_=series_class(number))


def outcome_bar(outcomes: Mapping[Outcome, int]) -> Html:
    """Return a bar whose parts are the outcomes' shares."""
    total = sum(outcomes.values())
    if not total:
        return Html("")
    parts, at = [], 0.0
    for outcome, number in outcomes.items():
        width = 100 * number / total
        if number:
            parts.append(
                tag(
                    "rect",
                    x=f"{at:.3f}",
                    y=0,
                    width=f"{width:.3f}",
                    height=10,
                    class_=CODES[outcome],
                )
            )
        at += width
    return tag(
        "svg",
        joined(parts),
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        class_="bar",
        aria_hidden="true",
    )
