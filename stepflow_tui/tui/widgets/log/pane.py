"""The view of a log of any length: what is shown of it, where it stands, how it is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from stepflow_tui.core.clock import now
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.clock import execution_time, step_time
from stepflow_tui.tui.executions.columns import fit
from stepflow_tui.tui.executions.facts import command_on_a_line, how_it_ended
from stepflow_tui.tui.in_parts import InParts
from stepflow_tui.tui.log.contrast import Ground
from stepflow_tui.tui.log.folds import Folds, body_of
from stepflow_tui.tui.log.heading import Heading, Markers
from stepflow_tui.tui.log.line import Palette
from stepflow_tui.tui.log.viewport import Viewport
from stepflow_tui.tui.messages import LogMoved, Wanted
from stepflow_tui.tui.terminal.parts import redraw
from stepflow_tui.tui.widgets.framed_rows import FramedRows
from stepflow_tui.tui.widgets.log.painter import LogPainter, Row
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.color import Color
    from textual.selection import Selection

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.chunks import LogLine
    from stepflow_tui.tui.log.interleaved import AnyLog
    from stepflow_tui.tui.log.marks import LogMarks

_CORNERS = 4
"""Cells of the line above that the title cannot take, with a blank at either end."""

_LEAST_COMMAND = 8
"""Cells of it that say anything."""

_FEW = 4
"""So many new rows are drawn each on its own."""


class LogPane(InParts, Pane):
    """Shows a log and follows it while it grows.

    Attributes:
        view: which part of the log is in view; its `lines` are those that are shown at all.
        folds: which steps are folded.
        follow: the last lines stay in view; else nothing that is being read ever moves.
        cursor: 0-based index of the current line.
        seen: lines up to the last one that ever was in view.
        marks: where errors and warnings are, as far as that is known; None without a log.
    """

    ALLOW_SELECT = True

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.border_title = "Log"
        self._log: AnyLog | None = None
        self._painter = LogPainter()
        self._palette: Palette | None = None
        self._rows: list[Row] = []
        self._reveal_when_read = False
        self._asked_for: list[int] = []
        self._shown: object = None
        self._waits = False
        self._marked: Selection | None = None
        self._draws = False
        self.view = Viewport(self._rows_of)
        self.folds = Folds()
        self.follow = True
        self.cursor = 0
        self.seen = 0
        self.marks: LogMarks | None = None

    # What is shown

    @property
    def wanted_lines(self) -> range:
        """The lines in view, or that would be if they were read."""
        return range(self.view.top, self.view.top + max(1, self.height))

    @property
    def current(self) -> LogLine | None:
        """The line at the cursor; None if there is none."""
        return self._line(self.cursor)

    @property
    def selected_lines(self) -> range:
        """The lines that were selected with the keyboard; empty if there are none."""
        return range(0)

    def show(
        self, log: AnyLog | None, execution: Execution | None, steps: Sequence[Step] = ()
    ) -> None:
        """Show what has been read of the log by now; whoever calls it knows that it may move.

        Args:
            log: its lines; None if no execution is selected.
            execution: whose log it is.
            steps: of that execution, in order.
        """
        if log is not self._log:
            self._turn_to(log)
        shown = (log and log.version, execution, steps)
        if shown == self._shown and not self._waits:
            return
        self._shown = shown
        self._note(execution)
        self._note_steps(steps)
        self.view.count = 0 if log is None else log.line_count
        self._grown()
        self._arrange()

    def _turn_to(self, log: AnyLog | None) -> None:
        self._log, self._shown = log, None
        self._painter.forget()
        self._painter.look.shift = 0
        self.cursor = self.seen = self.view.top = self.view.skip = 0
        self.follow = True
        self.folds = Folds()
        self.view.lines.fold((), ())
        self._rows.clear()

    def _note(self, execution: Execution | None) -> None:
        before, self._painter.execution = self._painter.execution, execution
        if execution is None:
            if before is not None or self._log is None:
                self.border_title = "Log"  # else several logs, which have a title of their own
            return
        if before is None or _told(before) != _told(execution):
            self._show_title()
        if before is not None and before.end_line != execution.end_line:
            self.restyle()

    def _show_title(self) -> None:
        execution = self._painter.execution
        if execution is not None:
            self.border_title = _title(execution, self.outer_size.width - _CORNERS)

    def _note_steps(self, steps: Sequence[Step]) -> None:
        if steps == self.folds.steps:
            return
        self.folds.show(list(steps))
        if self.folds.folded:
            self.view.lines.fold(*self.folds.hidden())

    def _grown(self) -> None:
        """The log may have more lines than before."""

    def _settle(self) -> None:
        """Bring everything in line with where we want to be, and tell that it has changed."""
        self._arrange()
        self.post_message(LogMoved())

    def _arrange(self) -> None:
        """Bring view, scroll bar and screen in line with where we want to be."""
        if self.follow:
            self.view.to_end()
            self.cursor = self.view.lines.before(self.view.count - 1) or 0
        elif self._reveal_when_read and self._is_read(self._rows_in_view()):
            self._reveal_when_read = False
            self.view.reveal(self.cursor)
        rows = self._rows_in_view()
        self._move_scroll_bar()
        if self._log is not None:
            self._log.picked = [] if self.view.lines.is_whole else [row.line for row in rows]
        missing = [row.line for row in rows if row.text is None]
        self._waits = bool(missing)
        if not missing or missing == self._asked_for:  # asked in vain: the log has a hole
            self._repaint(rows)
        else:
            self._asked_for = missing
            self.post_message(Wanted())  # what was in view stays until the new lines are there
        self.seen = max(self.seen, self._seen_to(rows[-1].line) if rows else self.view.top)

    def _seen_to(self, line: int) -> int:
        """How many lines one has seen in a view that ends with this one."""
        return self.view.count if self.view.lines.after(line + 1) is None else line + 1

    def _move_scroll_bar(self) -> None:
        lines = self.view.lines
        end_line, end_row = self.view.end
        rows = lines.below(end_line) + bool(end_row) + self.height
        self.scroll_bar_to(rows, lines.below(self.view.top))

    def _line(self, index: int) -> LogLine | None:
        return None if self._log is None else self._log.line(index)

    @property
    def _cursor_y(self) -> int:
        """The row of the view in which the current line begins; the first if it is not there."""
        return next((y for y, row in enumerate(self._rows) if row.line == self.cursor), 0)

    @staticmethod
    def _is_read(rows: Sequence[Row]) -> bool:
        return all(row.text is not None for row in rows)

    def _rows_in_view(self) -> list[Row]:
        log, selected = self._log, self.selected_lines
        if log is None:
            return []
        lit = self.cursor if self.has_focus or not self.follow else None
        heading = self._heading if self.folds.steps else _no_heading
        return [
            Row(line, row, log.line(line), heading(line), line == lit, line in selected)
            for line, row in self.view.rows()
        ]

    def _rows_of(self, index: int) -> int:
        line = self._line(index) if self._painter.look.wrap else None
        if line is None:
            return 1
        return len(self._painter.starts(line, self.palette, self._heading(index)))

    def _heading(self, line: int) -> Heading | None:
        """What stands in place of the line that begins a step."""
        step, execution = self.folds.heading_at(line), self._painter.execution
        if step is None or execution is None:
            return None
        folded = step.index in self.folds.folded
        if not folded and self._painter.look.markers is Markers.RAW:
            return None
        time = step_time(step, execution, now())
        if not folded:
            return Heading(step.name, step.status, time)
        body = body_of(step)
        errors, warnings = self.marks.counts(body.start, body.stop) if self.marks else (0, 0)
        hidden = self.view.lines.passing(body)
        return Heading(step.name, step.status, time, hidden, errors, warnings)

    # Drawing

    @property
    def palette(self) -> Palette:
        """The styles of the style sheet."""
        if self._palette is None:
            self._palette = Palette(
                marker=self.look("log--marker"),
                step=self.look("log--step"),
                match=self.look("log--match"),
                after_end=self.look("log--after-end"),
                prefix=self.look("log--prefix"),
                error=self.look("log--error"),
                warning=self.look("log--warning"),
                selection=self.screen.get_component_rich_style("screen--selection", partial=True),
                base=self.rich_style,
                statuses={status: self.look(f"status--{status}") for status in Status},
                ground=self._ground(),
            )
        return self._palette

    def _ground(self) -> Ground | None:
        if self.app.native_ansi_color:
            return None
        _, _, background, colour = self.colors
        return Ground(_triplet(colour), _triplet(background), self.app.ansi_theme)

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        super().notify_style_update()
        self._palette = None
        self._painter.forget()

    def restyle(self) -> None:
        """Draw everything anew, rows that nothing stands in any more included."""
        self._painter.forget()
        self._rows.clear()
        self.refresh()

    def repaint(self) -> None:
        """Draw the rows that have changed, and nothing else."""
        rows = self._rows_in_view()
        if self._is_read(rows):
            self._repaint(rows)

    def _repaint(self, rows: list[Row]) -> None:
        before, self._rows = self._rows, rows
        moves = _moves(before, rows)
        if isinstance(self._styles_cache, FramedRows):
            self._styles_cache.move(moves, self.content_offset.y)
        last = max(len(before), len(rows))
        changed = [y for y in range(last) if moves.get(y) != y]
        if changed:
            height = changed[-1] - changed[0] + 1
            redraw(self, Region(0, changed[0], self.width, height))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw a part of the view."""
        self._marked = self.text_selection  # dear to ask for
        self._draws = True
        try:
            return super().render_lines(crop)
        finally:
            self._draws = False

    def _render_rows(self, crop: Region) -> list[Strip]:
        """Those that were drawn before are as they were, wherever they stood."""
        self._fit()
        cache = self._styles_cache
        is_whole = crop.column_span == (0, self.outer_size.width)
        if not isinstance(cache, FramedRows) or not is_whole or self._marked is not None:
            return super()._render_rows(crop)
        missing = [y for y in crop.line_range if y not in cache.drawn]
        if len(missing) > _FEW:
            cache.drawn |= zip(crop.line_range, super()._render_rows(crop), strict=True)
        else:
            cache.drawn |= {y: self._framed_row(cache, y) for y in missing}
        return [cache.drawn[y] for y in crop.line_range]

    def _framed_row(self, cache: FramedRows, y: int) -> Strip:
        """A row of the widget."""
        row = y - self.content_offset.y
        if row in range(self.height):
            strip = cache.put_in(self._row_strip(row), self.get_line_filters())
            if strip is not None:
                return strip
        [strip] = super()._render_rows(Region(0, y, self.outer_size.width, 1))
        return strip

    def render_line(self, y: int) -> Strip:
        """One row of the view; with the places of its pieces if it is asked for by itself.

        Textual does so to know over which character the mouse is.
        """
        self._fit()
        return self._row_strip(y, places=not self._draws)

    def _row_strip(self, y: int, *, places: bool = False) -> Strip:
        row = self._rows[y] if y < len(self._rows) else None
        if row is None or row.text is None:
            return self._blank(y)
        cursor = None
        if row.cursor:
            cursor = self.look("log--cursor" if self.has_focus else "log--cursor-blurred")
        return self._painter.row(row, self.palette, cursor, self._marked, places=places)

    def _blank(self, y: int) -> Strip:
        execution, base = self._painter.execution, self.base
        text = ""
        if y == 0 and not self.view.count and execution is not None:
            text = "no output" if execution.status.is_final else "no output yet"
        elif y == 0 and not self._rows:
            text = self._nothing_shown()
        hint = Segment(text, base + self.look("log--prefix"))
        return Strip([hint]).adjust_cell_length(self.width, base)

    def _nothing_shown(self) -> str:
        """Why no line is in view though there are some."""
        return ""

    # Moving

    def jump(self, line: int, *, above: int) -> None:
        """Go to a line, with some lines above it in view, and stay there.

        A step that hides it is unfolded; if a filter hides it, its nearest neighbour is meant.
        """
        self.follow = False
        if self.folds.open_to(line):
            self.view.lines.fold(*self.folds.hidden())
        lines = self.view.lines
        self.cursor = lines.nearest(max(0, min(line, self.view.count - 1)))
        self.view.put(lines.at(max(0, lines.below(self.cursor) - above)))
        self.view.reveal(self.cursor)
        self._reveal_when_read = True
        self._settle()

    def resume(self) -> None:
        """Go to the end and follow it."""
        self.follow = True
        self._settle()

    def _move_cursor(self, line: int) -> None:
        self.cursor = self.view.lines.nearest(max(0, min(line, self.view.count - 1)))
        self.view.reveal(self.cursor)
        self._settle()

    def _scroll_rows(self, rows: int) -> bool:
        """Scroll the view; False if it was at the end already."""
        before = (self.view.top, self.view.skip)
        if rows < 0:
            self.follow = False
        self.view.scroll(rows)
        return before != (self.view.top, self.view.skip)

    def _rearrange(self, change: Callable[[], object], line: int | None = None) -> None:
        """Change which lines are shown; a line, or else the current one, stays where it is."""
        line = self.cursor if line is None else line
        above = next((y for y, row in enumerate(self._rows) if row.line == line), self._cursor_y)
        change()
        if not self.follow:
            self.cursor = self.view.lines.nearest(line)
            self.view.put(self.cursor, above=above)
        self._settle()

    def _fit(self) -> None:
        """Take note of the size that there is to draw in."""
        if (self.view.height, self._painter.look.width) == (self.height, self.width):
            return
        self.view.height = self.height
        self._styles_cache.clear()
        if self._painter.look.width != self.width:
            self._painter.look.width = self.width
            self._painter.forget()
        if self.follow:
            self.view.to_end()
        else:
            self.view.clamp()
        self._rows = self._rows_in_view()

    def on_resize(self) -> None:
        """Keep the place in a view of another size."""
        self._fit()
        self._show_title()
        self._settle()
        self.refresh()

    def watch_has_focus(self, has_focus: bool) -> None:
        """The current line is drawn as such, or no more."""
        super().watch_has_focus(has_focus)
        self.repaint()


