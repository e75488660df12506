"""`stepflow tag`: put tags on executions, and take them away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.order import carry_out
from stepflow_tui.cli.selection import several_executions
from stepflow_tui.cli.terminal import write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.labels import checked_tags
from stepflow_tui.requests.locale_text import to_runner
from stepflow_tui.requests.request import TagRequest
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from stepflow_tui.cli.suggest import suggest_executions, suggest_tags

    sign = incomplete[:1]
    if sign not in ("+", "-"):
        return suggest_executions(ctx, param, incomplete)
    items = suggest_tags(ctx, param, incomplete[1:])
    for item in items:
        item.value = f"{sign}{item.value}"
    return items


# A tag to be taken away looks like an option; so there are no short options here.
@click.command(
    "tag", context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]}
)
@click.argument(
    "words", metavar="ID... [+TAG]... [-TAG]...", nargs=-1, required=True, shell_complete=_complete
)
@with_home
def command(home: Home, *, words: tuple[str, ...]) -> None:
    """Put tags on executions (+TAG) and take others away (-TAG).

    Such as: stepflow tag 41 42 +nightly -draft
    """
    if "-h" in words:
        write(f"{click.get_current_context().get_help()}\n")
        return
    wanted, added, removed = _sorted(words)
    with several_executions(home, wanted) as (reader, executions):
        ids = [execution.id for execution in executions]
        carry_out(home, TagRequest(new_id(), ids, add=added, remove=removed))
        changed = reader.all(
            queries.executions_by_number([execution.number for execution in executions])
        )
    for execution in sorted(changed, key=lambda execution: ids.index(execution.id)):
        write(f"{execution_title(execution)} {_tags(execution)}\n")


def _sorted(words: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """What is named, what is added to it and what is taken from it."""
    for word in words:
        if word.startswith("--"):
            raise click.UsageError(f"no such option {word!r}")
    wanted = [word for word in words if word[:1] not in ("+", "-")]
    added, removed = (
        checked_tags(to_runner(word[1:]) for word in words if word[:1] == sign) for sign in "+-"
    )
    if not wanted:
        raise UsageProblem("name an execution, such as: stepflow tag last +nightly")
    if not added and not removed:
        raise UsageProblem("say which tags: +nightly puts one on, -nightly takes one away")
    return wanted, added, removed


def _tags(execution: Execution) -> str:
    tags = " ".join(map(clean_line, execution.tags))
    return f"has the tags {tags}" if tags else "has no tags"
