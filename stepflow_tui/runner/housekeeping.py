"""Removing, giving space back and copying: a slice at a time, between the turns of the loop.

Each job is a generator that yields after every slice, so that recording never waits for long.
A request's file stays until its job is done: whoever is killed in the middle leaves the rest to
the next runner. The runner's own removals are requests like those of its clients.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stepflow_tui.core.errors import StepflowError, UsageProblem
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import (
    BackupRequest,
    MarkRequest,
    NoteRequest,
    RemoveRequest,
    TagRequest,
    remove_requests,
)
from stepflow_tui.runner.retention import remove_files
from stepflow_tui.runner.trusted_clock import TrustedClock
from stepflow_tui.store import removal
from stepflow_tui.store.backup import Backup, check_target
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import WriteFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable
    from concurrent.futures import Future
    from typing import TypeAlias

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.settings import Settings
    from stepflow_tui.requests.request import Chore, Label
    from stepflow_tui.runner.timers import Timers
    from stepflow_tui.store.removal import Entry
    from stepflow_tui.store.writer import Writer

    Job: TypeAlias = Generator[float, None, None]
    """Yields the seconds for which it has nothing to do."""

_log = logging.getLogger(__name__)

EVERY_S = 600.0
"""Between two looks at what is due and how much of the file is empty."""

_ROWS, _ROWS_OF_ONE = 2000, 20
"""Of a slice; and what an execution without steps counts for."""

_CHUNKS = 64
_PAGES = 100
_MUCH_FREE = 4096
"""Free pages, about 16 MB: less is left for what comes, unless something was removed."""

_SHARE = 2.0
_WRITE_PAUSE_S, _COPY_PAUSE_S = 0.005, 0.001
"""At least; what is written in the meantime makes one checkpoint, which must not get long."""

_POLL_S = 0.02
_RETRY_S = 1.0


class Housekeeping:
    """Keeps the history within its limits, and carries out what clients ask to do with it.

    Attributes:
        taken: ids of requests whose files are needed still.
        clock: by which something is old.
    """

    def __init__(
        self,
        home: Home,
        writer: Writer,
        settings: Settings,
        timers: Timers,
        *,
        failed: Callable[[WriteFailed], object],
        succeeded: Callable[[], object],
    ) -> None:
        """Makes one that does nothing before `begin`.

        Args:
            home: whose history to keep.
            writer: of its database.
            settings: the limits of the history.
            timers: of the loop between whose turns it works.
            failed: called with each failure of a commit, which is tried again.
            succeeded: called after each commit.
        """
        self._home = home
        self._writer = writer
        self._settings = settings
        self._timers = timers
        self._failed = failed
        self._succeeded = succeeded
        self._jobs: deque[Job] = deque()
        self._files = ThreadPoolExecutor(1, thread_name_prefix="files")
        self._has_removed = False
        self.clock = TrustedClock(writer)
        self.taken: set[str] = set()

    @property
    def is_busy(self) -> bool:
        """Whether there is something to do now."""
        return bool(self._jobs)

    @property
    def awaits_look(self) -> bool:
        """Whether a runner that leaves now never gets to the second look at the clock."""
        return self._settings.retain_age > 0 and self.clock.is_ripe

    def begin(self) -> None:
        """Go on with what an earlier runner left, and look for what is due from now on."""
        self._add(self._finish_removals())
        self._look()

    def take(self, request: Chore, path: Path) -> None:
        """Carry out a request, whose file is `path`."""
        self.taken.add(request.id)
        match request:
            case RemoveRequest():
                self._add(self._answer(request, path, self._remove(request)))
            case BackupRequest():
                self._add(self._answer(request, path, self._back_up(request)))
            case MarkRequest() | TagRequest() | NoteRequest():  # between the slices of others
                self._add(self._answer(request, path, self._label(request)), first=True)

    def close(self) -> None:
        """Let go of everything; a copy that is not whole is removed."""
        for job in self._jobs:
            job.close()
        self._jobs.clear()
        self._files.shutdown(cancel_futures=True)

    # Jobs, of which one is at work at a time

    def _add(self, job: Job, *, first: bool = False) -> None:
        if not self._jobs:
            self._timers.after(0.0, self._advance)
        if first:
            self._jobs.appendleft(job)
        else:
            self._jobs.append(job)

    def _advance(self) -> None:
        """Do a slice, then leave twice as long to recording."""
        began = time.monotonic()
        wait = 0.0
        try:
            wait = next(self._jobs[0])
        except StopIteration:
            self._end_job()
        except StepflowError as error:
            _log.error("housekeeping goes on without this: %s", error)
            self._end_job()
        if self._jobs:
            self._timers.after(max(wait, _SHARE * (time.monotonic() - began)), self._advance)

    def _end_job(self) -> None:
        self._jobs.popleft()
        if self._has_removed and not self._jobs:
            self._has_removed = False
            self._jobs.append(self._give_back())

    def _answer(self, request: Chore, path: Path, job: Job) -> Job:
        """The job of a request, whose file is done with in the end, or refused."""
        try:
            yield from job
        except StepflowError as problem:
            _log.warning("request %s refused: %s", path.name, problem)
            inbox.refuse(self._home, path, str(problem))
        else:
            inbox.discard(path)
        self.taken.discard(request.id)

    def _write(self, write: Callable[[], object]) -> Job:
        """Try until it is written."""
        while True:
            try:
                write()
            except WriteFailed as error:
                self._failed(error)
                yield _RETRY_S
            else:
                self._succeeded()
                yield _WRITE_PAUSE_S
                return

    # Removing

    def _remove(self, request: RemoveRequest) -> Job:
        """Take executions off the list first, then remove what nobody can reach any more."""
        wanted = removal.entries(request.executions, sized=False)
        entries = self._writer.all(wanted)
        _check(entries)
        batches = _batches(entries)
        for batch in batches:
            # The last is on the disk, and with it all before it, before a file is touched.
            yield from self._write(partial(self._remove_rows, batch, durable=batch is batches[-1]))
        kept = {entry.id for entry in self._writer.all(wanted)}  # marked a moment ago
        gone = [execution for execution in request.executions if execution not in kept]
        deletions = [self._files.submit(_delete, self._home, execution) for execution in gone]
        # Not beside the logs: threads that take the interpreter in turns make each slice ten times
        # as long, and all that is recorded waits for it.
        for deletion in deletions:
            yield from _until_done(deletion)
        yield from self._remove_logs(entry.number for entry in entries if entry.id not in kept)
        _log.info("removed %d executions", len(gone))

    def _remove_rows(self, entries: Iterable[Entry], *, durable: bool) -> None:
        with self._writer.removal(durable=durable) as transaction:
            transaction.remove_executions(entry.number for entry in entries)

    def _remove_logs(self, numbers: Iterable[int]) -> Job:
        left = deque(numbers)
        while left:
            self._has_removed = True
            yield from self._write(partial(self._remove_chunks, left))

    def _remove_chunks(self, left: deque[int]) -> None:
        with self._writer.transaction(durable=False) as transaction:
            done = transaction.remove_logs(left, _CHUNKS)
        for _ in range(done):
            left.popleft()

    def _finish_removals(self) -> Job:
        """Remove the logs of executions that an earlier runner has taken off the list."""
        yield from self._remove_logs(self._writer.all(removal.removed_with_log()))

    def _give_back(self) -> Job:
        """Give all free pages back to the file system; nothing that was removed is left there."""
        while self._writer.free_pages():
            yield from self._write(self._shorten)
        self._writer.checkpoint()

    def _shorten(self) -> None:
        with self._writer.transaction(durable=False) as transaction:
            transaction.give_back(_PAGES)

    # What is due

    def _look(self) -> None:
        self._timers.after(EVERY_S, self._look)
        self._look_at_clock()
        limits = _limits(self._settings, self.clock.confirmed_ms)
        if limits is not None:
            self._add(self._order_removals(limits))
        if self._writer.free_pages() > _MUCH_FREE:
            self._add(self._give_back())

    def _look_at_clock(self) -> None:
        try:
            self.clock.look()
        except WriteFailed as error:  # the next look makes up for it
            self._failed(error)

    def _order_removals(self, limits: removal.Limits) -> Job:
        """Ask ourselves to remove what is due: the request survives us."""
        found = self._files.submit(_due, self._home, limits)
        yield from _until_done(found)
        requests = remove_requests(found.result())
        if requests:
            inbox.submit(self._home, *requests)

    # Labels and copies

    def _label(self, request: Label) -> Job:
        known = self._writer.all(removal.entries(request.executions, sized=False))
        if {entry.id for entry in known} != set(request.executions):
            raise UsageProblem("there is no such execution any more")
        yield from self._write(partial(self._save_label, request))

    def _save_label(self, request: Label) -> None:
        with self._writer.transaction(durable=True) as transaction:
            match request:
                case MarkRequest():
                    transaction.mark(request.executions, marked=request.marked)
                case TagRequest():
                    transaction.tag(request.executions, add=request.add, remove=request.remove)
                case NoteRequest():
                    transaction.note(request.executions, request.note)

    def _back_up(self, request: BackupRequest) -> Job:
        path = Path(request.path)
        check_target(self._home, path, force=request.force)
        temporary = path.with_name(f".stepflow-{request.id}.tmp")
        with Backup(self._writer, temporary, path, force=request.force) as backup:
            while backup.step():
                yield _COPY_PAUSE_S if backup.is_copying else _POLL_S


def _check(entries: Iterable[Entry]) -> None:
    """Remove all or none."""
    objections = [entry.objection for entry in entries if entry.objection]
    if objections:
        raise UsageProblem("; ".join(objections))


def _batches(entries: Iterable[Entry]) -> list[list[Entry]]:
    """What can be taken off the list at one go."""
    batches: list[list[Entry]] = []
    rows = _ROWS
    for entry in entries:
        if rows >= _ROWS:
            batches.append([])
            rows = 0
        batches[-1].append(entry)
        rows += entry.step_count + _ROWS_OF_ONE
    return batches


def _until_done(future: Future[Any]) -> Job:
    while not future.done():
        yield _POLL_S


def _delete(home: Home, execution: str) -> None:
    try:
        remove_files(home, execution)
    except OSError as error:
        _log.error("files of %s stay: %s", execution, error)


def _limits(settings: Settings, confirmed_ms: int | None) -> removal.Limits | None:
    """What is to be kept of the history, by age only as the clock is trusted; None for all."""
    by_age = settings.retain_age and confirmed_ms is not None
    if not (by_age or settings.retain_count or settings.retain_bytes):
        return None
    oldest = (confirmed_ms or 0) - round(settings.retain_age * 1000)
    return removal.Limits(
        ended_before=oldest if by_age else None,
        count=settings.retain_count or None,
        size=settings.retain_bytes or None,
    )


def _due(home: Home, limits: removal.Limits) -> list[str]:
    """Ids of what is due; sizes may take a while to add up, so not on the writer's connection."""
    with Reader(home.database) as reader:
        return [entry.id for entry in reader.all(removal.due(limits))]
