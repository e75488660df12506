"""When each step of an execution ran, as bars on one time line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.clock import elapsed_ms

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant, Step

_RUNNING_SCALES_S = (1, 2, 5, 10, 15, 20, 30, 45)


def scale_ms(execution: Execution, now: Instant) -> int:
    """How much time the whole width stands for: what it took, or a round time ahead of now.

    A round time stands for a while, so that the bars of what runs are not moved every second.
    """
    elapsed = elapsed_ms(execution, execution.boot_id, now) or 0
    if execution.status.is_final:
        return max(1, elapsed)
    unit_s = 1
    while True:
        for scale_s in _RUNNING_SCALES_S:
            if elapsed < scale_s * unit_s * 1000:
                return scale_s * unit_s * 1000
        unit_s *= 60


def span_ms(step: Step, execution: Execution, now: Instant) -> tuple[int, int]:
    """When a step began and ended, or how far it has come, in milliseconds since the start."""
    if execution.started_mono is not None:
        start = step.started_mono - execution.started_mono
    else:
        start = step.started_at - (execution.started_at or step.started_at)
    start = max(0, start)
    return start, start + (elapsed_ms(step, execution.boot_id, now) or 0)


def bar(span: tuple[int, int], scale: int, width: int) -> tuple[int, str]:
    """The blanks before a step's bar, and the bar: at least half a cell, never beyond the end.

    Args:
        span: start and end of the step.
        scale: of the whole width, in the same unit.
        width: in cells.
    """
    halves = 2 * width
    first = min(halves - 1, span[0] * halves // scale)
    last = min(halves, max(first + 1, round(span[1] * halves / scale)))
    before, starts_late = divmod(first, 2)
    end, ends_early = divmod(last, 2)
    if starts_late and last == first + 1:
        return before, "╺"
    full = end - before - starts_late
    return before, "╺" * starts_late + "━" * full + "╸" * ends_early
