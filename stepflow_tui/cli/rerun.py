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
from stepflow_tui.cli.protection import warn_of_secrets, with_protection
from stepflow_tui.requests.prepare import rerun_request
from stepflow_tui.requests.secrets import read_secrets_again

if TYPE_CHECKING:
    from stepflow_tui.cli.protection import Protection
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
@with_protection
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
    protection: Protection,
    detach: bool,
    as_json: bool,
) -> None:
    """Run the same command once more, and print the new number.

    It has the limits that it had, or those that you give. Secrets were not stored: give variables
    again with -e or --secret, and files with --secret-file.
    """
    env = dict(pairs)
    with one_execution(home, wanted) as (_, execution):
        secrets = read_secrets_again(
            execution, protection.secret_names, protection.secret_files, env
        )
        request = rerun_request(
            execution,
            cwd=cwd,
            env=env,
            secrets=secrets,
            limits=protection.limits,
            kill_leftovers=protection.kill_leftovers,
        )
    warn_of_secrets(secrets, request)
    prepare(home)
    hand_over(home, request)
    timeout_s = DETACHED_WAIT_S if detach else None
    new = await_acceptance(home, request, timeout_s=timeout_s)
    print_submitted(request, new, as_json=as_json)
