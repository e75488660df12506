"""Ordering starts from the launcher, and hearing of those that failed."""

from __future__ import annotations

import errno
import logging
import selectors
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core import clock
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.runner import fault
from stepflow_tui.runner.launch import Launcher, LaunchFailed
from stepflow_tui.runner.launcher import NO_SPACE
from stepflow_tui.runner.stop import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stepflow_tui.core.home import Home
    from stepflow_tui.runner.recording import Recording
    from stepflow_tui.runner.timers import Timers
    from stepflow_tui.runner.trouble import Trouble

_log = logging.getLogger(__name__)

_MISSING = (errno.ENOENT, errno.ENOTDIR)
_RETRY_S = 1.0
_CHECK_S = 2.0
"""An order that is open for so long has the launcher looked at."""


class Starts:
    """Has every execution started that waits for it, once it may be.

    An order may be given twice, and may be lost with its launcher: the start lock sees to it that
    no script runs twice, and `order` gives anew what has no lock yet.
    """

    def __init__(
        self,
        home: Home,
        selector: selectors.BaseSelector,
        recordings: Mapping[str, Recording],
        mark: Callable[[str], None],
        *,
        timers: Timers,
        trouble: Trouble,
    ) -> None:
        """Registers itself with the loop's `selector`; `mark` has an execution looked at."""
        self._timers = timers
        self._trouble = trouble
        self._checking = False
        self._retrying = False
        self._home = home
        self._selector = selector
        self._recordings = recordings
        self._mark = mark
        self._launcher = Launcher()
        self._ordered: set[str] = set()
        self.is_held = False
        self._listen()

    @property
    def waiting(self) -> int:
        """How many executions have not been started."""
        return sum(_is_waiting(recording) for recording in self._recordings.values())

    def order(self) -> None:
        """Order what waits to be started, unless starts are held."""
        if not self.is_held:
            for recording in self._recordings.values():
                is_new = recording.id not in self._ordered and recording.wanted_stop is None
                if is_new and _is_waiting(recording):
                    self._order(recording)
        self._tune()

    def _order(self, recording: Recording) -> None:
        self._ordered.add(recording.id)
        fault.point("P3")
        request = inbox.path_of(self._home, recording.id, "run")
        self._launcher.start(recording.id, request, recording.spool.prefix)
        if not self._checking:
            self._checking = True
            self._timers.after(_CHECK_S, self._check_launcher)

    def hold(self, *, held: bool) -> None:
        """Start nothing for now, or go on."""
        self.is_held = held
        self.order()

    def forget(self, execution: str) -> None:
        """Nothing has to be remembered of this execution any more."""
        self._ordered.discard(execution)

    def close(self) -> None:
        """End the launcher; what it has started lives on."""
        self._launcher.close()

    def _listen(self) -> None:
        wanted = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.register(self._launcher.channel, wanted, self._on_launcher)
        self._tune()

    def _tune(self) -> None:
        """Ask to be told of room in the socket only while orders wait for it."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE * self._launcher.has_orders)
        self._selector.modify(self._launcher.channel, wanted, self._on_launcher)

    def _on_launcher(self) -> None:
        try:
            for failure in self._launcher.failures():
                self._could_not_start(failure)
        except ConnectionError:
            _log.exception("starting a new launcher")
            self._restart()
            return
        self._launcher.flush()
        self._tune()

    def _restart(self) -> None:
        self._selector.unregister(self._launcher.channel)
        self._launcher.restart()
        self._listen()
        self._ordered.clear()
        self.order()

    def _check_launcher(self) -> None:
        """While orders are open, put a new launcher in the place of one that was stopped."""
        pid = self._launcher.stopped_pid
        if pid is not None:
            sentence = f"the launcher, process {pid}, was stopped; a new one was started"
            self._trouble.note("launcher", sentence)
            self._restart()
        else:
            self._trouble.over("launcher")
        self._checking = pid is not None or any(
            execution in self._ordered and _is_waiting(recording)
            for execution, recording in self._recordings.items()
        )
        if self._checking:
            self._timers.after(_CHECK_S, self._check_launcher)

    def _could_not_start(self, failure: LaunchFailed) -> None:
        recording = self._recordings.get(failure.execution)
        if recording is None or recording.is_final:
            return
        start = recording.look_for_start()
        if start is not None and start.pid != failure.pid:
            return  # it was ordered twice, and the other start has the lock
        hindrance = self._hindrance(failure)
        if hindrance and start is None and recording.start is None:
            self._try_later(recording, hindrance)
            return
        error = recording.ingest.masked(failure.error)
        reason = Reason(Status.FAILED, f"could not be started: {error}")
        recording.finish(reason, clock.now(), code=None, signal=None)
        recording.end_stream()
        self._mark(recording.id)

    def _hindrance(self, failure: LaunchFailed) -> str | None:
        """What keeps scripts from being started, as a sentence, if it passes; None if not."""
        if failure.errno in NO_SPACE:
            return (
                "no script can be started: no space, inodes or quota are left where the home is, "
                "or it is read-only"
            )
        if failure.errno in _MISSING:
            if Path(failure.path).parent == self._home.spool:
                return f"no script can be started: {self._home.spool} was moved or removed"
            if not self._home.requests.is_dir():
                return f"no script can be started: {self._home.requests} is not there"
        return None

    def _try_later(self, recording: Recording, hindrance: str) -> None:
        """Try again what has no lock yet, and say so, until nothing waits any more."""
        self._ordered.discard(recording.id)
        self._trouble.note("start", hindrance)
        if not self._retrying:
            self._retrying = True
            self._timers.after(_RETRY_S, self._retry)

    def _retry(self) -> None:
        self._retrying = bool(self.waiting)
        if self._retrying:
            self.order()
            self._timers.after(_RETRY_S, self._retry)
        else:
            self._trouble.over("start")


def _is_waiting(recording: Recording) -> bool:
    return recording.start is None and not recording.is_final
