"""How costs grow with what is stored, and where a limit is reached."""

from __future__ import annotations

import asyncio
import math
from contextlib import AsyncExitStack, ExitStack, closing
from functools import partial
from typing import TYPE_CHECKING

from benchmarks import questions
from benchmarks.figure import Figure, quantile
from benchmarks.history import append_log, fill, log
from benchmarks.plot import CURVES, Curve, exponent
from benchmarks.section import section
from benchmarks.timing import times_by_turns_ms
from stepflow_tui.store import chunks, queries
from stepflow_tui.store.chunks import lines_of
from stepflow_tui.store.reader import AsyncReader, Reader
from stepflow_tui.store.writer import Writer
from stepflow_tui.tui.live import Live, Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_SHORT, _WHOLE = (128, (1, 10, 100)), (1024, (1, 10, 100, 1000))
"""The smallest history and its multiples. All are whole pages of the dashboard's list, so that
equally many rows are read for the first screen."""

_ROWS, _LIMIT_MS, _PAGE = 30, 10.0, 200
_LINES_EACH = 100
"""Lines of the one long log, for each execution."""

_FLAT = 0.1
"""An exponent below this is noise: 100 times as much costs less than 1.6 times."""

_LINES = log(100)
_GROWN = 1.3
"""What the largest may cost in the smallest's."""

_TINY, _FAR = 1e-6, 1e12
_SCREEN = Window(rows=range(_ROWS), lines=range(_ROWS), follow=True)


@section("capacity", "what questions and commits cost at 1, 10, 100 and 1,000 times the size")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """A curve for each cost, the power of size that it grows with, and where it takes 10 ms."""
    base, steps = workshop.choose(_SHORT, _WHOLE)
    homes: dict[int, Home] = {}
    bytes_each = 0.0
    for size in (base * step for step in steps):
        homes[size] = home = workshop.home()
        fill(home, size)
        bytes_each = home.database.stat().st_size / size
        append_log(home, size, log(1000) * (size * _LINES_EACH // 1000))
    curve = Curve("capacity", "costs", "What is asked and written", "executions", "ms")
    curve.series = _costs(workshop, homes)
    CURVES.append(curve)
    for name, points in curve.series.items():
        yield from _growth(name, points)
    yield Figure("executions in 1 GB", 1e9 / bytes_each, "executions", claim="about 8 KB each")


def _growth(name: str, points: list[tuple[float, float]]) -> Iterator[Figure]:
    power, (size, cost) = exponent(points), points[-1]
    yield Figure(
        f"{name}, {size:,.0f} executions",
        cost,
        "ms",
        points[0][1],
        f"the same with {points[0][0]:,.0f}",
        most=_GROWN,
        by_ratio=True,
    )
    yield Figure(f"{name}: grows with the power", power, "", most=_FLAT)
    times = math.log10(_LIMIT_MS / cost) / max(power, _TINY)
    reached = size * 10 ** min(times, 12)
    note = "" if reached < _FAR else "never"
    yield Figure(
        f"{name}: takes {_LIMIT_MS:.0f} ms from",
        None if note else reached,
        "executions",
        claim="trigger: > 10 ms",
        note=note,
    )


def _costs(workshop: Workshop, homes: dict[int, Home]) -> dict[str, list[tuple[float, float]]]:
    """Medians in ms by size; all sizes are asked by turns."""
    count = workshop.choose(200, 1000)
    costs: dict[str, list[float]] = {}
    with ExitStack() as opened:
        stores = [opened.enter_context(closing(_Store(*each))) for each in homes.items()]
        for name, ask in _ASKED.items():
            found = times_by_turns_ms([partial(ask, store) for store in stores], count)
            costs[name] = [quantile(times, 0.5) for times in found]
    costs["the first screen"] = asyncio.run(_first_screens(homes.values(), count // 4))
    return {name: list(zip(homes, medians, strict=True)) for name, medians in costs.items()}


class _Store:
    """A history to be asked and written to; the execution of this number has the long log."""

    def __init__(self, number: int, home: Home) -> None:
        self._number = number
        self._reader, self._writer = Reader(home.database), Writer(home.database)
        place = self._writer.all(queries.stream(number))[0]
        self._first_line, self._first_byte = place.line_count, place.stored_bytes

    def list(self) -> None:
        questions.newest_ten(self._reader)

    def health(self) -> None:
        questions.health(self._reader)

    def show(self) -> None:
        middle = self._number // 2
        self._reader.all(queries.execution(middle))
        self._reader.all(queries.steps(middle))
        self._reader.all(queries.artifacts(middle))

    def page(self) -> None:
        """A page from the middle of the log."""
        stream = self._reader.all(queries.stream(self._number))[0]
        start, stop = stream.line_count // 2, stream.line_count // 2 + _PAGE
        found = self._reader.all(queries.chunks_of_lines(self._number, start, stop, 64))
        lines_of(found, start=start, stop=stop, limit=65_536)

    def commit(self) -> None:
        packed = chunks.pack(
            _LINES, first_line=self._first_line, first_byte=self._first_byte, arrived_at=0
        )
        with self._writer.transaction(durable=False) as transaction:
            transaction.append_log(self._number, packed)
        self._first_line += 100
        self._first_byte += len(_LINES)

    def close(self) -> None:
        self._reader.close()
        self._writer.close()


_ASKED = {
    "list of ten": _Store.list,
    "health": _Store.health,
    "show": _Store.show,
    "a page of a log": _Store.page,
    "a commit of 100 lines": _Store.commit,
}


async def _first_screens(homes: Iterable[Home], count: int) -> list[float]:
    """The medians of reading what the dashboard shows first, by turns."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as opened:
        readers = [await AsyncReader.open(home.database) for home in homes]
        for reader in readers:
            opened.push_async_callback(reader.close)
        taken: list[list[float]] = [[] for _ in readers]
        for _ in range(count):
            for times, reader in zip(taken, readers, strict=True):
                began = loop.time()
                await Live(reader).refresh(_SCREEN)
                times.append((loop.time() - began) * 1000)
    return [quantile(times, 0.5) for times in taken]
