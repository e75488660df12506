"""How a command ends: its exit code, and a sentence where something went wrong."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from stepflow_tui.cli.terminal import flush, say
from stepflow_tui.core.errors import StepflowError

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
_PIPE_CLOSED = 141


def outcome(command: Callable[[], object]) -> int:
    """Run a command; what a user can mend ends in a sentence.

    Returns:
        The exit code: what the command returns if that is a number.
    """
    try:
        code = command()
        flush()
    except StepflowError as problem:
        say(str(problem))
        return problem.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_output()
        return _PIPE_CLOSED
    except OSError as problem:
        say(str(problem))
        _end_output()
        return 1
    return code if isinstance(code, int) else 0


def _end_output() -> None:
    """Write what can be written; what cannot must not come up again at the interpreter's end."""
    try:
        flush()
    except OSError:
        _discard_output()


def _discard_output() -> None:
    """Let nothing more be written to a closed pipe, not even when the interpreter ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
