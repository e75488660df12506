"""The command line: a file for each command, and the program that finds them."""

import _signal  # type: ignore[import-not-found]  # `signal` takes milliseconds to be loaded
import os
import sys

COMPLETION = "_STEPFLOW_COMPLETE"
"""Set by a shell that asks what could be typed."""

INTERRUPTED = 130


def main() -> None:
    """Run `stepflow` with the arguments of this process, and exit with its code."""
    try:
        # Before anything is loaded: Python raises KeyboardInterrupt in the midst of an import.
        if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
            _signal.signal(_signal.SIGINT, leave)
        from stepflow_tui.cli.streams import end_streams, open_missing_streams

        open_missing_streams()
        code = _run(sys.argv[1:])
        # The code is known, and what is left is the interpreter's end.
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        end_streams()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def leave(_number: int, _frame: object) -> None:
    """End at once, as a handler of SIGINT: nothing has begun that has to be told or undone."""
    os._exit(INTERRUPTED)


def _run(arguments: list[str]) -> int:
    if arguments or COMPLETION in os.environ:
        from stepflow_tui.cli.program import run_program

        return run_program(arguments)
    # The bare command does not wait for click, which takes as long as all that is read for it.
    from stepflow_tui.cli.dashboard import open_dashboard
    from stepflow_tui.cli.default_home import default_home
    from stepflow_tui.cli.outcome import outcome

    return outcome(lambda: open_dashboard(default_home()))
