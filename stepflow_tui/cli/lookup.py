"""Finding the execution that a user means."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from stepflow_tui.cli.opening import open_reader
from stepflow_tui.core.errors import NoDatabase, UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from click.shell_completion import CompletionItem

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.reader import Reader

F = TypeVar("F", bound="Callable[..., object]")

_NUMBER = lazy_pattern(r"#?[0-9]{1,18}")
"""Not the beginning of an id, which `0` would be of each."""


@contextmanager
def one_execution(home: Home, text: str) -> Iterator[tuple[Reader, Execution]]:
    """The store, and in it the execution that `text` means.

    Raises:
        UsageProblem: there is no such execution, or more than one.
    """
    try:
        reader = open_reader(home)
    except NoDatabase as problem:
        raise unknown_execution(home, text) from problem
    with reader:
        yield reader, find_execution(home, reader, text)


def reread(reader: Reader, execution: Execution) -> Execution:
    """The execution as it is now.

    Raises:
        UsageProblem: it was removed meanwhile.
    """
    found = reader.first(queries.execution(execution.number))
    if found is None:
        raise removed(execution)
    return found


def removed(execution: Execution) -> UsageProblem:
    """What to say of an execution that was there a moment ago."""
    return UsageProblem(f"#{execution.number} was removed")


def find_execution(home: Home, reader: Reader, text: str) -> Execution:
    """The execution of a number, a unique prefix of an id, or `last`.

    Raises:
        UsageProblem: there is no such execution, or more than one.
    """
    found = _matches(reader, text)
    if not found:
        raise unknown_execution(home, text)
    if len(found) > 1:
        raise UsageProblem(f"several ids begin with {text}; give more of it")
    return found[0]


def _matches(reader: Reader, text: str) -> list[Execution]:
    if text == "last":
        return reader.all(queries.last_execution())
    if _NUMBER.fullmatch(text):
        return reader.all(queries.execution(int(text.removeprefix("#"))))
    prefix = text.lower()
    return reader.all(queries.executions_with_prefix(prefix)) if prefix.isalnum() else []


def unknown_execution(home: Home, text: str) -> UsageProblem:
    """What to say of an id that means nothing here."""
    from stepflow_tui.core.identity import is_id
    from stepflow_tui.core.text import clean_line
    from stepflow_tui.requests.inbox import path_of
    from stepflow_tui.requests.request import RunRequest

    if is_id(text) and path_of(home, text, RunRequest.kind).exists():
        return UsageProblem(f"{text} is submitted and waits for the runner; see: stepflow health")
    return UsageProblem(f"no execution {clean_line(text)}; see: stepflow list")


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from stepflow_tui.cli.suggest import suggest_executions

    return suggest_executions(ctx, param, incomplete)


def complete_tag(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the shell offers for an option that takes a tag."""
    from stepflow_tui.cli.suggest import suggest_tags

    return suggest_tags(ctx, param, incomplete)


def execution_argument(function: F) -> F:
    """Give a command the argument ID, as `wanted`."""
    return click.argument("wanted", metavar="ID", shell_complete=_complete)(function)


def executions_argument(function: F) -> F:
    """Give a command one argument ID or more, as `wanted`."""
    argument = click.argument(
        "wanted", metavar="ID...", nargs=-1, required=True, shell_complete=_complete
    )
    return argument(function)
