"""What the runner and the dashboard take: memory, processor and disk, and time to begin."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean
from typing import TYPE_CHECKING

from benchmarks import flood
from benchmarks.figure import Figure
from benchmarks.first_screen import first_screen
from benchmarks.history import fill
from benchmarks.processes import cpu_s, memory_mb, with_children, written_bytes
from benchmarks.runs import request, run
from benchmarks.section import section
from benchmarks.streams import going, tickers
from benchmarks.terminal import open_dashboard
from benchmarks.workshop import wait_for
from stepflow_tui.requests.runner import live_runner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.terminal import Terminal
    from benchmarks.workshop import Workshop
    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import RunRequest

_SETTLE_S = 1.0, 3.0
"""Until it is quiet: in short benchmarks, and in whole ones."""

_LOOK_S = 0.25
_MOST_QUIET = {"runner": 0.5, "dashboard": 1.0, "both": None}
_QUIET = "#!/bin/sh\necho ready\nexec sleep 600\n"
_RANDOM = "#!/bin/sh\nexec head -c {size} /dev/urandom\n"


@dataclass(frozen=True, slots=True)
class Phase:
    """Something that goes on while it is measured.

    Attributes:
        name: in a word or two.
        load: makes it go on.
        memory_claims: of the report, for the web tool: at first, mean, peak.
        cpu_claim: likewise.
        is_quiet: hardly anything may be taken, and nothing written to the disk.
    """

    name: str
    load: Callable[[], AbstractContextManager[object]]
    memory_claims: tuple[str, str, str] = ("", "", "")
    cpu_claim: str = ""
    is_quiet: bool = False


@dataclass(slots=True)
class Use:
    """What some processes took in some time.

    Attributes:
        pids: which.
        memory_mb: at each look.
        cpu: percent of a core.
        written: kB a second to the disk.
    """

    pids: tuple[int, ...]
    memory_mb: list[float] = field(default_factory=list)
    cpu: float = 0.0
    written: float = 0.0


@section("resources", "memory, processor and disk of runner and dashboard, and the first screen")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Phases as in the report: idle, normal, stress and peak; then sizes, then the first screen."""
    yield from _phases(workshop)
    yield from _sizes(workshop)
    yield from first_screen(workshop)


def _phases(workshop: Workshop) -> Iterator[Figure]:
    home = workshop.home()
    runner = workshop.start_runner(home)
    run(home, request(workshop.root, "true"))
    phases = _all_phases(workshop, home)
    for phase in workshop.choose((*phases[:2], phases[-1]), phases):
        workshop.say(phase.name)
        with phase.load(), open_dashboard(home) as terminal:
            terminal.read(workshop.choose(*_SETTLE_S))
            uses = _uses(runner, terminal.pid)
            seconds = workshop.choose(2.0, 30.0)
            wal = _observe(terminal, home, uses, seconds)
        yield from _figures(phase, uses)
        yield Figure(f"{phase.name}: largest write-ahead log", wal / 1e6, "MB")
    yield Figure("spools after all that", _size_of(home.spool) / 1e6, "MB")


def _uses(runner: int, dashboard: int) -> dict[str, Use]:
    recorders = with_children(runner)
    return {
        "runner": Use(recorders),
        "dashboard": Use((dashboard,)),
        "both": Use((*recorders, dashboard)),
    }


def _all_phases(workshop: Workshop, home: Home) -> tuple[Phase, ...]:
    quiet = request(workshop.root, _script(workshop, "quiet", _QUIET))
    peak = request(workshop.root, flood.build(workshop), 10**8)
    few = partial(tickers, workshop, home, 20, 10)
    many = partial(tickers, workshop, home, 200, 10)
    return (
        Phase("idle", ExitStack, ("150 MB", "160 MB", "170 MB"), "5-10 %", is_quiet=True),
        Phase("a quiet run", partial(going, home, quiet), is_quiet=True),
        Phase("normal, 20 runs", few, ("170 MB", "180 MB", "190 MB"), "15-25 %"),
        Phase("stress, 200 runs", many, ("190 MB", "200 MB", "220 MB"), "30-50 %"),
        Phase(
            "peak, a flood",
            partial(going, home, peak),
            ("200 MB", "220 MB", "250 MB"),
            "40-60 %",
        ),
    )


