"""Others that show what a program prints, at the same work in the same run."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from psutil import NoSuchProcess, Process

from benchmarks import flood, stamps
from benchmarks.figure import Figure, quantile
from benchmarks.processes import cpu_s, with_children
from benchmarks.runs import request
from benchmarks.section import section
from benchmarks.sections.live import on_screen
from benchmarks.streams import going
from benchmarks.terminal import Terminal, environment, open_dashboard

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from benchmarks.workshop import Workshop

_LINE_RATE = 27
_START_S = 1.5
_SETTLE_S = 0.5, 2.0
"""Until it is quiet: in short benchmarks, and in whole ones."""

_SEEN_S = 0.2
"""The look at which the first line is found: lines go on, it is never calm."""

_PAUSE_S = 0.3
"""Between the last line and the flood."""

_PATIENCE_S = 180.0
_SCRIPT = """#!/bin/sh
while [ ! -e "{go}" ]; do sleep 0.01; done
{stamps} "{go}" {rate}
while [ ! -e "{go}" ]; do sleep 0.01; done
exec {flood} {lines}
"""


@dataclass(frozen=True, slots=True)
class Shown:
    """A program that shows what a script prints.

    Attributes:
        terminal: on which.
        servants: processes that work for it beside the one on the terminal.
    """

    terminal: Terminal
    servants: tuple[int, ...] = ()

    @property
    def cpu_s(self) -> float:
        """Seconds of the processor that it took by now."""
        return cpu_s(self.terminal.pid, *self.servants)


@dataclass(frozen=True, slots=True)
class Peer:
    """Another program.

    Attributes:
        name: as people know it.
        program: that must be installed.
        show: starts a script, which waits for a file before it prints, and shows it.
    """

    name: str
    program: str
    show: Callable[[Workshop, Path], AbstractContextManager[Shown]]


@contextmanager
def _stepflow(workshop: Workshop, script: Path) -> Iterator[Shown]:
    home = workshop.home()
    runner = workshop.start_runner(home)
    with going(home, request(script.parent, script)), open_dashboard(home) as terminal:
        yield Shown(terminal, with_children(runner))


def _file_viewer(*command: str) -> Callable[[Workshop, Path], AbstractContextManager[Shown]]:
    """Shows the file that the script prints into."""

    @contextmanager
    def show(workshop: Workshop, script: Path) -> Iterator[Shown]:  # noqa: ARG001 - as all of them
        output = script.with_suffix(".log")
        with output.open("wb") as file, ExitStack() as stack:
            process = subprocess.Popen([script], stdout=file, stdin=subprocess.DEVNULL)
            stack.callback(process.wait)
            stack.callback(process.kill)
            environ = environment(script.parent)
            yield Shown(stack.enter_context(Terminal([*command, str(output)], environ)))

    return show


@contextmanager
def _mprocs(workshop: Workshop, script: Path) -> Iterator[Shown]:  # noqa: ARG001 - as all of them
    with Terminal(["mprocs", str(script)], environment(script.parent)) as terminal:
        terminal.read(_START_S)
        started = Process(terminal.pid).children(recursive=True)  # npm starts it through node
        yield Shown(terminal, tuple(each.pid for each in started if _is_named(each, "mprocs")))


def _is_named(process: Process, name: str) -> bool:
    try:
        return process.name() == name
    except NoSuchProcess:  # a short one, over by now
        return False


@contextmanager
def _pm2(workshop: Workshop, script: Path) -> Iterator[Shown]:  # noqa: ARG001 - as all of them
    home = script.parent / "pm2"
    environ = environment(script.parent, PM2_HOME=str(home))

    def pm2(*words: str) -> None:
        subprocess.run(["pm2", *words], env=environ, check=True, capture_output=True)  # noqa: S607

    try:
        pm2("start", str(script), "--interpreter", "none", "--no-autorestart")
        daemon = int((home / "pm2.pid").read_text(encoding="ascii"))
        with Terminal(["pm2", "logs", "--raw"], environ) as terminal:
            yield Shown(terminal, (daemon,))
    finally:
        pm2("kill")


OURS = Peer("stepflow", "stepflow", _stepflow)
PEERS = (
    Peer("tail -F", "tail", _file_viewer("tail", "-F")),
    Peer("lnav", "lnav", _file_viewer("lnav")),
    Peer("mprocs", "mprocs", _mprocs),
    Peer("pm2 logs", "pm2", _pm2),
    Peer("toolong", "tl", _file_viewer("tl")),
)


@section("peers", "others at the same work: a line every 37 ms, and a flood")
def measure(workshop: Workshop) -> Iterator[Figure]:
    """Processor time is that of the program and its own servers, without the script."""
    ours = _measured(workshop, OURS)
    for peer in PEERS:
        workshop.say(peer.name)
        if shutil.which(peer.program) is None:
            yield Figure(f"against {peer.name}", None, "", note="not installed")
            continue
        try:
            theirs = _measured(workshop, peer)
        except (OSError, RuntimeError, ValueError, subprocess.CalledProcessError) as error:
            reason = str(error).partition("\n")[0]
            yield Figure(f"against {peer.name}", None, "", note=f"it failed: {reason}")
            continue
        for our, their in zip(ours, theirs, strict=True):
            yield replace(our, reference=their.value, of=peer.name)


def _measured(workshop: Workshop, peer: Peer) -> list[Figure]:
    """One program, opened once: it shows single lines, then a flood."""
    seconds, lines = workshop.choose((1.0, 4_000), (20.0, 1_000_000))
    directory = workshop.directory(peer.program)
    go = directory / "go"
    with peer.show(workshop, _script(workshop, directory, go, lines)) as shown:
        shown.terminal.read(workshop.choose(*_SETTLE_S))
        return [*_delays(shown, go, seconds), *_flood(shown, go, lines)]


def _delays(shown: Shown, go: Path, seconds: float) -> Iterator[Figure]:
    go.touch()
    try:
        shown.terminal.wait_for("tick ", busy_s=_SEEN_S)
        before, sent, began = shown.cpu_s, shown.terminal.sent, time.monotonic()
        delays, _ = on_screen(shown.terminal, seconds)
        took = time.monotonic() - began
    finally:
        go.unlink()
    cpu, sent = shown.cpu_s - before, shown.terminal.sent - sent
    yield Figure("line to screen, p50", quantile(delays, 0.5), "ms")
    yield Figure("line to screen, p99", quantile(delays, 0.99), "ms")
    yield Figure("processor meanwhile", cpu / took * 100, "% of a core")
    yield Figure("sent meanwhile", sent / took, "bytes/s")


def _flood(shown: Shown, go: Path, lines: int) -> Iterator[Figure]:
    shown.terminal.read(_PAUSE_S)
    before, sent = shown.cpu_s, shown.terminal.sent
    began = time.monotonic_ns()
    go.touch()
    last = f"{lines - 1:010}"
    done = shown.terminal.wait_for(last, busy_s=_PATIENCE_S, patience_s=_PATIENCE_S)
    cpu, sent = shown.cpu_s - before, shown.terminal.sent - sent
    name = f"{lines:,} lines"
    yield Figure(f"{name}, the last on the screen after", (done - began) / 1e9, "s")
    yield Figure(f"{name}, processor", cpu, "s")
    yield Figure(f"{name}, sent", sent / 1e6, "MB")


def _script(workshop: Workshop, directory: Path, go: Path, lines: int) -> Path:
    """Prints stamped lines while a file is there, and when it is there again, a flood."""
    script = directory / "script"
    programs = {"stamps": stamps.build(workshop), "flood": flood.build(workshop)}
    text = _SCRIPT.format(go=go, rate=_LINE_RATE, lines=lines, **programs)
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    return script
