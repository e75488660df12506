"""The list of executions where it is filtered or sorted: the numbers of all, the rows in view.

All numbers are read in one go and kept in order; they are read again when something has changed,
at a pace that follows from what it costs. Rows are read by number, as they come into view.
"""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from stepflow_tui.core.clock import now
from stepflow_tui.store import listing, queries
from stepflow_tui.store.listing import MAX_LISTED, Sort

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.queries import Pulse
    from stepflow_tui.tui.executions.view import View
    from stepflow_tui.tui.source import Source

KEPT = 2_000
"""Rows that are kept in memory."""

_REST_PER_COST, _LONGEST_REST_S = 20, 5.0
"""Reading all numbers takes a twentieth of the time at most, but no rest is longer than this."""

_AGEING_S = 10.0
"""How often a list is read again that changes as time goes by."""


class ExecutionList(Protocol):
    """Executions by their place in a list, of which only what is looked at is read.

    Attributes:
        view: what is listed, and how.
        total: number of rows.
        newest: the highest number of an execution, or 0.
        version: changes whenever rows may have moved, except for new ones at the top.
        is_cut: there is more than what is listed.
        behind_s: seconds after which `load` has to be called again to be up to date; else None.
    """

    view: View
    total: int
    newest: int
    version: int
    is_cut: bool

    @property
    def is_read(self) -> bool: ...  # noqa: D102 - whether it is known what is listed

    @property
    def behind_s(self) -> float | None: ...  # noqa: D102 - see above

    def advance(self, pulse: Pulse) -> bool:
        """Take note of how things stand; returns whether every place is void."""

    def row(self, index: int) -> Execution | None:
        """What stands at this place, if it is loaded."""

    def index_of(self, number: int) -> int | None:
        """Where an execution stands, if that is known."""

    async def load(self, rows: range) -> None:
        """Read what is missing or out of date in these rows.

        Raises:
            StoreProblem: the database cannot be read.
        """


class _Row(Struct):
    """An execution as of a revision."""

    execution: Execution
    revision: int


class Listing:
    """Executions that pass a filter, in any order.

    Attributes:
        view: what is listed, and how.
        held: an execution that stays in the list even if it does not pass the filter any more,
            as it is being looked at; None if there is none.
        total, newest, version, is_cut: see `ExecutionList`.
    """

    def __init__(self, source: Source, view: View) -> None:
        self._source = source
        self.view = view
        self.held: int | None = None
        self.total = 0
        self.newest = 0
        self.version = 0
        self.is_cut = False
        self._revision = 0
        self._numbers: array[int] = array("Q")
        self._rows: OrderedDict[int, _Row] = OrderedDict()
        self._read_revision: int | None = None
        self._read_at = 0.0
        self._rest_s = 0.0
        self._found: tuple[int, int | None] | None = None

    def advance(self, pulse: Pulse) -> bool:
        """Take note of how things stand."""
        self.newest, self._revision = pulse.newest, pulse.revision
        return False

    @property
    def is_read(self) -> bool:
        """Whether it is known what is listed."""
        return self.version > 0

    @property
    def behind_s(self) -> float | None:
        """Seconds until the numbers are to be read again; None while they are up to date."""
        if self._read_revision is None:
            return 0.0
        rest = self._rest_s
        if self._read_revision == self._revision:
            if not self._is_ageing:
                return None
            rest = max(rest, _AGEING_S)
        return max(0.0, self._read_at + rest - time.monotonic())

    @property
    def _is_ageing(self) -> bool:
        return self.view.wanted.is_relative or self.view.order.sort is Sort.TIME

    def hurry(self) -> None:
        """Have the next `load` read the numbers, whatever that costs."""
        self._read_revision = None

    def number_at(self, index: int) -> int | None:
        """The number of what stands at this place."""
        return self._numbers[index] if 0 <= index < self.total else None

    def row(self, index: int) -> Execution | None:
        """What stands at this place, if it is loaded."""
        number = self.number_at(index)
        found = None if number is None else self._rows.get(number)
        return None if found is None else found.execution

    def index_of(self, number: int) -> int | None:
        """Where an execution stands; None if it is not listed."""
        if self._found is None or self._found[0] != number:
            self._found = (number, self._find(number))
        return self._found[1]

    def _find(self, number: int) -> int | None:
        try:
            return self._numbers.index(number)
        except ValueError:
            return None

    async def load(self, rows: range) -> None:
        """Read the numbers if that is due, and what is missing or out of date in these rows.

        Raises:
            StoreProblem: the database cannot be read.
        """
        if self.behind_s == 0.0:
            await self._read_all()
        if not await self._read_rows(rows):
            await self._read_all()  # some are gone
            await self._read_rows(rows)
        while len(self._rows) > KEPT:
            self._rows.popitem(last=False)

    async def _read_all(self) -> None:
        revision, began = self._revision, time.monotonic()
        numbers = await self._read_numbers()
        self._read_at = time.monotonic()
        self._rest_s = min((self._read_at - began) * _REST_PER_COST, _LONGEST_REST_S)
        self._read_revision = revision
        if numbers != self._numbers or not self.version:
            self._numbers, self.total, self._found = numbers, len(numbers), None
            self.version += 1

    async def _read_numbers(self) -> array[int]:
        """The number of each row, in order."""
        query = listing.numbers(self.view.wanted, self.view.order, now().wall_ms, held=self.held)
        numbers = await self._source.first(query)
        assert numbers is not None  # noqa: S101 - an aggregate always has a row
        self.is_cut = len(numbers) > MAX_LISTED
        return numbers[:MAX_LISTED]

    async def _read_rows(self, rows: range) -> bool:
        """Whether all of them are still there."""
        revision = self._revision
        wanted = self._numbers[max(0, rows.start) : max(0, rows.stop)]
        missing = [number for number in wanted if number not in self._rows]
        old = [self._rows[number] for number in wanted if number in self._rows]
        since = min((row.revision for row in old), default=revision)
        changed: list[Execution] = []
        if missing:
            changed += await self._source.all(queries.executions_by_number(missing))
        if since < revision:
            known = [row.execution.number for row in old]
            changed += await self._source.all(listing.changed_among(known, since))
        for row in old:
            row.revision = revision
        for execution in changed:
            self._rows[execution.number] = _Row(execution, revision)
        for number in wanted:
            if number in self._rows:
                self._rows.move_to_end(number)
        return all(number in self._rows for number in missing)
