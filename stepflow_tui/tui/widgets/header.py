"""The top of the dashboard: what runs, ends and fails, as numbers and as curves of ten minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.tui.theme.looks import Looks
from stepflow_tui.tui.vitals.plot import blocks, ceiling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.tui.vitals.activity import Activity
    from stepflow_tui.tui.widgets.line import Part

_MOST_CELLS, _LEAST_CELLS = 30, 6
_GAP = 3
_WORDY = 3
"""As long as so many fit with their words, these stay."""

_FAILED = (Status.FAILED, Status.TIMED_OUT, Status.LOST)
_THOUSAND, _MILLION = 1_000, 1_000_000


class Gauge(Struct, frozen=True):
    """A number with a curve.

    Attributes:
        text: the number and what it counts.
        short: the number with its sign only.
        style: component class; `line--faint` where there is nothing to see.
        values: of the curve, oldest first; empty for a gauge without one.
        least: the top of the curve's scale is never lower.
    """

    text: str
    short: str
    style: str
    values: Sequence[float | None] = ()
    least: float = 1.0

    def curve(self, cells: int) -> str:
        """The latest values, a cell for each."""
        values = list(self.values)[-cells:]
        return blocks(values, ceiling(values, self.least), 1)[0] if values else ""


def gauges(activity: Activity) -> list[Gauge]:
    """What the header shows, the most important first."""
    running = activity.counts.get(Status.RUNNING, 0)
    pending = activity.counts.get(Status.PENDING, 0)
    ended, failed = activity.ended_per_minute, activity.failed_per_minute
    lines, today = _short(activity.lines_per_s), activity.failed_today
    now_ms = activity.now_ms
    return [
        _gauge(Status.RUNNING, running, "running", "line--busy", activity.running.values(now_ms)),
        _gauge(Status.PENDING, pending, "pending", "line--dim"),
        _gauge(Status.FAILED, today, "failed today", "line--bad"),
        _gauge(Status.COMPLETED, ended, "ended/min", "line--good", activity.ended),
        _gauge(Status.FAILED, failed, "failed/min", "line--bad", activity.failed),
        Gauge(
            f"{lines} lines/s",
            f"{lines}/s",
            "line--dim" if activity.lines_per_s else "line--faint",
            activity.lines.values(now_ms),
            10.0,
        ),
    ]


def _gauge(
    status: Status, count: int, what: str, style: str, values: Sequence[float | None] = ()
) -> Gauge:
    number = f"{GLYPHS[status]} {count:,}"
    return Gauge(f"{number} {what}", number, style if count else "line--faint", values)


def _short(rate: float) -> str:
    """A rate in at most five cells."""
    if rate < 10 * _THOUSAND:
        return f"{rate:,.0f}"
    return f"{rate / _THOUSAND:,.0f}k" if rate < _MILLION else f"{rate / _MILLION:,.1f}M"


class Header(Widget):
    """One line of numbers with curves beside them; with two lines the curves stand below."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Header {
        height: 1;
        width: 100%;
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._gauges: list[Gauge] = []
        self._looks = Looks(self)

    def show(self, activity: Activity) -> None:
        """Show how things stand; drawn only if that has changed."""
        found = gauges(activity)
        if found != self._gauges:
            self._gauges = found
            self.refresh()

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        self._looks.forget()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """The numbers, or the curves below them."""
        width, height = self.size
        lines = two_lines(self._gauges, width) if height > 1 else [one_line(self._gauges, width)]
        parts = lines[y] if y < len(lines) else []
        strip = Strip([Segment(text, self._looks.of(name)) for text, name in parts])
        return strip.adjust_cell_length(width).apply_style(self.rich_style)


def one_line(shown: Sequence[Gauge], width: int) -> list[Part]:
    """Numbers, with curves beside the first ones as far as there is room; else without words."""
    room = width - _width([gauge.text for gauge in shown])
    if room < 0:
        return _first_that_fit(shown, width)
    curved = [place for place, gauge in enumerate(shown) if gauge.values]
    curved = curved[: room // (1 + _LEAST_CELLS)]
    cells = min(_MOST_CELLS, room // max(1, len(curved)) - 1)
    return _joined(
        [_beside(gauge, cells if place in curved else 0) for place, gauge in enumerate(shown)]
    )


def _beside(gauge: Gauge, cells: int) -> list[Part]:
    curve = f" {gauge.curve(cells)}" if cells else ""
    return [(gauge.text, gauge.style), (curve, gauge.style)]


def _first_that_fit(shown: Sequence[Gauge], width: int) -> list[Part]:
    """The most important ones: with a word each as long as three of them fit, else signs."""
    wordy = [gauge for gauge in shown if _width([one.text for one in shown[:_WORDY]]) <= width]
    texts = [(gauge.text if wordy else gauge.short, gauge.style) for gauge in shown]
    while texts and _width([text for text, _ in texts]) > width:
        texts.pop()
    return _joined([[part] for part in texts])


def two_lines(shown: Sequence[Gauge], width: int) -> list[list[Part]]:
    """Numbers, and below each its curve, as wide as there is room; the last ones go first."""
    widths = [max(cell_len(gauge.text), _LEAST_CELLS) for gauge in shown]
    while sum(widths) + _GAP * len(widths) > width:
        widths.pop()
    if len(widths) < _WORDY:
        return [_first_that_fit(shown, width), []]
    shown = shown[: len(widths)]
    curves = max(1, sum(bool(gauge.values) for gauge in shown))
    spare = (width - sum(widths) - _GAP * len(widths)) // curves
    numbers: list[list[Part]] = []
    below: list[list[Part]] = []
    for gauge, least in zip(shown, widths, strict=True):
        cells = min(_MOST_CELLS, least + spare) if gauge.values else least
        numbers.append([(gauge.text.ljust(cells), gauge.style)])
        below.append([(gauge.curve(cells).ljust(cells), gauge.style)])
    return [_joined(numbers), _joined(below)]


def _joined(groups: Sequence[Sequence[Part]]) -> list[Part]:
    parts: list[Part] = []
    for place, group in enumerate(groups):
        parts.append((" " * (_GAP if place else 1), ""))
        parts += group
    return parts


def _width(texts: Sequence[str]) -> int:
    return 1 + sum(map(cell_len, texts)) + _GAP * max(0, len(texts) - 1)
