"""`stepflow completion`: what makes a shell complete our commands."""

from __future__ import annotations

import click

from stepflow_tui.cli.terminal import write


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str) -> None:
    """Print the completion script of a shell.

    For bash: eval "$(stepflow completion bash)"
    """
    from click.shell_completion import get_completion_class

    from stepflow_tui.cli.program import program

    completion = get_completion_class(shell)
    if completion is not None:
        write(completion(program, {}, "stepflow", "_STEPFLOW_COMPLETE").source() + "\n")
