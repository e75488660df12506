"""The table of executions that `list` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli.table import lined_up, shorten
from stepflow_tui.cli.terminal import DIM, standard_output, write
from stepflow_tui.core.clock import elapsed_ms, now
from stepflow_tui.core.durations import format_age, format_duration
from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.models import Execution, Instant

_NAME_CELLS = 40
_MARK, _ASCII_MARK = "★", "*"


def print_table(executions: Sequence[Execution]) -> None:
    """Put executions on standard output, a line for each."""
    moment = now()
    rows = [_row(execution, moment) for execution in executions]
    for line in lined_up(rows, right=frozenset({0, 4, 5})):
        write(f"{line}\n")


def _row(execution: Execution, moment: Instant) -> tuple[str, ...]:
    terminal = standard_output()
    name = clean_line(execution.name)
    if terminal.is_terminal:
        name = shorten(name, _NAME_CELLS)
    if execution.marked:
        name += terminal.paint(f" {_MARK if terminal.unicode else _ASCII_MARK}", DIM)
    return (
        f"#{execution.number}",
        name,
        terminal.status(execution.status, execution.word),
        progress(execution),
        format_duration(elapsed_ms(execution, execution.boot_id, moment)),
        format_age(moment.wall_ms - execution.created_at),
        " ".join(map(clean_line, execution.tags)),
    )


def progress(execution: Execution) -> str:
    """How far it is: steps done of steps known, and the step it is in while it runs."""
    parts = []
    if execution.step_count:
        parts.append(f"{execution.steps_done}/{execution.step_count}")
    if not execution.status.is_final:
        if execution.progress is not None:
            parts.append(f"{execution.progress:.0%}")
        if execution.step_name is not None:
            parts.append(clean_line(execution.step_name))
    return " ".join(parts) or "-"
