"""`stepflow open`: the dashboard at one run, or one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.dashboard import has_terminal, start, why_no_dashboard
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import one_execution
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.target import Target, matching_steps
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.reader import Reader

_SEPARATOR = ":"
_NAMED = 5


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from stepflow_tui.cli.suggest import suggest_executions

    return suggest_executions(ctx, param, incomplete)


@click.command("open")
@click.option("--ascii", "ascii_only", is_flag=True, help="Draw nothing outside ASCII")
@click.argument("wanted", metavar="ID[:STEP]", shell_complete=_complete)
@with_home
def command(home: Home, *, wanted: str, ascii_only: bool) -> int:
    """Open the dashboard at an execution, or at one of its steps.

    STEP is its number, its name, or the beginning of its name.
    """
    target = _target(home, wanted)
    if not has_terminal():
        step = "" if target.step is None else f" --step {target.step}"
        raise UsageProblem(
            f"{why_no_dashboard()}; read the log with: stepflow logs {target.number}{step}"
        )
    before = click.get_current_context().find_root().params.get("ascii_only", False)
    return start(home, target=target, ascii_only=ascii_only or before)


def _target(home: Home, wanted: str) -> Target:
    text, separator, step = wanted.partition(_SEPARATOR)
    with one_execution(home, text) as (reader, execution):
        if not separator:
            return Target(execution.number)
        return Target(execution.number, _find_step(reader, execution, step).index)


def _find_step(reader: Reader, execution: Execution, text: str) -> Step:
    """The step that a user means.

    Raises:
        UsageProblem: there is none, or more than one.
    """
    steps = reader.all(queries.steps(execution.number))
    found = matching_steps(steps, text) if text else []
    if len(found) == 1:
        return found[0]
    number = execution.number
    if found:
        names = ", ".join(f"{step.index} {clean_line(step.name)}" for step in found[:_NAMED])
        more = ", …" if len(found) > _NAMED else ""
        raise UsageProblem(
            f"several steps of #{number} begin with {clean_line(text)}; "
            f"give a number: {names}{more}"
        )
    raise UsageProblem(f"#{number} has no step {clean_line(text)}; see: stepflow show {number}")
