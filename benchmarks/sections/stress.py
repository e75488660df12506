"""Reads and writes mixed for a while, ours and the web tool's way."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from dataclasses import dataclass, field
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

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.models import Execution

_MIX = {"newest": 30, "tail": 30, "append": 20, "create": 10, "finish": 10}
"""Of a hundred operations: 60 reads, 40 writes."""

_STREAMS, _HISTORY, _AHEAD = 8, 200, 4096
_LINE = b"2026-01-31 12:00:00 copied part %06d of the release to the server\n"


@section("stress", "60 % reads, 40 % writes, as fast as they go")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Operations a second, errors, how late writes are committed, and what becomes of them."""
    seconds = workshop.choose(4.0, 30.0)
    reference = max(
        asyncio.run(_web_tool(workshop, seconds / 2, clients=1)),
        asyncio.run(_web_tool(workshop, seconds / 2, clients=8)),
    )
    for asks_first in (True, False):
        ours = _ours(workshop, seconds, asks_first=asks_first)
        of, what = "the web tool's way", "" if asks_first else ", each read reads its rows"
        yield Figure(
            f"operations{what}",
            ours.done / seconds,
            "ops/s",
            reference,
            of,
            claim="808 ops/s" if asks_first else "",
            least=10.0 if asks_first else None,
            by_ratio=True,
        )
        yield Figure(f"errors{what}", float(ours.errors), "", claim="0 errors", most=0.0)
        yield Figure(
            f"a write is committed after, p99{what}", quantile(ours.late_ms, 0.99), "ms", most=500.0
        )


@dataclass(slots=True)
class _Outcome:
    """Of our side.

    Attributes:
        errors: what is not there at the end, or wrong, and what damage is found.
    """

    done: int
    errors: int
    late_ms: list[float]


@dataclass
class _Load:
    """What is done, one operation after the other, the same for both sides."""

    _chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - no secret
    _kinds: deque[str] = field(default_factory=deque)

    def next(self) -> tuple[str, int]:
        """What to do, and with which stream."""
        if not self._kinds:
            weights = list(_MIX.values())
            self._kinds.extend(self._chance.choices(list(_MIX), weights, k=_AHEAD))
        kind = self._kinds.popleft()
        return kind, len(self._kinds) % _STREAMS


def _ours(workshop: Workshop, seconds: float, *, asks_first: bool) -> _Outcome:
    """Recorder and viewer by turns in one thread: the product has a process for each."""
    home, load = workshop.home(), _Load()
    fill(home, _HISTORY)
    created: deque[Execution] = deque()
    counts = dict.fromkeys(_MIX, 0)
    with Recorder(home) as recorder, Viewer(home, asks_first=asks_first) as viewer:
        streams = [recorder.open(running()) for _ in range(_STREAMS)]
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
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
                created.append(running())
                recorder.create(created[-1])
            else:
                recorder.finish(created.popleft().id)
            recorder.commit_if_due()
        recorder.commit()
        errors = _errors(recorder, counts)
    errors += damage.quick_check(home.database) is not None
    return _Outcome(sum(counts.values()), errors, recorder.late_ms)


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


async def _web_tool(workshop: Workshop, seconds: float, *, clients: int) -> float:
    load, done = _Load(), 0
    created: deque[int] = deque()
    path = workshop.root / f"web-{clients}.db"
    async with WebTool(path) as tool:
        for _ in range(_HISTORY):
            await tool.create(running())
        streams = [await tool.create(running()) for _ in range(_STREAMS)]
        deadline = time.monotonic() + seconds

        async def work() -> None:
            nonlocal done
            while time.monotonic() < deadline:
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
                    created.append(await tool.create(running()))
                else:
                    await tool.finish(created.popleft(), int(time.time() * 1000))

        await asyncio.gather(*(work() for _ in range(clients)))
    return done / seconds
