"""Two runs of the same thing side by side: what took how long, and what is out of the ordinary."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from stepflow_tui.core.clock import elapsed_ms
from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stepflow_tui.core.models import Execution, Instant, Step

Key: TypeAlias = tuple[str, int]
"""A step's name, and which of the steps of that name it is, from 1."""

_SPREADS = 3
_LEAST_MS = 100
_LEAST_SHARE = 0.10
_LEAST_SHARE_OF_FEW = 0.50
_FEW = 4
_BAD = frozenset({Status.FAILED, Status.TIMED_OUT, Status.LOST})


class Mark(StrEnum):
    """What is out of the ordinary, in a word."""

    FAILS = "fails now"
    SLOWER = "slower"
    NEW = "new"
    GONE = "gone"


class PastStep(Struct, frozen=True):
    """A step of an earlier run; `duration_ms` is None if nobody knows."""

    execution: int
    name: str
    status: Status
    duration_ms: int | None


class Run(Struct, frozen=True):
    """An execution with its steps."""

    execution: Execution
    steps: Sequence[Step]


class Timing(Struct, frozen=True):
    """How a step, or a whole run, went.

    Attributes:
        index: of the step; 0 for a whole run.
        ms: how long it took or has been running; None if it never started.
    """

    index: int
    status: Status
    ms: int | None


class Usual(Struct, frozen=True):
    """What earlier runs took, in milliseconds."""

    median_ms: int
    spread_ms: float
    count: int

    @classmethod
    def of(cls, durations: Sequence[int]) -> Usual | None:
        """The median and the median deviation from it; None of nothing."""
        if not durations:
            return None
        middle = median(durations)
        spread = median(abs(duration - middle) for duration in durations)
        return cls(round(middle), spread, len(durations))

    def is_exceeded(self, ms: int) -> bool:
        """Whether this is longer than it ever happens to be.

        That is by three spreads, and by 10 % and 100 ms at least, as steps of milliseconds always
        vary. So few runs that they show no spread have to be exceeded by half.
        """
        share = _LEAST_SHARE if self.count >= _FEW else _LEAST_SHARE_OF_FEW
        allowed = max(_SPREADS * self.spread_ms, share * self.median_ms, _LEAST_MS)
        return ms - self.median_ms > allowed


class Line(Struct, frozen=True):
    """A step, or the whole run, in both runs; None where there is no such step."""

    name: str
    occurrence: int
    now: Timing | None
    before: Timing | None
    usual: Usual | None
    mark: Mark | None

    @property
    def difference_ms(self) -> int | None:
        """By how much it took longer now; None if it cannot be told."""
        if self.now is None or self.before is None:
            return None
        if self.now.ms is None or self.before.ms is None:
            return None
        return self.now.ms - self.before.ms


class Comparison(Struct, frozen=True):
    """Two runs side by side.

    Attributes:
        now: the newer run.
        before: the older one; None if there is none to compare with.
        whole: the runs as a whole.
        steps: those of the newer run in order, with those that are gone where they stood.
    """

    now: Execution
    before: Execution | None
    whole: Line
    steps: tuple[Line, ...]


class Past(Struct, frozen=True):
    """What is usual: durations of completed runs and of their completed steps, in milliseconds."""

    whole: Sequence[int] = ()
    steps: Iterable[PastStep] = ()


def compare(now: Run, before: Run | None, past: Past, moment: Instant) -> Comparison:
    """Match the steps of two runs by name and occurrence; what runs is measured to `moment`."""
    usual = {key: Usual.of(durations) for key, durations in _durations(past.steps).items()}
    newer = _timings(now, moment)
    older = {} if before is None else _timings(before, moment)
    lines = (
        _line(key, newer.get(key), older.get(key), usual.get(key), alone=before is None)
        for key in _order(newer, older)
    )
    whole = _line(
        ("", 1),
        _whole(now, moment),
        None if before is None else _whole(before, moment),
        Usual.of(past.whole),
        alone=before is None,
    )
    earlier = None if before is None else before.execution
    return Comparison(now.execution, earlier, whole, tuple(lines))


def _durations(steps: Iterable[PastStep]) -> Mapping[Key, list[int]]:
    durations: defaultdict[Key, list[int]] = defaultdict(list)
    seen: Counter[tuple[int, str]] = Counter()
    for step in steps:
        seen[step.execution, step.name] += 1
        if step.status is Status.COMPLETED and step.duration_ms is not None:
            durations[step.name, seen[step.execution, step.name]].append(step.duration_ms)
    return durations


def _timings(run: Run, moment: Instant) -> dict[Key, Timing]:
    seen: Counter[str] = Counter()
    timings = {}
    for step in run.steps:
        seen[step.name] += 1
        timing = _timing(step, step.index, run.execution.boot_id, moment)
        timings[step.name, seen[step.name]] = timing
    return timings


def _whole(run: Run, moment: Instant) -> Timing:
    return _timing(run.execution, 0, run.execution.boot_id, moment)


def _timing(item: Execution | Step, index: int, boot: str, moment: Instant) -> Timing:
    return Timing(index, item.status, elapsed_ms(item, boot, moment))


def _order(newer: Iterable[Key], older: Iterable[Key]) -> Iterator[Key]:
    """The newer run's steps; behind each the steps that came after it and are gone."""
    present = dict.fromkeys(newer)
    gone: defaultdict[Key | None, list[Key]] = defaultdict(list)
    place: Key | None = None
    for key in older:
        if key in present:
            place = key
        else:
            gone[place].append(key)
    yield from gone[None]
    for key in present:
        yield key
        yield from gone[key]


def _line(
    key: Key, now: Timing | None, before: Timing | None, usual: Usual | None, *, alone: bool
) -> Line:
    mark = _mark(now, before, usual, alone=alone)
    return Line(key[0], key[1], now, before, usual, mark)


def _mark(
    now: Timing | None, before: Timing | None, usual: Usual | None, *, alone: bool
) -> Mark | None:
    if alone:
        return None
    if now is None:
        return Mark.GONE
    if now.status in _BAD and (before is None or before.status not in _BAD):
        return Mark.FAILS
    if now.ms is not None and usual is not None and usual.is_exceeded(now.ms):
        return Mark.SLOWER
    return Mark.NEW if before is None else None
