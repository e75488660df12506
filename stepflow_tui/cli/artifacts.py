"""`stepflow artifacts`: what an execution made, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import artifact_object, print_json_lines
from stepflow_tui.cli.lookup import execution_argument, one_execution
from stepflow_tui.cli.show import artifact_rows
from stepflow_tui.cli.table import lined_up
from stepflow_tui.cli.terminal import say, write
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("artifacts")
@click.option("--json", "as_json", is_flag=True, help="Print an array of objects")
@click.option(
    "--copy-to",
    "target",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Copy them into this directory; nothing is overwritten",
)
@execution_argument
@with_home
def command(home: Home, *, wanted: str, as_json: bool, target: Path | None) -> None:
    """List the artifacts of an execution."""
    with one_execution(home, wanted) as (reader, execution):
        artifacts = reader.all(queries.artifacts(execution.number))
    if as_json:
        print_json_lines(artifact_object(artifact) for artifact in artifacts)
    elif target is None:
        write("".join(f"{line}\n" for line in lined_up(artifact_rows(artifacts))))
    if target is not None:
        from stepflow_tui.cli.copying import copy_artifacts

        for path in copy_artifacts(home, artifacts, target):
            say(f"copied {path}")
    elif not artifacts:
        say(f"#{execution.number} has no artifacts")
