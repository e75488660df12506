"""What the shell offers when a user types tab. Without a database that is nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from stepflow_tui.cli.home_option import current_home
from stepflow_tui.cli.lookup import one_execution, open_reader
from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    import click

    from stepflow_tui.core.models import Execution

_NEWEST = 100


def suggest_executions(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Numbers of the newest executions with their names; ids once one was begun."""
    found: list[Execution] = []
    with suppress(StepflowError), open_reader(current_home(ctx)) as reader:
        found = reader.all(queries.newest_executions(_NEWEST))
    items = [
        CompletionItem(text, help=f"{clean_line(execution.name)} ({execution.status.value})")
        for execution in found
        for text in (str(execution.number), *((execution.id,) if incomplete else ()))
    ]
    items.append(CompletionItem("last", help="the newest execution"))
    return [item for item in items if str(item.value).startswith(incomplete)]


def suggest_tags(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Tags of the newest executions."""
    tags: list[str] = []
    with suppress(StepflowError), open_reader(current_home(ctx)) as reader:
        tags = sorted(map(clean_line, reader.all(queries.tags())))
    return [CompletionItem(tag) for tag in tags if tag.startswith(incomplete)]


def suggest_steps(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Names of the steps of the execution that was named before."""
    # An option that still lacks its value ends click's parsing before it comes to arguments.
    words = (ctx.params.get("wanted"), *(word for word in ctx.args if not word.startswith("-")))
    wanted = next(filter(None, words), "last")
    names: list[str] = []
    with suppress(StepflowError), one_execution(current_home(ctx), wanted) as (reader, execution):
        names = [clean_line(step.name) for step in reader.all(queries.steps(execution.number))]
    return [CompletionItem(name) for name in dict.fromkeys(names) if name.startswith(incomplete)]
