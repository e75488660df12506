"""`stepflow backup`: a copy of the database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.order import carry_out, give
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.paths import absolute
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.requests.request import BackupRequest
from stepflow_tui.store.backup import check_target
from stepflow_tui.store.queries import status_counts
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


@click.command("backup")
@click.option("--force", is_flag=True, help="Replace FILE if it is there")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is written")
@click.argument("file", type=click.Path(path_type=Path))
@with_home
def command(home: Home, *, file: Path, force: bool, no_wait: bool) -> None:
    """Copy the database into FILE while runs go on.

    The database only: artifacts/ in the home can be copied as files. The copy is whole, and is a
    home's stepflow.db in its turn.
    """
    open_reader(home).close()
    path = absolute(file)
    check_target(home, path, force=force)
    request = BackupRequest(new_id(), str(path), force=force)
    shown = shown_path(str(file))
    if no_wait:
        give(home, request)
        write(f"asked to write {shown}\n")
    else:
        carry_out(home, request)
        write(f"{shown}: {_content(path)}\n")


def _content(path: Path) -> str:
    with Reader(path) as copy:
        count = sum(count for _, count in copy.all(status_counts()))
    noun = "execution" if count == 1 else "executions"
    return f"{format_size(path.stat().st_size)}, {count} {noun}"