def _moves(before: list[Row], after: list[Row]) -> dict[int, int]:
    """Where rows of the view that look as they did stood before."""
    by = before.index(after[0]) if after and after[0] in before else 0
    pairs = enumerate(zip(after, before[by:], strict=False))
    return {y: y + by for y, (new, old) in pairs if new == old}


def _no_heading(_line: int) -> None:
    """There are no steps."""


def _told(execution: Execution) -> tuple[object, ...]:
    """What the title depends on."""
    return execution.id, execution.word, execution.exit_code, execution.duration_ms


def _title(execution: Execution, room: int) -> Content:
    """Name, status, how and after how long it ended, and as much of the command as there is room.

    What has no room is left out, the least important first.
    """
    status = execution.status
    name = f"#{execution.number} {clean_line(execution.name)}  "
    word = f"{GLYPHS[status]} {execution.word}"
    parts = []
    if status.is_final:
        parts = [
            text for text in (how_it_ended(execution), execution_time(execution, now())) if text
        ]
    while parts and cell_len(name + word + _joined(parts)) > room:
        parts.pop()
    left = room - cell_len(name + word + _joined(parts)) - 2
    if left >= _LEAST_COMMAND:
        command = command_on_a_line(execution)
        parts.append(command if cell_len(command) <= left else fit(command, left))
    return Content.assemble(name, (word, f"$status-{status}"), _joined(parts))


def _joined(parts: Sequence[str]) -> str:
    return "".join(f"  {part}" for part in parts)


def _triplet(colour: Color) -> ColorTriplet:
    return ColorTriplet(colour.r, colour.g, colour.b)
