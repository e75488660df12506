"""The program `stepflow`: finds a command's module only when that command is called."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import click

from stepflow_tui import __version__
from stepflow_tui.cli import COMPLETION, INTERRUPTED
from stepflow_tui.cli.home_option import current_home, home_option
from stepflow_tui.cli.interrupts import raise_interrupts
from stepflow_tui.cli.outcome import outcome
from stepflow_tui.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

_COMMANDS = (
    "run",
    "list",
    "show",
    "logs",
    "watch",
    "open",
    "cancel",
    "rerun",
    "compare",
    "artifacts",
    "mark",
    "tag",
    "note",
    "rm",
    "prune",
    "backup",
    "health",
    "config",
    "runner",
    "completion",
)
"""Each is a module of this package that holds a click command named `command`."""

_NAME = "stepflow"


class Program(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands, in the order of the help."""
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """The command of this name, or None."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"stepflow_tui.cli.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; it is loaded then, and may have something to say when interrupted."""
        found = super().resolve_command(ctx, args)
        raise_interrupts()
        return found

    def invoke(self, ctx: click.Context) -> int:
        """Run the command; click would end some of its problems in its own way."""
        return outcome(lambda: super(Program, self).invoke(ctx))


@click.group(
    cls=Program,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Without a command, the dashboard opens.",
)
@home_option
@click.option("--ascii", "ascii_only", is_flag=True, help="A dashboard of nothing but ASCII")
@click.version_option(__version__, prog_name=_NAME)
@click.pass_context
def program(ctx: click.Context, *, ascii_only: bool) -> int | None:
    """Run any script in the background and watch its steps, log and artifacts live."""
    if ctx.invoked_subcommand is not None:
        return None
    from stepflow_tui.cli.dashboard import open_dashboard

    return open_dashboard(current_home(ctx), ascii_only=ascii_only)


def run_program(arguments: Sequence[str]) -> int:
    """Run `stepflow` with these arguments.

    Returns:
        The exit code.
    """
    return outcome(lambda: _called(arguments))


def _called(arguments: Sequence[str]) -> object:
    try:
        return _invoked(arguments)
    except click.exceptions.Exit as done:  # --help and --version
        return done.exit_code
    except click.UsageError as problem:
        say(_usage_sentence(problem))
        return problem.exit_code
    except click.ClickException as problem:
        say(problem.format_message())
        return problem.exit_code
    except click.Abort:
        return INTERRUPTED


def _invoked(arguments: Sequence[str]) -> object:
    if COMPLETION in os.environ:
        return program.main(list(arguments), prog_name=_NAME, standalone_mode=False)
    # Not `main`, which has its own way with a closed pipe and with interrupts.
    with program.make_context(_NAME, list(arguments)) as context:
        return program.invoke(context)


def _usage_sentence(problem: click.UsageError) -> str:
    message = problem.format_message().rstrip(".")
    command = problem.ctx.command_path if problem.ctx else "stepflow"
    return f"{message[:1].lower()}{message[1:]} (see: {command} --help)"
