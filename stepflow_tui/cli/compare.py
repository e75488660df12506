"""`stepflow compare`: two runs side by side, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import comparison_object, print_json
from stepflow_tui.cli.lookup import executions_argument, find_execution, one_execution, reread
from stepflow_tui.cli.table import lined_up
from stepflow_tui.cli.terminal import BOLD, DIM, RED, YELLOW, standard_output, write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.clock import now
from stepflow_tui.core.comparison import Mark, Past, Run, compare
from stepflow_tui.core.durations import format_age, format_difference, format_duration
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import durations, queries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stepflow_tui.core.comparison import Comparison, Line, Timing
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Instant
    from stepflow_tui.store.reader import Reader

_HEAD = ("", "step", "now", "before", "difference", "median", "")
_COLOURS = {Mark.FAILS: RED, Mark.SLOWER: YELLOW, Mark.NEW: DIM, Mark.GONE: DIM}


@click.command("compare")
@click.option("--json", "as_json", is_flag=True, help="Print one object")
@executions_argument
@with_home
def command(home: Home, *, wanted: tuple[str, ...], as_json: bool) -> None:
    """Show what each step took now and before.

    One ID is compared with the latest earlier completed run of its name; of two, the older one
    is what was before. The median is that of the last 30 completed runs of the name.
    """
    if len(wanted) > 2:
        raise UsageProblem("compare takes one execution or two")
    with one_execution(home, wanted[-1]) as (reader, newer):
        older = find_execution(home, reader, wanted[0]) if len(wanted) == 2 else None
        moment = now()
        comparison = _compared(reader, newer, older, moment)
    if as_json:
        print_json(comparison_object(comparison))
    else:
        write("".join(f"{line}\n" for line in _page(comparison, moment)))


def _compared(
    reader: Reader, newer: Execution, older: Execution | None, moment: Instant
) -> Comparison:
    if older is not None and older.number > newer.number:
        newer, older = older, newer
    earlier = reader.all(durations.earlier_completed(newer.name, newer.number))
    if older is None and earlier:
        older = reader.first(queries.execution(earlier[0]))
    if older is None:
        raise UsageProblem(
            f"no earlier run of {newer.name} has completed; "
            f"name another: stepflow compare ID {newer.number}"
        )
    if older.number == newer.number:
        raise UsageProblem(f"#{newer.number} is one run; compare it with another")
    past = Past(
        reader.all(durations.run_durations(earlier)), reader.all(durations.past_steps(earlier))
    )
    runs = [Run(run, reader.all(queries.steps(run.number))) for run in (newer, older)]
    for run in (newer, older):
        reread(reader, run)  # else it would be compared without its steps
    return compare(runs[0], runs[1], past, moment)


def _page(comparison: Comparison, moment: Instant) -> Iterator[str]:
    yield from lined_up(list(_runs(comparison, moment)))
    yield ""
    head, *lines = lined_up(_rows(comparison), right=frozenset({2, 3, 4, 5}))
    yield standard_output().paint(head, BOLD)
    yield from lines


def _runs(comparison: Comparison, moment: Instant) -> Iterator[tuple[str, ...]]:
    terminal = standard_output()
    for word, run in (("now", comparison.now), ("before", comparison.before)):
        if run is not None:
            age = f"{format_age(moment.wall_ms - run.created_at)} ago"
            yield (
                terminal.paint(word, DIM),
                execution_title(run),
                terminal.status(run.status),
                age,
            )


def _rows(comparison: Comparison) -> Sequence[tuple[str, ...]]:
    lines = [_row(line, _name(line)) for line in comparison.steps]
    return [_HEAD, *lines, _row(comparison.whole, "whole run")]


def _name(line: Line) -> str:
    again = f" ({line.occurrence})" if line.occurrence > 1 else ""
    return clean_line(line.name) + again


def _row(line: Line, name: str) -> tuple[str, ...]:
    terminal = standard_output()
    return (
        "" if line.now is None else terminal.glyph(line.now.status),
        name,
        _time(line.now),
        _time(line.before),
        format_difference(line.difference_ms),
        format_duration(line.usual.median_ms if line.usual else None),
        "" if line.mark is None else terminal.paint(line.mark, _COLOURS[line.mark]),
    )


def _time(timing: Timing | None) -> str:
    return format_duration(None if timing is None else timing.ms)
