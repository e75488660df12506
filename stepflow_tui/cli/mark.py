"""`stepflow mark`: keep executions whatever is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import executions_argument
from stepflow_tui.cli.order import carry_out
from stepflow_tui.cli.selection import several_executions
from stepflow_tui.cli.terminal import write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.identity import new_id
from stepflow_tui.requests.request import MarkRequest

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("mark")
@click.option("--remove", is_flag=True, help="Take the mark away")
@executions_argument
@with_home
def command(home: Home, *, wanted: tuple[str, ...], remove: bool) -> None:
    """Mark executions, so that they are never removed.

    See them with: stepflow list --marked
    """
    with several_executions(home, wanted) as (_, executions):
        ids = [execution.id for execution in executions]
        carry_out(home, MarkRequest(new_id(), ids, marked=not remove))
    state = "is not marked any more" if remove else "is marked"
    for execution in executions:
        write(f"{execution_title(execution)} {state}\n")
