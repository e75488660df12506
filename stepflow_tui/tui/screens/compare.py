"""Two runs side by side: what each step took now, before and usually."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeAlias

from textual import on, work
from textual.screen import Screen

from stepflow_tui.core.comparison import Mark
from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.core.glyphs import DOT
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.comparing import Comparing
from stepflow_tui.tui.screens.help import KEY, Help
from stepflow_tui.tui.screens.once import ClosesOnce
from stepflow_tui.tui.widgets.comparison_rows import ComparisonRows, StepChosen, columns_of
from stepflow_tui.tui.widgets.keys_line import KeysLine
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.run_line import RunLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.app import ComposeResult
    from textual.binding import BindingType
    from textual.timer import Timer

    from stepflow_tui.core.comparison import Comparison
    from stepflow_tui.tui.source import Source
    from stepflow_tui.tui.widgets.line import Part

Place: TypeAlias = tuple[int, int]
"""The number of a run and the index of one of its steps; 0 for the run itself."""

KEYS = keymap.Group(
    "Comparing two runs",
    (
        keymap.key("enter", "go_to_step", "show the step", "enter", footer=True),
        keymap.key("left_square_bracket", "compare_older", "older", "[", footer=True),
        keymap.key("right_square_bracket", "compare_newer", "newer", "]", footer=True),
        KEY,
        keymap.key("escape,q", "leave_comparison", "back", "esc", footer=True),
    ),
)
"""What one can do here."""

_REFRESH_S = 1.0


class Compare(ClosesOnce, Screen[Place | None]):
    """Dismissed with the step that the user wants to see, or with None."""

    AUTO_FOCUS = "#comparison"
    CSS_PATH = "compare.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(KEYS.bindings)

    def __init__(self, source: Source, newer: int, older: int | None = None) -> None:
        """Makes the screen.

        Args:
            source: where the runs are read.
            newer: number of a run.
            older: number of the one to compare it with; without one, the latest earlier run of
                its name that completed. Given the wrong way round, the two are exchanged.
        """
        super().__init__(id="compare")
        if older is not None and older > newer:
            newer, older = older, newer
        self._comparing = Comparing(source, newer, older)
        self._comparison: Comparison | None = None
        self._clock: Timer | None = None
        self._now = RunLine(id="compare-now")
        self._before = RunLine(id="compare-before")
        self._head = Line(id="compare-head")
        self._rows = ComparisonRows(id="comparison")
        self._sum = Line(id="compare-sum")

    def compose(self) -> ComposeResult:
        """Which runs, the table with its heading, what came of it, the keys."""
        yield self._now
        yield self._before
        yield self._head
        yield self._rows
        yield self._sum
        yield KeysLine(KEYS.bindings, id="compare-keys")

    def on_mount(self) -> None:
        """Read the runs."""
        self._read()

    @work(group="compare", exclusive=True)
    async def _read(self) -> None:
        try:
            comparison = await self._comparing.read()
        except StoreProblem as problem:
            self.notify(clean_line(str(problem)), severity="error", markup=False)
            return
        if comparison is None:
            self.dismiss(None)  # it was removed meanwhile
            return
        self._comparison = comparison
        self._show(comparison)
        self._set_pace(runs=not comparison.now.status.is_final)

    def _set_pace(self, *, runs: bool) -> None:
        """Look again every second as long as it runs."""
        if runs and self._clock is None:
            self._clock = self.set_interval(_REFRESH_S, self._read)
        elif not runs and self._clock is not None:
            self._clock.stop()
            self._clock = None

    # What is shown

    def _show(self, comparison: Comparison) -> None:
        self._rows.show(comparison)
        before, whole = comparison.before, comparison.whole
        self._now.show("now", comparison.now, whole.now.ms if whole.now else None)
        if before is None:
            self._before.show_none("before", "no earlier run of this name has completed")
        else:
            self._before.show("before", before, whole.before.ms if whole.before else None)
        self._show_head()
        told, usual = tuple(_summary(comparison)), _median_of(comparison)
        self._sum.set_versions([(told, usual), (told, ())])

    def _show_head(self) -> None:
        head = columns_of(self._rows.width).head
        self._head.set_parts([(head, "line--dim")])

    def on_resize(self) -> None:
        """The columns have other widths."""
        self.call_after_refresh(self._show_head)

    # Keys

    def action_go_to_step(self) -> None:
        """Show the step at the cursor."""
        self._rows.choose()

    @on(StepChosen)
    def _go_to(self, message: StepChosen) -> None:
        if self._comparison is None:
            return
        line, before = message.line, self._comparison.before
        if line is None:
            self.dismiss((self._comparison.now.number, 0))
        elif line.now is not None:
            self.dismiss((self._comparison.now.number, line.now.index))
        elif line.before is not None and before is not None:
            self.dismiss((before.number, line.before.index))

    def action_compare_older(self) -> None:
        """Compare with an older run."""
        self._turn(1, "older")

    def action_compare_newer(self) -> None:
        """Compare with a newer run."""
        self._turn(-1, "newer")

    def _turn(self, by: int, which: str) -> None:
        if self._comparing.turn(by):
            self._read()
        else:
            self.notify(f"there is no {which} run to compare with", markup=False)

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help(self, keymap.MOVE, KEYS))

    def action_leave_comparison(self) -> None:
        """Back to where we came from."""
        self.dismiss(None)


_MARKS: tuple[tuple[Mark, str, str], ...] = (
    (Mark.FAILS, "newly failing", "line--bad"),
    (Mark.SLOWER, "slower than usual", "line--warning"),
    (Mark.NEW, "new", "line--dim"),
    (Mark.GONE, "gone", "line--dim"),
)


def _summary(comparison: Comparison) -> Iterator[Part]:
    """How many steps have each mark."""
    marks = [line.mark for line in comparison.steps]
    found = [(marks.count(mark), word, look) for mark, word, look in _MARKS if mark in marks]
    yield " ", ""
    for place, (count, word, look) in enumerate(found):
        if place:
            yield f" {DOT} ", "line--dim"
        yield f"{count:,} {word}", look
    if not found:
        yield "nothing out of the ordinary", "line--dim"


def _median_of(comparison: Comparison) -> tuple[Part, ...]:
    count = comparison.whole.usual.count if comparison.whole.usual else 0
    runs = "1 earlier run" if count == 1 else f"{count} earlier runs"
    return ((f" median of {runs} " if count else "", "line--dim"),)
