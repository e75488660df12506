"""What one can do with the log."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from textual import on, work
from textual.actions import SkipAction
from textual.app import SuspendNotSupported

from stepflow_tui.core.errors import StepflowError, StoreProblem
from stepflow_tui.core.text import plain
from stepflow_tui.tui import pager
from stepflow_tui.tui.messages import LogMoved, SearchChanged
from stepflow_tui.tui.screens.monitor import Monitor
from stepflow_tui.tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.tui.log_search import LogSearch

_CLIPBOARD_BYTES = 74_000
"""What terminals and tmux take in one OSC 52 sequence."""

_ABOVE_A_MATCH = 5


class LogActions(Monitor):
    """Following, looking, searching, copying."""

    _counted: LogSearch | None = None

    @on(LogMoved)
    def _log_moved(self) -> None:
        self._show_status()
        self._show_matches()

    def action_follow(self) -> None:
        """Follow the log, or stop following."""
        if self._log.follow:
            self._log.follow = False
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

    def action_copy(self) -> None:
        """Copy the current line."""
        line = self._log.current
        if line is None:
            self._say("there is no line to copy")
        else:
            self._copy(plain(line.text), "the head of a long line: " if line.truncated else "")

    def action_copy_text(self) -> None:
        """Copy what is marked; ctrl+c goes on to the program if nothing is."""
        text = self.get_selected_text()
        if text is None:
            raise SkipAction
        self._copy(text)
        self.clear_selection()

    def _copy(self, text: str, what: str = "") -> None:
        if len(text.encode()) > _CLIPBOARD_BYTES:
            self._say("too long for a terminal's clipboard; o opens the log in a pager", bad=True)
        else:
            self.app.copy_to_clipboard(text)
            self._say(
                f"{what}sent {len(text):,} characters to the terminal's clipboard (OSC 52); "
                "if nothing arrives, press o"
            )

    @work(group="pager", exclusive=True)
    async def action_pager(self) -> None:
        """Show the log in the user's pager."""
        number = self._live.number
        if number is None:
            return
        try:
            async with pager.log_file(self._feed, number) as path:
                problem = self._run_pager(path)
        except (StepflowError, OSError, SuspendNotSupported) as error:
            problem = str(error)
        if problem is not None:
            self._say(f"no pager: {problem}", bad=True)

    def _run_pager(self, path: Path) -> str | None:
        command = pager.pager_command(os.environ, path, self._log.cursor + 1)
        with self.app.suspend():
            return pager.run_pager(command)

    def action_search(self) -> None:
        """Type what to look for."""
        search = self.query_one(SearchBar)
        if self.focused is search.input:
            raise SkipAction  # a slash to look for
        search.open()

    @on(SearchChanged)
    def _search(self, message: SearchChanged) -> None:
        self._finder.begin(message.text, self._live.number)
        needle = self._finder.needle
        self._log.set_pattern(needle.pattern if needle else None)
        self._count_matches()
        self._show_matches()
        if message.entered and needle:
            self._go_to("log")
            self._find(backward=self._log.follow, here=True)
        elif message.entered:
            self._end_search()

    def _end_search(self) -> None:
        self._finder.begin("", None)
        self.workers.cancel_group(self, "count")
        self._log.set_pattern(None)
        self.query_one(SearchBar).close()
        self._go_to("log")

    def action_next_match(self) -> None:
        """To the next match."""
        self._find(backward=False)

    def action_previous_match(self) -> None:
        """To the match before."""
        self._find(backward=True)

    @work(group="find", exclusive=True)
    async def _find(self, *, backward: bool, here: bool = False) -> None:
        """Go to a match; with `here` the current line may be it."""
        bar, log = self.query_one(SearchBar), self._log
        if self._finder.needle is None:
            bar.open()
            return
        start = log.cursor if not here else log.cursor + (1 if backward else -1)
        try:
            hit = await self._finder.find(start, log.view.count, backward=backward)
        except StoreProblem as problem:
            bar.say(str(problem), bad=True)
            return
        if hit is None:
            bar.say("not found", bad=True)
            return
        log.jump(hit.line, above=_ABOVE_A_MATCH)
        if hit.wrapped:
            self._say("the search went on from the " + ("end" if backward else "beginning"))

    def _count_matches(self) -> None:
        search = self._finder.search
        if search is None or search is self._counted or search.is_capped:
            return
        if search.scanned < self._log.view.count:
            self._counted = search
            self._count(search)

    @work(group="count", exclusive=True)
    async def _count(self, search: LogSearch) -> None:
        try:
            await search.scan(self._log.view.count)
        except StoreProblem as problem:
            self.query_one(SearchBar).say(str(problem), bad=True)
        else:
            self._show_matches()
        finally:
            if self._counted is search:
                self._counted = None

    def _show_matches(self) -> None:
        if self._finder.search is not None:
            summary = self._finder.summary(self._log.cursor, self._log.view.count)
            self.query_one(SearchBar).say(summary)
