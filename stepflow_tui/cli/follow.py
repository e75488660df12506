"""The plain follower of `run` and `watch`: steps and lines as they come, in the log's order.

It is linear text without cursor movements, so that it reads well in a CI log, over a slow line
and by a screen reader.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli.changes import changes
from stepflow_tui.cli.log_cursor import LogCursor
from stepflow_tui.cli.log_printer import LogPrinter, Place
from stepflow_tui.cli.lookup import reread
from stepflow_tui.cli.terminal import BOLD, flush, say, standard_output, write
from stepflow_tui.cli.wording import execution_title, signal_name, step_title
from stepflow_tui.core.durations import format_duration
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.reader import Reader


def follow(home: Home, reader: Reader, execution: Execution) -> Execution:
    """Print an execution from its first line on, until it ends.

    Returns:
        The execution as it ended.
    """
    write(standard_output().paint(execution_title(execution), BOLD) + "\n")
    flush()
    follower = _Follower(reader, execution)
    try:
        for _ in changes(home, reader):
            if follower.catch_up():
                break
    except KeyboardInterrupt:
        say(_detached(execution))
        raise
    follower.finish()
    return follower.execution


def wait_for_end(home: Home, reader: Reader, execution: Execution) -> Execution:
    """Wait until an execution has ended, and print nothing.

    Returns:
        The execution as it ended.
    """
    try:
        for _ in changes(home, reader):
            execution = reread(reader, execution)
            if execution.status.is_final:
                break
    except KeyboardInterrupt:
        say(_detached(execution))
        raise
    return execution


def _detached(execution: Execution) -> str:
    return (
        f"detached: {execution_title(execution)} goes on; "
        f"follow with: stepflow watch {execution.number}, "
        f"stop with: stepflow cancel {execution.number}"
    )


class _Follower:
    """Brings what is printed up to what is stored."""

    def __init__(self, reader: Reader, execution: Execution) -> None:
        self.execution = execution
        self._reader = reader
        self._cursor = LogCursor(execution.number)
        self._printer = LogPrinter(markers=False)
        self._revision = -1
        self._headed: set[int] = set()
        self._ended: dict[int, str] = {}

    def catch_up(self) -> bool:
        """Print all that is stored; True once the execution has ended and all of it is printed."""
        while True:
            ended = self.execution.status.is_final
            lines = self._cursor.read(self._reader)
            # Steps are read behind the lines they belong to, so each is known before its line.
            self._refresh()
            if lines is not None:
                self._printer.print(lines)
            elif ended == self.execution.status.is_final:
                break  # else it ended just now, and may have said more before
        if ended:
            self._printer.print(self._cursor.read_unfinished())
        self._printer.print_due()
        return ended

    def finish(self) -> None:
        """Print how it ended."""
        write("".join(f"{line}\n" for line in _summary(self._reader, self.execution)))
        flush()

    def _refresh(self) -> None:
        number, revision = self.execution.number, self._reader.first(queries.revision()) or 0
        self.execution = reread(self._reader, self.execution)
        for step in self._reader.all(queries.steps_changed(number, self._revision)):
            self._announce(step)
        self._revision = revision
        if self.execution.end_line is not None:
            self._printer.mark_end(self.execution.end_line)

    def _announce(self, step: Step) -> None:
        if step.index not in self._headed:
            self._headed.add(step.index)
            place = Place(step.first_line, after=False, rank=step.index)
            self._printer.put(
                ("start", step.index), place, standard_output().rule(step_title(step))
            )
        end = _step_end(step)
        # An end that was told may move: by a later STEP_COMPLETE, or because the step failed.
        if step.last_line is not None and self._ended.get(step.index) != end:
            self._ended[step.index] = end
            # Inner steps end before those around them.
            place = Place(step.last_line, after=True, rank=-step.index)
            self._printer.put(("end", step.index), place, end)


def _step_end(step: Step) -> str:
    glyph = standard_output().glyph(step.status)
    error = f": {clean_line(step.error)}" if step.error else ""
    duration = format_duration(step.duration_ms)
    return f"{glyph} {step_title(step)} {step.status.word} {duration}{error}"


def _summary(reader: Reader, execution: Execution) -> list[str]:
    lines = [f"warning: {clean_line(warning)}" for warning in execution.warnings]
    if count := len(reader.all(queries.artifacts(execution.number))):
        noun = "artifact" if count == 1 else "artifacts"
        lines.append(f"{count} {noun}; see: stepflow artifacts {execution.number}")
    if execution.error:
        lines.append(f"error: {clean_line(execution.error)}")
    return [*lines, standard_output().paint(_outcome(execution), BOLD)]


def _outcome(execution: Execution) -> str:
    parts = [execution_title(execution), execution.status.word]
    if execution.duration_ms is not None:
        parts.append(f"in {format_duration(execution.duration_ms)}")
    if execution.signal is not None:
        parts.append(f"({signal_name(execution.signal)})")
    elif execution.exit_code is not None:
        parts.append(f"(exit {execution.exit_code})")
    return " ".join(parts)
