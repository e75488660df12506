"""How fast output is taken in, of one script and of many, against the least that must be done."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks import flood
from benchmarks.figure import Figure
from benchmarks.history import execution
from benchmarks.runs import counts, open_reader, request, run
from benchmarks.section import section
from benchmarks.workshop import wait_for
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.store import chunks, queries
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workshop import Workshop

_CHUNK = 256 * 1024


@section("ingest", "lines a second of one script and of 500, against bare chunks")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """One script that is not held back, the least work for the same bytes, and many scripts."""
    program = flood.build(workshop)
    yield from _one(workshop, program, workshop.choose(2_000_000, 10_000_000))
    yield from _many(workshop, program, workshop.choose(4_000, 40_000))


def _one(workshop: Workshop, program: Path, lines: int) -> Iterator[Figure]:
    plain = workshop.root / "plain"
    reference = flood.plain_seconds(program, lines, plain)
    home = workshop.home()
    workshop.start_runner(home, max_log_bytes=10**11)
    began = time.perf_counter()
    ended = run(home, request(workshop.root, program, lines))
    took = time.perf_counter() - began
    if (ended.status, ended.line_count) != (Status.COMPLETED, lines):
        raise RuntimeError(f"{ended.status}, {ended.line_count} of {lines} lines")
    rate, limit = lines / took, _bare_rate(workshop, plain)
    yield Figure(
        f"{lines:,} lines, printed and stored",
        took,
        "s",
        most=1.1 * reference + 2,
        reference=reference,
        of="into a plain file",
    )
    yield Figure("its lines/s", rate, "lines/s", claim="286 lines/s")
    yield Figure(
        "its rate against bare chunks",
        rate,
        "lines/s",
        limit,
        "the same bytes, no parsing",
        least=0.5,
        by_ratio=True,
    )
    plain.unlink()


def _bare_rate(workshop: Workshop, plain: Path) -> float:
    """Lines a second of reading the same bytes and storing them as chunks, with nothing else."""
    writer = Writer(workshop.home().database)
    with writer.transaction(durable=False) as transaction:
        number = transaction.insert_execution(execution(0, 0)) or 0
    began = time.perf_counter()
    lines = stored = 0
    with plain.open("rb", buffering=0) as file:
        while data := file.read(_CHUNK):
            packed = chunks.pack(data, first_line=lines, first_byte=stored, arrived_at=0)
            lines, stored = lines + data.count(b"\n"), stored + len(data)
            with writer.transaction(durable=False) as transaction:
                transaction.append_log(number, packed)
    writer.close()
    return lines / (time.perf_counter() - began)


def _many(workshop: Workshop, program: Path, lines: int) -> Iterator[Figure]:
    streams = workshop.choose(100, 500)
    go = workshop.root / "go"
    script = workshop.root / "many.sh"
    script.write_text(
        '#!/bin/sh\nwhile [ ! -e "$GO" ]; do sleep 0.2; done\nexec "$FLOOD" "$LINES"\n'
    )
    script.chmod(0o755)
    home = workshop.home()
    workshop.start_runner(home)
    requests = [
        request(workshop.root, script, GO=go, FLOOD=program, LINES=lines) for _ in range(streams)
    ]
    inbox.submit(home, *requests)
    with open_reader(home) as reader:
        wait_for(lambda: counts(reader)[Status.RUNNING] == streams)
        began = time.perf_counter()
        go.touch()
        wait_for(lambda: counts(reader)[Status.COMPLETED] == streams, 600)
        took = time.perf_counter() - began
        ended = reader.all(queries.newest_executions(streams))
    if {found.line_count for found in ended} != {lines}:
        raise RuntimeError("a line was lost")
    first = min(found.finished_at or 0 for found in ended) - took * 1000
    rates = [lines / max(1.0, (found.finished_at or 0) - first) for found in ended]
    yield Figure(f"{streams} scripts together", streams * lines / took, "lines/s", least=400_000.0)
    yield Figure(
        "the slowest of them against their mean",
        min(rates),
        "lines/ms",
        sum(rates) / len(rates),
        "their mean",
        least=0.5,
        by_ratio=True,
    )
