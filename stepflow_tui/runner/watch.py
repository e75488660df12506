"""Wake-ups: what changed in the home, its request and its spool directory.

inotify itself rather than watchfiles: the runner waits in one thread on several descriptors, has
no use for a debounce, and an idle watch costs nothing. Events are hints; a sweep finds the rest.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from inotify_simple import INotify, flags
from msgspec import Struct, field

from stepflow_tui.runner.spool import EXIT, LOCK, OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home


_REPLACED = flags.MOVED_FROM | flags.MOVED_TO | flags.DELETE | flags.CREATE
_GONE = flags.MOVE_SELF | flags.DELETE_SELF
_TAKEN_AWAY = flags.DELETE | flags.MOVED_FROM
_SPOOL = flags.MODIFY | flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO


class Hints(Struct):
    """What may have changed since the last look; the sets hold execution ids.

    Attributes:
        database: somebody moved or deleted the database, or put another one there.
        home: the home, its lock or one of its directories was moved, removed or replaced.
        gone: files of these were moved or deleted.
        overflow: events were dropped: anything may have changed.
    """

    requests: bool = False
    written: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    exited: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    database: bool = False
    home: bool = False
    overflow: bool = False


class Watch:
    """Watches the directories of a home from which the runner takes its work.

    Attributes:
        is_whole: none of the watched directories has been removed since `renew`. A new one in its
            place may have the same inode.

    Raises:
        OSError: no inotify instance or watch is left for this user.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._places = {home.runner_lock.name, *(path.name for path in home.directories[1:])}
        self._watched: dict[Path, int] = {}
        self.is_whole = True
        self._inotify = INotify(nonblocking=True)
        try:
            self.renew()
        except OSError:
            self.close()
            raise

    def renew(self) -> None:
        """Watch the directories that there are now, and those in whose place they stand no more.

        Raises:
            OSError: no watch is left for this user.
        """
        home = self._home
        self.is_whole = True
        self._watch(home.root, _REPLACED | _GONE)
        self._watch(home.requests, flags.MOVED_TO)
        self._watch(home.spool, _SPOOL)

    def _watch(self, directory: Path, mask: int) -> None:
        before = self._watched.pop(directory, None)
        try:
            now = self._inotify.add_watch(directory, mask | flags.ONLYDIR)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            now = None  # whoever makes the directory again has this called again
        if before not in (None, now):
            with suppress(OSError):  # it was removed, and its watch with it
                self._inotify.rm_watch(before)
        if now is not None:
            self._watched[directory] = now

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return int(self._inotify.fileno())

    def hints(self) -> Hints:
        """What happened since the last call; never blocks."""
        hints = Hints()
        home, watched = self._home, self._watched
        for event in self._inotify.read(timeout=0):
            if event.mask & flags.Q_OVERFLOW:
                hints.overflow = True
            elif event.mask & flags.IGNORED:
                hints.home |= self._forget(event.wd)
            elif event.wd == watched.get(home.requests):
                hints.requests = True
            elif event.wd == watched.get(home.spool):
                _sort(event.name, hints, is_gone=bool(event.mask & _TAKEN_AWAY))
            elif event.wd == watched.get(home.root):
                hints.database |= event.name.startswith(home.database.name)
                hints.home |= not event.name or event.name in self._places
        return hints

    def _forget(self, number: int) -> bool:
        """The kernel has ended a watch: True if it is one that is still wanted."""
        gone = [directory for directory, wd in self._watched.items() if wd == number]
        for directory in gone:
            del self._watched[directory]
            self.is_whole = False
        return bool(gone)

    def close(self) -> None:
        """End the watch."""
        self._inotify.close()


def _sort(name: str, hints: Hints, *, is_gone: bool) -> None:
    execution, dot, suffix = name.partition(".")
    if is_gone:
        hints.gone.add(execution)
    if dot + suffix == OUTPUT:
        hints.written.add(execution)
    elif dot + suffix == EXIT:
        hints.exited.add(execution)
    elif dot + suffix == LOCK:
        hints.started.add(execution)
