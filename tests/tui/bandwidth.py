"""What the dashboard sends to its terminal, how soon, and what it costs: recorded, then replayed.

While it is recorded nothing is drawn, so that an emulator's own work does not disturb the figures.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pyte

from benchmarks.processes import cpu_s
from tests.house import House
from tests.tui.terminal import Terminal, terminal_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stepflow_tui.core.home import Home

COLUMNS, ROWS = 120, 40
OVER_SSH = {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}

_OPEN = "import sys; from stepflow_tui.cli import main; sys.exit(main())"
SYNCHRONIZED = "\x1b[?2026;2$y"
"""What a terminal answers that can hold back what it draws until a frame is whole."""

_TICK = re.compile(r"tick (\d+) at (\d+)\.")
_QUIET_S = 0.2
_SETTLING_S = 1.5


@dataclass(frozen=True, slots=True)
class Load:
    """Something that runs while the dashboard shows it.

    Attributes:
        name: in a word or two.
        script: what runs; None if nothing does.
        text: what stands on the screen once it is well under way.
        budget: how much may be sent over SSH.
        per: what the budget is for: "second", or "update", the bytes between two silences.
    """

    name: str
    script: str | None
    text: str
    budget: int
    per: str = "second"


_WAITING = "#!/bin/sh\necho ready\nexec sleep 600\n"
_FOLLOWED = """#!{python}
import time
print("ready", flush=True)
time.sleep(1.0)
began = time.monotonic()
for tick in range(100_000):
    print(f"tick {{tick}} at {{time.monotonic_ns()}}.", flush=True)
    time.sleep(max(0.0, began + (tick + 1) / 27 - time.monotonic()))
"""
_FLOOD = """#!{python}
import sys, time
began = time.monotonic()
for batch in range(1_000_000):
    lines = range(batch * 1000, batch * 1000 + 1000)
    sys.stdout.write("".join(
        f"12:00:00 worker {{n % 17}}: item {{n}} of the big batch was compiled in {{n % 977}} ms\\n"
        for n in lines
    ))
    sys.stdout.flush()
    time.sleep(max(0.0, began + (batch + 1) / 100 - time.monotonic()))
"""

LOADS = (
    Load("idle", None, "completed", 10),
    Load("idle with a run", _WAITING, "ready", 300),
    Load("a duration changes", _WAITING, "ready", 200, per="update"),
    Load("27 lines/s", _FOLLOWED, "tick 30 ", 30_000),
    Load("100,000 lines/s", _FLOOD, "worker", 60_000),
)


@dataclass(slots=True)
class Recording:
    """What was written to a terminal.

    Attributes:
        before: what was written before the recording began.
        writes: monotonic time in seconds and bytes of each read.
        seconds: how long it was recorded.
        cpu_s: what the dashboard took of the processor in that time.
    """

    before: bytes
    writes: list[tuple[float, bytes]] = field(default_factory=list)
    seconds: float = 0.0
    cpu_s: float = 0.0

    @property
    def total(self) -> int:
        """Bytes."""
        return sum(len(data) for _, data in self.writes)

    @property
    def per_second(self) -> float:
        """Bytes per second."""
        return self.total / self.seconds

    @property
    def cpu(self) -> float:
        """The share of one core that the dashboard took."""
        return self.cpu_s / self.seconds

    def amount(self, load: Load) -> float:
        """What is held against the budget of the load."""
        if load.per == "second":
            return self.per_second
        return statistics.median_low(self.updates() or [0])

    def updates(self) -> list[int]:
        """The bytes of each burst between two silences."""
        sizes: list[int] = []
        last = float("-inf")
        for moment, data in self.writes:
            if moment - last > _QUIET_S:
                sizes.append(0)
            sizes[-1] += len(data)
            last = moment
        return sizes

    def delays_ms(self) -> list[float]:
        """For each numbered line, the time from its printing to its arrival at the terminal."""
        screen = pyte.Screen(COLUMNS, ROWS)
        stream = pyte.ByteStream(screen)
        stream.feed(self.before)
        old = {tick for tick, _ in _ticks(screen)}
        delays: dict[int, float] = {}
        for moment, data in self.writes:
            stream.feed(data)
            for tick, printed_ns in _ticks(screen):
                if tick not in old:
                    delays.setdefault(tick, moment * 1e3 - printed_ns / 1e6)
        return sorted(delays.values())


def _ticks(screen: pyte.Screen) -> Iterator[tuple[int, int]]:
    for row in range(screen.lines):
        cells = screen.buffer[row]
        text = "".join([cells[x].data for x in range(screen.columns)])
        for tick, printed_ns in _TICK.findall(text):
            yield int(tick), int(printed_ns)


def quantile(values: list[float], share: float) -> float:
    """The value that this share of the values stays below."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]


