"""`stepflow watch`: the follower of `run`, attached later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.exit_codes import exit_code
from stepflow_tui.cli.follow import follow
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import execution_argument, one_execution

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("watch")
@click.option("--compact", is_flag=True, help="Only steps, and the last lines of failed ones")
@execution_argument
@with_home
def command(home: Home, *, wanted: str, compact: bool) -> int:
    """Follow an execution, and exit with its code."""
    with one_execution(home, wanted) as (reader, execution):
        return exit_code(follow(home, reader, execution, compact=compact))
