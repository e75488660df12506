"""One execution while it is recorded: from bytes in its spool to rows that wait for a commit.

All of its state is either in the database or can be read again from the spool at the stored
offset, so a recording that is lost with its runner is taken up where its last commit was.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.markers import (
    ArtifactMarker,
    Malformed,
    Marker,
    parse_progress,
)
from stepflow_tui.core.models import COLLECTING, Artifact, ArtifactStatus, Status
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.steps import MAX_METADATA, StepTracker
from stepflow_tui.runner import brake
from stepflow_tui.runner.artifacts import Order
from stepflow_tui.runner.ingest import READ_BYTES, Ingest
from stepflow_tui.runner.spool import SIGNALLED, Spool, SpoolGone, SpoolProblem
from stepflow_tui.runner.stop import CANCELLED, Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Instant, Step, Value
    from stepflow_tui.core.scanner import Found
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.runner.spool import Start
    from stepflow_tui.runner.stop import Stop
    from stepflow_tui.store.queries import Stream
    from stepflow_tui.store.transaction import Transaction

_log = logging.getLogger(__name__)

_MAX_WARNINGS = 100
_SIGKILL, _SIGNAL_BASE = 9, 128
_FIRST_STRETCH = 512 * 1024
_LEAST_STRETCH = 16 * 1024
_TURN_S = 0.04
_COME_BACK_S = 4.0
"""So long after the end of its script a spool is waited for, before its log is said to end."""
_TOO_MUCH_METADATA = f"only the first {MAX_METADATA} metadata of an execution are recorded"


class Recording:
    """One execution between its acceptance and the end of its output.

    Attributes:
        execution: as it will be committed.
        start: who runs it; None until the start lock is there.
        stop: its stopping, if somebody asked for that.
        wanted_stop: why it is to be stopped, whether or not that has begun; survives the runner.
        orders: artifacts to collect, not handed to the collector yet.
        collecting: how many artifacts are being collected.
        hasty_s: for how long, from now on, one of them may get nowhere; None leaves that as it is.
    """

    def __init__(
        self,
        home: Home,
        execution: Execution,
        stream: Stream,
        *,
        settings: Settings,
        steps: Sequence[Step] = (),
        artifacts: Sequence[Artifact] = (),
        partial: bytes = b"",
    ) -> None:
        """Begins, or goes on from what is stored.

        Args:
            home: in whose spool the output is.
            execution: as it was committed.
            stream: how far its output was stored.
            settings: limits of it.
            steps: all that are stored.
            artifacts: all that are stored.
            partial: the stored line that has no newline yet.
        """
        self.execution = execution
        self.spool = Spool(home, execution.id)
        self.start: Start | None = None
        self.stop: Stop | None = None
        self.wanted_stop = (
            Reason(execution.stopping, execution.error or "") if execution.stopping else None
        )
        self.orders: list[Order] = []
        self.collecting = 0
        self.hasty_s: float | None = None
        self.tracker = StepTracker(steps, max_steps=settings.max_steps)
        self.ingest = Ingest(
            self.spool, stream, max_log_bytes=settings.max_log_bytes, partial=partial
        )
        self._artifact_count = len(artifacts)
        self._artifacts: list[Artifact] = []
        self._steps: dict[int, Step] = {}
        self._deadline_of = 0
        self._signalled_at: int | None = None
        self._is_braked = False
        self._stretch = _FIRST_STRETCH
        self._saved = execution
        self._output_is_gone = False
        self._gone_since: float | None = None
        for artifact in artifacts:
            if artifact.reason == COLLECTING:
                self._order(artifact)

    @property
    def id(self) -> str:
        """Of the execution."""
        return self.execution.id

    @property
    def is_final(self) -> bool:
        """Whether the status is final; output may still come from background jobs."""
        return self.execution.status.is_final

    @property
    def is_beginning(self) -> bool:
        """Whether its start waits for its commit."""
        return self.start is not None and self._saved.started_at is None

    @property
    def is_ending(self) -> bool:
        """Whether the final status waits for its commit."""
        return self.is_final and not self._saved.status.is_final

    @property
    def is_open(self) -> bool:
        """Whether output may still come."""
        return self.ingest.is_open

    @property
    def is_dirty(self) -> bool:
        """Whether there is something to commit."""
        return bool(
            self.ingest.is_dirty
            or self._artifacts
            or self._steps
            or self.execution is not self._saved
        )

    @property
    def has_unsaved_output(self) -> bool:
        """Whether a commit failed: nothing more is read before what was read is safe."""
        return self.ingest.has_chunks

    def change(self, **fields: object) -> None:
        """Change fields of the execution."""
        self.execution = replace(self.execution, **fields)

    def warn(self, sentence: str) -> None:
        """Add a warning, the first hundred in full."""
        warnings = self.execution.warnings
        if len(warnings) < _MAX_WARNINGS:
            self.change(warnings=[*warnings, sentence])
        elif len(warnings) == _MAX_WARNINGS:
            self.change(warnings=[*warnings, "further warnings are left out"])

    def look_for_start(self) -> Start | None:
        """Who has taken its start lock; None if nobody has, or if that cannot be read now."""
        try:
            return self.spool.start()
        except OSError as error:
            _log.warning("the start of #%d waits: %s", self.execution.number, error)
            return None  # the next sweep looks again

    def begin(self, start: Start) -> None:
        """Somebody has taken the start lock: a shim that runs it, or a runner that bars it."""
        if start.is_barred:
            self.bar()
            return
        self.start = start
        self.spool.begun(start)
        if start.is_elsewhere and not self.is_final:
            self._warn_of_namespace(start)
        if self.execution.status is Status.PENDING:
            self.change(
                status=Status.RUNNING,
                started_at=start.at.wall_ms,
                started_mono=start.at.mono_ms,
            )

    def _warn_of_namespace(self, start: Start) -> None:
        where = "it runs in another PID namespace"
        if start.is_unseen:
            where += ", which cannot be seen from here: its exit file will tell its end"
        if where not in self.execution.warnings:
            self.warn(where)

    def bar(self) -> None:
        """We hold the start lock: it was cancelled, and will never run."""
        if not self.is_final:
            self.finish(CANCELLED, clock.now(), code=None, signal=None)
        self.end_stream()

    def read(self, now: Instant, limit: int = READ_BYTES) -> bool:
        """Take what is new in the spool, up to `limit` bytes; True if there is more."""
        began = time.monotonic()
        try:
            before_signal = self._until_signal()
            stretch = min(limit, self._stretch, before_signal or limit)
            markers, more = self.ingest.read(now, stretch)
        except SpoolProblem as problem:
            self._output_is_gone = isinstance(problem, SpoolGone)
            if self.awaits_files():
                return False
            self.warn(f"{problem}; its log ends here")
            self.end_stream()
            return False
        self._output_is_gone = False
        self._follow(markers, now)
        self._pass_warnings()
        self._adapt_stretch(time.monotonic() - began)
        if self.ingest.is_far_behind and not self._is_braked:
            self._brake(on=True)
        elif self._is_braked and not more:
            self._brake(on=False)
        if self.ingest.is_trimmed and self.ingest.limit_notice not in self.execution.warnings:
            self.warn(self.ingest.limit_notice)
        return more

    def awaits_files(self) -> bool:
        """Whether files of its spool are gone that may come back before anything final is said."""
        if not self._output_is_gone and (self.start is None or self.spool.has_exit_file()):
            self._gone_since = None
            return False
        if self.start is not None and self.start.is_alive():
            return True
        now = time.monotonic()
        if self._gone_since is None:
            self._gone_since = now
        return now - self._gone_since < _COME_BACK_S

    def _until_signal(self) -> int | None:
        """How much output, at most, its processes wrote before they got the signal to stop.

        None if there is no more of it: what comes now is what it does to clean up.
        """
        if self._signalled_at is None:
            return None
        left = self._signalled_at - self.ingest.read_offset
        if left > 0 and self.is_open:
            return left
        self._signalled_at = None
        if self.wanted_stop is not None:
            self.tracker.interrupt(self.wanted_stop.status)
        return None

    def _adapt_stretch(self, took_s: float) -> None:
        """Read less at a time of what is slow to read, such as markers: others wait for it."""
        if took_s > _TURN_S:
            self._stretch = max(_LEAST_STRETCH, self._stretch // 2)
        elif took_s < _TURN_S / 4:
            self._stretch = min(READ_BYTES, self._stretch * 2)

    def _brake(self, *, on: bool) -> None:
        """Slow down what floods faster than we can read it, as it would fill the disk."""
        if self.start is None or not self.start.is_alive():
            return
        if brake.set_width(self.start.pid, brake.NARROW if on else brake.WIDE):
            self._is_braked = on
            _log.info("#%d %s", self.execution.number, "floods" if on else "floods no more")

    def _pass_warnings(self) -> None:
        for sentence in self.ingest.warnings:
            if sentence not in self.execution.warnings:
                self.warn(sentence)
        self.ingest.warnings = []

    def _follow(self, markers: Sequence[Found], now: Instant) -> None:
        for found in markers:
            self._apply(found.marker, found.line, now)
        if markers:  # most output has none, and changes no step
            self._note_steps()

    def _apply(self, marker: Marker, line: int, now: Instant) -> None:
        if self.is_final:
            return  # what comes after the end is kept as it is, and means nothing
        if isinstance(marker, Malformed):
            self.warn(f"line {line}: {marker.reason}")
        elif isinstance(marker, ArtifactMarker):
            self._add_artifact(marker)
        else:
            outcome = self.tracker.apply(marker, line, now)
            if outcome.warning:
                self.warn(f"line {line}: {outcome.warning}")
            if outcome.execution_metadata:
                self._describe(*outcome.execution_metadata)
            if outcome.stop is not None:
                self.want_stop(Reason(Status.FAILED, f"stopped on error: {outcome.stop}"))

    def _describe(self, key: str, value: Value) -> None:
        metadata = {**self.execution.metadata, key: value}
        if len(metadata) <= MAX_METADATA:
            self.change(metadata=metadata)
        elif _TOO_MUCH_METADATA not in self.execution.warnings:
            self.warn(_TOO_MUCH_METADATA)

    def want_stop(self, reason: Reason) -> None:
        """The execution is to be stopped, and this is what it will have come to."""
        if self.wanted_stop is None:
            self.wanted_stop = reason
            self.change(stopping=reason.status, error=reason.error)

    def release_stop(self, *, is_recorded: bool) -> None:
        """Signal its processes: what it is stopped for is recorded, in the spool if need be."""
        if self.stop is None or not self.stop.held:
            return
        if not is_recorded and self.wanted_stop is not None:
            try:
                self.spool.save_stop_reason(self.wanted_stop)
            except OSError as error:  # nobody is spared because the disk is full
                _log.warning("#%d: its stop is not recorded: %s", self.execution.number, error)
        self.stop.held = False

    def note_signal(self) -> None:
        """Its processes are told to stop now: what they have written so far is no cleaning up."""
        self._signalled_at = self.spool.size()
        try:
            Path(f"{self.spool.prefix}{SIGNALLED}").touch(0o600)
        except OSError as error:  # a later runner will signal once more
            _log.warning("#%d: its signal is not recorded: %s", self.execution.number, error)

    def was_signalled(self) -> bool:
        """Whether its processes have been told to stop, if by an earlier runner."""
        return Path(f"{self.spool.prefix}{SIGNALLED}").exists()

    def _add_artifact(self, marker: ArtifactMarker) -> None:
        current = self.tracker.current
        self._artifact_count += 1
        artifact = Artifact(
            index=self._artifact_count,
            name=marker.path.rstrip("/").rpartition("/")[2] or marker.path,
            path=marker.path,
            description=marker.description,
            type=marker.type,
            step=current.index if current else None,
            reason=COLLECTING,
            given=marker.given,
        )
        self._artifacts.append(artifact)
        self._order(artifact)

    def _order(self, artifact: Artifact) -> None:
        self.orders.append(self._order_of(artifact))
        self.collecting += 1

    def _order_of(self, artifact: Artifact) -> Order:
        cwd, start = self.execution.cwd, self.start
        if start is None or not start.directory:
            return Order(self.id, cwd, artifact)
        # As it was asked for, and as the log says it where a secret is hidden.
        asked = str(start.request.get("cwd", cwd)) if start.request else cwd
        names = (asked, cwd, self.ingest.masked(start.directory))
        shim = (start.pid, start.start) if start.boot_id == clock.boot_id() else None
        return Order(self.id, start.directory, artifact, names, shim, self.ingest.masked)

    def overdue_step(self, now: Instant) -> Step | None:
        """The open step whose time is up, if there is one."""
        for step in self.tracker.open_steps:
            if step.timeout_s and now.mono_ms >= step.started_mono + step.timeout_s * 1000:
                return step
        return None

    def take_new_deadline(self) -> float | None:
        """The monotonic milliseconds at which the open step's time is up, once for each step."""
        for step in self.tracker.open_steps:
            if step.timeout_s and step.index != self._deadline_of:
                self._deadline_of = step.index
                return step.started_mono + step.timeout_s * 1000
        return None

    def time_out_step(self, step: Step, now: Instant) -> None:
        """End a step as timed out."""
        self.tracker.time_out(step.index, now, self.ingest.line_count)
        self._note_steps()

    def collected(self, artifacts: Sequence[Artifact]) -> None:
        """What the collector made of one order."""
        self.collecting -= 1
        for artifact in artifacts:
            numbered = artifact
            if not artifact.index:
                self._artifact_count += 1
                numbered = replace(artifact, index=self._artifact_count)
            self._artifacts.append(numbered)
        if artifacts[0].status is ArtifactStatus.TIMED_OUT:
            path = shown_path(artifacts[0].path)
            self.warn(f"artifact {path} was given up: its disk did not respond")

    def script_ended(self, at: Instant, *, code: int, signal: int | None) -> None:
        """Tell how the script ended while its artifacts are still being collected."""
        if self.execution.finished_at is None:
            self.change(
                exit_code=code,
                signal=signal,
                finished_at=at.wall_ms,
                duration_ms=self._duration_ms(at),
            )

    def _duration_ms(self, end: Instant) -> int | None:
        started = self.execution.started_mono
        return None if started is None else max(0, end.mono_ms - started)

    def end_last_line(self, now: Instant) -> None:
        """No newline will come any more: a marker on the last line counts as it is."""
        self._follow(self.ingest.finish_line(now), now)
        self._pass_warnings()

    def finish(self, reason: Reason, now: Instant, *, code: int | None, signal: int | None) -> None:
        """The process has ended and its output is read: set the final status."""
        self._until_signal()
        was_killed = _SIGKILL in {signal, (code or 0) - _SIGNAL_BASE}
        cleaned_up = None if was_killed or code is None else Status.COMPLETED
        self.tracker.close(reason.status, now, self.ingest.line_count, cleaned_up=cleaned_up)
        self._note_steps()
        self.ingest.mark_end()
        self.change(
            status=reason.status,
            error=reason.error or None,
            stopping=None,
            exit_code=code,
            signal=signal,
            finished_at=now.wall_ms,
            duration_ms=self._duration_ms(now),
        )

    def end_stream(self) -> None:
        """No output will come any more."""
        self.ingest.close()

    def save(self, transaction: Transaction) -> None:
        """Write all that changed; `saved` follows once the transaction is committed."""
        number = self.execution.number
        self.ingest.save(transaction, number)
        if self._steps:
            transaction.save_steps(number, self._steps.values())
        if self._artifacts:
            transaction.save_artifacts(number, self._artifacts)
        if self.execution is not self._saved:
            transaction.save_execution(self.execution)

    def saved(self) -> None:
        """What was written is committed."""
        self.ingest.saved()
        self._steps = {}
        self._artifacts = []
        self._saved = self.execution

    def _note_steps(self) -> None:
        """Take over changed steps, and keep what a list shows of them on the execution's row."""
        changed = self.tracker.take_changed()
        if changed:
            self._steps |= {step.index: step for step in changed}
        current = next(iter(self.tracker.open_steps), None)
        summary = (
            self.tracker.total,
            self.tracker.done,
            current.name if current else None,
            current.progress if current else self._own_progress(),
        )
        execution = self.execution
        if summary != (
            execution.step_count,
            execution.steps_done,
            execution.step_name,
            execution.progress,
        ):
            total, done, name, progress = summary
            self.change(step_count=total, steps_done=done, step_name=name, progress=progress)

    def _own_progress(self) -> float | None:
        progress = self.execution.metadata.get("PROGRESS")
        return parse_progress(str(progress)) if progress is not None else None
