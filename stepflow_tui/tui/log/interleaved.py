"""The logs of several executions as one, in the order in which their lines arrived."""

from __future__ import annotations

from bisect import bisect_right
from heapq import merge
from itertools import count
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct
from msgspec.structs import replace
from rich.cells import cell_len

from stepflow_tui.core.text import PLAIN, clean_line
from stepflow_tui.core.visible import visible_line
from stepflow_tui.store import queries
from stepflow_tui.tui.executions.columns import fit
from stepflow_tui.tui.log.haystack import Passage, joined
from stepflow_tui.tui.log.shown import shown_line
from stepflow_tui.tui.log.source import LogPages

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.chunks import Chunk, LogLine
    from stepflow_tui.tui.log.haystack import Stretch
    from stepflow_tui.tui.source import Source

AnyLog: TypeAlias = "LogPages | Interleaved"
"""What a view of a log can show."""

LAST_LINES = 10_000
"""So many of the last lines of each execution are shown at least; all that come later."""

_COUNT = count(1)
_COLOURS = (36, 33, 35, 32, 34, 96, 93, 95, 92, 94)
_MAX_NAME = 20
_CHUNKS = 256
_WINDOW = 2000


class _Run(Struct, frozen=True):
    """Adjoining lines of one execution that stand together.

    Attributes:
        arrived_at: when they came.
        member: which of the executions.
        start, stop: its lines, by index.
    """

    arrived_at: int
    member: int
    start: int
    stop: int


class _Member:
    """One of the executions.

    Attributes:
        pages: its log.
        prefix: what stands before each of its lines.
        taken: lines up to here have their place, or are too old for one.
    """

    def __init__(self, source: Source, number: int, prefix: bytes) -> None:
        self.pages = LogPages(source, number)
        self.prefix = prefix
        self.taken: int | None = None


class Interleaved:
    """Random access to the lines of all, by 0-based index; a line never moves once it has a place.

    It goes where a `LogPages` does, but for `resize`: call `refresh` to take in what is new.

    Attributes:
        number: below 0, so no execution has it, and no other one of these either.
        line_count: lines there are.
        byte_count: grows whenever one of the logs does.
        version: another one whenever there are other lines than before.
    """

    def __init__(self, source: Source, executions: Sequence[Execution]) -> None:
        """Makes it without any lines yet.

        Args:
            source: where the logs are read.
            executions: whose logs; the colours of the prefixes go by this order.
        """
        self.source = source
        self.number = -next(_COUNT)
        self._members = [
            _Member(source, execution.number, prefix)
            for execution, prefix in zip(executions, _prefixes(executions), strict=True)
        ]
        self._runs: list[_Run] = []
        self._starts: list[int] = []
        self.picked: list[int] = []
        self.line_count = 0
        self.byte_count = 0
        self.version = 0

    @property
    def numbers(self) -> list[int]:
        """Of the executions."""
        return [member.pages.number for member in self._members]

    def resize(self, line_count: int, byte_count: int) -> None:
        """Nothing: `refresh` takes note of how far the logs have come."""

    async def refresh(self) -> None:
        """Give what has arrived since a place at the end.

        Raises:
            StoreProblem: the database cannot be read.
        """
        sizes = {
            number: (lines, size)
            for number, lines, size in await self.source.all(queries.stream_sizes(self.numbers))
        }
        coming = []
        for index, member in enumerate(self._members):
            line_count, size = sizes.get(member.pages.number, (0, 0))
            member.pages.resize(line_count, size)
            if member.taken is None:
                member.taken = max(0, line_count - LAST_LINES)
            if member.taken < line_count:
                coming.append(await self._arrived(index, member.taken, line_count))
                member.taken = line_count
        for run in merge(*coming, key=lambda run: run.arrived_at):
            self._append(run)
        self._note_size(sum(size for _, size in sizes.values()))

    def _append(self, run: _Run) -> None:
        self._runs.append(run)
        self._starts.append(self.line_count)
        self.line_count += run.stop - run.start

    def _note_size(self, byte_count: int) -> None:
        self.version += byte_count != self.byte_count
        self.byte_count = byte_count

    async def _arrived(self, member: int, start: int, stop: int) -> list[_Run]:
        """The lines `start:stop` of an execution, in runs that arrived together."""
        number, line = self._members[member].pages.number, start
        times: list[tuple[int, int]] = []
        while True:
            chunks = await self.source.all(queries.arrivals(number, line, _CHUNKS))
            times += _times_of(chunks)
            if len(chunks) < _CHUNKS:
                break
            line = max(line + 1, chunks[-1].first_line + chunks[-1].line_count)
        return list(_runs(times, member, start, stop))

    def _place(self, index: int) -> tuple[_Member, int] | None:
        """Whose line it is, and which of his."""
        if not 0 <= index < self.line_count:
            return None
        place = bisect_right(self._starts, index) - 1
        run = self._runs[place]
        return self._members[run.member], run.start + index - self._starts[place]

    def line(self, index: int) -> LogLine | None:
        """The line with its prefix, if it is loaded; its number counts in the whole."""
        place = self._place(index)
        if place is None:
            return None
        member, own = place
        line = member.pages.line(own)
        if line is None:
            return None
        # As it is seen: a movement of the cursor would lead into the prefix.
        text = member.prefix + visible_line(line.text, line.style).encode()
        size = line.size - len(line.text) + len(text)
        return replace(line, number=index + 1, text=text, size=size, style=PLAIN)

    def is_loaded(self, lines: range) -> bool:
        """Whether `load` would have nothing to read."""
        return all(pages.is_loaded(own) for pages, own in self._parts(lines))

    async def load(self, lines: range) -> None:
        """Read what is missing or unfinished of these lines, and of those that are picked.

        Raises:
            StoreProblem: the database cannot be read.
        """
        wanted = [*self._parts(lines)]
        for index in self.picked:
            wanted += self._parts(range(index, index + 1))
        before = sum(pages.version for pages, _ in wanted)
        for pages, own in wanted:
            await pages.load(own)
        self.version += before != sum(pages.version for pages, _ in wanted)

    def _parts(self, lines: range) -> Iterator[tuple[LogPages, range]]:
        """The logs that these lines come from, and which lines of them."""
        start, stop = max(0, lines.start), min(lines.stop, self.line_count)
        spans: dict[int, tuple[int, int]] = {}
        place = max(0, bisect_right(self._starts, start) - 1)
        while place < len(self._runs) and self._starts[place] < stop:
            run, first = self._runs[place], self._starts[place]
            low = run.start + max(0, start - first)
            high = min(run.stop, run.start + stop - first)
            span = spans.get(run.member, (low, high))
            spans[run.member] = (min(span[0], low), max(span[1], high))
            place += 1
        for member, (low, high) in spans.items():
            yield self._members[member].pages, range(low, high)

    def line_at(self, moment: int) -> int | None:
        """The first line that arrived at `moment` (UTC milliseconds) or later; None without one."""
        for run, start in zip(self._runs, self._starts, strict=True):
            if run.arrived_at >= moment:
                return start
        return None

    def haystack(self) -> Interleaved:
        """What one can search: this."""
        return self

    async def stretches(self, start: int, stop: int) -> AsyncGenerator[Stretch, None]:
        """The lines `start:stop`, prefixes included.

        Raises:
            StoreProblem: the database cannot be read.
        """
        for low in range(start, min(stop, self.line_count), _WINDOW):
            high = min(low + _WINDOW, stop, self.line_count)
            await self.load(range(low, high))
            yield _LoadedStretch(low, high, [self.line(index) for index in range(low, high)])


