"""What is left on the disk of an execution and of its log."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from benchmarks.figure import Figure
from benchmarks.history import fill, running
from benchmarks.recorder import Recorder
from benchmarks.section import section
from stepflow_tui.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home

_STAGES = ("fetch", "unpack", "configure", "compile", "link", "install")
_WRITE = 2048
"""Bytes of output between two commits: chunks begin as small as those of a script that chats."""


@section("disk", "bytes on the disk for each execution, and of logs")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """All through the product's writer and its compaction; free pages are given back."""
    count = workshop.choose(5_000, 100_000)
    for name, children, claim, most in (
        ("an execution without steps and log", False, "", 1.5),
        ("one with 4 steps, 2 artifacts and 40 lines", True, "7.9 KB", None),
    ):
        home = workshop.home()
        empty = _size(home)
        fill(home, count, children=children)
        each = (_size(home) - empty) / count / 1000
        yield Figure(name, each, "KB", claim=claim, most=most)
    megabytes = workshop.choose(8, 64)
    for name, text, most in (
        ("a repetitive log", _repetitive, 1 / 8),
        ("a log that cannot be compressed", _random, 1.05),
    ):
        stored, size = _logged(workshop, text, megabytes * 1_000_000)
        yield Figure(name, stored / 1e6, "MB", size / 1e6, "its text", most=most, by_ratio=True)


def _size(home: Home) -> int:
    """Bytes of the database once all is in it and the free pages are given back."""
    writer = Writer(home.database)
    while pages := writer.free_pages():
        with writer.transaction(durable=False) as transaction:
            transaction.give_back(pages)
        writer.checkpoint()
    writer.close()
    return home.database.stat().st_size


def _logged(workshop: Workshop, text: Callable[[int], bytes], size: int) -> tuple[int, int]:
    """Bytes on the disk of a log of about `size` bytes, and how many it has."""
    home = workshop.home()
    empty, printed = _size(home), 0
    with Recorder(home) as recorder:
        number = recorder.open(running())
        while printed < size:
            data = text(printed)
            recorder.print(number, data)
            recorder.commit()
            printed += len(data)
        recorder.end(number)
    return _size(home) - empty, printed


def _repetitive(place: int) -> bytes:
    """Lines of a build: a clock, a stage, a counted file."""
    lines = []
    for line in range(place // 64, place // 64 + _WRITE // 64):
        stage = _STAGES[line // 500 % len(_STAGES)]
        clock = f"{line // 3600 % 24:02}:{line // 60 % 60:02}:{line % 60:02}"
        lines.append(f"{clock} INFO {stage}: package-{line // 7 % 300}/module_{line % 977}.c ok\n")
    return "".join(lines).encode()


def _random(place: int) -> bytes:
    """Noise in lines of about 256 bytes."""
    return random.Random(place).randbytes(_WRITE)  # noqa: S311 - to be seen again
