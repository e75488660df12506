"""Looking through the whole database in the background."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from stepflow_tui.store.damage import quick_check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class Checkup:
    """One look through the database at `path`, in a thread with a connection of its own.

    Attributes:
        damage: what is wrong; None while nothing was found.
    """

    def __init__(self, path: Path, wake: Callable[[], None]) -> None:
        """Begins at once; `wake` is called if something is wrong."""
        self.damage: str | None = None
        self._path = path
        self._wake = wake
        threading.Thread(target=self._look, name="checkup", daemon=True).start()

    def _look(self) -> None:
        self.damage = quick_check(self._path)
        if self.damage is not None:
            self._wake()
