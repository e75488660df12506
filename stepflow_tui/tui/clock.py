"""How long things took or have been running, as a cell of the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.clock import elapsed_ms
from stepflow_tui.core.durations import format_age, format_duration

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant, Step

_MINUTE_MS = 60_000


def execution_time(execution: Execution, now: Instant) -> str:
    """How long it took, or has been running; empty if it has not started."""
    if execution.started_at is None:
        return ""
    return _cell(execution, execution.boot_id, now)


def step_time(step: Step, execution: Execution, now: Instant) -> str:
    """How long it took, or has been running."""
    return _cell(step, execution.boot_id, now)


def _cell(item: Execution | Step, boot: str, now: Instant) -> str:
    elapsed = elapsed_ms(item, boot, now)
    if elapsed is None or item.status.is_final or elapsed >= _MINUTE_MS:
        return format_duration(elapsed)
    # Whole seconds: the clock is drawn once a second, and tenths would stand still.
    return format_age(elapsed)
