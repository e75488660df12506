"""Random texts through the real dashboard: `python -m tests.faults.flood 300000 1`."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Status
from tests.faults.output import take_apart
from tests.faults.payloads import SEED, generated
from tests.faults.visitor import WHOLE_ROWS, untold
from tests.tui.record import Recorder, step
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.faults.output import Output

COLUMNS, ROWS = 200, 50
PER_NAME = 100
"""There is an execution, and a step, for each so many lines."""

LEAST = 3000
"""So many lines make names enough for more than one screenful."""

_PER_COMMIT = 10_000
_PAGE_DOWN, _BACK = "\x1b[6~", "\x1b[Z"
_REST_S = 0.3
_FEWER = 5
"""A page has so many rows less at least than were seen at first: the header takes some later."""

_UNREAD = 8
"""A mark may have been read but for its last so many bytes."""

_MARK = re.compile(rb"[els]\d{7}:")


@dataclass(frozen=True, slots=True)
class Flood:
    """What came of it.

    Attributes:
        output: all that the dashboard wrote.
        missing: marks of texts that were not among it.
    """

    output: Output
    missing: set[bytes]


def flood(count: int, seed: int = SEED) -> Flood:
    """Shows so many random lines, one screenful after the other, and random names beside them."""
    return _show(list(generated(count, seed)))


def calm(count: int = LEAST) -> Flood:
    """The same with harmless lines, so that it shows what the dashboard writes by itself."""
    return _show([b"line \x1b[31mred"] * count)


def _show(lines: Sequence[bytes]) -> Flood:
    names = [line.decode("utf-8", "replace") for line in lines[::PER_NAME]]
    with tempfile.TemporaryDirectory() as root:
        home = Home(Path(root) / "home")
        _record(home, lines, names)
        written = _paged(home, len(lines), len(names))
    marks = {b"l%07d:" % at for at in range(len(lines))}
    marks |= {b"%c%07d:" % (kind, at) for kind in b"es" for at in range(len(names))}
    return Flood(take_apart(written), marks - set(_MARK.findall(written)))


def _record(home: Home, lines: Sequence[bytes], names: Sequence[str]) -> None:
    recorder = Recorder(home)
    for at, name in enumerate(names):
        recorder.execution(f"e{at:07}:{name}", tags=[name], status=Status.FAILED, error=name)
    last = recorder.execution("all", status=Status.COMPLETED)
    steps = [step(at + 1, f"s{at:07}:{name}", 1, error=name) for at, name in enumerate(names)]
    recorder.steps(last, *steps)
    recorder.log(last, b"STEP_START:x\n")  # the headings of all steps stand in its place
    for start in range(0, len(lines), _PER_COMMIT):
        part = enumerate(lines[start : start + _PER_COMMIT], start)
        recorder.log(last, b"".join(starmap(_marked, part)))
    recorder.close()


def _marked(at: int, line: bytes) -> bytes:
    """The line with a mark in front, and in front of each state that may be the last one.

    Backspaces of the line write over the blanks behind the mark.
    """
    mark = b"l%07d:%8s" % (at, b"")
    return mark + line.replace(b"\r", b"\r" + mark) + b"\n"


def _paged(home: Home, lines: int, names: int) -> bytes:
    """All that the dashboard writes while one pages through the log, the steps and the list."""
    command = [sys.executable, "-c", WHOLE_ROWS]
    environ = untold(home, home.root.parent)
    with Terminal(command, environ, COLUMNS, ROWS, draws=False) as terminal:
        terminal.wait(lambda _: b"runner at rest" in terminal.received)
        _press(terminal, "\t", "\t")
        _page_through(terminal, ["g"], re.compile(rb"l\d{7}:"), lines)
        _press(terminal, _BACK)
        _page_through(terminal, ["g", _PAGE_DOWN], re.compile(rb"s\d{7}:"), names)
        _page_through(terminal, [_BACK, _PAGE_DOWN], re.compile(rb"e\d{7}:"), names)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        return terminal.read_rest()


def _press(terminal: Terminal, *keys: str) -> None:
    """Press one key after the other, each when nothing is drawn any more."""
    for key in keys:
        _rest(terminal)
        terminal.send(key)
    _rest(terminal)


def _rest(terminal: Terminal) -> None:
    with suppress(TimeoutError):
        terminal.wait(lambda _: False, _REST_S)


def _page_through(
    terminal: Terminal, keys: Sequence[str], mark: re.Pattern[bytes], count: int
) -> None:
    """Press the keys, then page down to the last mark; each page is drawn before the next."""
    rows = len(set(mark.findall(terminal.received)))
    position = len(terminal.received)
    _press(terminal, *keys)
    seen = set(mark.findall(terminal.received, position))

    def has_come(_: str) -> bool:
        seen.update(mark.findall(terminal.received, position))
        return len(seen) >= wanted

    while len(seen) < count:
        wanted = min(count, len(seen) + rows - _FEWER)
        terminal.send(_PAGE_DOWN)
        terminal.wait(has_come)
        position = len(terminal.received) - _UNREAD


def main() -> int:
    """Flood the dashboard, and say what came of it."""
    count, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else SEED
    began = time.monotonic()
    found = flood(count, seed)
    elapsed, written = time.monotonic() - began, found.output
    foreign = written.sequences.keys() - calm().output.sequences.keys()
    lines = (
        f"{count:,} texts of seed {seed} in {elapsed:.0f} s",
        f"{len(written.text):,} characters and {written.sequences.total():,} sequences written",
        f"{len(found.missing)} texts not shown",
        f"{len(foreign)} foreign sequences, {len(written.forbidden)} forbidden characters",
    )
    print("\n".join(lines))  # noqa: T201 - this is a tool
    return 1 if found.missing or foreign or written.forbidden else 0


if __name__ == "__main__":
    sys.exit(main())
