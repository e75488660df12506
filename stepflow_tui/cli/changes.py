"""Waiting for the store to change, while a runner lives to change it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from stepflow_tui.cli.terminal import say
from stepflow_tui.core.paths import is_read_only
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.runner import RunnerGone, ensure_runner, is_starting, live_runner
from stepflow_tui.store.home import read_only_problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.reader import Reader

_CHECK_S = 1.0
_START_S = 5.0
_SLOW_START_S = 60.0
"""A runner that is there and holds no lock after so long will not take it any more."""

_MAX_STARTS = 3

_PACE_S = ((0.5, 0.01), (5.0, 0.02))
"""For so long after the last change, look this often; then ever so."""
_QUIET_PACE_S = 0.1


class RunnerWatch:
    """Starts the runner again when it dies while we wait for what it does."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._next_check = time.monotonic() + _CHECK_S
        self._starts = 0
        self._slow_until = math.inf
        self._trouble = ""

    def check(self) -> None:
        """Look after the runner, at most once a second.

        Raises:
            RunnerGone: it does not come up.
        """
        if time.monotonic() < self._next_check:
            return
        runner = live_runner(self._home)
        if is_read_only(self._home.root):  # nothing can be started, and a runner cannot tell
            self._tell(str(read_only_problem(self._home)))
        elif runner is None:
            if not self._is_slow():
                self._start()
        else:
            self._starts, self._slow_until = 0, math.inf
            self._tell(runner.trouble)
        self._next_check = time.monotonic() + _CHECK_S

    def _is_slow(self) -> bool:
        """Whether one is starting, and has not taken far too long for it."""
        now = time.monotonic()
        self._slow_until = min(self._slow_until, now + _SLOW_START_S)
        return now < self._slow_until and is_starting(self._home)

    def _tell(self, trouble: str) -> None:
        """Say what keeps the runner from its work, once, and when that is over."""
        if trouble != self._trouble:
            self._trouble = trouble
            say(clean_line(trouble) if trouble else "the runner is at work again")

    def _start(self) -> None:
        self._starts += 1
        has_failed = self._starts > _MAX_STARTS
        if has_failed or (
            ensure_runner(self._home, wait_s=_START_S) is None and not self._is_slow()
        ):
            raise RunnerGone(f"the runner does not stay up; see {self._home.runner_log}")
        say("the runner was gone and was started again; nothing is lost")


def changes(home: Home, reader: Reader) -> Iterator[None]:
    """Yield at once, and then whenever the database may have changed since the last time.

    Raises:
        RunnerGone: there is no runner, and none can be started.
    """
    watch = RunnerWatch(home)
    seen: int | None = None
    changed_at = time.monotonic()
    while True:
        version = reader.data_version()
        if version != seen:
            seen, changed_at = version, time.monotonic()
            yield
        else:
            watch.check()
            time.sleep(_pace(time.monotonic() - changed_at))


def _pace(quiet_s: float) -> float:
    return next((pace for until, pace in _PACE_S if quiet_s < until), _QUIET_PACE_S)
