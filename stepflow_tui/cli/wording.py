"""What things are called in front of people, and how it is told what happens to them."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_duration
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution, Step


def execution_title(execution: Execution) -> str:
    """`#42 name`."""
    return f"#{execution.number} {clean_line(execution.name)}"


def signal_name(number: int) -> str:
    """`signal 9 SIGKILL`, or the number alone if it has no name here."""
    try:
        return f"signal {number} {signal.Signals(number).name}"
    except ValueError:
        return f"signal {number}"


def run_state(execution: Execution) -> str:
    """`run #42 name started`, or that it is yet to be, or never was."""
    if execution.status is Status.PENDING:
        state = "waits to be started"
    elif execution.status.is_final and execution.started_at is None:
        state = "was not started"
    else:
        state = "started"
    return f"run {execution_title(execution)} {state}"


def run_stopping(execution: Execution) -> str:
    """`run #42 name is being stopped`."""
    return f"run {execution_title(execution)} is being stopped"


def collecting_note(execution: Execution) -> str:
    """That only its artifacts are waited for, and how not to wait."""
    return (
        "its script has ended; its artifacts are still being collected: "
        f"stepflow cancel {execution.number} gives up those that are not"
    )


def run_end(execution: Execution) -> str:
    """`run #42 name completed in 3.0s, exit code 0`."""
    text = f"run {execution_title(execution)} {_end(execution)}"
    if execution.signal is not None:
        return f"{text}, {signal_name(execution.signal)}"
    return text if execution.exit_code is None else f"{text}, exit code {execution.exit_code}"


def step_start(step: Step) -> str:
    """`step Build started`."""
    return f"step {clean_line(step.name)} started"


def step_running(step: Step) -> str:
    """`step Build is running`."""
    return f"step {clean_line(step.name)} is running"


def step_end(step: Step) -> str:
    """`step Test failed after 1.5s: one broke`."""
    error = f": {clean_line(step.error)}" if step.error else ""
    return f"step {clean_line(step.name)} {_end(step)}{error}"


def _end(item: Execution | Step) -> str:
    if item.duration_ms is None:
        return item.status.word
    before = "in" if item.status is Status.COMPLETED else "after"
    return f"{item.status.word} {before} {format_duration(item.duration_ms)}"
