"""`stepflow list`: the newest executions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import execution_object, print_json_lines
from stepflow_tui.cli.lookup import complete_tag
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.terminal import say
from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import NoDatabase
from stepflow_tui.core.filters import ALL, Filter, Key, Term, parse_words
from stepflow_tui.core.models import Status
from stepflow_tui.requests.locale_text import to_runner
from stepflow_tui.store import listing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution

LIMIT = 20


@click.command("list")
@click.argument("words", metavar="[FILTER]...", nargs=-1)
@click.option(
    "--limit",
    type=click.IntRange(1, 1_000_000),
    default=LIMIT,
    show_default=True,
    help="At most so many",
)
@click.option("--status", type=click.Choice([status.value for status in Status]))
@click.option("--tag", shell_complete=complete_tag, help="Only executions with this tag")
@click.option("--name", help="Only executions with this text in their name")
@click.option("--marked", is_flag=True, help="Only marked executions")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects")
@with_home
def command(
    home: Home,
    *,
    words: tuple[str, ...],
    limit: int,
    status: str | None,
    tag: str | None,
    name: str | None,
    marked: bool,
    as_json: bool,
) -> None:
    """Show the newest executions, newest first.

    FILTER is a word such as status:failed, tag:nightly, name:deploy, user:root, since:2h,
    until:2026-01-31, marked:yes, or a text. Words of one key are alternatives, as in
    status:failed,lost. Put -- before the words to negate one, as in: list -- -tag:nightly.
    """
    options = tuple(_terms(status=status, tag=tag, name=name, marked=marked))
    chosen = parse_words([to_runner(word) for word in words])
    executions = newest(home, limit, Filter((*chosen.terms, *options)))
    if as_json:
        moment = now()
        print_json_lines(execution_object(execution, moment) for execution in executions)
    else:
        from stepflow_tui.cli.listing import print_table

        print_table(executions)


def _terms(
    *, status: str | None, tag: str | None, name: str | None, marked: bool
) -> Iterator[Term]:
    if status is not None:
        yield Term(Key.STATUS, status)
    if tag is not None:
        yield Term(Key.TAG, to_runner(tag), exact=True)
    if name is not None:
        yield Term(Key.NAME, to_runner(name))
    if marked:
        yield Term(Key.MARKED, "yes")


def newest(home: Home, limit: int, wanted: Filter = ALL) -> list[Execution]:
    """The newest executions; none, with a hint, where nothing was recorded yet."""
    try:
        with open_reader(home) as reader:
            return reader.all(listing.newest(limit, wanted, now().wall_ms))
    except NoDatabase:
        say("nothing was run here yet; begin with: stepflow run COMMAND")
        return []
