"""Reads and writes mixed for a while, ours and the web tool's way."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.history import fill, running
from benchmarks.recorder import Recorder
from benchmarks.reference import WebTool
from benchmarks.section import section
from benchmarks.viewer import ROWS, Viewer
from stepflow_tui.store import damage, queries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.models import Execution

_MIX = {"newest": 30, "tail": 30, "append": 34, "create": 3, "finish": 3}
"""Of a hundred operations: 60 reads, 40 writes; eleven lines for each execution, where those of
`scenario` have fifty: new executions are what costs us most, beside the reference."""

_ROUNDS = 3
_STREAMS, _HISTORY, _AHEAD = 8, 200, 4096
_LINE = b"2026-01-31 12:00:00 copied part %06d of the release to the server\n"


@section("stress", "60 % reads, 40 % writes, as fast as they go")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Operations a second, errors, how late writes are committed, and what becomes of them."""
    seconds = workshop.choose(1.0, 30.0) / _ROUNDS
    reference, asking, reading = list[float](), list[_Outcome](), list[_Outcome]()
    for number in range(_ROUNDS):  # by turns, as a machine is not always the same
        for clients in (1, 8):
            path = workshop.root / f"web-{number}-{clients}.db"
            reference.append(asyncio.run(_web_tool(path, seconds / 2, clients)))
        asking.append(_ours(workshop, seconds, asks_first=True))
        reading.append(_ours(workshop, seconds / 2, asks_first=False))
    yield Figure(
        "operations",
        max(outcome.rate for outcome in asking),
        "ops/s",
        max(reference),
        "the web tool's way",
        claim="808 ops/s",
        least=10.0,
        by_ratio=True,
    )
    late_ms = [late for outcome in asking for late in outcome.late_ms]
    yield Figure("a write is committed after, p50", quantile(late_ms, 0.5), "ms")
    yield Figure("a write is committed after, p99", quantile(late_ms, 0.99), "ms", most=500.0)
    errors = sum(outcome.errors for outcome in (*asking, *reading))
    yield Figure("missing or wrong at the end", float(errors), "", claim="0 errors", most=0.0)
    yield Figure(
        "operations, each read reads its rows",
        max(outcome.rate for outcome in reading),
        "ops/s",
        max(reference),
        "the web tool's way",
    )


@dataclass(slots=True)
class _Outcome:
    """Of our side.

    Attributes:
        rate: operations a second.
        errors: what is not there at the end, or wrong, and what damage is found.
        late_ms: for each commit, how long the first write in it had waited.
    """

    rate: float
    errors: int
    late_ms: list[float]


class _Load:
    """What is done for some seconds, one operation after the other, the same for both sides.

    Making up executions takes time that is not counted.
    """

    def __init__(self, seconds: float) -> None:
        self._chance = random.Random(1)  # noqa: S311 - any will do
        self._kinds: deque[str] = deque()
        self._executions: deque[Execution] = deque()
        self._deadline = time.monotonic() + seconds

    @property
    def is_on(self) -> bool:
        """Whether there is time left."""
        return time.monotonic() < self._deadline

    def next(self) -> tuple[str, int]:
        """What to do, and with which stream."""
        if not self._kinds:
            weights = list(_MIX.values())
            self._kinds.extend(self._chance.choices(list(_MIX), weights, k=_AHEAD))
        kind = self._kinds.popleft()
        return kind, len(self._kinds) % _STREAMS

    def execution(self) -> Execution:
        """A new one."""
        if not self._executions:
            began = time.monotonic()
            self._executions.extend(running() for _ in range(_AHEAD))
            self._deadline += time.monotonic() - began
        return self._executions.popleft()


def _ours(workshop: Workshop, seconds: float, *, asks_first: bool) -> _Outcome:
    """Recorder and viewer by turns in one thread: the product has a process for each."""
    home = workshop.home()
    fill(home, _HISTORY)
    created: deque[Execution] = deque()
    counts = dict.fromkeys(_MIX, 0)
    with Recorder(home) as recorder, Viewer(home, asks_first=asks_first) as viewer:
        streams = [recorder.open(running()) for _ in range(_STREAMS)]
        load = _Load(seconds)
        while load.is_on:
            kind, stream = load.next()
            if kind == "finish" and not created:
                kind = "create"
            counts[kind] += 1
            if kind == "newest":
                viewer.newest()
            elif kind == "tail":
                viewer.tail(streams[stream])
            elif kind == "append":
                recorder.print(streams[stream], _LINE % counts["append"])
            elif kind == "create":
                created.append(load.execution())
                recorder.create(created[-1])
            else:
                recorder.finish(created.popleft().id)
            recorder.commit_if_due()
        recorder.commit()
        errors = _errors(recorder, counts)
    errors += damage.quick_check(home.database) is not None
    return _Outcome(sum(counts.values()) / seconds, errors, recorder.late_ms)


def _errors(recorder: Recorder, counts: dict[str, int]) -> int:
    """How many lines, executions and ends are not there."""
    found = dict(recorder.writer.all(queries.status_counts()))
    recorded = sum(found.values()) - _HISTORY - _STREAMS
    newest = recorder.writer.all(queries.newest_number())[0]
    lines = sum(
        count
        for number in range(_HISTORY + 1, _HISTORY + _STREAMS + 1)
        for _, count, _ in recorder.writer.all(queries.stream_sizes([number]))
    )
    unfinished = recorded - counts["finish"]
    running_now = sum(count for status, count in found.items() if not status.is_final) - _STREAMS
    return (
        abs(recorded - counts["create"])
        + abs(lines - counts["append"])
        + abs(running_now - unfinished)
        + (newest < ROWS)
    )


async def _web_tool(path: Path, seconds: float, clients: int) -> float:
    done = 0
    created: deque[int] = deque()
    async with WebTool(path) as tool:
        for _ in range(_HISTORY):
            await tool.create(running())
        streams = [await tool.create(running()) for _ in range(_STREAMS)]
        load = _Load(seconds)

        async def work() -> None:
            nonlocal done
            while load.is_on:
                kind, stream = load.next()
                done += 1
                if kind == "newest":
                    await tool.newest()
                elif kind == "tail":
                    await tool.tail(streams[stream])
                elif kind == "append":
                    await tool.append(
                        streams[stream], (_LINE % done).decode().rstrip("\n"), time.time()
                    )
                elif kind == "create" or not created:
                    created.append(await tool.create(load.execution()))
                else:
                    await tool.finish(created.popleft(), int(time.time() * 1000))

        await asyncio.gather(*(work() for _ in range(clients)))
    return done / seconds
