"""`stepflow cancel`: stop executions with all their processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.changes import changes
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import (
    executions_argument,
    find_execution,
    open_reader,
    unknown_execution,
)
from stepflow_tui.cli.terminal import flush, write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.errors import NoDatabase, StepflowError
from stepflow_tui.core.identity import new_id
from stepflow_tui.requests.inbox import refusal, submit
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.requests.runner import ensure_runner
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.reader import Reader


@click.command("cancel")
@click.option("--force", is_flag=True, help="Kill at once, without time to clean up")
@click.option("--no-wait", is_flag=True, help="Do not wait until they have ended")
@executions_argument
@with_home
def command(home: Home, *, wanted: tuple[str, ...], force: bool, no_wait: bool) -> None:
    """Stop executions with all their processes.

    Waits until they have ended; then, and if they had ended before, it exits with 0.
    """
    try:
        reader = open_reader(home)
    except NoDatabase as problem:
        raise unknown_execution(home, wanted[0]) from problem
    with reader:
        executions = [find_execution(home, reader, text) for text in dict.fromkeys(wanted)]
        for execution in executions:
            if execution.status.is_final:
                write(f"{execution_title(execution)} is already {execution.status.word}\n")
        running = {e.number: e for e in executions if not e.status.is_final}
        requests = {number: _request(running[number], force=force) for number in running}
        if requests:
            submit(home, *requests.values())
            ensure_runner(home)
        if no_wait:
            _tell_asked(running.values())
        else:
            _wait(home, reader, running, requests)


def _request(execution: Execution, *, force: bool) -> CancelRequest:
    return CancelRequest(id=new_id(), execution=execution.id, force=force)


def _tell_asked(executions: Iterable[Execution]) -> None:
    for execution in executions:
        write(f"{execution_title(execution)} is asked to stop\n")


def _wait(
    home: Home, reader: Reader, running: dict[int, Execution], requests: dict[int, CancelRequest]
) -> None:
    """Tell of each execution when it has ended."""
    if not running:
        return
    for _ in changes(home, reader):
        for execution in reader.all(queries.executions_by_number(list(running))):
            if execution.status.is_final:
                del running[execution.number]
                write(f"{execution_title(execution)} {execution.status.word}\n")
                flush()
        if not running:
            return
        _raise_refusal(home, [requests[number] for number in running])


def _raise_refusal(home: Home, requests: Iterable[CancelRequest]) -> None:
    for request in requests:
        if reason := refusal(home, request):
            raise StepflowError(f"the runner refused it: {reason}")
