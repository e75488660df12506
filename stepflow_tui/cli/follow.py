"""The plain follower of `run` and `watch`: what happens in words, and lines as they come.

It is linear text without cursor movements or frames, so that it reads well in a CI log, over a
slow line and by a screen reader.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepflow_tui.cli.changes import changes
from stepflow_tui.cli.compact import CompactFollower
from stepflow_tui.cli.log_cursor import LogCursor
from stepflow_tui.cli.log_printer import LogPrinter, Place
from stepflow_tui.cli.lookup import reread
from stepflow_tui.cli.terminal import BOLD, flush, say, standard_output, write
from stepflow_tui.cli.wording import (
    collecting_note,
    execution_title,
    run_end,
    run_state,
    run_stopping,
    step_end,
    step_start,
)
from stepflow_tui.core.errors import OutputProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.reader import Reader


def follow(home: Home, reader: Reader, execution: Execution, *, compact: bool = False) -> Execution:
    """Print an execution from its beginning on, until it ends.

    Args:
        home: where it runs.
        reader: of the store.
        execution: which one.
        compact: only what happens to its steps, and the last lines of those that failed.

    Returns:
        The execution as it ended.
    """
    states = _States()
    make: type[CompactFollower | _Follower] = CompactFollower if compact else _Follower
    follower = make(reader, execution, states.tell)
    with _parting(follower):
        states.begin(execution)
        for _ in changes(home, reader):
            if follower.catch_up():
                break
    _print_lines(_summary(reader, follower.execution))
    return follower.execution


@contextmanager
def _parting(follower: CompactFollower | _Follower) -> Iterator[None]:
    """Where following ends before the execution does, say that it goes on."""
    try:
        yield
    except KeyboardInterrupt:
        say(f"detached: {goes_on(follower.execution)}")
        raise
    except OutputProblem as problem:
        if follower.execution.status.is_final:
            raise
        raise OutputProblem(f"{problem}; {goes_on(follower.execution)}") from problem


class _States:
    """Tells how the run itself stands."""

    def __init__(self) -> None:
        self._told = ""

    def begin(self, execution: Execution) -> None:
        """Print it as it is found."""
        self._told = run_state(execution)
        _print_lines([standard_output().paint(self._told, BOLD)])

    def tell(self, execution: Execution) -> None:
        """Print it where it has changed; its end is told apart."""
        if execution.status.is_final:
            return
        state = _state(execution)
        if state != self._told:
            self._told = state
            _print_lines([standard_output().paint(state, BOLD)])


def _state(execution: Execution) -> str:
    if execution.is_collecting:
        return f"run {execution_title(execution)}: {collecting_note(execution)}"
    return run_stopping(execution) if execution.stopping else run_state(execution)


def _print_lines(lines: list[str]) -> None:
    write("".join(f"{line}\n" for line in lines))
    flush()


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
        say(f"detached: {goes_on(execution)}")
        raise
    return execution


def goes_on(execution: Execution) -> str:
    """What to say of an execution that is followed no more."""
    return (
        f"{execution_title(execution)} goes on; "
        f"follow with: stepflow watch {execution.number}, "
        f"stop with: stepflow cancel {execution.number}"
    )


class _Follower:
    """Brings what is printed up to what is stored."""

    def __init__(
        self, reader: Reader, execution: Execution, tell_state: Callable[[Execution], None]
    ) -> None:
        self.execution = execution
        self._reader = reader
        self._tell_state = tell_state
        self._cursor = LogCursor(execution.number)
        self._printer = LogPrinter(markers=False, reads_ahead=execution.status.is_final)
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
            self._printer.end()
        self._printer.print_due()
        if not ended:
            self._printer.show_state(self._cursor.read_unfinished())
        return ended

    def _refresh(self) -> None:
        number, revision = self.execution.number, self._reader.first(queries.revision()) or 0
        self.execution = reread(self._reader, self.execution)
        self._tell_state(self.execution)
        for step in self._reader.all(queries.steps_changed(number, self._revision)):
            self._announce(step)
        self._revision = revision
        if self.execution.end_line is not None:
            self._printer.mark_end(self.execution.end_line)

    def _announce(self, step: Step) -> None:
        terminal = standard_output()
        if step.index not in self._headed:
            self._headed.add(step.index)
            place = Place(step.first_line, after=False, rank=step.index)
            self._printer.put(("start", step.index), place, terminal.paint(step_start(step), BOLD))
        end = terminal.told(step_end(step), step.status)
        # An end that was told may move: by a later STEP_COMPLETE, or because the step failed.
        if step.last_line is not None and self._ended.get(step.index) != end:
            self._ended[step.index] = end
            # Inner steps end before those around them.
            place = Place(step.last_line, after=True, rank=-step.index)
            self._printer.put(("end", step.index), place, end)


def _summary(reader: Reader, execution: Execution) -> list[str]:
    lines = [f"warning: {clean_line(warning)}" for warning in execution.warnings]
    if artifacts := reader.all(queries.artifacts(execution.number)):
        count = sum(not artifact.status.is_refused for artifact in artifacts)
        noun = "artifact" if count == 1 else "artifacts"
        others = f", {len(artifacts) - count} not stored" if count < len(artifacts) else ""
        lines.append(f"{count} {noun}{others}; see: stepflow artifacts {execution.number}")
    if execution.error:
        lines.append(f"error: {clean_line(execution.error)}")
    return [*lines, standard_output().paint(run_end(execution), BOLD)]
