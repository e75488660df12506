"""Readers that follow logs, in processes of their own, and how late they see stamped lines."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from benchmarks.stamps import Arrivals
from stepflow_tui.store import queries
from stepflow_tui.store.feed import Feed
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.store.queries import Query, Stream

_LOOK_S = 0.0005
_SETTLE_S = 0.5
_LATE_S = 1.0
"""After the time in which lines count, so long is waited for those that are late."""


class Tail:
    """The end of a log, from some moment on."""

    def __init__(self, stream: Stream) -> None:
        self._execution = stream.execution
        self._line, self._byte = stream.line_count, stream.stored_bytes
        self._rest = ""

    @property
    def query(self) -> Query[Chunk]:
        """Asks for what is new."""
        return queries.chunks_from(self._execution, self._line, self._byte, -1)

    def take(self, chunks: Sequence[Chunk]) -> str:
        """The whole lines among what is new."""
        text = self._rest
        for chunk in chunks:
            new = chunk.text()[max(0, self._byte - chunk.first_byte) :]
            text += new.decode("ascii")
            self._line, self._byte = chunk.first_line + chunk.line_count, chunk.end_byte
        whole, newline, self._rest = text.rpartition("\n")
        return whole + newline


def stored(home: Home, numbers: Sequence[int], seconds: float) -> list[float]:
    """Milliseconds until each line is committed, as somebody sees who does nothing but look."""
    return _in_processes(1, _look, home, numbers, seconds)


def seen(home: Home, number: int, seconds: float, *, count: int, processes: int = 1) -> list[float]:
    """Milliseconds until followers have read each line, woken as the dashboard is.

    Args:
        home: whose database.
        number: of the run that all of them follow.
        seconds: for how long.
        count: of followers, in all processes.
        processes: in which they are.
    """
    share = -(-count // processes)
    return _in_processes(processes, _follow_together, home, number, seconds, share)


def _in_processes(count: int, work: Callable[..., list[float]], *arguments: object) -> list[float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context) as pool:
        futures = [pool.submit(work, *arguments) for _ in range(count)]
        return [delay for future in futures for delay in future.result()]


def _arrivals(seconds: float) -> tuple[Arrivals, float]:
    """For lines printed from soon on in so many seconds; and when to stop waiting for them."""
    since_s = time.monotonic() + _SETTLE_S
    until_s = since_s + seconds
    return Arrivals(round(since_s * 1e9), round(until_s * 1e9)), until_s + _LATE_S


def _look(home: Home, numbers: Sequence[int], seconds: float) -> list[float]:
    arrivals, until_s = _arrivals(seconds)
    with Reader(home.database) as reader:
        tails = [Tail(stream) for each in numbers for stream in reader.all(queries.stream(each))]
        version = 0
        while time.monotonic() < until_s:
            before, version = version, reader.data_version()
            if version == before:
                time.sleep(_LOOK_S)
                continue
            moment = time.monotonic_ns()
            for tail in tails:
                arrivals.note(tail.take(reader.all(tail.query)), moment)
    return arrivals.delays_ms


def _follow_together(home: Home, number: int, seconds: float, count: int) -> list[float]:
    async def follow() -> list[float]:
        each = await asyncio.gather(*(_follow(home, number, seconds) for _ in range(count)))
        return [delay for delays in each for delay in delays]

    return asyncio.run(follow())


async def _follow(home: Home, number: int, seconds: float) -> list[float]:
    async with Feed(home) as feed:
        feed.quick = True
        await feed.next_change()
        [stream] = await feed.all(queries.stream(number))
        tail = Tail(stream)
        arrivals, until_s = _arrivals(seconds)
        with suppress(TimeoutError):
            async with asyncio.timeout(until_s - time.monotonic()):
                while True:
                    await feed.next_change()
                    await feed.pulse(number, number)
                    text = tail.take(await feed.all(tail.query))
                    arrivals.note(text, time.monotonic_ns())
    return arrivals.delays_ms
