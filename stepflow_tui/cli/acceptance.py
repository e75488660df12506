"""Handing a run request to the runner, and waiting until it is an execution with a number."""

from __future__ import annotations

import math
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.cli.changes import RunnerWatch
from stepflow_tui.cli.follow import goes_on
from stepflow_tui.cli.json_form import print_json
from stepflow_tui.cli.opening import open_reader
from stepflow_tui.cli.streams import unread_input
from stepflow_tui.cli.terminal import flush, say, write
from stepflow_tui.core.errors import DatabaseDamaged, NoDatabase, OutputProblem, StepflowError
from stepflow_tui.core.models import Status
from stepflow_tui.requests.inbox import refusal, submit
from stepflow_tui.requests.runner import check_settings, ensure_runner
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.queries import executions_with_prefix

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import RunRequest

DETACHED_WAIT_S = 2.0
"""A client that does not follow waits this long for the number, then makes do with the id."""

_SILENCE_S = 5.0
"""After so long without an answer a person wants to know what is going on."""

_POLL_S = 0.01


def prepare(home: Home) -> None:
    """Make the home, and refuse one in which no runner could work.

    Raises:
        HomeProblem: the home cannot be used.
        UsageProblem: a setting of the runner that is to be started cannot be read.
        StoreProblem: a newer version's database, or something that is none.
    """
    prepare_home(home)
    with suppress(NoDatabase, DatabaseDamaged):  # a runner makes a new one
        open_reader(home).close()
    check_settings(home)


def hand_over(home: Home, request: RunRequest) -> None:
    """Submit the request; see to it that somebody reads it, and say what it does not get."""
    if unread := unread_input():
        say(f"standard input is {unread} and is not passed on: the command reads /dev/null")
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
    begun = time.monotonic()
    silent_until = begun + _SILENCE_S
    while (execution := _recorded(home, request)) is None:
        if reason := refusal(home, request):
            raise StepflowError(f"the runner refused it: {reason}")
        if timeout_s is None:
            watch.check()
        elif time.monotonic() >= begun + timeout_s:
            return None
        if time.monotonic() >= silent_until:
            say("the runner has not answered yet; stepflow health tells more")
            silent_until = math.inf
        time.sleep(_POLL_S)
    return execution


def _recorded(home: Home, request: RunRequest) -> Execution | None:
    try:
        with open_reader(home) as reader:
            return reader.first(executions_with_prefix(request.id))
    except (NoDatabase, DatabaseDamaged):
        return None


def print_submitted(request: RunRequest, execution: Execution | None, *, as_json: bool) -> None:
    """Tell what a request became: the number, or the id where there is no number yet.

    Raises:
        OutputProblem: it cannot be told there; the sentence tells it.
    """
    try:
        _print_submitted(request, execution, as_json=as_json)
        flush()
    except OutputProblem as problem:
        given = (
            f"it is submitted as {request.id}, and goes on"
            if execution is None
            else goes_on(execution)
        )
        raise OutputProblem(f"{problem}; {given}") from problem


def _print_submitted(request: RunRequest, execution: Execution | None, *, as_json: bool) -> None:
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
