"""Single operations of the store, with a long history behind them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from benchmarks.figure import Figure, quantile
from benchmarks.history import execution, fill, step
from benchmarks.section import section
from benchmarks.timing import times_ms
from stepflow_tui.core.clock import now
from stepflow_tui.core.filters import parse_filter
from stepflow_tui.store import listing, queries
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop

_CLAIMS = {
    "INSERT": "1.2 ms",
    "SELECT, simple": "0.8 ms",
    "SELECT, complex": "2.1 ms",
    "UPDATE": "1.5 ms",
    "durable commit": "0.3 ms",
}


@section("operations", "INSERT, SELECT, UPDATE and commit beside a long history")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Each operation with its own commit, not durable but for the last kind."""
    size = workshop.choose(10_000, 1_000_000)
    home = workshop.home()
    fill(home, size, children=size <= 10_000)
    writer = Writer(home.database)
    count = workshop.choose(200, 1000)
    with Reader(home.database) as reader:
        for name, call in _operations(writer, reader, size).items():
            found = times_ms(call, count)
            for share in (0.5, 0.99):
                claim = _CLAIMS[name] if share == 0.5 else ""
                label = f"{name} p{share * 100:.0f}, {size:,} executions"
                yield Figure(label, quantile(found, share), "ms", claim=claim)
    writer.close()


def _operations(writer: Writer, reader: Reader, size: int) -> dict[str, Callable[[], object]]:
    changed = writer.all(queries.execution(size))[0]

    def insert(*, durable: bool = False) -> None:
        with writer.transaction(durable=durable) as transaction:
            transaction.insert_execution(execution(0, time.time_ns() // 1_000_000))

    def update() -> None:
        with writer.transaction(durable=False) as transaction:
            transaction.save_execution(replace(changed, progress=time.monotonic() % 1))
            transaction.save_steps(size, [step(1, changed.created_at)])

    wanted = parse_filter("name:deploy tag:nightly")

    def complex_one() -> None:
        reader.all(listing.newest(50, wanted, now().wall_ms))
        reader.all(queries.steps(size))

    return {
        "INSERT": insert,
        "SELECT, simple": lambda: reader.all(queries.execution(size)),
        "SELECT, complex": complex_one,
        "UPDATE": update,
        "durable commit": lambda: insert(durable=True),
    }
