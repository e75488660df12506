"""Watching the home for the runner's loop, and whether it is still the one that the runner holds.

A home can be moved, replaced, or reached by another path, and so can its lock and each of its
directories. What is missing is made again; what may come back is waited for.
"""

from __future__ import annotations

import logging
import os
import selectors
from typing import TYPE_CHECKING

from stepflow_tui.core.home import Home
from stepflow_tui.requests import inbox
from stepflow_tui.requests.runner_lock import Standing
from stepflow_tui.runner.watch import Hints, Watch

if TYPE_CHECKING:
    from collections.abc import Callable, Sized
    from pathlib import Path

    from stepflow_tui.requests.runner_lock import RunnerLock
    from stepflow_tui.runner.timers import Timers
    from stepflow_tui.runner.trouble import Trouble

_log = logging.getLogger(__name__)

_AWAY_POLL_S = 0.1
_POLL_S, _POLL_EACH_S = 0.1, 0.001
"""Without file events: so often everything is looked at, and so much longer for each execution."""

_WATCH_AGAIN_S = 60.0


class HomeMonitor:
    """Tells the loop what may have changed in the home, by file events or, without them, a timer.

    Attributes:
        standing: how the runner stood to its home at the last look.
        is_blocked: something else stands in the place of its spool directory.
    """

    def __init__(
        self,
        home: Home,
        lock: RunnerLock,
        selector: selectors.BaseSelector,
        timers: Timers,
        trouble: Trouble,
        *,
        recorded: Sized,
        notice: Callable[[Hints], None],
    ) -> None:
        """Begins to watch.

        Args:
            home: to be watched.
            lock: of the runner.
            selector: of the loop, in which the watch registers itself.
            timers: of the loop.
            trouble: is told what is wrong with the home.
            recorded: the executions that are recorded now.
            notice: is called with what may have changed.
        """
        self._home = home
        self._lock = lock
        self._selector = selector
        self._timers = timers
        self._trouble = trouble
        self._recorded = recorded
        self._notice = notice
        self._watch: Watch | None = None
        self._inodes: list[tuple[int, int] | None] = []
        self.standing = Standing.HELD
        self.is_blocked = False
        self._begin_watching()

    @property
    def is_away(self) -> bool:
        """Whether the path of the home leads elsewhere or nowhere now."""
        return self.standing is Standing.AWAY

    def is_held(self) -> bool:
        """Whether the home is ours at this moment, which costs two looks at the disk."""
        return self._lock.standing() is Standing.HELD

    def look(self) -> None:
        """See whether the home is still ours and whole; make again what is missing of it."""
        before, self.standing = self.standing, self._lock.standing()
        if self.is_away:
            if before is not Standing.AWAY:
                self._wait_for_return()
        elif self.standing is Standing.HELD:
            self._lock.sign()
            self._restore()
            if before is Standing.AWAY:
                self._trouble.over("home")
                self._notice(Hints(requests=True, overflow=True))

    def _wait_for_return(self) -> None:
        self._trouble.note(
            "home",
            f"{self._home.root} was moved, removed or replaced by another; "
            "nothing is recorded until it is back",
        )
        self._timers.after(_AWAY_POLL_S, self._look_for_return)

    def _look_for_return(self) -> None:
        self.look()
        if self.is_away:
            self._timers.after(_AWAY_POLL_S, self._look_for_return)

    def new_place(self) -> Home | None:
        """Where the home is now, if somebody asks for something there."""
        place = self._lock.place()
        if place is None or not self.is_away:
            return None
        home = Home(place)
        return home if any(True for _ in inbox.waiting(home)) else None

    def is_given_up(self) -> bool:
        """Whether it is not waited for: it is nowhere any more, or used where it is now."""
        return self._lock.place() is None or self.new_place() is not None

    def _restore(self) -> None:
        """Make missing directories again, and watch those that are new."""
        problems = [problem for path in self._home.directories[1:] if (problem := _restored(path))]
        self.is_blocked = not self._home.spool.is_dir()
        if problems:
            self._trouble.note("directories", "; ".join(problems))
        else:
            self._trouble.over("directories")
        inodes = [_inode(path) for path in self._home.directories]
        is_watched = self._watch is None or self._watch.is_whole
        if inodes != self._inodes or not is_watched:
            is_first, self._inodes = not self._inodes, inodes
            if not is_first:
                self._renew_watch()
                _log.warning("a directory of %s was made again", self._home.root)
                self._notice(Hints(requests=True, overflow=True))

    # File events, or a timer in their place

    def _begin_watching(self) -> None:
        try:
            self._watch = Watch(self._home)
        except OSError as error:
            self._poll_instead(error)
            return
        self._trouble.over("watch")
        self._selector.register(self._watch.fileno(), selectors.EVENT_READ, self._on_event)

    def _poll_instead(self, error: OSError) -> None:
        self._trouble.note(
            "watch",
            f"file events are not to be had ({error.strerror}; see the limits "
            "fs.inotify.max_user_instances and max_user_watches), so files are polled instead: "
            "lines come some tenths of a second later",
        )
        self._timers.after(_POLL_S, self._poll)
        self._timers.after(_WATCH_AGAIN_S, self._begin_watching)

    def _renew_watch(self) -> None:
        if self._watch is None:
            return
        try:
            self._watch.renew()
        except OSError as error:
            self._end_watch()
            self._poll_instead(error)

    def _end_watch(self) -> None:
        if self._watch is not None:
            self._selector.unregister(self._watch.fileno())
            self._watch.close()
            self._watch = None

    def _poll(self) -> None:
        if self._watch is None:
            self._notice(Hints(requests=True, overflow=True, home=True))
            self._timers.after(_POLL_S + _POLL_EACH_S * len(self._recorded), self._poll)

    def _on_event(self) -> None:
        if self._watch is not None:
            self._notice(self._watch.hints())

    def close(self) -> None:
        """End the watch."""
        self._end_watch()


def _restored(directory: Path) -> str | None:
    """Make a directory if it is missing; what is in the way if that cannot be done."""
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        if directory.is_dir() and not directory.is_symlink():
            return None
        return f"{directory} is not a directory; move it out of the way"
    except OSError as error:
        return f"cannot make {directory}: {error.strerror}"
    return None


def _inode(path: Path) -> tuple[int, int] | None:
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino)
