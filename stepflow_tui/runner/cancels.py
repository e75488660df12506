"""Taking cancel requests, and keeping their files until the end is committed."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import NO_ROOM
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner.proc import names_of
from stepflow_tui.store.queries import executions_with_prefix

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import CancelRequest
    from stepflow_tui.runner.endings import Endings
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.stop import Stop
    from stepflow_tui.store.writer import Writer

_log = logging.getLogger(__name__)

_PASSING = NO_ROOM | {errno.ENOENT, errno.ENOTDIR}
"""Errors of a spool without room, or that was moved or replaced a moment ago."""

_UNSEEN = (
    "it runs in another PID namespace, which cannot be seen from here; cancel it there, or give it "
    "up with --force"
)
_BEHIND_S = 0.05
_STOPPING_S = 0.1
_RETRY_S = 1.0


class Cancels:
    """The cancel requests of a home. A new runner goes on with those whose files are there."""

    def __init__(
        self,
        home: Home,
        writer: Writer,
        endings: Endings,
        recordings: Mapping[str, Recording],
        look_again: Callable[[float], None],
    ) -> None:
        """`look_again` has the requests looked at once more after so many seconds."""
        self._home = home
        self._writer = writer
        self._endings = endings
        self._recordings = recordings
        self._look_again = look_again
        self._files: dict[str, list[Path]] = {}
        self._taken: set[str] = set()
        self._late_stops: dict[str, Stop] = {}

    @property
    def taken(self) -> set[str]:
        """Ids of requests whose files are still needed."""
        return self._taken

    def take(self, request: CancelRequest, path: Path) -> None:
        """Begin to stop what the request names."""
        recording = self._recordings.get(request.execution)
        if recording is None and inbox.path_of(self._home, request.execution, "run").exists():
            self._look_again(_BEHIND_S)  # it waits to be accepted
        elif recording is None or recording.is_final:
            self._take_late(request, path)
        elif request.leftovers:
            inbox.refuse(self._home, path, "it has not ended yet")
        elif recording.start is not None and recording.start.is_unseen and not request.force:
            inbox.refuse(self._home, path, _UNSEEN)
        else:
            self._cancel(recording, request, path)

    def _cancel(self, recording: Recording, request: CancelRequest, path: Path) -> None:
        try:
            self._endings.cancel(recording, force=request.force)
        except OSError as error:
            if error.errno not in _PASSING:
                raise
            _log.warning("#%d cannot be cancelled yet: %s", recording.execution.number, error)
            self._look_again(_RETRY_S)  # what has not started is barred by a file
            return
        self._files.setdefault(recording.id, []).append(path)
        self._taken.add(request.id)

    def _take_late(self, request: CancelRequest, path: Path) -> None:
        """What is over cannot be stopped, but something may be left of it."""
        found = self._writer.all(executions_with_prefix(request.execution))
        if not found:
            inbox.refuse(self._home, path, "there is no such execution")
        elif request.leftovers or found[0].status is Status.LOST:
            self._stop_leftovers(found[0], path, force=request.force)
        else:
            inbox.discard(path)

    def _stop_leftovers(self, execution: Execution, path: Path, *, force: bool) -> None:
        stop = self._late_stops.get(path.name)
        if stop is None:
            stop = self._endings.stop_leftovers(self._home, execution, force=force)
            self._late_stops[path.name] = stop
        if stop.is_done:
            self._late_stops.pop(path.name)
            if stop.untouchable:
                names = names_of(stop.untouchable.values())
                inbox.refuse(self._home, path, f"could not stop processes of other users: {names}")
            else:
                inbox.discard(path)
        else:
            self._look_again(_STOPPING_S)

    def settle(self, execution: str) -> None:
        """The end of an execution is committed: its requests are done."""
        for path in self._files.pop(execution, ()):
            self._taken.discard(path.name.partition(".")[0])
            inbox.discard(path)
