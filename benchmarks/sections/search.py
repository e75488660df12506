"""Looking for a text in a long log, as the dashboard does it, against grep on the raw file."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figure import Figure, quantile
from benchmarks.history import running
from benchmarks.recorder import Recorder
from benchmarks.section import section
from stepflow_tui.store.reader import AsyncReader
from stepflow_tui.tui.log.haystack import StoredLog
from stepflow_tui.tui.log.needle import Needle
from stepflow_tui.tui.log.search import LogSearch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workshop import Workshop

_HIT_EVERY, _BLOCK = 100_000, 50_000
_HIT = "connection to Node-7 refused"
_WORDS = "copied fetched built linked packed tested release server module package cache of to from"
_GREP_ENVIRONMENT = {**os.environ, "LC_ALL": "C"}
"""In which grep is fastest."""

_ROUNDS, _FIRSTS = 9, 9


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to look for it, by grep's options and by a needle."""

    name: str
    options: tuple[str, ...]
    text: str
    needle: Needle
    least: float | None = None


_WAYS = (
    _Way("a text", (), _HIT, Needle(_HIT), least=0.5),
    _Way("a text in any case", ("-i",), _HIT.lower(), Needle(_HIT.lower())),
    _Way(
        "a pattern",
        ("-E",),
        r"connection to Node-[0-9]+ re",
        Needle(r"connection to Node-[0-9]+ re", is_regex=True),
    ),
)


@section("search", "a text in a long log, as the dashboard looks for it, against grep")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Full scans, and the first match from either end."""
    lines = workshop.choose(2_000_000, 10_000_000)
    plain, home = workshop.root / "plain.log", workshop.home()
    with Recorder(home) as recorder, plain.open("wb") as file:
        number = recorder.open(running())
        for block in _log(lines):
            file.write(block)
            recorder.print(number, block)
            recorder.commit()
        recorder.end(number)
        size = file.tell()
    yield from asyncio.run(_measured(home.database, plain, number, lines, size))


def _log(lines: int) -> Iterator[bytes]:
    """Lines of words, each with its number; some with what is looked for."""
    chance, words = random.Random(7), _WORDS.split()  # noqa: S311 - to be made again
    ends = [" ".join(chance.choices(words, k=chance.randrange(4, 11))) for _ in range(4096)]
    for first in range(0, lines, _BLOCK):
        block = [f"{n:09d} {ends[n * 7919 % 4096]}\n" for n in range(first, first + _BLOCK)]
        if first % _HIT_EVERY == _HIT_EVERY // 2:
            block[0] = f"{first:09d} {_HIT}\n"
        yield "".join(block).encode()


async def _measured(
    database: Path, plain: Path, number: int, lines: int, size: int
) -> list[Figure]:
    reader = await AsyncReader.open(database)
    try:
        log = StoredLog(reader, number)
        found = [await _scan(way, plain, log, lines, size) for way in _WAYS]
        return [*found, *await _first(log, lines)]
    finally:
        await reader.close()


async def _scan(way: _Way, plain: Path, log: StoredLog, lines: int, size: int) -> Figure:
    """The whole log, by turns; the best of some rounds of each."""
    ours, grep = list[float](), list[float]()
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        command = ["grep", "-c", *way.options, way.text, str(plain)]
        counted = await asyncio.to_thread(_output, command)
        grep.append(time.perf_counter() - began)
        search = LogSearch(log, 1, way.needle)
        began = time.perf_counter()
        await search.scan(lines, size)
        ours.append(time.perf_counter() - began)
        if search.count != counted:
            raise RuntimeError(f"{search.count} matches, grep has {counted}")
    rates = size / 1e6 / min(ours), size / 1e6 / min(grep)
    of = f"grep -c {' '.join(way.options)}".rstrip()
    return Figure(
        f"{way.name}, {lines:,} lines",
        rates[0],
        "MB/s",
        rates[1],
        of,
        "",
        least=way.least,
        by_ratio=True,
    )


def _output(command: list[str]) -> int:
    done = subprocess.run(command, env=_GREP_ENVIRONMENT, capture_output=True, check=True)
    return int(done.stdout)


async def _first(log: StoredLog, lines: int) -> list[Figure]:
    """The first match from the top on, and from the bottom up, 50,000 lines away."""
    down, up = list[float](), list[float]()
    for _ in range(_FIRSTS):
        for taken, is_down in ((down, True), (up, False)):
            search = LogSearch(log, 1, _WAYS[0].needle)
            began = time.perf_counter()
            look = search.first if is_down else search.last
            line = await look(0, lines)
            taken.append((time.perf_counter() - began) * 1000)
            if line is None or line % _HIT_EVERY != _HIT_EVERY // 2:
                raise RuntimeError(f"found line {line}")
    return [
        Figure(f"first match {way}, {lines:,} lines", quantile(taken, 0.5), "ms", most=100.0)
        for taken, way in ((down, "downwards"), (up, "upwards"))
    ]