class _LoadedStretch(Struct, frozen=True):
    start: int
    stop: int
    lines: Sequence[LogLine | None]

    @property
    def first(self) -> int:
        return self.start

    @property
    def text(self) -> str:
        return joined(self.passages(), self.start)

    def passages(self) -> Iterator[Passage]:
        texts = (shown_line(line.text) if line else "" for line in self.lines)
        last = self.lines[-1] if self.lines else None
        is_open = bool(last and not last.complete)
        data = "\n".join(texts).encode()
        yield Passage(data if is_open else data + b"\n", self.start, is_open=is_open)


def _times_of(chunks: Iterable[Chunk]) -> Iterator[tuple[int, int]]:
    for chunk in chunks:
        yield from chunk.arrival_times()


def _runs(times: list[tuple[int, int]], member: int, start: int, stop: int) -> Iterator[_Run]:
    """Cuts the lines `start:stop` where another time begins; times never go back."""
    latest, begin = 0, start
    for place, (line, arrived_at) in enumerate(times):
        latest = max(latest, arrived_at)
        end = times[place + 1][0] if place + 1 < len(times) else stop
        if begin < min(end, stop) and line <= begin:
            yield _Run(latest, member, begin, min(end, stop))
            begin = min(end, stop)
    if begin < stop:
        yield _Run(latest, member, begin, stop)


def _prefixes(executions: Sequence[Execution]) -> list[bytes]:
    """`#41 deploy │ ` in a colour of its own, all of one width."""
    width = max((len(str(execution.number)) for execution in executions), default=0)
    names = [clean_line(execution.name) for execution in executions]
    cells = min(_MAX_NAME, max(map(cell_len, names), default=0))
    return [
        f"\x1b[{_COLOURS[place % len(_COLOURS)]}m"
        f"{f'#{execution.number}':<{width + 1}} {fit(name, cells)} │\x1b[0m ".encode()
        for place, (execution, name) in enumerate(zip(executions, names, strict=True))
    ]
