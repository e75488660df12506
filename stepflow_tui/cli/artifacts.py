"""`stepflow artifacts`: what an execution made, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.json_form import artifact_object, print_json_lines
from stepflow_tui.cli.lookup import execution_argument, one_execution, reread
from stepflow_tui.cli.show import artifact_rows
from stepflow_tui.cli.table import lined_up
from stepflow_tui.cli.terminal import say, write
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact


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
def command(home: Home, *, wanted: str, as_json: bool, target: Path | None) -> int:
    """List the artifacts of an execution.

    Exits with 1 if one of them could not be copied; the others are copied all the same.
    """
    with one_execution(home, wanted) as (reader, execution):
        artifacts = reader.all(queries.artifacts(execution.number))
        reread(reader, execution)
        if as_json:
            print_json_lines(artifact_object(artifact) for artifact in artifacts)
        elif target is None:
            write("".join(f"{line}\n" for line in lined_up(artifact_rows(artifacts))))
        if not artifacts:
            say(f"#{execution.number} has no artifacts")
        code = 0 if target is None else _copy(home, artifacts, target)
        if code:  # the reason may be that its files are gone
            reread(reader, execution)
    return code


def _copy(home: Home, artifacts: Sequence[Artifact], target: Path) -> int:
    from stepflow_tui.cli.copying import copy_artifacts

    done = copy_artifacts(home, artifacts, target)
    for path in done.copies:
        say(f"copied {shown_path(str(path))}")
    for artifact in artifacts:
        if artifact.stored is None:
            say(f"{shown_path(artifact.path)} was not stored: {artifact.reason or 'not yet'}")
    for one in done.left_out:
        say(f"cannot copy to {shown_path(str(one.target))}: {one.reason}")
    return 1 if done.left_out else 0
