"""Watching a directory with inotify: nothing runs until the kernel has something to tell."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from inotify_simple import INotify, flags, parse_events

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.store.home_watch import Notice

_MODIFY = int(flags.MODIFY)  # as a flag it takes ten times as long to look whether it is set
_OTHER = flags.CREATE | flags.DELETE | flags.MOVED_FROM | flags.MOVED_TO
_GONE = flags.DELETE_SELF | flags.MOVE_SELF
_WATCHED = _MODIFY | _OTHER | _GONE
_MOST_BYTES = 1 << 16


class InotifyWatch:
    """Watches a directory, not its files: the write-ahead log is made anew now and then."""

    def __init__(self, directory: Path, notice: Notice) -> None:
        """Begins to watch; see `watch_home`."""
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
