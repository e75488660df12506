"""The search of the dashboard: what is looked for, in which log, and where the next match is."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stepflow_tui.tui.log_search import MAX_MATCHES, LogSearch, Needle

if TYPE_CHECKING:
    from stepflow_tui.tui.source import Source


@dataclass(frozen=True, slots=True)
class Hit:
    """A matching line, and whether the search went over an end of the log to find it."""

    line: int
    wrapped: bool


class Finder:
    """Looks for one text at a time.

    Attributes:
        needle: what is looked for; None when nothing is.
        search: in the selected log; None when nothing is looked for.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self.needle: Needle | None = None
        self.search: LogSearch | None = None

    def begin(self, text: str, number: int | None) -> None:
        """Look for another text, or with an empty one for nothing."""
        self.needle = Needle(text) if text else None
        self.turn_to(number)

    def turn_to(self, number: int | None) -> None:
        """Look in the log of another execution."""
        active = self.needle is not None and number is not None
        self.search = LogSearch(self._source, number, self.needle) if active else None  # type: ignore[arg-type]

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
        total = f"{len(search.matches):,}"
        if search.is_capped:
            total = f"over {MAX_MATCHES:,}"
        elif search.scanned < count:
            return f"{total} so far"
        elif not search.matches:
            return "not found"
        place = bisect_left(search.matches, cursor)
        if place < len(search.matches) and search.matches[place] == cursor:
            return f"{place + 1:,} of {total}"
        return f"{total} found"
