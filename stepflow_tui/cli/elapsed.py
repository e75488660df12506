"""How long something took, or has been running by now."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant, Step

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


def elapsed_ms(item: Execution | Step, boot_id: str, moment: Instant) -> int | None:
    """Milliseconds from the start to the end, or to `moment`; None if it never started.

    Args:
        item: what is timed.
        boot_id: of its execution. The monotonic clock means nothing in another boot; there, only
            the wall clock is left for what seems to run still.
        moment: the present one.
    """
    if item.duration_ms is not None or item.started_at is None or item.status.is_final:
        return item.duration_ms
    if item.started_mono is not None and boot_id == _this_boot():
        return max(0, moment.mono_ms - item.started_mono)
    return max(0, moment.wall_ms - item.started_at)


@cache
def _this_boot() -> str | None:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None