def open_dashboard(
    home: Home, environ: Mapping[str, str], *, before: str = "", draws: bool = True
) -> Terminal:
    """The dashboard of a home in a terminal of the size that the budgets are for.

    Args:
        home: what it shows.
        environ: added to what a terminal sets.
        before: Python that is run first in its process.
        draws: the terminal shows what it gets; else it only takes it.
    """
    command = [sys.executable, "-c", before + _OPEN, "--home", str(home.root)]
    return Terminal(command, terminal_environment(**environ), COLUMNS, ROWS, draws=draws)


def record(terminal: Terminal, seconds: float) -> Recording:
    """Take down what is written in this time."""
    recording = Recording(bytes(terminal.received))
    before, began = cpu_s(terminal.pid), time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal._master], [], [], left)
        if ready:
            data = os.read(terminal._master, 1 << 20)
            recording.writes.append((time.monotonic(), data))
            terminal.received += data
    recording.seconds = time.monotonic() - began
    recording.cpu_s = cpu_s(terminal.pid) - before
    return recording


def measure(house: House, load: Load, environ: Mapping[str, str], seconds: float) -> Recording:
    """Run a load, open the dashboard on it, and record once it has settled."""
    house.run(house.script("echo hello", "finished"))
    if load.script is not None:
        house.submit(house.script(load.script.format(python=sys.executable), "load"))
    with open_dashboard(house.home, environ) as terminal:
        terminal.wait_for(load.text)
        terminal.send(SYNCHRONIZED)
        record(terminal, _SETTLING_S)
        return record(terminal, seconds)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every load and print a table; 1 if a budget is to be checked and was overdrawn."""
    options = _options(arguments)
    environ = {} if options.local else OVER_SSH
    _print("", "bytes", "budget", "cpu", "delay p50", "p99")
    is_over = False
    for load in LOADS:
        with tempfile.TemporaryDirectory(prefix="stepflow-bandwidth-") as root:
            house = House(Path(root))
            try:
                recording = measure(house, load, environ, options.seconds)
            finally:
                house.tear_down()
        amount = recording.amount(load)
        is_over |= amount > load.budget
        delays = recording.delays_ms() if "tick" in load.text else []
        _print(
            load.name,
            f"{amount:,.0f}/{load.per}",
            f"{load.budget:,}" + (" !" if amount > load.budget else ""),
            f"{recording.cpu:.1%}",
            *(f"{quantile(delays, share):.1f} ms" for share in (0.5, 0.99) if delays),
        )
    return 1 if options.check and is_over else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bandwidth",
        description=f"What the dashboard sends to a terminal of {COLUMNS}x{ROWS} over SSH.",
    )
    parser.add_argument("--check", action="store_true", help="exit 1 when over a budget")
    parser.add_argument("--local", action="store_true", help="with the settings without SSH")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each load (default 10)")
    return parser.parse_args(arguments)


def _print(*cells: str) -> None:
    widths = (18, 16, 9, 7, 10, 10)
    line = "".join(f"{cell:<{width}} " for cell, width in zip(cells, widths, strict=False))
    sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
