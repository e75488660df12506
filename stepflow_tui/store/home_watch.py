"""File events of a home's directory, handed to the event loop as they come.

On Linux inotify itself: nothing runs until the kernel has something to tell. watchfiles, which is
for all other systems, looks every few milliseconds in a thread of its own, and is as late as that.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Protocol

from inotify_simple import INotify, flags, parse_events

if TYPE_CHECKING:
    from pathlib import Path

_MODIFY = int(flags.MODIFY)  # as a flag it takes ten times as long to look whether it is set
_OTHER = flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
_GONE = flags.DELETE_SELF | flags.MOVE_SELF
_WATCHED = _MODIFY | _OTHER | _GONE
_MOST_BYTES = 1 << 16

_STEP_MS = 5
"""Of watchfiles: 8 ms late at 1 % of a core; its default of 50 is 60 to 100 ms late."""


class Notice(Protocol):
    """Takes notice of an event."""

    def __call__(self, name: str, *, is_other: bool) -> None:
        """A file, or all of them if `name` is empty, was written to, or is another one now."""


class Watch(Protocol):
    """A directory that is watched.

    Attributes:
        inode: of the watched directory; another one may stand in its place later.
    """

    inode: int

    def close(self) -> None:
        """End the watch."""


def watch_home(directory: Path, notice: Notice) -> Watch:
    """Watch in the way of this system.

    Raises:
        OSError: there is no such directory, or no watch is left for this user.
    """
    kind = InotifyWatch if sys.platform == "linux" else PortableWatch
    return kind(directory, notice)


class InotifyWatch:
    """Watches a directory, not its files: the write-ahead log is made anew now and then.

    Attributes:
        inode: of the watched directory; another one may stand in its place later.
    """

    def __init__(self, directory: Path, notice: Notice) -> None:
        """Begins to watch.

        Args:
            directory: what to watch.
            notice: called in the running event loop.

        Raises:
            OSError: there is no such directory, or no watch is left for this user.
        """
        self._notice = notice
        self._loop = asyncio.get_running_loop()
        self._inotify = INotify(nonblocking=True)
        try:
            self._inotify.add_watch(directory, _WATCHED)
            self.inode = directory.stat().st_ino
        except OSError:
            self._inotify.close()
            raise
        self._loop.add_reader(self._inotify.fileno(), self._read)

    def _read(self) -> None:
        try:  # in one call; that of the library asks first how much there is to read
            events = parse_events(os.read(self._inotify.fileno(), _MOST_BYTES))
        except BlockingIOError:
            return
        # An overflow of the queue has no name, as the end of the directory has none.
        for name, is_other in {(event.name, not event.mask & _MODIFY) for event in events}:
            self._notice(name, is_other=is_other)

    def close(self) -> None:
        """End the watch."""
        self._loop.remove_reader(self._inotify.fileno())
        self._inotify.close()


class PortableWatch:
    """The same with watchfiles; its events are some milliseconds late.

    Attributes:
        inode: of the watched directory; another one may stand in its place later.
    """

    def __init__(self, directory: Path, notice: Notice) -> None:
        """Begins to watch.

        Args:
            directory: what to watch.
            notice: called in the running event loop.

        Raises:
            OSError: there is no such directory.
        """
        self.inode = directory.stat().st_ino
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run(directory, notice))

    async def _run(self, directory: Path, notice: Notice) -> None:
        from watchfiles import Change, awatch

        changes = awatch(
            directory,
            watch_filter=None,
            step=_STEP_MS,
            debounce=_STEP_MS,
            stop_event=self._stop,
            recursive=False,
        )
        async for found in changes:
            for kind, path in found:
                name = path.rpartition("/")[2]
                notice(name, is_other=kind is not Change.modified)

    def close(self) -> None:
        """End the watch."""
        self._stop.set()
