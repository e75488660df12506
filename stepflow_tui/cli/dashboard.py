"""Bare `stepflow`: the dashboard on a terminal, else the list."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.cli.interrupts import leave_at_once
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.terminal import is_dumb, say
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
        say(f"{why_no_dashboard()}; other commands: stepflow --help")
        return None
    with suppress(NoDatabase):
        open_reader(home).close()  # one of an older version is brought up to date first
    return start(home, ascii_only=ascii_only)


def has_terminal() -> bool:
    """Whether a person sits at both ends, before a terminal that can show more than lines."""
    return _is_terminal() and not is_dumb()


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def why_no_dashboard() -> str:
    """What to say where there is no such terminal."""
    if not _is_terminal():
        return "the dashboard needs a terminal"
    name = os.environ.get("TERM")
    given = f"TERM is {name}" if name else "TERM is not set"
    return f"the dashboard needs a terminal that can place text, and {given}"


def start(home: Home, *, target: Target | None = None, ascii_only: bool = False) -> int:
    """Show the dashboard as it is configured, until the user leaves it.

    Args:
        home: what it shows.
        target: where it begins; None where it was left.
        ascii_only: draw nothing outside ASCII, whatever is configured.

    Returns:
        The exit code.

    Raises:
        UsageProblem: something in the configuration is wrong.
        StepflowError: the dashboard ended by a fault of its own.
    """
    leave_at_once()
    from stepflow_tui.cli.config_file import read_config

    config = read_config()
    if ascii_only:
        from msgspec.structs import replace

        config = replace(config, ascii=True)
    from stepflow_tui.tui.start import start_dashboard

    return start_dashboard(home, config, target)


def check(config: Config) -> None:
    """See whether the dashboard knows all that is named.

    Raises:
        UsageProblem: it does not.
    """
    from stepflow_tui.tui.start import check_config

    check_config(config)
