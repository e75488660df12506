"""Bare `stepflow`: the dashboard on a terminal, else the list."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.cli.lookup import open_reader
from stepflow_tui.cli.terminal import say
from stepflow_tui.core.errors import NoDatabase

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


def open_dashboard(home: Home) -> int | None:
    """Open the dashboard; without a terminal print what `list` prints, and a hint."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        from stepflow_tui.cli.list import LIMIT, newest
        from stepflow_tui.cli.listing import print_table

        print_table(newest(home, LIMIT))
        say("the dashboard needs a terminal; other commands: stepflow --help")
        return None
    with suppress(NoDatabase):
        open_reader(home).close()  # one of an older version is brought up to date first
    from stepflow_tui.tui.start import start_dashboard

    start_dashboard(home)
    return None
