"""What is known of an execution, in lines: shown where it has no steps."""

from __future__ import annotations

import time
from itertools import pairwise
from textwrap import wrap
from typing import TYPE_CHECKING, TypeAlias

from rich.cells import cell_len

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.quoting import shown_command, shown_path, shown_shell
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.clock import execution_time
from stepflow_tui.tui.executions.columns import fit, fit_right
from stepflow_tui.tui.log.line import cuts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stepflow_tui.core.models import Execution
    from stepflow_tui.health.processes import RunningProcess

FactLine: TypeAlias = tuple[tuple[str, str], ...]
"""Texts and the names of their looks; an empty name for the pane's own."""

_LABEL = 11
_MOST_ROWS = 3
_EMPTY: FactLine = (("", ""),)
_PID, _CPU, _MEMORY = 8, 6, 10


def fact_lines(
    execution: Execution, processes: Sequence[RunningProcess], width: int, height: int
) -> list[FactLine]:
    """The facts in rows of this many cells, then the processes if there are any.

    A fact that is long takes several rows if then all of them are in view.
    """
    facts = list(_facts(execution))
    below = [_EMPTY, *_process_lines(processes, width)] if processes else []
    high = [*_fact_rows(facts, width, _MOST_ROWS), *below]
    return high if len(high) <= height else [*_fact_rows(facts, width, 1), *below]


def _fact_rows(facts: Sequence[tuple[str, str, str]], width: int, most: int) -> Iterator[FactLine]:
    room = max(1, width - _LABEL - 2)
    for label, text, look in facts:
        for index, row in enumerate(_rows(text, room, most)):
            name = label if index == 0 else ""
            yield ((fit(f" {name}", _LABEL + 1), "rows--dim"), (fit(row, room), look))


def how_it_ended(execution: Execution) -> str:
    """`exit code 1`, `signal 9`, or nothing while that is not known."""
    if execution.signal is not None:
        return f"signal {execution.signal}"
    return "" if execution.exit_code is None else f"exit code {execution.exit_code}"


def command_on_a_line(execution: Execution) -> str:
    """The command as one would type it."""
    words = execution.command
    return shown_shell(words[0]) if execution.shell else shown_command(words)


def _facts(execution: Execution) -> Iterator[tuple[str, str, str]]:
    """Labels, texts and the looks of these."""
    status = execution.status
    ended = ", ".join(filter(None, (execution.word, how_it_ended(execution))))
    yield "status", f"{GLYPHS[status]} {ended}", f"status--{status}"
    if execution.error:
        yield "error", clean_line(execution.error), ""
    yield "command", command_on_a_line(execution), ""
    yield "directory", shown_path(execution.cwd), ""
    for label, moment in (
        ("submitted", execution.created_at if execution.started_at is None else None),
        ("started", execution.started_at),
        ("ended", execution.finished_at),
    ):
        if moment is not None:
            yield label, time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment / 1000)), ""
    if execution.started_at is not None:
        yield "duration", execution_time(execution, now()), ""
    if execution.tags:
        yield "tags", clean_line(", ".join(execution.tags)), ""
    if execution.note:
        yield "note", clean_line(execution.note), ""


def _rows(text: str, width: int, most: int) -> list[str]:
    """The text in so many rows at most, the last of which may be too long."""
    if cell_len(text) <= width or most == 1:
        return [text]
    if text.isascii():
        rows = wrap(text, width, break_on_hyphens=False)
    else:
        starts = cuts(text, width)
        rows = [text[start:stop] for start, stop in pairwise([*starts, len(text)])]
    return [*rows[: most - 1], " ".join(rows[most - 1 :])]


def _process_lines(processes: Sequence[RunningProcess], width: int) -> Iterator[FactLine]:
    room = max(1, width - _PID - _CPU - _MEMORY - 3)
    head = fit_right("PID", _PID) + fit_right("CPU", _CPU) + fit_right("MEMORY", _MEMORY)
    yield ((head + "  " + fit("COMMAND", room), "rows--dim"),)
    for process in processes:
        cpu = "-" if process.cpu is None else f"{process.cpu:.0%}"
        yield (
            (fit_right(str(process.pid), _PID), "rows--dim"),
            (fit_right(cpu, _CPU), ""),
            (fit_right(format_size(process.memory_bytes), _MEMORY), ""),
            ("  " + fit(clean_line(" ".join(process.command)), room), ""),
        )
