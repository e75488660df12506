"""`stepflow prune`: remove what is too old or too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.parsing import Duration, Size
from stepflow_tui.cli.removal import print_each, print_sum, remove
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.clock import now
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.models import Status
from stepflow_tui.store.removal import Limits, due

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home

_FEW = 20
"""So many are named; of more only the sum is of interest."""

_FINAL = [status.value for status in Status if status.is_final]


class _Statuses(click.ParamType[frozenset[Status]]):
    """`completed,failed`."""

    name = "statuses"

    def convert(
        self,
        value: str | frozenset[Status],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> frozenset[Status]:
        """Read final statuses."""
        if isinstance(value, frozenset):
            return value
        words = [word.strip() for word in value.split(",")]
        for word in words:
            if word not in _FINAL:
                self.fail(f"{word!r} is not one of {', '.join(_FINAL)}", param, ctx)
        return frozenset(map(Status, words))


@click.command("prune")
@click.option(
    "--older-than", type=Duration(), metavar="TIME", help="Those that ended so long ago: 30d"
)
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="All but the N newest")
@click.option(
    "--max-size",
    type=Size(),
    metavar="SIZE",
    help="The oldest, while all executions take more than that: 5GB",
)
@click.option(
    "--status", "statuses", type=_Statuses(), metavar="S,S", help="Only those with such a status"
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed")
@click.option("--no-wait", is_flag=True, help="Do not wait until they are gone")
@with_home
def command(
    home: Home,
    *,
    older_than: float | None,
    keep: int | None,
    max_size: int | None,
    statuses: frozenset[Status] | None,
    dry_run: bool,
    no_wait: bool,
) -> None:
    """Remove what is too old or too much of the history.

    What is not over, or is marked, stays.
    """
    if older_than is None and keep is None and max_size is None:
        raise UsageProblem("say what is too much: --older-than, --keep or --max-size")
    ended_before = None if older_than is None else now().wall_ms - round(older_than * 1000)
    with open_reader(home) as reader:
        found = reader.all(due(Limits(ended_before, keep, max_size, statuses)))
        deed, entries = remove(home, reader, found, dry_run=dry_run, no_wait=no_wait)
    if not entries:
        write("nothing to remove\n")
        return
    if len(entries) <= _FEW:
        print_each(deed, entries)
    print_sum(deed, entries)
