"""How far an execution is, and when it will be done: by its own word, its steps, or its past."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.clock import elapsed_ms
from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Instant
    from stepflow_tui.tui.executions.usual import Past

_NEARLY = 0.99
"""What runs is never shown as done."""

_TOLD_ENOUGH = 0.02
"""A share below this tells nothing of the time that is left."""


class Outlook(Struct, frozen=True):
    """How an execution goes on.

    Attributes:
        share: done, from 0 to 1; None if nobody knows, or it does not run.
        left_ms: until it is done; negative if it takes longer than usual; None if unknown.
    """

    share: float | None = None
    left_ms: int | None = None


_UNKNOWN = Outlook()


def outlook(execution: Execution, past: Past | None, moment: Instant) -> Outlook:
    """How an execution goes on, as far as that can be told.

    Args:
        execution: which one.
        past: earlier runs of its name.
        moment: the present one.
    """
    if execution.status is not Status.RUNNING:
        return _UNKNOWN
    elapsed = elapsed_ms(execution, execution.boot_id, moment) or 0
    usual_ms = past.median_ms if past else None
    if execution.progress is not None:
        return _by_share(execution.progress, elapsed)
    if past and past.step_count and execution.steps_done:
        share = execution.steps_done / max(past.step_count, execution.step_count)
        return _by_share(min(share, _NEARLY), elapsed)
    if usual_ms:
        return Outlook(min(elapsed / usual_ms, _NEARLY), usual_ms - elapsed)
    if execution.step_count:
        # How many steps will follow is not known, so the time is not either.
        return Outlook(execution.steps_done / execution.step_count)
    return _UNKNOWN


def _by_share(share: float, elapsed: int) -> Outlook:
    if share < _TOLD_ENOUGH:
        return Outlook(share)
    return Outlook(share, round(elapsed * (1 - share) / share))
