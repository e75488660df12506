"""What things are called in front of people."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Step


def execution_title(execution: Execution) -> str:
    """`#42 name`."""
    return f"#{execution.number} {clean_line(execution.name)}"


def step_title(step: Step) -> str:
    """`1 name`."""
    return f"{step.index} {clean_line(step.name)}"


def signal_name(number: int) -> str:
    """`signal 9 SIGKILL`, or the number alone if it has no name here."""
    try:
        return f"signal {number} {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"
