"""Wake-ups: what changed in the request and the spool directory.

inotify itself rather than watchfiles: the runner waits in one thread on several descriptors, has
no use for a debounce, and an idle watch costs nothing. Events are hints; a sweep finds the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from inotify_simple import INotify, flags
from msgspec import Struct, field

from stepflow_tui.runner.spool import EXIT, LOCK, OUTPUT

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


_REPLACED = flags.MOVED_FROM | flags.MOVED_TO | flags.DELETE | flags.CREATE


class Hints(Struct):
    """What may have changed since the last look; the sets hold execution ids.

    Attributes:
        database: somebody moved or deleted the database, or put another one there.
        overflow: events were dropped: anything may have changed.
    """

    requests: bool = False
    written: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    exited: set[str] = field(default_factory=set)
    database: bool = False
    overflow: bool = False


class Watch:
    """Watches the two directories of a home from which the runner takes its work."""

    def __init__(self, home: Home) -> None:
        self._inotify = INotify(nonblocking=True)
        self._requests = self._inotify.add_watch(home.requests, flags.MOVED_TO)
        self._root = self._inotify.add_watch(home.root, _REPLACED)
        self._database = home.database.name
        self._spool = self._inotify.add_watch(home.spool, flags.MODIFY | flags.CREATE)

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._inotify.fileno())

    def hints(self) -> Hints:
        """What happened since the last call; never blocks."""
        hints = Hints()
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                hints.overflow = True
            elif event.wd == self._requests:
                hints.requests = True
            elif event.wd == self._root:
                hints.database |= event.name.startswith(self._database)
            else:
                _sort(event.name, hints)
        return hints

    def close(self) -> None:
        """End the watch."""
        self._inotify.close()


def _sort(name: str, hints: Hints) -> None:
    execution, dot, suffix = name.partition(".")
    if dot + suffix == OUTPUT:
        hints.written.add(execution)
    elif dot + suffix == EXIT:
        hints.exited.add(execution)
    elif dot + suffix == LOCK:
        hints.started.add(execution)
