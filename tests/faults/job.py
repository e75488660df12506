"""Scripts whose every byte, step and ending is known beforehand."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from stepflow_tui.requests.request import RunRequest
    from tests.house import House

PART, BURST = 50, 20
"""Lines of a step, and lines between two pauses."""

# `read` with a time limit pauses without a process of its own, so that hundreds can live at once.
SCRIPT = f"""#!/bin/bash
# STARTS NUMBER LINES PAUSE ENDING
echo started >> "$1"
exec 9<> <(:)
for ((i = 1; i <= $3; i++)); do
  if ((i % {PART} == 1)); then echo "STEP_START:From $i"; fi
  echo "$2 line $i"
  if ((i % {BURST} == 0)); then read -r -t "$4" -u 9; fi
  if ((i % {PART * 2} == 0)); then echo "STEP_COMPLETE:From $((i - {PART - 1}))"; fi
done
if (($2 % 5 == 0)); then printf 'no newline'; fi
eval "$5"
"""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a script ends, in the words of the shell, and what is to be recorded of it."""

    words: str
    code: int
    signal: int | None = None

    @property
    def status(self) -> Status:
        """The final status of an execution that ends like this by itself."""
        return Status.FAILED if self.code else Status.COMPLETED

    @property
    def error(self) -> str | None:
        """The sentence that goes with it."""
        if self.signal is not None:
            return f"killed by {signal.Signals(self.signal).name}"
        if self.code - 128 in signal.valid_signals():
            meaning = f"as after {_name(self.code - 128)}"
            hint = ", often out of memory" if self.code == 137 else ""
            return f"exit code {self.code}: {meaning}{hint}"
        return f"exit code {self.code}" if self.code else None


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def exits(code: int) -> Ending:
    """By itself, with this code."""
    return Ending(f"exit {code}", code)


def dies_by(number: signal.Signals) -> Ending:
    """By a signal."""
    return Ending(f"kill -{number.value} $$; read -r -u 9", 128 + number, number)


def any_ending(chance: random.Random) -> Ending:
    """One of all kinds, the good one most often."""
    kinds = [
        *[exits(0)] * 4,
        *[exits(chance.randint(1, 200)) for _ in range(2)],
        exits(137),
        dies_by(signal.SIGSEGV),
        dies_by(signal.SIGKILL),
        dies_by(signal.SIGTERM),
    ]
    return chance.choice(kinds)


@dataclass(frozen=True, slots=True)
class Job:
    """A script that prints numbered lines and then ends in a known way.

    Attributes:
        starts: the file to which each start of the script adds a line.
    """

    request: RunRequest
    number: int
    lines: int
    ending: Ending
    starts: Path

    @property
    def id(self) -> str:
        """Of the execution."""
        return self.request.id

    def log(self) -> bytes:
        """What it prints, to the byte."""
        found = []
        for line in range(1, self.lines + 1):
            if line % PART == 1:
                found.append(f"STEP_START:From {line}\n")
            found.append(f"{self.number} line {line}\n")
            if line % (PART * 2) == 0:
                found.append(f"STEP_COMPLETE:From {line - PART + 1}\n")
        if self.number % 5 == 0:
            found.append("no newline")
        return "".join(found).encode()

    def steps(self) -> list[tuple[str, int, int, Status, bool]]:
        """Name, first and last line, status, and whether a marker ended it, of each step."""
        lines = self.log().decode().splitlines()
        starts = [index for index, line in enumerate(lines, 1) if line.startswith("STEP_START")]
        found = []
        for start, following in pairwise([*starts, len(lines) + 1]):
            completed = [i for i in range(start, following) if lines[i - 1].startswith("STEP_COM")]
            last, explicit = (completed or [following - 1])[0], bool(completed)
            is_open = following > len(lines) and not explicit
            status = self.ending.status if is_open else Status.COMPLETED
            name = lines[start - 1].partition(":")[2]
            found.append((name, start, last, status, explicit))
        return found


class Jobs:
    """Makes jobs of one house, each with a number of its own."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._script = house.script(SCRIPT, "job.sh")
        self._starts = house.root / "starts"
        self._starts.mkdir()
        self._count = 0

    def new(self, lines: int, ending: Ending, *, pause_s: float = 0.0, **fields: object) -> Job:
        """A job that is not submitted; it pauses after every 20 lines."""
        self._count += 1
        starts = self._starts / str(self._count)
        words = [self._count, lines, f"{pause_s:.3f}", ending.words]
        request = self._house.request(self._script, starts, *words, **fields)
        return Job(request, self._count, lines, ending, starts)
