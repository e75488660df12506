"""Curves over size, drawn as SVG on logarithmic axes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape

CURVES: list[Curve] = []
"""What sections have left to be drawn."""

_WIDTH, _HEIGHT, _MARGIN = 640, 300, 56
_MIDDLE, _END = 'text-anchor="middle"', 'text-anchor="end"'
_COLOURS = ("#4878a8", "#b5654a", "#5a8f5a", "#8a6aa8", "#a8924a")


@dataclass(slots=True)
class Curve:
    """Series of points.

    Attributes:
        section: where it belongs.
        slug: part of its file's name.
        title, x, y: what stands on the plot and at its axes.
        series: points by the name of the line.
    """

    section: str
    slug: str
    title: str
    x: str
    y: str
    series: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def exponent(points: list[tuple[float, float]]) -> float:
    """The power of size that a cost grows with: the slope of a line through the logarithms."""
    logs = [(math.log(x), math.log(max(y, 1e-9))) for x, y in points]
    mean_x = sum(x for x, _ in logs) / len(logs)
    mean_y = sum(y for _, y in logs) / len(logs)
    spread = sum((x - mean_x) ** 2 for x, _ in logs)
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / spread if spread else 0.0


def draw(curve: Curve) -> str:
    """The plot."""
    points = [point for line in curve.series.values() for point in line if min(point) > 0]
    if not points:
        return '<svg xmlns="http://www.w3.org/2000/svg"/>'
    axis_x = _axis([x for x, _ in points], _MARGIN, _WIDTH - 16)
    axis_y = _axis([y for _, y in points], _HEIGHT - _MARGIN + 16, 32)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"',
        ' font-family="sans-serif" font-size="11" fill="#555">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_MARGIN}" y="18" font-size="13" fill="#222">{escape(curve.title)}</text>',
        f'<text x="{_WIDTH - 16}" y="{_HEIGHT - 6}" text-anchor="end">{escape(curve.x)}</text>',
        f'<text x="6" y="18">{escape(curve.y)}</text>',
        *_ticks(axis_x, axis_y),
    ]
    for number, (name, line) in enumerate(curve.series.items()):
        parts += _line(name, line, axis_x, axis_y, number)
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def _axis(values: list[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return _Axis(low, high if high > low else low + 1, start, end)


def _ticks(x: _Axis, y: _Axis) -> list[str]:
    parts = []
    for value in _powers(x):
        at = f"{x.place(value):.0f}"
        parts.append(f'<line x1="{at}" x2="{at}" y1="32" y2="{y.start:.0f}" stroke="#eee"/>')
        parts.append(f'<text x="{at}" y="{y.start + 14:.0f}" {_MIDDLE}>{value:g}</text>')
    for value in _powers(y):
        at = f"{y.place(value):.0f}"
        parts.append(f'<line x1="{x.start}" x2="{x.end}" y1="{at}" y2="{at}" stroke="#eee"/>')
        parts.append(f'<text x="{x.start - 6}" y="{at}" {_END}>{value:g}</text>')
    return parts


def _powers(axis: _Axis) -> list[float]:
    return [10.0**power for power in range(round(axis.low), round(axis.high) + 1)]


def _line(name: str, line: list[tuple[float, float]], x: _Axis, y: _Axis, number: int) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    places = [(x.place(a), y.place(b)) for a, b in line if a > 0 and b > 0]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    legend = f'<text x="{_WIDTH - 16}" y="{46 + 14 * number}" text-anchor="end" fill="{colour}">'
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in places),
        f"{legend}{escape(name)}</text>",
    ]
