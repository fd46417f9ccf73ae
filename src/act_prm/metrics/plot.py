"""The reward curve as an SVG file that needs nothing but a browser."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 24, 48, 56
_COLOURS = ("#1f6feb", "#d1570b", "#1a7f37", "#8250df")
_TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of the plot."""

    name: str
    points: list[Point]
    dots: bool = False
    """Drawn as dots too; for measurements that are few."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """From measurements to pixels."""

    x: Point
    y: Point

    def place(self, point: Point) -> Point:
        """Return where a measurement stands."""
        across = (point[0] - self.x[0]) / (self.x[1] - self.x[0])
        up = (point[1] - self.y[0]) / (self.y[1] - self.y[0])
        return _LEFT + across * (_WIDTH - _LEFT - _RIGHT), _HEIGHT - _BOTTOM - up * (
            _HEIGHT - _TOP - _BOTTOM
        )


def reward_curve(
    file: Path, rows: Iterable[Mapping[str, Any]], metric: str = "final_reward"
) -> bool:
    """Draw training and evaluation rewards by batch; return whether there was anything to draw."""
    told = list(rows)
    curves = [
        Curve("training", _points(told, f"train/{metric}")),
        Curve("evaluation", _points(told, f"eval/{metric}"), dots=True),
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


def _points(rows: Sequence[Mapping[str, Any]], name: str) -> list[Point]:
    return [
        (float(row["batch"]), float(row[name]))
        for row in rows
        if name in row and math.isfinite(row[name])
    ]


def drawing(curves: Sequence[Curve], *, title: str, across: str) -> str:
    """Return the curves as an SVG document."""
    points = [point for curve in curves for point in curve.points]
    scale = _Scale(_range([x for x, _ in points]), _range([y for _, y in points]))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 24, title, size=15),
        *_grid(scale),
        _text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 14, across, anchor="middle"),
    ]
    for number, curve in enumerate(curves):
        parts += _line(curve, scale, _COLOURS[number % len(_COLOURS)])
        parts += _legend(curve.name, number, _COLOURS[number % len(_COLOURS)])
    return "\n".join([*parts, "</svg>"]) + "\n"


def _range(values: Sequence[float]) -> Point:
    """Return the least and the greatest value, apart even if they are equal."""
    low, high = min(values), max(values)
    return (low, high) if high - low > 1e-9 else (low - 0.5, high + 0.5)  # noqa: PLR2004  -- a flat curve


def _grid(scale: _Scale) -> list[str]:
    parts = []
    for at in range(_TICKS):
        share = at / (_TICKS - 1)
        x = scale.x[0] + share * (scale.x[1] - scale.x[0])
        y = scale.y[0] + share * (scale.y[1] - scale.y[0])
        across, up = scale.place((x, scale.y[0]))[0], scale.place((scale.x[0], y))[1]
        parts += [
            f'<line x1="{_LEFT}" y1="{up:.1f}" x2="{_WIDTH - _RIGHT}" y2="{up:.1f}" stroke="#d0d7de"/>',
            _text(_LEFT - 8, up + 4, f"{y:.3g}", anchor="end"),
            _text(across, _HEIGHT - _BOTTOM + 18, f"{x:.4g}", anchor="middle"),
        ]
    return parts


def _line(curve: Curve, scale: _Scale, colour: str) -> list[str]:
    placed = [scale.place(point) for point in curve.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
    parts = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>']
    if curve.dots or len(placed) == 1:
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in placed]
    return parts


def _legend(name: str, number: int, colour: str) -> list[str]:
    x = _WIDTH - _RIGHT - 210 + 110 * number
    return [
        f'<rect x="{x}" y="15" width="12" height="12" fill="{colour}"/>',
        _text(x + 18, 25, name),
    ]


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="#1f2328">{escape(text)}</text>'
