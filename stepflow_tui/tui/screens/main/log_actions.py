"""What one can do with the log. What an action needs it imports: the first screen comes sooner."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual import work
from textual.actions import SkipAction
from textual.app import SuspendNotSupported

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import StepflowError, StoreProblem, UsageProblem, reason_of
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.log.source import LogPages
from stepflow_tui.tui.screens.main.searching import Searching

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core import places
    from stepflow_tui.core.models import Execution
    from stepflow_tui.tui.log.interleaved import Interleaved

_ABOVE_A_PLACE = 5


class LogActions(Searching):
    """Following, going to places, copying, saving, reading elsewhere."""

    def action_follow(self) -> None:
        """Follow the log, or stop following."""
        if self._log.follow:
            self._log.follow = False
            self._log.repaint()
            self._log_moved()
        else:
            self._log.resume()
            self._steps.forget_cursor()

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self._log.toggle_wrap()

    def action_timestamps(self) -> None:
        """No times, since the start, by the clock."""
        self._log.cycle_timestamps()

    # Places

    async def go_to_place(self, text: str) -> None:
        """Go to a line, a share, a time or the end, as it was typed.

        Raises:
            UsageProblem: there is no such place.
            StoreProblem: the database cannot be read.
        """
        from stepflow_tui.core import places

        place = places.parse_place(text)
        if isinstance(place, places.End):
            self._log.resume()
            return
        if isinstance(place, places.LineNumber | places.Percent):
            line = places.line_of(place, self._log.view.count)
        else:
            line = await self._line_of(place)
        self._go_to("log")
        self._log.jump(line, above=_ABOVE_A_PLACE, reveal=True)

    async def _line_of(self, place: places.Elapsed | places.ClockTime) -> int:
        from stepflow_tui.core import places

        log, execution = self._live.log, self._live.selected
        if log is not None:
            await log.load(range(self._log.cursor, self._log.cursor + 1))
        current = self._log.current
        if log is None or current is None:
            raise UsageProblem("there is no line to go to")
        started_at = execution.started_at if execution else None
        moment = places.moment_of(place, started_at or current.arrived_at, current.arrived_at)
        line = await _line_at(log, moment)
        if line is None:
            self._say("the log ends before that time")
            return max(0, log.line_count - 1)
        return line

    # Copying and saving

    @work(group="copy", exclusive=True)
    async def action_copy(self) -> None:
        """Copy the selected lines, or the current one."""
        try:
            excerpt = await self._log.excerpt()
        except StoreProblem as problem:
            self._say(str(problem), bad=True)
            return
        if excerpt is None:
            self._say("there is no line to copy")
            return
        what = "the head of a long line: " if excerpt.lines == 1 else "the first of them: "
        await self._copy(excerpt.text, what if excerpt.is_cut else "")
        self._log.end_selection()

    def action_copy_text(self) -> None:
        """Copy what is marked; ctrl+c goes on to the program if nothing is."""
        text = self.get_selected_text()
        if text is None:
            raise SkipAction
        self.run_worker(self._copy(text), group="copy")
        self.clear_selection()

    async def _copy(self, text: str, what: str = "") -> None:
        from stepflow_tui.tui.terminal import clipboard

        if clipboard.fits(text):
            self.app.copy_to_clipboard(text)
        taken = await clipboard.hand_over(text, os.environ)
        detour = clipboard.wrapped(text, os.environ)
        if taken is None and detour is not None and clipboard.fits(text):
            driver = self.app._driver  # noqa: SLF001 - Textual writes no other sequence for us
            if driver is not None:
                driver.write(detour)
        is_lost = taken is None and not clipboard.fits(text)
        self._say(f"{what}{clipboard.verdict(text, taken)}", bad=is_lost)

    @work(group="save")
    async def action_save(self) -> None:
        """Save the log, or the lines that are selected, to a file."""
        from stepflow_tui.tui.log import saving
        from stepflow_tui.tui.screens.save import Save

        execution = self._live.selected
        if execution is None:
            self._say("there is no log to save")
            return
        name = saving.default_name(execution)
        dialog = Save(_named(execution), name, self._selected_lines())
        order = await self._ask(dialog)
        if order is None:
            return
        try:
            lines, size = await saving.save(self._feed, execution.number, order)
        except (StepflowError, OSError) as error:
            self._say(f"not saved: {reason_of(error)}", bad=True)
        else:
            plural = "" if lines == 1 else "s"
            self._say(f"saved {lines:,} line{plural}, {format_size(size)}, to {order.path}")

    def _selected_lines(self) -> range | None:
        """The lines that are selected or marked with the mouse; None if none are."""
        selection = self.selections.get(self._log)
        if selection is None:
            return self._log.selected_lines or None
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self._log.view.count - 1
        return range(first, last + 1)

    # Reading elsewhere

    @work(group="pager", exclusive=True)
    async def action_pager(self) -> None:
        """Show the log in the user's pager."""
        from stepflow_tui.tui.log import pager

        execution = self._live.selected
        if execution is None:
            return
        try:
            async with pager.log_file(self._feed, execution.number) as path:
                is_last = self._log.cursor >= self._log.view.count - 1
                line = None if is_last else self._log.cursor + 1
                problem = self._run(pager.pager_command(os.environ, path, line))
        except (StepflowError, OSError, SuspendNotSupported) as error:
            problem = reason_of(error)
        if problem is not None:
            self._say(f"no pager: {problem}", bad=True)

    @work(group="pager", exclusive=True)
    async def action_editor(self) -> None:
        """Show a copy of the log in the user's editor."""
        from stepflow_tui.tui.log import pager, saving

        execution = self._live.selected
        if execution is None:
            return
        name = saving.default_name(execution)
        try:
            async with pager.log_copy(self._feed, execution.number, name) as path:
                command = pager.editor_command(os.environ, path, self._log.cursor + 1)
                problem = self._run(command, path.parent)
        except (StepflowError, OSError, SuspendNotSupported) as error:
            problem = reason_of(error)
        if problem is not None:
            self._say(f"no editor: {problem}", bad=True)

    def _run(self, command: list[str], directory: Path | None = None) -> str | None:
        from stepflow_tui.tui.log import pager

        with self.app.suspend():
            return pager.run_pager(command, directory)


async def _line_at(log: LogPages | Interleaved, moment: int) -> int | None:
    from stepflow_tui.tui.log.arrivals import line_at

    if isinstance(log, LogPages):
        return await line_at(log.source, log.number, moment, log.line_count)
    return log.line_at(moment)


def _named(execution: Execution) -> str:
    return f"#{execution.number} {clean_line(execution.name)}"
