"""File events of a home's directory, handed to the event loop as they come.

inotify itself rather than watchfiles: that looks every few milliseconds in a thread of its own, and
an event is as late as that. Here nothing runs until the kernel has something to tell.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from inotify_simple import INotify, flags

if TYPE_CHECKING:
    from pathlib import Path

_OTHER = flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
_GONE = flags.DELETE_SELF | flags.MOVE_SELF
_WATCHED = flags.MODIFY | _OTHER | _GONE


class Notice(Protocol):
    """Takes notice of an event."""

    def __call__(self, name: str, *, is_other: bool) -> None:
        """A file, or all of them if `name` is empty, was written to, or is another one now."""


class HomeWatch:
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
        events = self._inotify.read(timeout=0)
        # An overflow of the queue has no name, as the end of the directory has none.
        for name, is_other in {(event.name, not event.mask & flags.MODIFY) for event in events}:
            self._notice(name, is_other=is_other)

    def close(self) -> None:
        """End the watch."""
        self._loop.remove_reader(self._inotify.fileno())
        self._inotify.close()
