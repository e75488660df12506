"""Finding out how a home is: its runner, its database, and what waits to be done."""

from __future__ import annotations

import math
import os
import shutil
import time
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.core.errors import NoDatabase, StepflowError
from stepflow_tui.core.models import Status
from stepflow_tui.core.settings import Settings
from stepflow_tui.health import verdict
from stepflow_tui.health.backlog import age_s, backlog, size_of
from stepflow_tui.health.logind import logout_notes
from stepflow_tui.health.open_files import memory_of, readers_of
from stepflow_tui.requests.inbox import waiting
from stepflow_tui.requests.request import BadRequest, CancelRequest, decode
from stepflow_tui.requests.runner import live_runner
from stepflow_tui.store import queries
from stepflow_tui.store.home import check_home
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.vitals import open_spools

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.store.queries import RunnerRecord

_LOOKS = 3
_MAX_SILENCE_S = 5.0
_FIXED_SERIES = {(3, 44): 6, (3, 50): 7}
_FIXED = (3, 51, 3)


class Examination(Struct):
    """What was found.

    Attributes:
        failures: why work stands still, as sentences.
        strains: what should not be so, while work goes on.
        notes: what is well now, and may not stay so.
        waiting: requests that are not done with.
        waiting_s: for how long one has waited that the runner should have taken.
        backlog_bytes: output that is in spools and not yet in the database.
        memory_bytes: of the runner.
        response_s: how long a look at the newest executions takes.
        backlog_s: for how long some of it has waited at least.
        pending: the execution that has waited longest to be started.
        collecting: executions of which only artifacts are still waited for.
        record: what the last runner said of itself.
        readers: pids and names of those who have the database open, but for us and the runner;
            found by a close examination alone.
        free_bytes: on the disk of the home; None unless it was examined closely.
    """

    failures: list[str] = field(default_factory=list)
    strains: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    runner: RunnerIdentity | None = None
    record: RunnerRecord | None = None
    database_bytes: int = 0
    wal_bytes: int = 0
    counts: dict[Status, int] = field(default_factory=dict)
    waiting: int = 0
    waiting_s: float = 0.0
    backlog_bytes: int = 0
    backlog_s: float = 0.0
    memory_bytes: int = 0
    response_s: float = 0.0
    pending: Execution | None = None
    collecting: list[Execution] = field(default_factory=list)
    readers: list[tuple[int, str]] = field(default_factory=list)
    free_bytes: int | None = None

    @property
    def state(self) -> str:
        """`healthy`, `degraded` or `down`."""
        return ("healthy", "degraded", "down")[self.exit_code]

    @property
    def exit_code(self) -> int:
        """0 healthy, 1 degraded, 2 down."""
        return 2 if self.failures else int(bool(self.strains))

    @property
    def unfinished(self) -> int:
        """How many executions have not ended."""
        return self.counts.get(Status.PENDING, 0) + self.counts.get(Status.RUNNING, 0)

    @property
    def wal_reset_fixed(self) -> bool | None:
        """Whether the runner's SQLite has the fix of the WAL reset; None if that is not known."""
        return has_wal_reset_fix(self.record.sqlite_version) if self.record else None


def open_store(home: Home) -> Reader:
    """The store of a home as it is.

    Raises:
        StoreProblem: there is no database, or none that can be read.
    """
    return Reader(home.database)


def examine(
    home: Home, open_reader: Callable[[Home], Reader] = open_store, *, closely: bool = False
) -> Examination:
    """Look at a home; what cannot be read is a failure that was found, not an error.

    Args:
        home: to be looked at.
        open_reader: opens its store.
        closely: look for the readers and the disk too, which takes some milliseconds.

    Raises:
        UsageProblem: the levels of alerts, which come from the environment, cannot be read.
    """
    found = Examination()
    try:
        check_home(home)
        found.runner = live_runner(home)
        found.memory_bytes = (memory_of(found.runner.pid) or 0) if found.runner else 0
        found.waiting = _count_waiting(home)
        with open_reader(home) as reader:
            _examine_store(home, reader, found)
    except NoDatabase:
        pass  # nothing was recorded yet, or the verdict says that it is missing
    except StepflowError as problem:
        found.failures.append(str(problem))
    found.failures.extend(verdict.failures(found))
    found.strains.extend(verdict.strains(home, found, Settings.from_environment(os.environ)))
    found.notes.extend(verdict.notes(home, found))
    found.notes.extend(logout_notes(found.runner.pid if found.runner else None))
    if closely:
        found.readers = readers_of(home, found.runner.pid if found.runner else None)
        found.free_bytes = _free_bytes(home)
    return found


def _free_bytes(home: Home) -> int | None:
    try:
        return shutil.disk_usage(home.root).free
    except FileNotFoundError:
        return None


def _count_waiting(home: Home) -> int:
    try:
        return sum(1 for _ in waiting(home))
    except FileNotFoundError:
        return 0


def _examine_store(home: Home, reader: Reader, found: Examination) -> None:
    found.database_bytes, found.wal_bytes = size_of(home.database), size_of(home.wal)
    found.response_s = _response_s(reader)
    found.counts = dict(reader.all(queries.status_counts()))
    found.record = reader.first(queries.runner_record())
    found.pending = reader.first(queries.oldest_pending())
    found.collecting = reader.all(queries.collecting_executions())
    found.waiting_s = _longest_wait_s(home, reader)
    found.backlog_bytes, found.backlog_s = backlog(home, reader.all(open_spools(-1)))


def _response_s(reader: Reader) -> float:
    """How long a look at the newest executions takes, in seconds: the best of a few."""
    best = math.inf
    for _ in range(_LOOKS):
        began = time.perf_counter()
        reader.all(queries.newest_executions(10))
        best = min(best, time.perf_counter() - began)
    return best


def _longest_wait_s(home: Home, reader: Reader) -> float:
    """Of the oldest request that was not taken; those that came just now are not looked at."""
    for path in waiting(home):
        waited_s = age_s(path)
        if waited_s > _MAX_SILENCE_S and not _is_taken(reader, path):
            return waited_s
    return 0.0


def _is_taken(reader: Reader, path: Path) -> bool:
    """Whether the runner knows of a request; the file stays until all is done."""
    try:
        request = decode(path.read_bytes())
    except FileNotFoundError:
        return True
    except (BadRequest, OSError):
        return False
    if not isinstance(request, CancelRequest):
        return reader.first(queries.executions_with_prefix(request.id)) is not None
    execution = reader.first(queries.executions_with_prefix(request.execution))
    return execution is not None and (execution.stopping is not None or execution.status.is_final)


def has_wal_reset_fix(version: str) -> bool:
    """Whether an SQLite of this version cannot corrupt a database by its WAL reset."""
    major, minor, patch = (int(part) for part in version.split(".")[:3])
    fixed_patch = _FIXED_SERIES.get((major, minor))
    return (major, minor, patch) >= _FIXED or (fixed_patch is not None and patch >= fixed_patch)
