"""The search of the dashboard: what is looked for, in which log, and where the next match is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.tui.log.search import LogSearch

if TYPE_CHECKING:
    from stepflow_tui.tui.log.haystack import Haystack
    from stepflow_tui.tui.log.interleaved import AnyLog
    from stepflow_tui.tui.log.needle import Needle


class Hit(Struct, frozen=True):
    """A matching line, and whether the search went over an end of the log to find it."""

    line: int
    wrapped: bool


class Finder:
    """Looks for one needle at a time.

    Attributes:
        needle: what is looked for; None when nothing is.
        search: in the selected log; None when nothing is looked for.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._haystack: Haystack | None = None
        self.needle: Needle | None = None
        self.search: LogSearch | None = None

    def begin(self, needle: Needle | None) -> None:
        """Look for something else, or for nothing."""
        self.needle, self.search = needle, None
        if needle is not None and self._number is not None and self._haystack is not None:
            self.search = LogSearch(self._haystack, self._number, needle)

    def turn_to(self, log: AnyLog | None) -> None:
        """Look in another log."""
        number = None if log is None else log.number
        if number != self._number:
            self._number, self._haystack = number, None if log is None else log.haystack()
            self.begin(self.needle)

    async def find(self, line: int, count: int, *, backward: bool) -> Hit | None:
        """The next match behind (or ahead of) `line` in a log of `count` lines.

        Raises:
            StoreProblem: the database cannot be read.
        """
        search = self.search
        if search is None:
            return None
        if backward:
            near, far, look = (0, line), (line, count), search.last
        else:
            near, far, look = (line + 1, count), (0, line + 1), search.first
        for wrapped, (start, stop) in enumerate((near, far)):
            found = await look(start, stop)
            if found is not None:
                return Hit(found, wrapped=bool(wrapped))
        return None

    def summary(self, cursor: int, count: int) -> str:
        """How many lines match, and which of them is the current one."""
        search = self.search
        if search is None:
            return ""
        total, place = f"{search.count:,}", search.place(cursor)
        if search.skipped:
            lines = "1 line" if search.skipped == 1 else f"{search.skipped:,} lines"
            return f"{total} found, {lines} took too long"
        if search.is_stopped or search.scanned < count:
            return f"{total} so far"
        if not search.count:
            return "not found"
        return f"{total} found" if place is None else f"{place + 1:,} of {total}"
