"""The steps of the selected execution; of one without any, what is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from textual.content import Content

from stepflow_tui.core import glyphs
from stepflow_tui.core.clock import now
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap, waterfall
from stepflow_tui.tui.clock import step_time
from stepflow_tui.tui.executions.columns import BAR_CELLS, bar, fit, fit_right
from stepflow_tui.tui.executions.facts import fact_lines
from stepflow_tui.tui.log.line_map import END
from stepflow_tui.tui.log.marks import Severity
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import ClassVar

    from textual import events
    from textual.binding import BindingType

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.health.processes import RunningProcess
    from stepflow_tui.tui.executions.facts import FactLine
    from stepflow_tui.tui.log.marks import LogMarks
    from stepflow_tui.tui.widgets.rows import Cell

_TIME, _SHARE = 7, 4
_ROOM_FOR_BAR = 36
_ROOM_FOR_WATERFALL, _WIDEST_WATERFALL = 44, 100
_LEAST_ERROR = 6
_MOST_COUNTED = 999


class Steps(Rows):
    """The steps; the last ones are in view until the cursor is put on one.

    An execution without steps gives their room to its facts, and while it runs to its processes.
    """

    BINDINGS: ClassVar[list[BindingType]] = list(keymap.STEPS.bindings)

    def __init__(
        self,
        *,
        id: str,  # noqa: A002 - Textual's name for it
        turned_to: Callable[[Step], None],
        entered: Callable[[], None],
    ) -> None:
        """Makes an empty list.

        Args:
            id: Textual's name for it.
            turned_to: called when the user turns to a step. Not a message, which the keys that
                follow could overtake on its way up to the screen.
            entered: called when the user also wants to go where it is shown.
        """
        super().__init__(id=id)
        self._turned_to, self._entered = turned_to, entered
        self.border_title = "Steps"
        self._steps: list[Step] = []
        self._execution: Execution | None = None
        self._marks: LogMarks | None = None
        self._processes: Sequence[RunningProcess] = ()
        self._facts: list[FactLine] = []

    def show(
        self, execution: Execution | None, steps: list[Step], marks: LogMarks | None = None
    ) -> None:
        """Show the steps of this execution as they are now, with what their lines report."""
        self._marks = marks
        if execution is None or self._execution is None or execution.id != self._execution.id:
            self.cursor = None
            self._processes = ()
            self.scroll_row(0)
        had_facts = bool(self._facts)
        self._execution, self._steps = execution, steps
        self._show_title()
        self._gather_facts()
        if had_facts and not self._facts:
            self.repaint_all()
        self.set_count(len(self._facts) or len(steps))
        if self.cursor is None and not self._facts:
            self.scroll_row(max(0, self.count - self.height))
        self.repaint()

    @property
    def _has_facts(self) -> bool:
        execution = self._execution
        return execution is not None and not self._steps and not execution.step_count

    @property
    def has_processes(self) -> bool:
        """Whether processes of the execution would be shown now if there are any."""
        execution = self._execution
        is_running = execution is not None and execution.status is Status.RUNNING
        return is_running and self._has_facts and self.is_on_screen

    def show_processes(self, processes: Sequence[RunningProcess]) -> None:
        """Show these beneath the facts."""
        self._processes = processes
        self.repaint()

    def _gather_facts(self) -> None:
        execution = self._execution
        if execution is None or not self._has_facts:
            self._facts = []
            return
        if execution.status.is_final:
            self._processes = ()
        self._facts = fact_lines(execution, self._processes, self.width, self.height)

    def repaint(self) -> None:
        """Draw what has changed; durations and processes do by themselves."""
        if self._has_facts:
            self._gather_facts()
            self.set_count(len(self._facts))
        super().repaint()

    def on_resize(self) -> None:
        """The log may stand beside it, or no more."""
        self._show_title()
        self.repaint()

    def _show_title(self) -> None:
        """Say whose steps they are where the log, whose title does, is not to be seen."""
        execution, title = self._execution, "Steps"
        if execution is not None and self._is_alone:
            title += f" of #{execution.number} {clean_line(execution.name)}"
        if execution is not None and self._has_facts:
            title += ": none" if execution.status.is_final else ": none yet"
        if str(self.border_title) != title:
            self.border_title = Content(title)

    @property
    def _is_alone(self) -> bool:
        return self.screen.has_class("-narrow") or self.screen.has_class("-low")

    def forget_cursor(self) -> None:
        """Let the last steps come into view again."""
        self.cursor = None
        self.repaint()

    def on_focus(self) -> None:
        """Put the cursor somewhere, without moving the log."""
        if self.cursor is None and self._steps:
            self.cursor = self.count - 1

    def cursor_moved(self) -> None:
        """Jump to the step's lines."""
        if self._current is not None:
            self._turned_to(self._current)

    def action_choose(self) -> None:
        """Jump to the step's lines and go there."""
        self.cursor_moved()
        if self._current is not None:
            self._entered()

    def move_cursor(self, index: int) -> None:
        """Put the cursor on a step; facts have none."""
        if not self._facts:
            super().move_cursor(index)

    def _step(self, rows: int) -> None:
        if self._facts:
            self.scroll_row(round(self.scroll_y) + rows)
        else:
            super()._step(rows)

    def action_first(self) -> None:
        """To the first row."""
        self._step(-self.count)

    def action_last(self) -> None:
        """To the last row."""
        self._step(self.count)

    @property
    def _current(self) -> Step | None:
        if self.cursor is None or self.cursor >= len(self._steps):
            return None
        return self._steps[self.cursor]

    def on_click(self, event: events.Click) -> None:
        """A click on the current step jumps to its lines once more."""
        offset = event.get_content_offset(self)
        if offset is not None and round(self.scroll_y) + offset.y == self.cursor:
            self.cursor_moved()

    @property
    def clock_column(self) -> int:
        """Waterfall and duration stand at the right."""
        return self.width - _TIME - 2 - self._waterfall_width

    @property
    def _waterfall_width(self) -> int:
        """Cells of the bars, with a blank before them; 0 if there is no room."""
        if self.width < _ROOM_FOR_WATERFALL:
            return 0
        return min(_WIDEST_WATERFALL, self.width * 3 // 8)

    def row_key(self, index: int) -> tuple[object, object]:
        """The record, and the text of its clock with its bar."""
        if self._facts:
            return self._facts[index], None
        step = self._steps[index]
        drawn = (step, index == self.cursor, self._problems(step))
        return drawn, (self._time(step), self._bar(step))

    def _problems(self, step: Step) -> tuple[int, int]:
        """How many errors and warnings its lines have."""
        if self._marks is None:
            return 0, 0
        return self._marks.counts(step.first_line - 1, step.last_line or END)

    def _bar(self, step: Step) -> tuple[int, str]:
        """Where its bar begins, and the bar; empty if there is no room."""
        width, execution = self._waterfall_width, self._execution
        if not width or execution is None:
            return 0, ""
        moment = now()
        scale = waterfall.scale_ms(execution, moment)
        return waterfall.bar(waterfall.span_ms(step, execution, moment), scale, width - 1)

    def _time(self, step: Step) -> str:
        return "" if self._execution is None else step_time(step, self._execution, now())

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """Glyph, name, the error if there is one, progress, the bar of the waterfall, duration."""
        if self._facts:
            return [(text, self.look(look)) for text, look in self._facts[index]]
        step = self._steps[index]
        colour = self.look(f"status--{step.status}")
        progress = [*self._signs(step), *self._progress(step, width)]
        taken = self._waterfall_width + sum(len(text) for text, _ in progress)
        room = width - 4 - _TIME - 1 - taken
        return [
            (f" {GLYPHS[step.status]} ", colour),
            *self._title(step, room),
            *progress,
            *self._waterfall(step, colour),
            (" " + fit_right(self._time(step), _TIME) + " ", self.look("rows--dim")),
        ]

    def _title(self, step: Step, room: int) -> list[Cell]:
        name = clean_line(step.name)
        error = clean_line(step.error or "")
        running = step.status is Status.RUNNING
        style = self.look("rows--strong") if running else Style.null()
        used = cell_len(name) + 2
        if not error or room < used + _LEAST_ERROR:
            return [(fit(name, room), style)]
        return [(fit(name, used), style), (fit(error, room - used), self.look("rows--dim"))]

    def _signs(self, step: Step) -> list[Cell]:
        """Errors and warnings, counted."""
        errors, warnings = self._problems(step)
        counted = (
            (errors, Severity.ERROR, "status--failed"),
            (warnings, Severity.WARNING, "status--timed_out"),
        )
        return [
            (f" {glyphs.shown(sign.value)}{min(count, _MOST_COUNTED)}", self.look(style))
            for count, sign, style in counted
            if count
        ]

    def _waterfall(self, step: Step, colour: Style) -> list[Cell]:
        width = self._waterfall_width
        if not width:
            return []
        before, bar = self._bar(step)
        return [(" " * (before + 1), Style.null()), (fit(bar, width - 1 - before), colour)]

    def _progress(self, step: Step, width: int) -> list[Cell]:
        if step.progress is None or step.status.is_final:
            return []
        share = (f" {step.progress:4.0%}", self.look("rows--dim"))
        if width < _ROOM_FOR_BAR or self._waterfall_width:
            return [share]
        full, empty = bar(step.progress, BAR_CELLS)
        return [
            (" " + full, self.look("status--running")),
            (empty, self.look("rows--faint")),
            share,
        ]
