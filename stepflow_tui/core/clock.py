"""The clocks of this machine, and how long things took by them."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Instant

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Step

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_PID_NAMESPACE = Path("/proc/self/ns/pid")


def now() -> Instant:
    """The present moment on the wall clock and on the monotonic clock."""
    return Instant(wall_ms=time.time_ns() // 1_000_000, mono_ms=time.monotonic_ns() // 1_000_000)


def wall_ms(near_ms: int, *, days: int = 0, of_day_ms: int = 0) -> int:
    """The moment at which a clock on the user's wall shows a time of day, in UTC milliseconds.

    Not by `datetime`, which fails where TZ is a day or more from UTC.

    Args:
        near_ms: a moment of the day.
        days: so many days later.
        of_day_ms: the time of day, since midnight.
    """
    year, month, day = time.localtime(near_ms / 1000)[:3]
    seconds, rest_ms = divmod(of_day_ms, 1000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    shown = (year, month, day + days, hours, minutes, seconds % 60, 0, 0, -1)
    return round(time.mktime(shown)) * 1000 + rest_ms


@cache
def boot_id() -> str:
    """Names the machine's present boot; process ids and monotonic times mean nothing in another.

    Empty where the system does not tell.
    """
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


@cache
def pid_namespace() -> str:
    """Names the namespace that gives us our process ids; they mean nothing in another.

    Empty where the system does not tell.
    """
    try:
        return str(_PID_NAMESPACE.readlink())
    except OSError:
        return ""


def elapsed_ms(item: Execution | Step, boot: str, moment: Instant) -> int | None:
    """Milliseconds from the start to the end, or to `moment`; None if it never started.

    Args:
        item: what is timed.
        boot: the boot id of its execution; in another boot only the wall clock is left for what
            seems to run still.
        moment: the present one.
    """
    if item.duration_ms is not None or item.started_at is None or item.status.is_final:
        return item.duration_ms
    if item.started_mono is not None and boot == boot_id():
        return max(0, moment.mono_ms - item.started_mono)
    return max(0, moment.wall_ms - item.started_at)
