"""What the shell offers when a user types tab. Without a database that is nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

from stepflow_tui.cli.home_option import current_home
from stepflow_tui.cli.lookup import one_execution
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries

if TYPE_CHECKING:
    import click

    from stepflow_tui.core.models import Execution, Step

_NEWEST = 100
_SAFE = lazy_pattern(r"[\w./:@%+][\w./:@%+=,-]*")
"""Words that are the same to every shell with and without quotes, and no option."""


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
    """Tags of the newest executions, but for those that a shell would take for more than text."""
    tags: list[str] = []
    with suppress(StepflowError), open_reader(current_home(ctx)) as reader:
        tags = sorted(filter(_SAFE.fullmatch, reader.all(queries.tags())))
    return [CompletionItem(tag) for tag in tags if tag.startswith(incomplete)]


def suggest_steps(
    ctx: click.Context,
    param: click.Parameter,  # noqa: ARG001 - click's signature
    incomplete: str,
) -> list[CompletionItem]:
    """Steps of the execution that was named before, by name where a shell lets that be."""
    # An option that still lacks its value ends click's parsing before it comes to arguments.
    words = (ctx.params.get("wanted"), *(word for word in ctx.args if not word.startswith("-")))
    wanted = next(filter(None, words), "last")
    steps: list[Step] = []
    with suppress(StepflowError), one_execution(current_home(ctx), wanted) as (reader, execution):
        steps = reader.all(queries.steps(execution.number))
    names = {_word(step): clean_line(step.name) for step in steps}
    return [
        CompletionItem(word, help=None if word == name else name)
        for word, name in names.items()
        if word.startswith(incomplete)
    ]


def _word(step: Step) -> str:
    """What means this step on a command line; scripts choose the names, and shells run `;rm`."""
    means_itself = _SAFE.fullmatch(step.name) and not step.name.isdecimal()
    return step.name if means_itself else str(step.index)
