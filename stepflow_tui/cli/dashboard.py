"""Bare `stepflow`: the dashboard on a terminal, else the list."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.terminal import say
from stepflow_tui.core.errors import NoDatabase

if TYPE_CHECKING:
    from stepflow_tui.core.config import Config
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.target import Target


def open_dashboard(home: Home, *, ascii_only: bool = False) -> int | None:
    """Open the dashboard; without a terminal print what `list` prints, and a hint."""
    if not has_terminal():
        from stepflow_tui.cli.list import LIMIT, newest
        from stepflow_tui.cli.listing import print_table

        print_table(newest(home, LIMIT))
        say("the dashboard needs a terminal; other commands: stepflow --help")
        return None
    with suppress(NoDatabase):
        open_reader(home).close()  # one of an older version is brought up to date first
    start(home, ascii_only=ascii_only)
    return None


def has_terminal() -> bool:
    """Whether a person sits at both ends."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def start(home: Home, *, target: Target | None = None, ascii_only: bool = False) -> None:
    """Show the dashboard as it is configured, until the user leaves it.

    Args:
        home: what it shows.
        target: where it begins; None where it was left.
        ascii_only: draw nothing outside ASCII, whatever is configured.

    Raises:
        UsageProblem: something in the configuration is wrong.
    """
    from stepflow_tui.cli.config_file import read_config

    config = read_config()
    if ascii_only:
        from msgspec.structs import replace

        config = replace(config, ascii=True)
    from stepflow_tui.tui.start import start_dashboard

    start_dashboard(home, config, target)


def check(config: Config) -> None:
    """See whether the dashboard knows all that is named.

    Raises:
        UsageProblem: it does not.
    """
    from stepflow_tui.tui.start import check_config

    check_config(config)
