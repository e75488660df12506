"""From markers to steps: the state machine that the runner feeds while it records."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.markers import (
    Meta,
    StepComplete,
    StepError,
    StepStart,
    parse_progress,
    parse_seconds,
)
from stepflow_tui.core.models import Metadata, Status, Step, Value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.models import Instant

MAX_STEPS = 10_000
"""Steps that one execution can have."""

MAX_METADATA = 100
"""Metadata keys that one step can have."""


class Outcome(Struct, frozen=True):
    """What a marker means beyond the steps themselves.

    Attributes:
        warning: a sentence for the execution's warnings.
        stop: the execution is to be stopped as failed, because of this error.
        execution_metadata: a key and a value that belong to the execution.
    """

    warning: str | None = None
    stop: str | None = None
    execution_metadata: tuple[str, Value] | None = None


_NOTHING = Outcome()


class StepTracker:
    """The steps of one execution.

    A step is settled once nothing but its metadata can change: a marker ended it, or it failed,
    was cancelled, timed out or lost. A step that only the next start ended is not settled: its own
    STEP_COMPLETE can still move its end. At most the last step is open.

    Everything needed to go on is in the stored steps, but for starts refused beyond `max_steps`.

    Attributes:
        steps: in order of their index, which counts from 1.
    """

    def __init__(self, steps: Iterable[Step] = (), *, max_steps: int = MAX_STEPS) -> None:
        """Starts anew, or goes on from all steps that were stored, in order."""
        self.steps: list[Step] = []
        self._max_steps = max_steps
        self._unsettled: list[int] = []
        self._of_name: dict[str, list[int]] = {}
        self._broken: set[str] = set()
        self._changed: set[int] = set()
        self._refused: StepStart | None = None
        self._warned: set[str] = set()
        self._interrupted: Status | None = None
        self._last_before = 0
        for step in steps:
            self._add(step)
        self._changed.clear()

    @property
    def current(self) -> Step | None:
        """The latest start that is not settled; what errors and metadata belong to."""
        return None if self._refused else self._latest(self._unsettled)

    @property
    def open_steps(self) -> list[Step]:
        """The steps that have no end yet."""
        return [step for step in self.steps[-1:] if step.finished_at is None]

    @property
    def total(self) -> int:
        """How many steps there are."""
        return len(self.steps)

    @property
    def done(self) -> int:
        """How many steps have ended, well or not."""
        return len(self.steps) - len(self.open_steps)

    def take_changed(self) -> list[Step]:
        """The steps that changed since the last call, in order of their index."""
        changed = [self.steps[index - 1] for index in sorted(self._changed)]
        self._changed.clear()
        return changed

    def apply(
        self, marker: StepStart | StepComplete | StepError | Meta, line: int, now: Instant
    ) -> Outcome:
        """Takes the next marker, which stands on `line`."""
        match marker:
            case StepStart():
                return self._start(marker, line, now)
            case StepComplete():
                return self._complete(marker, line, now)
            case StepError():
                return self._fail(marker, line, now)
            case Meta():
                return self._describe(marker)

    def time_out(self, index: int, now: Instant, last_line: int) -> None:
        """Ends a step as timed out, unless it is settled already."""
        step = self.steps[index - 1]
        if not _is_settled(step):
            self._put(_ended(step, Status.TIMED_OUT, now, last_line))

    def interrupt(self, status: Status) -> None:
        """The process was told to stop: the open step will not be completed by the next start.

        What starts from now on cleans up. An explicit end of the open step still counts.
        """
        self._last_before = len(self.steps)
        self._interrupted = status

    def close(
        self, status: Status, now: Instant, last_line: int, *, cleaned_up: Status | None = None
    ) -> None:
        """Ends what is open with `status`, because the process ended.

        Args:
            status: for the open step.
            now: when it ended.
            last_line: the latest line there is.
            cleaned_up: instead, for a step that started after the process was told to stop.
        """
        for step in self.open_steps:
            is_late = self._interrupted is not None and step.index > self._last_before
            ended_as = cleaned_up if is_late and cleaned_up else status
            self._put(_ended(step, ended_as, now, last_line, explicit=False))

    def _start(self, marker: StepStart, line: int, now: Instant) -> Outcome:
        for step in self.open_steps:
            was_interrupted = step.index <= self._last_before
            ended_as = (was_interrupted and self._interrupted) or Status.COMPLETED
            self._put(_ended(step, ended_as, now, line - 1, explicit=False))
        if len(self.steps) >= self._max_steps:
            self._refused = marker
            return self._warn_once(f"only the first {self._max_steps} steps are recorded")
        step = Step(
            index=len(self.steps) + 1,
            name=marker.name,
            status=Status.RUNNING,
            started_at=now.wall_ms,
            started_mono=now.mono_ms,
            first_line=line,
            estimated_s=marker.estimated_s,
            timeout_s=marker.timeout_s,
            stop_on_error=marker.stop_on_error,
            metadata=_merged({}, marker.metadata),
        )
        self._add(step)
        return _NOTHING

    def _complete(self, marker: StepComplete, line: int, now: Instant) -> Outcome:
        if self._refused and self._refused.name == marker.name:
            self._refused = None
            return _NOTHING
        step = self._latest(self._of_name.get(marker.name, []))
        if step is None:
            return self._stray(marker.name)
        metadata = _merged(step.metadata, marker.metadata)
        self._put(replace(_ended(step, Status.COMPLETED, now, line), metadata=metadata))
        return _NOTHING

    def _stray(self, name: str) -> Outcome:
        """What a STEP_COMPLETE means that ends no step."""
        if name in self._broken or len(self.steps) >= self._max_steps:
            return _NOTHING  # a failed step stays failed; a refused start was warned of
        known = "is complete already" if name in self._of_name else "was never started"
        return Outcome(warning=f"STEP_COMPLETE for a step that {known}: {name}")

    def _fail(self, marker: StepError, line: int, now: Instant) -> Outcome:
        step = self.current
        owner = self._refused or step
        self._refused = None
        stops = marker.stop_on_error
        if stops is None:
            stops = owner is not None and owner.stop_on_error
        stop = marker.text if stops else None
        if step is None:
            return Outcome(warning=f"STEP_ERROR outside of any step: {marker.text}", stop=stop)
        metadata = _merged(step.metadata, marker.metadata)
        failed = _ended(step, Status.FAILED, now, line)
        self._put(replace(failed, error=marker.text, metadata=metadata))
        return Outcome(stop=stop)

    def _describe(self, marker: Meta) -> Outcome:
        if self._refused:
            return _NOTHING
        step = self.current
        if step is None:
            return Outcome(execution_metadata=(marker.key, marker.value))
        step = replace(step, metadata=_merged(step.metadata, {marker.key: marker.value}))
        if marker.key == "PROGRESS":
            step = replace(step, progress=parse_progress(marker.value))
        elif marker.key == "ESTIMATED_DURATION":
            step = replace(step, estimated_s=parse_seconds(marker.value))
        self._put(step)
        if marker.key not in step.metadata:
            return self._warn_once(f"only the first {MAX_METADATA} metadata of a step are recorded")
        return _NOTHING

    def _add(self, step: Step) -> None:
        self.steps.append(step)
        self._unsettled.append(step.index)
        self._of_name.setdefault(step.name, []).append(step.index)
        self._put(step)

    def _put(self, step: Step) -> None:
        self.steps[step.index - 1] = step
        self._changed.add(step.index)
        if step.status not in _GOOD:
            self._broken.add(step.name)

    def _latest(self, stack: list[int]) -> Step | None:
        """The top step of the stack that is not settled; settled ones are popped for good."""
        while stack and _is_settled(self.steps[stack[-1] - 1]):
            stack.pop()
        return self.steps[stack[-1] - 1] if stack else None

    def _warn_once(self, warning: str) -> Outcome:
        if warning in self._warned:
            return _NOTHING
        self._warned.add(warning)
        return Outcome(warning=warning)


_GOOD = (Status.RUNNING, Status.COMPLETED)


def _is_settled(step: Step) -> bool:
    return step.explicit_end or step.status not in _GOOD


def _ended(
    step: Step, status: Status, now: Instant, last_line: int, *, explicit: bool = True
) -> Step:
    # A script may have ended before its last line was read, which is when a step starts for us.
    is_before = now.mono_ms < step.started_mono and now.wall_ms < step.started_at
    return replace(
        step,
        status=status,
        finished_at=step.started_at if is_before else now.wall_ms,
        duration_ms=max(0, now.mono_ms - step.started_mono),
        last_line=last_line,
        explicit_end=explicit,
    )


def _merged(old: Metadata, new: Metadata) -> Metadata:
    """Both together, the new value of a key both have; the first `MAX_METADATA` keys stay."""
    return dict(islice((old | new).items(), MAX_METADATA))
