"""What a runner and its home take, measured again and again."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.requests.runner import live_runner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home

_SETTLED_S = 5.0
MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement; sizes in bytes.

    Attributes:
        at: monotonic seconds.
        age: seconds since the runner was started.
        memory: PSS of the runner and its launcher.
        descriptors: that the runner has open.
        spool: what all spools take on the disk; holes take nothing.
    """

    at: float
    age: float
    memory: int
    descriptors: int
    wal: int
    database: int
    spool: int

    @property
    def disk(self) -> int:
        """Everything that grows with the output."""
        return self.wal + self.database + self.spool


def take(home: Home) -> Sample | None:
    """Measure now; None if no runner lives."""
    runner = live_runner(home)
    if runner is None:
        return None
    process = Path(f"/proc/{runner.pid}")
    try:
        children = (process / f"task/{runner.pid}/children").read_text().split()
        return Sample(
            at=time.monotonic(),
            age=time.time() - runner.started_at / 1000,
            memory=_pss(runner.pid) + sum(_pss(int(child)) for child in children),
            descriptors=len(list((process / "fd").iterdir())),
            wal=_size(home.wal),
            database=_size(home.database),
            spool=spooled(home),
        )
    except (OSError, StopIteration):
        return None  # it has left in the meantime


def _pss(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def spooled(home: Home) -> int:
    """What all spools take on the disk, in bytes; holes take nothing."""
    return sum(_taken(path) for path in home.spool.glob("*.out"))


def _taken(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except FileNotFoundError:
        return 0


def settled(samples: Sequence[Sample]) -> list[Sample]:
    """Those of runners that were at least five seconds old, when start and recovery are over."""
    return [sample for sample in samples if sample.age >= _SETTLED_S]


def slope_mb_per_hour(samples: Sequence[Sample]) -> float:
    """How fast memory grows: the least squares line through all settled samples."""
    found = settled(samples)
    if len(found) < 3:
        return 0.0
    line = statistics.linear_regression(
        [sample.at / 3600 for sample in found], [sample.memory / MB for sample in found]
    )
    return line.slope


def growth(figures: Sequence[float]) -> float:
    """The median of the last quarter, as a share of that of the first quarter."""
    quarter = max(1, len(figures) // 4)
    return statistics.median(figures[-quarter:]) / max(1.0, statistics.median(figures[:quarter]))
