"""How long what still runs has been running."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_age, format_duration

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant, Step

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_MINUTE_MS = 60_000


@cache
def boot_id() -> str:
    """Of the machine's present boot; empty where there is no way to know."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def execution_time(execution: Execution, now: Instant) -> str:
    """How long it took, or has been running."""
    if execution.started_at is None:
        return ""
    if execution.status.is_final:
        return format_duration(execution.duration_ms)
    started_mono = execution.started_mono if execution.boot_id == boot_id() else None
    return _running(execution.started_at, started_mono, now)


def step_time(step: Step, execution: Execution, now: Instant) -> str:
    """How long it took, or has been running."""
    if step.status.is_final:
        return format_duration(step.duration_ms)
    started_mono = step.started_mono if execution.boot_id == boot_id() else None
    return _running(step.started_at, started_mono, now)


def _running(started_at: int, started_mono: int | None, now: Instant) -> str:
    elapsed = now.wall_ms - started_at if started_mono is None else now.mono_ms - started_mono
    # Whole seconds: the clock is drawn once a second, and tenths would stand still.
    return format_age(elapsed) if elapsed < _MINUTE_MS else format_duration(elapsed)
