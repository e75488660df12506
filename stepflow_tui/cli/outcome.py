"""How a command ends: its exit code, and a sentence where something went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli import INTERRUPTED
from stepflow_tui.cli.streams import end_streams
from stepflow_tui.cli.terminal import flush, output_problem, say
from stepflow_tui.core.errors import StepflowError, system_reason

if TYPE_CHECKING:
    from collections.abc import Callable

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
        end_streams()
        return problem.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        end_streams()
        return _PIPE_CLOSED
    except OSError as problem:
        # Help is written by click itself, which lets the system's error through.
        output = output_problem(problem) if _raised_in(problem) == "click.utils" else None
        say(str(output) if output else f"the system refused it: {system_reason(problem)}")
        end_streams()
        return 1
    return code if isinstance(code, int) else 0


def _raised_in(problem: OSError) -> str:
    """The name of the module in which it came up."""
    place = problem.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return "" if place is None else str(place.tb_frame.f_globals["__name__"])
