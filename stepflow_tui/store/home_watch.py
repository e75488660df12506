"""File events of a home's directory, handed to the event loop as they come.

On Linux inotify itself: nothing runs until the kernel has something to tell. watchfiles, which is
for all other systems, looks every few milliseconds in a thread of its own, and is as late as that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

_HAS_INOTIFY = sys.platform == "linux"


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

    Args:
        directory: what to watch.
        notice: called in the running event loop.

    Raises:
        OSError: there is no such directory, or no watch is left for this user.
    """
    if _HAS_INOTIFY:
        from stepflow_tui.store.inotify_watch import InotifyWatch

        return InotifyWatch(directory, notice)
    from stepflow_tui.store.portable_watch import PortableWatch

    return PortableWatch(directory, notice)
