"""The reward curve as an SVG file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tau2.utils.json_types import JsonMapping

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_COLOURS = ("#1f6feb", "#d1570b", "#1a7f37", "#8250df")
_TICKS = 5
_NAMESPACE = 'xmlns="http://www.w3.org/2000/svg"'

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the plot."""

    name: str
    points: list[Point]
    dots: bool = False
    """Draw the points as dots too."""


@dataclass(frozen=True, slots=True)
class _Axes:
    """The ranges of the axes."""

    x: Point
    y: Point

    def place(self, point: Point) -> Point:
        """Return the position of a point in pixels."""
        across = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        x = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        y = _HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM)
        return x, y


def reward_curve(file: Path, rows: Iterable[JsonMapping], metric: str = "final_reward") -> bool:
    """Draw training and evaluation rewards by batch; return False without points to draw."""
    rows = list(rows)
    curves = [
        Curve("training", _points(rows, f"train/{metric}")),
        Curve("evaluation", _points(rows, f"eval/{metric}"), dots=True),
    ]
    shown = [curve for curve in curves if curve.points]
    if not shown:
        return False
    draft = file.with_name(f".{file.name}.tmp")
    draft.write_text(
        drawing(shown, title=metric.replace("_", " "), across="batches"), encoding="utf-8"
    )
    draft.replace(file)
    return True


def _points(rows: Sequence[JsonMapping], name: str) -> list[Point]:
    return [
        (float(row["batch"]), float(row[name]))
        for row in rows
        if name in row and math.isfinite(row[name])
    ]


def drawing(curves: Sequence[Curve], *, title: str, across: str) -> str:
    """Return the curves as an SVG document."""
    points = [point for curve in curves for point in curve.points]
    scale = _Axes(_range([x for x, _ in points]), _range([y for _, y in points]))
    parts = [
        f'<svg {_NAMESPACE} viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 24, title, size=15),
        *_grid(scale),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, across, anchor="middle"),
    ]
    for number, curve in enumerate(curves):
        colour = _COLOURS[number % len(_COLOURS)]
        parts += _line(curve, scale, colour)
        legend_x = _WIDTH - _RIGHT - 210 + 110 * number
        parts.append(f'<rect x="{legend_x}" y="15" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(legend_x + 18, 25, curve.name))
    return "\n".join([*parts, "</svg>"]) + "\n"


def _range(values: Sequence[float]) -> Point:
    """Return the least and the greatest value, or a range around a single one."""
    low, high = min(values), max(values)
    is_flat = high - low <= 1e-9  # noqa: PLR2004  -- rounding errors
    return (low - 0.5, high + 0.5) if is_flat else (low, high)


def _grid(scale: _Axes) -> list[str]:
    parts = []
    for at in range(_TICKS):
        share = at / (_TICKS - 1)
        x = scale.x[0] + share * (scale.x[1] - scale.x[0])
        y = scale.y[0] + share * (scale.y[1] - scale.y[0])
        across, up = scale.place((x, scale.y[0]))[0], scale.place((scale.x[0], y))[1]
        parts += [
            f'<path d="M{_LEFT} {up:.1f}H{_WIDTH - _RIGHT}" stroke="#d0d7de"/>',
            _text(_LEFT - 8, up + 4, f"{y:.3g}", anchor="end"),
            _text(across, _HEIGHT - _BOTTOM + 18, f"{x:.4g}", anchor="middle"),
        ]
    return parts


def _line(curve: Curve, scale: _Axes, colour: str) -> list[str]:
    placed = [scale.place(point) for point in curve.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if curve.dots or len(placed) == 1:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed]
    return parts


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="#1f2328">{escape(text)}</text>'
