"""The command line: a file for each command, and the program that finds them."""

from __future__ import annotations

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run `stepflow` with the arguments of this process, and exit with its code."""
    try:
        from stepflow_tui.cli.streams import open_missing_streams

        open_missing_streams()
        from stepflow_tui.cli.program import run_program

        code = run_program(sys.argv[1:])
    except KeyboardInterrupt:  # so early that nothing was begun
        code = _INTERRUPTED
    sys.exit(code)
