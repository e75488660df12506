"""Watching a directory with watchfiles, on systems without inotify."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from watchfiles import Change, awatch

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.store.home_watch import Notice

_STEP_MS = 5
"""Of watchfiles: 8 ms late at 1 % of a core; its default of 50 is 60 to 100 ms late."""


class PortableWatch:
    """The same with watchfiles; its events are some milliseconds late."""

    def __init__(self, directory: Path, notice: Notice) -> None:
        """Begins to watch; see `watch_home`."""
        self.inode = directory.stat().st_ino
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run(directory, notice))

    async def _run(self, directory: Path, notice: Notice) -> None:
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
