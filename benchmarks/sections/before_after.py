"""The report's optimisation, before and after it, and ours, on the same work."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.history import running
from benchmarks.recorder import Recorder
from benchmarks.reference import WebTool
from benchmarks.section import section
from benchmarks.viewer import Viewer
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.models import Execution

_LINES, _LOOK_EVERY = 40, 10
_LINE = b"2026-01-31 12:00:00 copied part %06d of the release to the server\n"
_BEFORE = "rollback journal, FULL, a commit for each line"
_AFTER = "WAL, NORMAL, a commit for each line"


@dataclass(slots=True)
class _Outcome:
    """Of the same work done one way.

    Attributes:
        rate: writes a second.
        looks_ms: a list of ten, asked for again and again meanwhile.
    """

    rate: float = 0.0
    looks_ms: list[float] = field(default_factory=list)

    @property
    def look_ms(self) -> float:
        """The median."""
        return quantile(self.looks_ms, 0.5)


@section(
    "before_after", "the report's optimisation, before and after, beside ours on the same work"
)
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Executions that print 40 lines each, with a list of ten asked for every ten writes."""
    work = [running() for _ in range(workshop.choose(20, 121))]
    before = asyncio.run(_web_tool(workshop, work, wal=False))
    after = asyncio.run(_web_tool(workshop, work, wal=True))
    ours = _ours(workshop, work)
    for was, of, claim, least in (
        (before, _BEFORE, "100 ops/s", 1.0),
        (after, _AFTER, "800+ ops/s", None),  # which syncs nothing
    ):
        yield Figure(
            "writes, each end on the disk",
            ours.rate,
            "ops/s",
            was.rate,
            of,
            claim,
            least=least,
            by_ratio=True,
        )
    for was, of, claim in ((before, _BEFORE, "25 ms"), (after, _AFTER, "0.8 ms")):
        yield Figure("list of ten meanwhile, p50", ours.look_ms, "ms", was.look_ms, of, claim)


def _ours(workshop: Workshop, work: list[Execution]) -> _Outcome:
    outcome, home = _Outcome(), workshop.home()
    with Recorder(home) as recorder:
        with Viewer(home) as viewer:
            began, done = time.perf_counter(), 0
            for execution in work:
                number = recorder.open(execution)
                for line in range(_LINES):
                    recorder.print(number, _LINE % line)
                    recorder.commit_if_due()
                    done += 1
                    if done % _LOOK_EVERY == 0:
                        outcome.looks_ms.append(_ms(viewer.newest))
                recorder.end(number)
                done += 2
            outcome.rate = done / (time.perf_counter() - began)
        stored = recorder.writer.all(queries.stream_sizes(range(1, len(work) + 1)))
    if [count for _, count, _ in stored] != [_LINES] * len(work):
        raise RuntimeError("a line was lost")
    return outcome


def _ms(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


async def _web_tool(workshop: Workshop, work: list[Execution], *, wal: bool) -> _Outcome:
    outcome = _Outcome()
    async with WebTool(workshop.root / f"wal-{wal}.db", wal=wal) as tool:
        began, done = time.perf_counter(), 0
        for execution in work:
            number = await tool.create(execution)
            for line in range(_LINES):
                await tool.append(number, (_LINE % line).decode(), time.time())
                done += 1
                if done % _LOOK_EVERY == 0:
                    asked = time.perf_counter()
                    await tool.newest()
                    outcome.looks_ms.append((time.perf_counter() - asked) * 1000)
            await tool.finish(number, int(time.time() * 1000))
            done += 2
        outcome.rate = done / (time.perf_counter() - began)
    return outcome
