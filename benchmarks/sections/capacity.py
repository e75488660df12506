"""How costs grow with what is stored, and where a limit is reached."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.history import append_log, fill, log
from benchmarks.plot import CURVES, Curve, exponent
from benchmarks.section import section
from benchmarks.timing import times_ms
from stepflow_tui.store import chunks, queries
from stepflow_tui.store.chunks import lines_of
from stepflow_tui.store.reader import AsyncReader, Reader
from stepflow_tui.store.writer import Writer
from stepflow_tui.tui.live import Live, Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home
    from stepflow_tui.store.chunks import LogLine

_STEPS = (1, 10, 100)
_ROWS, _LIMIT_MS, _PAGE = 30, 10.0, 200
_LINES_EACH = 100
"""Lines of the one long log, for each execution."""

_FLAT = 0.1
"""An exponent below this is noise: 100 times as much costs less than 1.6 times."""

_TINY, _FAR = 1e-6, 1e12
_SCREEN = Window(rows=range(_ROWS), lines=range(_ROWS), follow=True)


@section("capacity", "what questions and commits cost at 1, 10 and 100 times the size")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """A curve for each cost, the power of size that it grows with, and where it takes 10 ms."""
    base = workshop.choose(300, 10_000)
    curve = Curve("capacity", "costs", "What is asked and written", "executions", "ms")
    CURVES.append(curve)
    bytes_each = 0.0
    for size in (base * step for step in _STEPS):
        home = workshop.home()
        fill(home, size)
        bytes_each = home.database.stat().st_size / size
        append_log(home, size, log(1000) * (size * _LINES_EACH // 1000))
        for name, cost in _costs(workshop, home, size).items():
            curve.series.setdefault(name, []).append((size, cost))
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


def _costs(workshop: Workshop, home: Home, number: int) -> dict[str, float]:
    """Medians in ms; `number` has the long log."""
    count = workshop.choose(200, 1000)
    writer = Writer(home.database)
    with Reader(home.database) as reader:
        asked = {
            "list of ten": lambda: reader.all(queries.newest_executions(10)),
            "health": lambda: (
                reader.all(queries.runner_record()),
                reader.all(queries.status_counts()),
            ),
            "a page of a log": lambda: _page(reader, number),
            "a commit of 100 lines": _commit_of(writer, number),
        }
        costs = {name: quantile(times_ms(call, count), 0.5) for name, call in asked.items()}
    writer.close()
    return costs | {"the first screen": asyncio.run(_first_screen(home, count // 4))}


def _page(reader: Reader, number: int) -> list[LogLine]:
    """A page from the middle of the log."""
    stream = reader.all(queries.stream(number))[0]
    start, stop = stream.line_count // 2, stream.line_count // 2 + _PAGE
    found = reader.all(queries.chunks_of_lines(number, start, stop, 64))
    return lines_of(found, start=start, stop=stop, limit=65_536)


def _commit_of(writer: Writer, number: int) -> Callable[[], None]:
    data, place = log(100), writer.all(queries.stream(number))[0]
    first_line, first_byte = place.line_count, place.stored_bytes

    def commit() -> None:
        nonlocal first_line, first_byte
        packed = chunks.pack(data, first_line=first_line, first_byte=first_byte, arrived_at=0)
        with writer.transaction(durable=False) as transaction:
            transaction.append_log(number, packed)
        first_line, first_byte = first_line + 100, first_byte + len(data)

    return commit


async def _first_screen(home: Home, count: int) -> float:
    """The median of reading what the dashboard shows first."""
    reader = await AsyncReader.open(home.database)
    loop, taken = asyncio.get_running_loop(), list[float]()
    try:
        for _ in range(count):
            began = loop.time()
            await Live(reader).refresh(_SCREEN)
            taken.append((loop.time() - began) * 1000)
    finally:
        await reader.close()
    return quantile(taken, 0.5)
