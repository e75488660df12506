"""`stepflow note`: write on an execution what should be known about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import execution_argument
from stepflow_tui.cli.order import carry_out
from stepflow_tui.cli.selection import several_executions
from stepflow_tui.cli.terminal import write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.identity import new_id
from stepflow_tui.requests.labels import checked_note
from stepflow_tui.requests.locale_text import to_runner
from stepflow_tui.requests.request import NoteRequest

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("note")
@execution_argument
@click.argument("text", metavar="TEXT")
@with_home
def command(home: Home, *, wanted: str, text: str) -> None:
    """Write a note on an execution.

    It takes the place of the note that was there; an empty TEXT takes that away.
    """
    note = checked_note(to_runner(text))
    with several_executions(home, [wanted]) as (_, executions):
        [execution] = executions
        carry_out(home, NoteRequest(new_id(), [execution.id], note))
    state = "has a note" if note else "has no note"
    write(f"{execution_title(execution)} {state}\n")
