"""`stepflow logs`: the log of one execution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.changes import changes
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.log_cursor import LogCursor
from stepflow_tui.cli.log_printer import LogPrinter
from stepflow_tui.cli.lookup import execution_argument, one_execution, removed, reread
from stepflow_tui.cli.terminal import flush, say, standard_output, write_bytes
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from stepflow_tui.cli.log_cursor import Lines
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.reader import Reader

_INDEX = lazy_pattern("[1-9][0-9]{0,8}")


def _complete_step(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    from stepflow_tui.cli.suggest import suggest_steps

    return suggest_steps(ctx, param, incomplete)


@click.command("logs")
@click.option("-f", "--follow", is_flag=True, help="Go on until the execution ends")
@click.option(
    "--step", metavar="NAME|N", shell_complete=_complete_step, help="Only this step's lines"
)
@click.option("--tail", type=click.IntRange(min=0), metavar="N", help="Only the last N lines")
@click.option("--timestamps", is_flag=True, help="Say when each line arrived, in local time")
@click.option("--markers/--no-markers", default=None, help="Show marker lines  [default: yes]")
@click.option("--raw", is_flag=True, help="The bytes as they were written, into a file or pipe")
@execution_argument
@with_home
def command(
    home: Home,
    *,
    wanted: str,
    follow: bool,
    step: str | None,
    tail: int | None,
    timestamps: bool,
    markers: bool | None,
    raw: bool,
) -> None:
    """Print the log of an execution."""
    if raw:
        _check_raw(step, tail, markers, timestamps=timestamps)
    with one_execution(home, wanted) as (reader, execution):
        if raw:
            _print_raw(home, reader, execution, follow=follow)
            return
        printer = LogPrinter(
            markers=markers is not False,
            timestamps=timestamps,
            reads_ahead=not follow or execution.status.is_final,
        )
        view = _LogView(reader, execution, printer)
        view.begin(step, tail)
        for _ in changes(home, reader) if follow else (None,):
            if view.catch_up():
                break
            if follow:
                view.show_state()
        view.finish()


def _check_raw(
    step: str | None, tail: int | None, markers: bool | None, *, timestamps: bool
) -> None:
    if timestamps or any(option is not None for option in (step, tail, markers)):
        raise UsageProblem(
            "--raw is the whole log as it is; leave out --step, --tail, --timestamps and --markers"
        )
    if standard_output().is_terminal:
        raise UsageProblem(
            "--raw could change your terminal; send it to a file or a pipe: "
            "stepflow logs --raw ID > FILE"
        )


def _print_raw(home: Home, reader: Reader, execution: Execution, *, follow: bool) -> None:
    cursor = LogCursor(execution.number)
    for _ in changes(home, reader) if follow else (None,):
        execution = reread(reader, execution)
        while (data := cursor.read_bytes(reader)) is not None:
            reread(reader, execution)  # what is read of one that is removed may have holes
            write_bytes(data)
        reread(reader, execution)
        flush()
        if execution.status.is_final:
            break
    if cursor.left_out:
        say(f"{format_size(cursor.left_out)} in the middle were left out: the log is too large")


class _LogView:
    """The lines from some place of a log to its end, or to the end of a step."""

    def __init__(self, reader: Reader, execution: Execution, printer: LogPrinter) -> None:
        self._reader = reader
        self._execution = execution
        self._printer = printer
        self._cursor = LogCursor(execution.number)
        self._step: Step | None = None

    def begin(self, step: str | None, tail: int | None) -> None:
        """Go to where the view begins.

        Raises:
            UsageProblem: there is no such step.
        """
        first, last = 1, self._execution.line_count
        if step is not None:
            self._step = _find_step(self._reader, self._execution, step)
            first, last = self._step.first_line, min(last, self._last_wanted() or last)
        if tail is not None:
            first = max(first, last - tail + 1)
        if first > 1:
            self._cursor.go_to(self._reader, first)
            self._printer.style = self._cursor.style

    def catch_up(self) -> bool:
        """Print all that is stored; True once all is printed that will be."""
        while True:
            ended = self._has_ended()
            lines = self._cursor.read(self._reader)
            self._refresh()
            if lines is not None:
                self._print(lines)
                if self._is_past(lines.last_whole):
                    return True
            elif ended == self._has_ended():
                return ended  # else it ended just now, and may have said more before

    def show_state(self) -> None:
        """Show the line that has no end yet, where the output is a terminal."""
        if self._last_wanted() is None:
            self._printer.show_state(self._cursor.read_unfinished())

    def finish(self) -> None:
        """Print the last line, if it has no newline."""
        self._print(self._cursor.read_unfinished())
        self._printer.end()

    def _print(self, lines: Lines) -> None:
        last = self._last_wanted()
        self._printer.print(lines if last is None else lines.between(lines.first, last))

    def _last_wanted(self) -> int | None:
        return None if self._step is None else self._step.last_line

    def _is_past(self, line: int) -> bool:
        last = self._last_wanted()
        return last is not None and line >= last

    def _has_ended(self) -> bool:
        item = self._execution if self._step is None else self._step
        return item.status.is_final

    def _refresh(self) -> None:
        number = self._execution.number
        self._execution = reread(self._reader, self._execution)
        if self._execution.end_line is not None:
            self._printer.mark_end(self._execution.end_line)
        if self._step is not None and self._step.last_line is None:
            steps = self._reader.all(queries.steps(number))
            if len(steps) < self._step.index:
                raise removed(self._execution)
            self._step = steps[self._step.index - 1]


def _find_step(reader: Reader, execution: Execution, text: str) -> Step:
    steps = reader.all(queries.steps(execution.number))
    if _INDEX.fullmatch(text) and int(text) <= len(steps):
        return steps[int(text) - 1]
    for step in reversed(steps):
        if text in (step.name, clean_line(step.name)):
            return step
    reread(reader, execution)
    raise UsageProblem(
        f"#{execution.number} has no step {clean_line(text)}; see: stepflow show {execution.number}"
    )
