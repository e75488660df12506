"""`stepflow cancel`: stop executions with all their processes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.changes import RunnerWatch, changes
from stepflow_tui.cli.home_option import with_home
from stepflow_tui.cli.lookup import (
    executions_argument,
    find_execution,
    unknown_execution,
)
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.terminal import flush, write
from stepflow_tui.cli.wording import execution_title
from stepflow_tui.core.errors import NoDatabase, StepflowError, UsageProblem
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests.inbox import path_of, refusal, submit
from stepflow_tui.requests.request import CancelRequest
from stepflow_tui.requests.runner import ensure_runner
from stepflow_tui.store import queries

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.reader import Reader


_POLL_S = 0.02


@click.command("cancel")
@click.option("--force", is_flag=True, help="Kill at once, without time to clean up")
@click.option("--leftovers", is_flag=True, help="Stop what ended ones left in the background")
@click.option("--no-wait", is_flag=True, help="Do not wait until they have ended")
@executions_argument
@with_home
def command(
    home: Home, *, wanted: tuple[str, ...], force: bool, leftovers: bool, no_wait: bool
) -> None:
    """Stop executions with all their processes.

    Waits until they have ended; then, and if they had ended before, it exits with 0. Processes that
    one left in the background when it ended by itself are stopped with --leftovers.
    """
    try:
        reader = open_reader(home)
    except NoDatabase as problem:
        raise unknown_execution(home, wanted[0]) from problem
    with reader:
        executions = [find_execution(home, reader, text) for text in dict.fromkeys(wanted)]
        if leftovers:
            _stop_leftovers(home, executions, force=force, no_wait=no_wait)
            return
        _stop_lost(home, [e for e in executions if e.status is Status.LOST], force=force)
        for execution in executions:
            if execution.status.is_final and execution.status is not Status.LOST:
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


def _stop_lost(home: Home, lost: list[Execution], *, force: bool) -> None:
    """Stop what may be left of executions of which nobody knows how they ended."""
    requests = [_request(execution, force=force) for execution in lost]
    if not requests:
        return
    submit(home, *requests)
    for execution in _done_with(home, lost, requests):
        write(f"{execution_title(execution)} was lost; nothing of it is left\n")


def _stop_leftovers(home: Home, executions: list[Execution], *, force: bool, no_wait: bool) -> None:
    """Stop what executions that are over have left in the background."""
    for execution in executions:
        if not execution.status.is_final:
            raise UsageProblem(
                f"{execution_title(execution)} has not ended yet; "
                f"to stop it: stepflow cancel {execution.number}"
            )
    requests = [_request(execution, force=force, leftovers=True) for execution in executions]
    submit(home, *requests)
    if no_wait:
        ensure_runner(home)
        for execution in executions:
            write(f"what {execution_title(execution)} left in the background is asked to stop\n")
        return
    for execution in _done_with(home, executions, requests):
        write(f"nothing of {execution_title(execution)} is left in the background\n")


def _done_with(
    home: Home, executions: list[Execution], requests: list[CancelRequest]
) -> Iterator[Execution]:
    """Each execution once the runner is done with its request.

    Raises:
        StepflowError: the runner refused one.
    """
    watch = RunnerWatch(home)
    ensure_runner(home)
    for execution, request in zip(executions, requests, strict=True):
        while path_of(home, request.id, request.kind).exists():
            watch.check()
            time.sleep(_POLL_S)
        _raise_refusal(home, [request])
        yield execution


def _request(execution: Execution, *, force: bool, leftovers: bool = False) -> CancelRequest:
    return CancelRequest(new_id(), execution.id, force=force, leftovers=leftovers)


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
        found = {e.number: e for e in reader.all(queries.executions_by_number(list(running)))}
        for number, before in list(running.items()):
            execution = found.get(number)
            if execution is None or execution.status.is_final:
                del running[number]
                word = "was removed" if execution is None else execution.status.word
                write(f"{execution_title(before)} {word}\n")
                flush()
        if not running:
            return
        _raise_refusal(home, [requests[number] for number in running])


def _raise_refusal(home: Home, requests: Iterable[CancelRequest]) -> None:
    for request in requests:
        if reason := refusal(home, request):
            raise StepflowError(f"the runner refused it: {reason}")
