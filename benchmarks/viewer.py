"""The product's way of reading: is there anything new? Only then rows are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.store import queries
from stepflow_tui.store.chunks import lines_of
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.chunks import LogLine
    from stepflow_tui.store.queries import Pulse

ROWS, LINES = 10, 20
_MAX_LINE = 64 * 1024
_CHUNKS = 64
_NONE_NEWER = 2**62


class Viewer:
    """Shows the newest executions and the end of some logs, as the dashboard keeps them.

    Use it as a context manager.
    """

    def __init__(self, home: Home, *, asks_first: bool = True) -> None:
        """Opens the database.

        Args:
            home: whose database.
            asks_first: False reads every row at each look.
        """
        self._reader = Reader(home.database)
        self._asks_first = asks_first
        self._version = 0
        self._pulses: dict[int, Pulse] = {}
        self._rows: list[Execution] = []
        self._rows_revision = -1
        self._tails: dict[int, tuple[int, list[LogLine]]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._reader.close()

    def newest(self) -> list[Execution]:
        """The newest ten."""
        if not self._asks_first:
            return self._reader.all(queries.newest_executions(ROWS))
        revision = self._pulse(0).revision
        if revision != self._rows_revision:
            self._rows = self._reader.all(queries.newest_executions(ROWS))
            self._rows_revision = revision
        return self._rows

    def tail(self, number: int) -> list[LogLine]:
        """The last twenty lines."""
        pulse = self._pulse(number)
        known = self._tails.get(number)
        if known is None or known[0] != pulse.byte_count or not self._asks_first:
            known = pulse.byte_count, self._read_tail(number, pulse.line_count)
            self._tails[number] = known
        return known[1]

    def _pulse(self, number: int) -> Pulse:
        version = self._reader.data_version()
        if version != self._version or not self._asks_first:
            self._pulses.clear()
            self._version = version
        if number not in self._pulses:
            newest = self._rows[0].number if self._rows else _NONE_NEWER
            self._pulses[number] = self._reader.all(queries.pulse(number, newest))[0]
        return self._pulses[number]

    def _read_tail(self, number: int, count: int) -> list[LogLine]:
        start = max(0, count - LINES)
        found = self._reader.all(queries.chunks_of_lines(number, start, count, _CHUNKS))
        return lines_of(found, start=start, stop=count, limit=_MAX_LINE)
