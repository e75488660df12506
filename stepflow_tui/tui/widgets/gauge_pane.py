"""The gauges of the health screen: cards with a figure and ten minutes of history each."""

from __future__ import annotations

from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip

from stepflow_tui.tui import keymap
from stepflow_tui.tui.executions.columns import fit
from stepflow_tui.tui.vitals.plot import blocks, ceiling, columns
from stepflow_tui.tui.vitals.samples import HISTORY_S
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.binding import BindingType

    from stepflow_tui.health.sample import Sample
    from stepflow_tui.tui.vitals.gauges import Gauge

    Part = tuple[str, str]
    """A text and the component class of its style."""

_TITLE = 16
_GAP: Part = ("   ", "gauge--note")
_TWO_FROM, _FOUR_FROM = 72, 200
_STRAINED = "▲ "
_LONG_FROM = _TITLE + len(_STRAINED + "999.9 MB" + " alert at 999.9 MB")
"""A card this wide has room for the longest note, so that all cards have notes of one kind."""


class GaugePane(Pane):
    """As many cards beside one another as there is room for; only changed lines are drawn."""

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.MOVE.bindings)

    def __init__(self, gauges: Sequence[Gauge], *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.border_title = "Last 10 minutes"
        self.plot_rows = 1
        self._gauges = gauges
        self._samples: Sequence[Sample] = ()
        self._lines: list[list[Part]] = []

    def rows_at(self, width: int, plot_rows: int) -> int:
        """How many rows all cards take in a pane of this width, with plots of so many rows."""
        return -(-len(self._gauges) // _beside(width)) * (1 + plot_rows)

    def show_plots(self, rows: int) -> None:
        """Draw plots of so many rows."""
        if rows != self.plot_rows:
            self.plot_rows = rows
            self.show(self._samples)

    def show(self, samples: Sequence[Sample]) -> None:
        """Show this history."""
        self._samples = samples
        before, self._lines = self._lines, self._draw() if samples and self.width else []
        self.set_extent(len(self._lines))
        top = round(self.scroll_y)
        for y, (old, new) in enumerate(zip_longest(before, self._lines)):
            if old != new and top <= y < top + self.height:
                self.refresh(Region(0, y - top, self.width, 1))

    def on_resize(self) -> None:
        """The cards have other widths."""
        self.show(self._samples)
        self.refresh()

    def _draw(self) -> list[list[Part]]:
        beside = _beside(self.width)
        width = (self.width - len(_GAP[0]) * (beside - 1) - 2) // beside
        cards = [_card(gauge, self._samples, width, self.plot_rows) for gauge in self._gauges]
        return [
            [part for cell in cells for part in (*cell, _GAP)][:-1]
            for start in range(0, len(cards), beside)
            for cells in zip(*cards[start : start + beside], strict=True)
        ]

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        index = round(self.scroll_y) + y
        parts = self._lines[index] if index < len(self._lines) else []
        segments = [Segment(" ", self.base)]
        segments += [Segment(text, self.base + self.look(name)) for text, name in parts]
        return Strip(segments).adjust_cell_length(self.width, self.base)

    def _move(self, rows: int) -> None:
        self.scroll_relative(y=rows, animate=False)

    def action_cursor_down(self) -> None:
        """One row down."""
        self._move(1)

    def action_cursor_up(self) -> None:
        """One row up."""
        self._move(-1)

    def action_half_page_down(self) -> None:
        """Half a view down."""
        self._move(self.height // 2)

    def action_half_page_up(self) -> None:
        """Half a view up."""
        self._move(-(self.height // 2))

    def action_page_down(self) -> None:
        """A view down."""
        self._move(self.height - 1)

    def action_page_up(self) -> None:
        """A view up."""
        self._move(1 - self.height)

    def action_first(self) -> None:
        """To the first row."""
        self._move(-len(self._lines))

    def action_last(self) -> None:
        """To the last row."""
        self._move(len(self._lines))


def _beside(width: int) -> int:
    return 4 if width >= _FOUR_FROM else 2 if width >= _TWO_FROM else 1


def _card(gauge: Gauge, samples: Sequence[Sample], width: int, plot_rows: int) -> list[list[Part]]:
    """The lines of a card: its head, then the rows of its plot."""
    latest = samples[-1]
    heights = columns(samples, gauge.height, width=width, now=latest.at, history_s=HISTORY_S)
    peak = max((height for height in heights if height is not None), default=0.0)
    top = ceiling(heights, gauge.least)
    if gauge.level is not None:
        top = max(peak, gauge.level)
    head = list(_head(gauge, latest, peak, width))
    return [head, *(list(_colours(row, heights, gauge)) for row in blocks(heights, top, plot_rows))]


def _head(gauge: Gauge, sample: Sample, peak: float, width: int) -> Iterator[Part]:
    """Title and value at the left; at the right what to compare it with, if there is room."""
    strained = gauge.is_strained(sample)
    value = gauge.value(sample)
    text = "-" if value is None else gauge.form(value)
    text = f"{_STRAINED}{text}" if strained else text
    title = fit(gauge.title, min(_TITLE, max(0, width - cell_len(text))))
    room = width - cell_len(title) - cell_len(text)
    is_long = width >= _LONG_FROM
    note = next((note for note in _notes(gauge, sample, peak, is_long) if len(note) < room), "")
    yield title, "gauge--title"
    yield text, "gauge--strained" if strained else "gauge--value"
    yield note.rjust(max(0, room)), "gauge--note"


def _notes(gauge: Gauge, sample: Sample, peak: float, is_long: bool) -> Iterator[str]:
    """What to compare a value with, from long to short."""
    if gauge.level is not None:
        yield f"{'alert at' if is_long else 'of'} {gauge.form(gauge.level)}"
        return
    highest = f"peak {gauge.form(peak)}"
    if gauge.second is not None:
        name, of = gauge.second
        second = of(sample)
        if second is not None:
            yield f"{name} {gauge.form(second)}  {highest}"
    yield highest


def _colours(row: str, heights: Sequence[float | None], gauge: Gauge) -> Iterator[Part]:
    """A row of a plot, cut where its colour changes."""
    looks = [_look(height, gauge.level) for height in heights]
    for look, run in groupby(zip(looks, row, strict=True), key=lambda pair: pair[0]):
        yield "".join(block for _, block in run), look


def _look(height: float | None, level: float | None) -> str:
    if not height:
        return "gauge--zero"
    return "gauge--strained" if level is not None and height > level else "gauge--plot"
