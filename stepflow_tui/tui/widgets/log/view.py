"""The log of the selected execution: of any length, read and drawn only where it is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual import work

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log.shown import shown_line
from stepflow_tui.tui.widgets.log.folding import LogFolding
from stepflow_tui.tui.widgets.log.mouse import LogMouse
from stepflow_tui.tui.widgets.log.selection import LogSelection
from stepflow_tui.tui.widgets.log.sieve import LogSieve

if TYPE_CHECKING:
    from textual.binding import BindingType

    from stepflow_tui.tui.log.line import Highlight, Timestamps
    from stepflow_tui.tui.log.marks import LogMarks
    from stepflow_tui.tui.widgets.log.painter import Look

_ABOVE = 5
"""Lines above one that is jumped to."""


class LogView(LogMouse, LogSelection, LogFolding, LogSieve, is_whole=True):
    """The whole view, with what can be done to it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keymap.MOVE.bindings,
        *keymap.SIDEWAYS.bindings,
        *keymap.READING,
        keymap.END_SELECTION,
    ]

    # Looks

    @property
    def appearance(self) -> Look:
        """How lines are drawn; to be changed from outside only before there is a screen."""
        return self._painter.look

    def set_pattern(self, pattern: Highlight | None) -> None:
        """Highlight what this finds; None for nothing."""
        self._painter.look.highlight = pattern
        if pattern is None:
            self.show_matches(())
        self.restyle()
        self._settle()

    def toggle_wrap(self) -> bool:
        """Wrap long lines, or cut them; returns which. The line at the top stays there."""
        look = self._painter.look
        look.wrap, look.shift = not look.wrap, 0
        self.view.skip = 0
        self.restyle()
        if not self.follow:
            self.view.clamp()
        self._settle()
        return look.wrap

    def cycle_timestamps(self) -> Timestamps:
        """Turn to the next kind of timestamps; returns which."""
        look = self._painter.look
        look.timestamps = look.timestamps.next
        self.restyle()
        self._settle()
        return look.timestamps

    def action_markers(self) -> None:
        """Show marker lines as headings, not at all, or as they were printed."""
        self.notify(self.cycle_markers().value, markup=False)

    def action_pretty(self) -> None:
        """Show the JSON of the current line on a sheet of its own."""
        from stepflow_tui.tui.screens.pretty import Pretty, json_in

        line = self.current
        found = None if line is None else json_in(shown_line(line.text))
        if line is None or found is None:
            self.notify("no JSON in this line", markup=False)
        else:
            self.app.push_screen(Pretty(f"line {line.number:,}", found))

    # Errors and warnings

    def action_next_problem(self) -> None:
        """To the next error or warning."""
        self._to_problem(backward=False)

    def action_previous_problem(self) -> None:
        """To the error or warning before."""
        self._to_problem(backward=True)

    @work(group="problem", exclusive=True)
    async def _to_problem(self, *, backward: bool) -> None:
        try:
            line = await self._problem(backward=backward)
        except StoreProblem as problem:
            self.notify(str(problem), severity="error", markup=False)
            return
        if line is None:
            where = "above" if backward else "below"
            self.notify(f"no error or warning {where}", markup=False)
        else:
            self.jump(line, above=_ABOVE)

    async def _problem(self, *, backward: bool) -> int | None:
        """The nearest one that a filter leaves; the scan goes on as far as need be."""
        # While we follow, the last line is as good as above us.
        marks, start = self.marks, self.view.count if backward and self.follow else self.cursor
        is_more = marks is not None
        while marks is not None:
            joins = marks.high >= min(start, self._complete) if backward else marks.low <= start + 1
            found = self._known_problem(marks, start, backward=backward) if joins else None
            if found is not None or not is_more:
                return found
            is_more = await marks.advance(self._complete)
        return None

    def _known_problem(self, marks: LogMarks, line: int, *, backward: bool) -> int | None:
        lines = self.view.lines
        found = marks.preceding(line) if backward else marks.following(line)
        while found is not None:
            near = lines.last_passing(found) if backward else lines.next_passing(found)
            if near is None or near == found:
                return near
            found = marks.preceding(near + 1) if backward else marks.following(near - 1)
        return None
