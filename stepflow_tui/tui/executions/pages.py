"""The list of all executions, of which only what is looked at is read.

Rows count from the newest (index 0), pages from the oldest: so a page stays what it is while new
executions come in at the top.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.store import queries
from stepflow_tui.tui.executions.view import PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.queries import Pulse
    from stepflow_tui.tui.source import Source

PAGE = 64
"""Rows of a page."""

KEPT = 32
"""Pages that are kept in memory."""


class _Page(Struct):
    """Adjoining executions, oldest first, as of a revision."""

    rows: list[Execution]
    revision: int


class ExecutionPages:
    """Random access to executions by their distance from the newest.

    Attributes:
        view: all, the newest first.
        total: number of executions.
        newest: the highest number among them, or 0.
        revision: what loaded rows are compared with; older ones are read again when looked at.
        version: always the same, as rows come in at the top alone.
        is_cut: never, as a long list costs what a short one does.
        behind_s: nothing waits to be read.
    """

    view = PLAIN
    version = 0
    is_cut = False
    behind_s: float | None = None

    def __init__(self, source: Source) -> None:
        self._source = source
        self._pages: OrderedDict[int, _Page] = OrderedDict()
        self.total = 0
        self.newest = 0
        self.revision = 0

    @property
    def is_read(self) -> bool:
        """Whether it is known how many there are."""
        return self.revision > 0

    def advance(self, pulse: Pulse) -> bool:
        """Take note of how things stand.

        Returns:
            Whether rows are gone: then every page is void.
        """
        are_gone = pulse.total != self.total + pulse.arrived
        if are_gone:
            self._pages.clear()
        self.total, self.newest, self.revision = pulse.total, pulse.newest, pulse.revision
        return are_gone

    def row(self, index: int) -> Execution | None:
        """The execution `index` places behind the newest, if it is loaded."""
        page, place = divmod(self.total - 1 - index, PAGE)
        found = self._pages.get(page)
        return found.rows[place] if found and 0 <= place < len(found.rows) else None

    def index_of(self, number: int) -> int | None:
        """Where a loaded execution stands."""
        for key, page in self._pages.items():
            for place, row in enumerate(page.rows):
                if row.number == number:
                    return self.total - 1 - (key * PAGE + place)
        return None

    async def load(self, rows: range) -> None:
        """Read what is missing or out of date in these rows.

        Raises:
            StoreProblem: the database cannot be read.
        """
        for page in self._pages_of(rows):
            await self._complete(page)
            self._pages.move_to_end(page)
        while len(self._pages) > KEPT:
            self._pages.popitem(last=False)

    def is_loaded(self, rows: range) -> bool:
        """Whether `load` would have nothing to read."""
        return all(self._is_whole(page) for page in self._pages_of(rows))

    def _pages_of(self, rows: range) -> Iterable[int]:
        start, stop = max(rows.start, 0), min(rows.stop, self.total)
        if start >= stop:
            return ()
        return range((self.total - stop) // PAGE, (self.total - 1 - start) // PAGE + 1)

    def _size(self, page: int) -> int:
        return min(PAGE, self.total - page * PAGE)

    def _is_whole(self, page: int) -> bool:
        found = self._pages.get(page)
        return (
            found is not None
            and len(found.rows) == self._size(page)
            and found.revision == self.revision
        )

    async def _complete(self, page: int) -> None:
        revision, found = self.revision, self._pages.get(page)
        if found is None or len(found.rows) != self._size(page):
            self._pages[page] = _Page(await self._read(page), revision)
        elif found.revision != revision:
            await self._bring_up_to_date(found, revision)

    async def _bring_up_to_date(self, page: _Page, revision: int) -> None:
        oldest, newest = page.rows[0].number, page.rows[-1].number
        changed = await self._source.all(queries.executions_changed(oldest, newest, page.revision))
        if changed:
            by_number = {row.number: row for row in changed}
            page.rows = [by_number.get(row.number, row) for row in page.rows]
        page.revision = revision

    async def _read(self, page: int) -> list[Execution]:
        size = self._size(page)
        below = self._pages.get(page - 1)
        if below is not None and len(below.rows) == PAGE:
            return await self._source.all(queries.executions_up(below.rows[-1].number, size))
        number, distance = self._nearest_above(page * PAGE + size - 1)
        if distance:
            found = await self._source.first(queries.number_older_by(number, distance))
            number = found or 0
        rows = await self._source.all(queries.executions_down(number, size))
        return rows[::-1]

    def _nearest_above(self, place: int) -> tuple[int, int]:
        """A known number at or above this place from the oldest, and how far above it is."""
        nearest = (self.newest, self.total - 1 - place)
        for key, page in self._pages.items():
            distance = key * PAGE - place
            if page.rows and 0 <= distance < nearest[1]:
                nearest = (page.rows[0].number, distance)
        return nearest
