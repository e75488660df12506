"""Handing a run request to the runner, and waiting until it is an execution with a number."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.cli.changes import RunnerWatch
from stepflow_tui.cli.json_form import print_json
from stepflow_tui.cli.lookup import open_reader
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.errors import NoDatabase, StepflowError
from stepflow_tui.core.models import Status
from stepflow_tui.requests.inbox import refusal, submit
from stepflow_tui.requests.runner import ensure_runner
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.queries import executions_with_prefix

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest

DETACHED_WAIT_S = 2.0
"""A client that does not follow waits this long for the number, then makes do with the id."""

_POLL_S = 0.01


def prepare(home: Home) -> None:
    """Make the home, and refuse one whose database the runner could not use.

    Raises:
        HomeProblem: the home cannot be used.
        StoreProblem: a newer version's database, or something that is none.
    """
    prepare_home(home)
    with suppress(NoDatabase):
        open_reader(home).close()


def hand_over(home: Home, request: RunRequest) -> None:
    """Submit the request; see to it that somebody reads it."""
    submit(home, request)
    ensure_runner(home)


def await_acceptance(
    home: Home, request: RunRequest, *, timeout_s: float | None = None
) -> Execution | None:
    """The execution that the request became; None if it is none after `timeout_s`.

    Raises:
        StepflowError: the runner refused the request.
        RunnerGone: no runner can be started.
    """
    watch = RunnerWatch(home)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while (execution := _recorded(home, request)) is None:
        if reason := refusal(home, request):
            raise StepflowError(f"the runner refused it: {reason}")
        if deadline is None:
            watch.check()
        elif time.monotonic() >= deadline:
            return None
        time.sleep(_POLL_S)
    return execution


def _recorded(home: Home, request: RunRequest) -> Execution | None:
    try:
        with open_reader(home) as reader:
            return reader.first(executions_with_prefix(request.id))
    except NoDatabase:
        return None


def print_submitted(request: RunRequest, execution: Execution | None, *, as_json: bool) -> None:
    """Tell what a request became: the number, or the id where there is no number yet."""
    if as_json:
        print_json(
            {
                "id": request.id,
                "number": execution.number if execution else None,
                "name": request.name,
                "status": (execution.status if execution else Status.PENDING).value,
            }
        )
    else:
        write(f"{execution.number if execution else request.id}\n")
