"""Who runs an execution: its shim, above all that the script has started."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.clock import boot_id, pid_namespace

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


class Shim(Struct, frozen=True):
    """A process of this boot.

    Attributes:
        start: clock ticks from boot to its start; with the pid it names a process for good.
    """

    pid: int
    start: int

    def is_alive(self) -> bool:
        """Whether this very process is there, and not another with its pid."""
        try:
            content = Path(f"/proc/{self.pid}/stat").read_text("utf-8", "replace")
        except OSError:
            return False
        return int(content.rpartition(")")[2].split()[19]) == self.start


def shim_of(home: Home, execution: str) -> Shim | None:
    """The shim of the execution with this id; None if none is seen: not started, or elsewhere."""
    with suppress(OSError, ValueError, KeyError, TypeError):  # no lock yet, or a damaged one
        path = home.spool / f"{execution}.lock"
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            lock = json.load(file)
        ours = pid_namespace()
        is_here = lock["boot_id"] == boot_id() and lock.get("pid_ns", ours) in {ours, ""}
        if is_here and not lock.get("barred"):
            return Shim(int(lock["pid"]), int(lock["start"]))
    return None
