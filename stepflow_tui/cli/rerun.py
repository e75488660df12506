"""`stepflow rerun`: the same command once more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.acceptance import (
    DETACHED_WAIT_S,
    await_acceptance,
    hand_over,
    prepare,
    print_submitted,
)
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import execution_argument, one_execution
from stepflow_tui.cli.parsing import Pair
from stepflow_tui.requests.prepare import rerun_request

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("rerun")
@click.option(
    "-C",
    "--cwd",
    type=click.Path(path_type=Path),
    help="Working directory  [default: the one it had]",
)
@click.option(
    "-e", "--env", "pairs", type=Pair(), multiple=True, metavar="K=V", help="Set a variable"
)
@click.option("-d", "--detach", is_flag=True, help="Wait at most 2 s for the number")
@click.option("--json", "as_json", is_flag=True, help="Print an object")
@execution_argument
@with_home
def command(
    home: Home,
    *,
    wanted: str,
    cwd: Path | None,
    pairs: tuple[tuple[str, str], ...],
    detach: bool,
    as_json: bool,
) -> None:
    """Run the same command once more, and print the new number.

    Values of secret variables were not stored; give them again with -e.
    """
    with one_execution(home, wanted) as (_, execution):
        request = rerun_request(execution, cwd=cwd, env=dict(pairs))
    prepare(home)
    hand_over(home, request)
    timeout_s = DETACHED_WAIT_S if detach else None
    new = await_acceptance(home, request, timeout_s=timeout_s)
    print_submitted(request, new, as_json=as_json)
