"""Output that scripts have written and the runner has not stored yet."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.vitals import OpenSpool


class Backlog(NamedTuple):
    """What waits in the spools.

    Attributes:
        byte_count: how much it is.
        waited_s: for how long some of it has waited at least.
    """

    byte_count: int
    waited_s: float


def backlog(home: Home, spools: Iterable[OpenSpool]) -> Backlog:
    """What waits in these spools."""
    byte_count, waited_s = 0, 0.0
    for spool in spools:
        path = home.spool / f"{spool.id}.out"
        unread = size_of(path) - spool.offset
        if unread > 0:
            byte_count += unread
            waited_s = max(waited_s, age_s(path))
    return Backlog(byte_count, waited_s)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def age_s(path: Path) -> float:
    """Seconds since the file was written; 0 if there is none."""
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0
