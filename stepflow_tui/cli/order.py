"""Giving the runner an order, and waiting until it is carried out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stepflow_tui.cli.changes import RunnerWatch
from stepflow_tui.core.errors import StepflowError
from stepflow_tui.requests.inbox import path_of, refusal, submit
from stepflow_tui.requests.runner import check_settings, ensure_runner
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import Chore

_POLL_S = 0.01


def give(home: Home, *requests: Chore) -> None:
    """Submit requests; see to it that somebody reads them.

    Raises:
        HomeProblem: they could not be written.
        UsageProblem: a setting of the runner that is to be started cannot be read.
    """
    prepare_home(home)  # a database may be all there is of it
    check_settings(home)
    submit(home, *requests)
    ensure_runner(home)


def carry_out(home: Home, *requests: Chore) -> None:
    """Have requests carried out; on return they are.

    Raises:
        StepflowError: they could not be given, or the runner refused one.
    """
    give(home, *requests)
    watch = RunnerWatch(home)
    for request in requests:
        while path_of(home, request.id, request.kind).exists():
            watch.check()
            time.sleep(_POLL_S)
        if reason := refusal(home, request):
            raise StepflowError(f"the runner refused it: {reason}")
