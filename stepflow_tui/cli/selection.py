"""The executions that a command is about, several at a time."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from stepflow_tui.cli.lookup import find_execution, unknown_execution
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.core.errors import NoDatabase

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.reader import Reader


@contextmanager
def several_executions(
    home: Home, texts: Sequence[str]
) -> Iterator[tuple[Reader, list[Execution]]]:
    """The store, and in it the executions that `texts` mean, each once.

    Raises:
        UsageProblem: one of them does not exist, or is more than one.
    """
    try:
        reader = open_reader(home)
    except NoDatabase as problem:
        raise unknown_execution(home, texts[0]) from problem
    with reader:
        found = [find_execution(home, reader, text) for text in texts]
        yield reader, list({execution.number: execution for execution in found}.values())
