"""The follower for long logs and small attention: steps, and how those that failed ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli.log_cursor import LogCursor
from stepflow_tui.cli.log_printer import LogPrinter
from stepflow_tui.cli.lookup import reread
from stepflow_tui.cli.terminal import flush, standard_output, write
from stepflow_tui.cli.wording import step_end, step_running, step_start
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.reader import Reader

LAST_LINES = 10
"""So many are shown of what failed."""


class CompactFollower:
    """Tells what happens to steps; of those that were over before only the failed ones.

    Attributes:
        execution: as it was read last.
    """

    def __init__(
        self, reader: Reader, execution: Execution, tell_state: Callable[[Execution], None]
    ) -> None:
        """Makes a follower that has told nothing yet.

        Args:
            reader: of the store.
            execution: which one.
            tell_state: tells how the run itself stands.
        """
        self.execution = execution
        self._reader = reader
        self._tell_state = tell_state
        self._revision = -1
        self._told: dict[int, str] = {}
        self._failed = False

    def catch_up(self) -> bool:
        """Tell what is new; True once the execution has ended."""
        number, revision = self.execution.number, self._reader.first(queries.revision()) or 0
        self.execution = reread(self._reader, self.execution)
        self._tell_state(self.execution)
        changed = self._reader.all(queries.steps_changed(number, self._revision))
        if self._revision < 0:
            changed = self._skip_the_past(changed)
        for step in sorted(changed, key=_moment):
            self._tell(step)
        self._revision = revision
        if self.execution.status.is_final and not self._failed:
            self._explain_end()
        reread(self._reader, self.execution)  # else its steps and lines may be missing
        flush()
        return self.execution.status.is_final

    def _skip_the_past(self, steps: list[Step]) -> list[Step]:
        """The steps that are worth a word to somebody who has just come."""
        past = [step for step in steps if step.status is Status.COMPLETED]
        if past:
            write(f"{len(past)} {'step' if len(past) == 1 else 'steps'} completed so far\n")
        for step in past:
            self._told[step.index] = step_end(step)
        for step in steps:
            if step.status is Status.RUNNING:
                self._told[step.index] = step_start(step)
                write(f"{step_running(step)}\n")
        return [step for step in steps if step.index not in self._told]

    def _tell(self, step: Step) -> None:
        told = self._told.get(step.index)
        if told is None and self._revision >= 0:
            write(f"{step_start(step)}\n")
        end = step_end(step) if step.status.is_final else step_start(step)
        if end != told and step.status.is_final:
            write(f"{standard_output().told(end, step.status)}\n")
            if step.status is not Status.COMPLETED:
                self._failed = True
                self._show_last(step.first_line, step.last_line, f"step {clean_line(step.name)}")
        self._told[step.index] = end

    def _explain_end(self) -> None:
        """Show the end of the log of a run that did not end well, and not by a step."""
        if self.execution.status not in (Status.COMPLETED, Status.CANCELLED):
            self._show_last(1, None, "the log")

    def _show_last(self, first: int, last: int | None, what: str) -> None:
        lines = self.execution.line_count
        last = lines if last is None else min(last, lines)
        first = max(first, last - LAST_LINES + 1)
        write(f"the last lines of {what}:\n")
        cursor, printer = (
            LogCursor(self.execution.number),
            LogPrinter(markers=False, reads_ahead=True),
        )
        cursor.go_to(self._reader, first)
        while (part := cursor.read(self._reader)) is not None and part.first <= last:
            printer.print(part.between(first, last))
        if last == lines:
            printer.print(cursor.read_unfinished())
        printer.end()


def _moment(step: Step) -> tuple[int, int]:
    return step.finished_at or step.started_at, step.index
