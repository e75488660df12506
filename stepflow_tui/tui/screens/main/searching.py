"""Searching the log: typing, counting, going from match to match, listing them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from textual import on, work
from textual.actions import SkipAction

from stepflow_tui.core.errors import StoreProblem, UsageProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.log.source import LogPages
from stepflow_tui.tui.messages import LogMoved, SearchChanged
from stepflow_tui.tui.screens.main.asking import Asking
from stepflow_tui.tui.widgets.search_bar import SearchBar

if TYPE_CHECKING:
    from stepflow_tui.tui.log.interleaved import Interleaved
    from stepflow_tui.tui.log.needle import Needle
    from stepflow_tui.tui.log.search import LogSearch

_ABOVE_A_MATCH = 5
_TELL_EVERY_S = 0.25


class Searching(Asking):
    """One search at a time; it goes on while the log grows, and from log to log."""

    _counted: LogSearch | None = None
    _told_at = 0.0

    @on(LogMoved)
    def _log_moved(self) -> None:
        self._show_status()
        self._show_matches()

    def action_search(self) -> None:
        """Type what to look for."""
        search = self.query_one(SearchBar)
        if self.focused is search.input:
            raise SkipAction  # a slash to look for
        search.open()

    @on(SearchChanged)
    def _search(self, message: SearchChanged) -> None:
        bar = self.query_one(SearchBar)
        try:
            needle = bar.needle()
        except UsageProblem as problem:
            self._look_for(None)
            bar.say(str(problem), bad=True)
            if message.entered:
                bar.open()
            return
        self._look_for(needle)
        if message.entered and needle:
            self._go_to("log")
            self._find(backward=self._log.follow, here=True)
        elif message.entered:
            self._end_search()

    def _look_for(self, needle: Needle | None) -> None:
        if needle is None or not needle.is_like(self._finder.needle):
            self._finder.begin(needle)
            self._log.set_pattern(needle)
            self.workers.cancel_group(self, "count")
            self.query_one(SearchBar).say("")
        self._count_matches()
        self._show_matches()

    def _end_search(self) -> None:
        self._look_for(None)
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
        log.jump(hit.line, above=_ABOVE_A_MATCH, reveal=True)
        if hit.wrapped:
            self._say("the search went on from the " + ("end" if backward else "beginning"))

    def _count_matches(self) -> None:
        search, log = self._finder.search, self._live.log
        if search is None or log is None or search is self._counted:
            return
        if search.is_behind(log.line_count, log.byte_count):
            self._counted = search
            self._count(search, log.line_count, log.byte_count)

    @work(group="count", exclusive=True)
    async def _count(self, search: LogSearch, line_count: int, byte_count: int) -> None:
        try:
            await search.scan(line_count, byte_count, self._show_some_matches)
        except StoreProblem as problem:
            self.query_one(SearchBar).say(str(problem), bad=True)
        else:
            self._show_matches()
        finally:
            if self._counted is search:
                self._counted = None

    def _show_some_matches(self) -> None:
        """Count where the user sees it, but no faster than one can read."""
        if time.monotonic() - self._told_at > _TELL_EVERY_S:
            self._show_matches()

    def _show_matches(self) -> None:
        search = self._finder.search
        if search is not None:
            self._told_at = time.monotonic()
            self._log.show_matches(search.matches)
            summary = self._finder.summary(self._log.cursor, self._log.view.count)
            self.query_one(SearchBar).say(summary)

    def action_sift(self) -> None:
        """Show only lines with what is looked for, then only those without it, then all."""
        needle, chosen = self._finder.needle, self._log.filter
        if chosen is None and needle is None:
            self.query_one(SearchBar).open()
            self._say("type what the lines must hold, then enter and &")
        elif chosen is None:
            self._log.set_filter(needle)
            self._say("only lines with it; & again for those without")
        elif chosen.include is not None:
            self._log.set_filter(None, chosen.include)
            self._say("only lines without it; & again for all")
        else:
            self._log.clear_filter()

    @work(group="matches", exclusive=True)
    async def action_matches(self) -> None:
        """List all matches, and go to the one that is chosen."""
        from stepflow_tui.tui.screens.matches import Matches

        search, log = self._finder.search, self._live.log
        if search is None or log is None:
            self._say("nothing is looked for; / begins a search")
            return
        execution = self._live.selected
        title = "all logs" if execution is None else f"#{execution.number} {execution.name}"
        matches = Matches(_own(log), search, title=clean_line(title), line=self._log.cursor)
        line = await self._ask(matches)
        if line is not None:
            self._go_to("log")
            self._log.jump(line, above=_ABOVE_A_MATCH, reveal=True)


def _own(log: LogPages | Interleaved) -> LogPages | Interleaved:
    """The same log with pages of its own: a list reads other lines than the view."""
    if not isinstance(log, LogPages):
        return log
    own = LogPages(log.source, log.number)
    own.resize(log.line_count, log.byte_count)
    return own
