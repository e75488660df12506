"""`stepflow run`: submit a command, and follow it."""

from __future__ import annotations

import os
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
from stepflow_tui.cli.exit_codes import exit_code
from stepflow_tui.cli.follow import follow, wait_for_end
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import complete_tag
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.parsing import Duration, Pair, TerminalSize
from stepflow_tui.cli.protection import warn_of_secrets, with_protection
from stepflow_tui.cli.show import print_execution_json
from stepflow_tui.cli.terminal import say
from stepflow_tui.requests.directory import current_directory
from stepflow_tui.requests.prepare import run_request
from stepflow_tui.requests.secrets import read_secrets

if TYPE_CHECKING:
    from stepflow_tui.cli.protection import Protection
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest


@click.command(
    "run", context_settings={"allow_interspersed_args": False}, options_metavar="[OPTIONS]"
)
@click.option("-n", "--name", help="Name for people  [default: the command's]")
@click.option("-C", "--cwd", type=click.Path(path_type=Path), help="Working directory")
@click.option(
    "-e", "--env", "pairs", type=Pair(), multiple=True, metavar="K=V", help="Set a variable"
)
@click.option("-t", "--tag", "tags", multiple=True, shell_complete=complete_tag, help="Label")
@click.option("--meta", type=Pair(), multiple=True, metavar="K=V", help="Record a pair")
@click.option("--timeout", type=Duration(), metavar="TIME", help="Stop it after 90s, 5m, 2h")
@click.option("-s", "--shell", metavar="STRING", help="Run this string by /bin/sh -c")
@click.option("--tty", is_flag=True, help="Run under a pseudo-terminal")
@click.option(
    "--tty-size",
    type=TerminalSize(),
    metavar="COLSxROWS",
    help="Its size; implies --tty  [default: your terminal's, else 80x24]",
)
@click.option("--no-added-env", is_flag=True, help="Set no variables of ours, such as STEPFLOW")
@with_protection
@click.option("-d", "--detach", is_flag=True, help="Print the number and return")
@click.option("--json", "as_json", is_flag=True, help="Print one object, not the log")
@click.option("--compact", is_flag=True, help="Only steps, and the last lines of failed ones")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="CMD [ARGS]...")
@with_home
def command(
    home: Home,
    *,
    name: str | None,
    cwd: Path | None,
    pairs: tuple[tuple[str, str], ...],
    tags: tuple[str, ...],
    meta: tuple[tuple[str, str], ...],
    timeout: float | None,
    shell: str | None,
    tty: bool,
    tty_size: list[int] | None,
    no_added_env: bool,
    protection: Protection,
    detach: bool,
    as_json: bool,
    compact: bool,
    words: tuple[str, ...],
) -> int:
    """Run a command in the background, and follow it.

    It goes on when you leave. Options end at the first word that is none.
    """
    if (shell is None) == (not words):
        raise click.UsageError("give a command, or a string with -s, and not both")
    env = dict(pairs)
    secrets = read_secrets(protection.secret_names, protection.secret_files, {**os.environ, **env})
    request = run_request(
        words if shell is None else (shell,),
        cwd=cwd or current_directory(),
        name=name,
        env=env,
        tags=tags,
        metadata=dict(meta),
        timeout_s=timeout,
        shell=shell is not None,
        tty=tty or tty_size is not None,
        tty_size=tty_size,
        added_env=not no_added_env,
        secrets=secrets,
        limits=protection.limits,
        kill_leftovers=protection.kill_leftovers,
    )
    warn_of_secrets(secrets, request)
    prepare(home)
    hand_over(home, request)
    if detach:
        execution = await_acceptance(home, request, timeout_s=DETACHED_WAIT_S)
        print_submitted(request, execution, as_json=as_json)
        return 0
    return exit_code(_follow(home, request, as_json=as_json, compact=compact))


def _follow(home: Home, request: RunRequest, *, as_json: bool, compact: bool) -> Execution:
    try:
        execution = await_acceptance(home, request)
    except KeyboardInterrupt:
        say(f"detached: it is submitted as {request.id}; follow with: stepflow watch {request.id}")
        raise
    if execution is None:
        raise AssertionError("without a timeout there is an execution, or an error was raised")
    with open_reader(home) as reader:
        if not as_json:
            return follow(home, reader, execution, compact=compact)
        ended = wait_for_end(home, reader, execution)
        print_execution_json(reader, ended)
        return ended
