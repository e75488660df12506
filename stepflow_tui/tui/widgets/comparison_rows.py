"""The steps of two runs side by side, with bars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.style import Style
from textual.message import Message

from stepflow_tui.core.comparison import Mark
from stepflow_tui.core.durations import format_difference, format_duration
from stepflow_tui.core.glyphs import BAR, GLYPHS
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import fit, fit_right
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.comparison import Comparison, Line, Timing
    from stepflow_tui.tui.widgets.rows import Cell

_TIME, _DIFFERENCE, _MARK = 7, 8, 11
_LEAST_NAME, _MOST_NAME = 14, 40
_LEAST_BAR, _MOST_BAR = 6, 40
_SIGNS = {Mark.FAILS: "✗", Mark.SLOWER: "▲", Mark.NEW: "+", Mark.GONE: "-"}
_LOOKS = {
    Mark.FAILS: "status--failed",
    Mark.SLOWER: "status--timed_out",
    Mark.NEW: "rows--dim",
    Mark.GONE: "rows--dim",
}
WHOLE = "whole run"


@dataclass
class StepChosen(Message):
    """The user wants to see a step, or with None the whole run."""

    line: Line | None


class Columns(Struct, frozen=True):
    """Widths in cells; 0 leaves a column out. The times and the difference are always there."""

    name: int
    bar: int
    median: int
    mark: int

    @property
    def head(self) -> str:
        """The titles above the columns."""
        median = " " + fit_right("median", self.median) if self.median else ""
        times = [fit(fit_right(title, _TIME), self._time) for title in ("now", "before")]
        titles = " ".join([*times, fit_right("change", _DIFFERENCE)])
        return f"   {fit('step', self.name)} {titles}{median}"

    @property
    def _time(self) -> int:
        return _TIME + (1 + self.bar if self.bar else 0)


@lru_cache
def columns_of(width: int) -> Columns:
    """What fits: where it is narrow, the bars go first, then the median, then the mark's word."""
    bar, median, mark = _LEAST_BAR, _TIME, _MARK

    def name() -> int:
        shown = 3 + 2 * (_TIME + 1) + _DIFFERENCE + 1 + mark + 1
        return width - shown - (2 * (bar + 1) if bar else 0) - (median + 1 if median else 0)

    if name() < _LEAST_NAME:
        bar = 0
    if name() < _LEAST_NAME:
        median = 0
    if name() < _LEAST_NAME:
        mark = 2
    room = name()
    if bar and room > _MOST_NAME // 2:
        more = min(_MOST_BAR - bar, (room - _MOST_NAME // 2) // 3)
        bar, room = bar + more, room - 2 * more
    return Columns(max(1, min(room, _MOST_NAME) if bar else room), bar, median, mark)


class ComparisonRows(Rows):
    """A row for each step, and below them one for the runs as a whole."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._lines: tuple[Line, ...] = ()
        self._longest = 1

    def show(self, comparison: Comparison) -> None:
        """Show these two runs; the cursor stays in its row."""
        lines = (*comparison.steps, comparison.whole)
        longest = max(
            (_ms(timing) for line in lines[:-1] for timing in (line.now, line.before)), default=0
        )
        self._lines = lines
        self._longest = max(1, longest)
        self.set_count(len(lines))
        if self.cursor is None:
            self.cursor = 0
        self.cursor = min(self.cursor, len(lines) - 1)
        self.repaint()

    def choose(self) -> None:
        """Ask for the step at the cursor."""
        if self.cursor is not None and self.cursor < len(self._lines):
            is_whole = self.cursor == len(self._lines) - 1
            self.post_message(StepChosen(None if is_whole else self._lines[self.cursor]))

    def row_key(self, index: int) -> tuple[object, object]:
        """All that is drawn of it."""
        return (self._lines[index], index == self.cursor, self._longest), None

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """Glyph, name, both times with their bars, difference, median, mark."""
        line, columns = self._lines[index], columns_of(width)
        is_whole = index == len(self._lines) - 1
        median = line.usual.median_ms if line.usual else None
        dim = self.look("rows--dim")
        cells = [
            self._glyph(line.now),
            (
                fit(_name(line), columns.name) + " ",
                self.look("rows--strong") if is_whole else Style.null(),
            ),
            *self._time(line.now, columns.bar, has_bar=not is_whole),
            *self._time(line.before, columns.bar, has_bar=not is_whole, look="rows--dim"),
            (fit_right(format_difference(line.difference_ms), _DIFFERENCE), self._change(line)),
        ]
        if columns.median:
            cells.append((" " + fit_right(format_duration(median), columns.median), dim))
        cells.append((" " + self._mark(line.mark, columns.mark), self._mark_look(line.mark)))
        return cells

    def _glyph(self, now: Timing | None) -> Cell:
        if now is None:
            return "   ", Style.null()
        return f" {GLYPHS[now.status]} ", self.look(f"status--{now.status}")

    def _time(
        self, timing: Timing | None, bar: int, *, has_bar: bool, look: str = ""
    ) -> list[Cell]:
        style = self.look(look) if look else Style.null()
        cells = [(fit_right(format_duration(timing.ms if timing else None), _TIME) + " ", style)]
        if bar:
            text = _bar(_ms(timing) / self._longest, bar) if has_bar else ""
            colour = "rows--faint" if look or timing is None else f"status--{timing.status}"
            cells.append((fit(text, bar) + " ", self.look(colour)))
        return cells

    def _change(self, line: Line) -> Style:
        return self._mark_look(line.mark) if line.mark is Mark.SLOWER else self.look("rows--dim")

    def _mark(self, mark: Mark | None, width: int) -> str:
        if mark is None:
            return " " * width
        return fit(_SIGNS[mark] if width < _MARK else f"{_SIGNS[mark]} {mark}", width)

    def _mark_look(self, mark: Mark | None) -> Style:
        return self.look(_LOOKS[mark]) if mark else Style.null()


def _name(line: Line) -> str:
    if not line.name:
        return WHOLE
    again = f" ({line.occurrence})" if line.occurrence > 1 else ""
    return clean_line(line.name) + again


def _ms(timing: Timing | None) -> int:
    return 0 if timing is None or timing.ms is None else timing.ms


def _bar(share: float, width: int) -> str:
    """A bar in halves of cells; what took any time at all has one."""
    halves = max(1 if share > 0 else 0, round(2 * width * min(1.0, share)))
    return BAR * (halves // 2) + "╸" * (halves % 2)
