"""The records that every part of the program speaks about.

Times are UTC integers in milliseconds since the epoch (`*_at`); spans are integers in
milliseconds (`*_ms`) or, where a user gave or reads them, float seconds (`*_s`).
Lines and step indexes count from 1.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct, field

Value: TypeAlias = bool | int | float | str
Metadata: TypeAlias = dict[str, Value]


class Status(StrEnum):
    """Where an execution or a step stands. A step is never `pending`."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    LOST = "lost"

    @property
    def word(self) -> str:
        """The status as people read it."""
        return self.value.replace("_", " ")

    @property
    def is_final(self) -> bool:
        """Whether nothing can follow this status."""
        return self is not Status.PENDING and self is not Status.RUNNING


class Instant(Struct, frozen=True):
    """One moment on two clocks.

    Attributes:
        wall_ms: UTC, milliseconds since the epoch; what people read.
        mono_ms: the machine's monotonic clock, milliseconds; what durations come from. Comparable
            between processes of one boot.
    """

    wall_ms: int
    mono_ms: int


class Step(Struct, frozen=True):
    """A named range of an execution's lines.

    Attributes:
        index: position in the execution, from 1.
        started_mono: monotonic start in milliseconds, comparable within one boot.
        explicit_end: a marker (not the next step's start) ended the step.
        progress: 0.0 to 1.0, or None when the script said nothing.
        first_line: line of its STEP_START.
        last_line: inclusive; None while open.
    """

    index: int
    name: str
    status: Status
    started_at: int
    started_mono: int
    first_line: int
    finished_at: int | None = None
    duration_ms: int | None = None
    last_line: int | None = None
    explicit_end: bool = False
    estimated_s: float | None = None
    timeout_s: float | None = None
    stop_on_error: bool = False
    progress: float | None = None
    error: str | None = None
    metadata: Metadata = field(default_factory=dict)


COLLECTING = "being collected"
"""The reason of an artifact while its copy is under way."""

TIMED_OUT_REASON = "timed out: its disk did not respond"
"""The reason of an artifact whose copy got nowhere for too long."""

CANCELLED_REASON = "cancelled before it was collected"
"""The reason of an artifact that somebody did not want to wait for."""


class ArtifactStatus(StrEnum):
    """What has become of an artifact."""

    COLLECTING = "collecting"
    STORED = "stored"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"

    @property
    def is_refused(self) -> bool:
        """Whether there is no copy, and none will come."""
        return self not in (ArtifactStatus.COLLECTING, ArtifactStatus.STORED)


_STATUS_OF_REASON = {
    None: ArtifactStatus.COLLECTING,
    COLLECTING: ArtifactStatus.COLLECTING,
    TIMED_OUT_REASON: ArtifactStatus.TIMED_OUT,
    CANCELLED_REASON: ArtifactStatus.CANCELLED,
}


class Artifact(Struct, frozen=True):
    """A file or directory that a script named with `ARTIFACT:`.

    Attributes:
        index: position in the execution, from 1.
        path: as the script gave it, or for a glob's match relative to the working directory.
        stored: path of the copy relative to the home; None when it was not copied.
        reason: why it was not copied; None when it was.
        step: index of the step that was current, or None.
        given: while it is being collected, all that the script said of it: its name may hold what
            parts a path from a description.
    """

    index: int
    name: str
    path: str
    description: str | None = None
    type: str | None = None
    mime: str | None = None
    size: int | None = None
    step: int | None = None
    exists: bool = False
    stored: str | None = None
    reason: str | None = None
    given: str | None = None

    @property
    def status(self) -> ArtifactStatus:
        """Whether it is being collected, was stored, or why not."""
        if self.stored is not None:
            return ArtifactStatus.STORED
        return _STATUS_OF_REASON.get(self.reason, ArtifactStatus.FAILED)


class Execution(Struct, frozen=True):
    """One run of one command.

    Attributes:
        number: the short number for people.
        id: sortable and unique; made by the client.
        shell: the command is one string that `/bin/sh -c` ran.
        error: why it did not complete, in one sentence.
        finished_at, duration_ms, exit_code, signal: how its script ended; known before the final
            status where artifacts are collected for long.
        stopping: the final status for which it is being stopped; None if nobody stops it.
        env: the pairs given explicitly, secret-looking values redacted.
        line_count, byte_count: of the stored log.
        step_count, steps_done: all steps, and those that ended.
        step_name: the current step, or None.
        end_line: lines stored when the execution ended; later ones came after the end.
        boot_id: of the machine's boot in which it was accepted.
        limits: what was set for the script: `memory` and `file_size` in bytes, `cpu` in seconds,
            `nice`.
        kill_leftovers: background processes that it leaves are stopped.
        tty_size: columns and rows of its pseudo-terminal, if they were chosen.
        added_env: it got the variables by which it knows of us.
        marked: it is never removed from the history.
        note: what somebody wrote about it; any text, or None.
        rev: the revision that changed it last.
    """

    number: int
    id: str
    name: str
    command: list[str]
    cwd: str
    status: Status
    created_at: int
    user: str = ""
    shell: bool = False
    tty: bool = False
    started_at: int | None = None
    started_mono: int | None = None
    finished_at: int | None = None
    duration_ms: int | None = None
    exit_code: int | None = None
    signal: int | None = None
    error: str | None = None
    stopping: Status | None = None
    timeout_s: float | None = None
    tags: list[str] = field(default_factory=list)
    metadata: Metadata = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    progress: float | None = None
    step_count: int = 0
    steps_done: int = 0
    step_name: str | None = None
    line_count: int = 0
    byte_count: int = 0
    end_line: int | None = None
    boot_id: str = ""
    limits: dict[str, int] = field(default_factory=dict)
    kill_leftovers: bool = False
    tty_size: list[int] | None = None
    added_env: bool = True
    marked: bool = False
    note: str | None = None
    rev: int = 0

    @property
    def is_collecting(self) -> bool:
        """Whether its script has ended and its artifacts are still being collected."""
        return self.status is Status.RUNNING and self.finished_at is not None

    @property
    def word(self) -> str:
        """Where it stands, as people read it."""
        return "collecting" if self.is_collecting else self.status.word

    @property
    def terminal(self) -> str:
        """The pseudo-terminal as people read it: a chosen size, else only that there was one."""
        if self.tty_size is not None:
            return "x".join(map(str, self.tty_size))
        return "yes" if self.tty else ""
