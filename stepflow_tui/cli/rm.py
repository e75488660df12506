"""`stepflow rm`: remove executions by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import executions_argument
from stepflow_tui.cli.removal import print_each, remove
from stepflow_tui.cli.selection import several_executions
from stepflow_tui.cli.terminal import say
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.store.removal import entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.removal import Entry


@click.command("rm")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed")
@click.option("--no-wait", is_flag=True, help="Do not wait until they are gone")
@executions_argument
@with_home
def command(home: Home, *, wanted: tuple[str, ...], dry_run: bool, no_wait: bool) -> None:
    """Remove executions with their logs and artifacts.

    All of them or, if one is not over or is marked, none.
    """
    with several_executions(home, wanted) as (reader, executions):
        ids = [execution.id for execution in executions]
        found = reader.all(entries(ids, sized=True))
        _check(found)
        print_each(*remove(home, reader, found, dry_run=dry_run, no_wait=no_wait))


def _check(found: Iterable[Entry]) -> None:
    objections = [entry.objection for entry in found if entry.objection]
    for objection in objections:
        say(objection)
    if objections:
        raise UsageProblem("nothing was removed")