def _observe(terminal: Terminal, home: Home, uses: dict[str, Use], seconds: float) -> int:
    """Fill in what is taken while the terminal is read; returns the largest write-ahead log."""
    wal, began = 0, time.monotonic()
    before = {name: (cpu_s(*use.pids), written_bytes(*use.pids)) for name, use in uses.items()}
    while time.monotonic() < began + seconds:
        terminal.read(_LOOK_S)
        wal = max(wal, _size_of(home.wal))
        for use in uses.values():
            use.memory_mb.append(memory_mb(*use.pids))
    took = time.monotonic() - began
    for name, use in uses.items():
        taken, written = before[name]
        use.cpu = (cpu_s(*use.pids) - taken) / took * 100
        use.written = (written_bytes(*use.pids) - written) / took / 1000
    return wal


def _figures(phase: Phase, uses: dict[str, Use]) -> Iterator[Figure]:
    memory = uses["both"].memory_mb
    values = {"first": memory[0], "mean": fmean(memory), "peak": max(memory)}
    for (when, value), claim in zip(values.items(), phase.memory_claims, strict=True):
        yield Figure(f"{phase.name}: memory of both, {when}", value, "MB", claim=claim)
    for name in ("runner", "dashboard"):
        yield Figure(f"{phase.name}: memory, {name}", fmean(uses[name].memory_mb), "MB")
    for name, use in uses.items():
        most = _MOST_QUIET[name] if phase.is_quiet else None
        claim = phase.cpu_claim if name == "both" else ""
        yield Figure(f"{phase.name}: {name}", use.cpu, "% of a core", claim=claim, most=most)
    written = uses["runner"].written
    most = 0.0 if phase.is_quiet else None
    yield Figure(f"{phase.name}: runner, written", written, "kB/s", most=most)


def _size_of(path: Path) -> int:
    """Bytes on the disk of a file, or of all in a directory; 0 if it is not there."""
    try:
        if path.is_dir():
            return sum(map(_size_of, path.iterdir()))
        return path.stat().st_blocks * 512  # a spool has holes where it was read
    except FileNotFoundError:
        return 0


def _script(workshop: Workshop, name: str, text: str) -> Path:
    path = workshop.root / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return path


def _sizes(workshop: Workshop) -> Iterator[Figure]:
    """Bytes on the disk, when the runner has gone and has left all in the database."""
    count = workshop.choose(2_000, 100_000)
    home = workshop.home()
    fill(home, count, children=False)
    each = _size_of(home.database) / count
    yield Figure(
        "an execution without log", each, "bytes", claim="7.9 KB, 8 KB to plan with", most=1500
    )
    size = workshop.choose(10, 100) * 10**6
    lines = size // flood.WIDTH
    random = _script(workshop, "random", _RANDOM.format(size=size))
    program = flood.build(workshop)
    for name, most, asked in (
        ("a repetitive log", 1 / 8, request(workshop.root, program, lines)),
        ("an incompressible log", 1.05, request(workshop.root, random)),
    ):
        stored, text = _stored(workshop, asked)
        yield Figure(
            f"{name} on the disk",
            stored / 1e6,
            "MB",
            text / 1e6,
            "its text",
            most=most,
            by_ratio=True,
        )


def _stored(workshop: Workshop, asked: RunRequest) -> tuple[int, int]:
    """Bytes by which a run has made the database larger, and bytes that it printed."""
    home = workshop.home()
    small = _recorded(workshop, home, request(workshop.root, "true"))[0]
    large, printed = _recorded(workshop, home, asked)
    return large - small, printed


def _recorded(workshop: Workshop, home: Home, asked: RunRequest) -> tuple[int, int]:
    """The size of the database after a run and the end of the runner; what the run printed."""
    workshop.start_runner(home)
    ended = run(home, asked)
    workshop.stepflow(home, "runner", "stop")
    wait_for(lambda: live_runner(home) is None)
    return _size_of(home.database) + _size_of(home.wal), ended.byte_count
