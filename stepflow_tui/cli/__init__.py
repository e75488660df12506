"""The command line: a file for each command, and the program that finds them."""

from __future__ import annotations

import os
import sys

COMPLETION = "_STEPFLOW_COMPLETE"
"""Set by a shell that asks what could be typed."""


def main() -> None:
    """Run `stepflow` with the arguments of this process, and exit with its code."""
    try:
        from stepflow_tui.cli.interrupts import INTERRUPTED, ignore_interrupts, leave_at_once

        leave_at_once()
        from stepflow_tui.cli.streams import end_streams, open_missing_streams

        open_missing_streams()
        code = _run(sys.argv[1:])
        ignore_interrupts()
        end_streams()
    except KeyboardInterrupt:  # so early that nothing was begun, or when all was done
        code = INTERRUPTED
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    if arguments or COMPLETION in os.environ:
        from stepflow_tui.cli.program import run_program

        return run_program(arguments)
    # The bare command does not wait for click, which takes as long as all that is read for it.
    from stepflow_tui.cli.dashboard import open_dashboard
    from stepflow_tui.cli.default_home import default_home
    from stepflow_tui.cli.outcome import outcome

    return outcome(lambda: open_dashboard(default_home()))
