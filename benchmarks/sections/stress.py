"""Reads and writes mixed for a while, ours and the web tool's way."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.history import execution, fill
from benchmarks.reference import WebTool
from benchmarks.section import section
from stepflow_tui.store import chunks, damage, queries
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.workshop import Workshop

_READS = 0.6
_BATCH = 0.05
"""Seconds of writes that share a commit, as in a busy runner."""


@section("stress", "60 % reads, 40 % writes, as fast as they go")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Operations a second, errors, and whether the database is whole."""
    seconds = workshop.choose(5.0, 30.0)
    reference = asyncio.run(_web_tool(workshop, seconds))
    ours, problems = _ours(workshop, seconds)
    yield Figure(
        "operations",
        ours,
        "ops/s",
        reference,
        "the web tool's way",
        claim="808 ops/s",
        least=10.0,
        by_ratio=True,
    )
    yield Figure("damage found", float(problems), "", claim="0 errors", most=0.0)


def _ours(workshop: Workshop, seconds: float) -> tuple[float, int]:
    """The store's own reader and writer side by side: writes of a moment share a commit."""
    home = workshop.home()
    fill(home, 200)
    writer, chance = Writer(home.database), random.Random(1)  # noqa: S311 - any seed will do
    done, deadline, line = 0, time.monotonic() + seconds, 0
    with Reader(home.database) as reader:
        while time.monotonic() < deadline:
            until = time.monotonic() + _BATCH
            with writer.transaction(durable=False) as transaction:
                while time.monotonic() < until:
                    done += 1
                    if chance.random() < _READS:
                        reader.all(
                            chance.choice((queries.newest_executions(10), queries.execution(7)))
                        )
                    elif done % 3:
                        data = b"line %d of a log\n" % line
                        packed = chunks.pack(
                            data, first_line=40 + line, first_byte=10**6 + 40 * line, arrived_at=0
                        )
                        transaction.append_log(7, packed)
                        line += 1
                    else:
                        transaction.insert_execution(execution(done, 0))
    writer.close()
    return done / seconds, int(damage.quick_check(home.database) is not None)


async def _web_tool(workshop: Workshop, seconds: float) -> float:
    chance, done = random.Random(1), 0  # noqa: S311 - any seed will do
    async with WebTool(workshop.root / "web.db") as tool:
        number = await tool.create("build", time.time())
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            done += 1
            if chance.random() < _READS:
                await (tool.newest() if chance.random() < 0.5 else tool.tail(number))
            elif done % 3:
                await tool.append(number, f"line {done} of a log", time.time())
            else:
                number = await tool.create("build", time.time())
    return done / seconds
