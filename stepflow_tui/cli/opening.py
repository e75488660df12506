"""Opening the store of a home; one of an older version is brought up to date first."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import DatabaseTooOld
from stepflow_tui.store.home import check_home
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home

_UPGRADE_S = 10.0
_POLL_S = 0.02


def open_reader(home: Home) -> Reader:
    """The store of a home, to read.

    Raises:
        HomeProblem: the home cannot be used.
        StoreProblem: there is no database, or none that can be read.
    """
    check_home(home)
    try:
        return Reader(home.database)
    except DatabaseTooOld:
        from stepflow_tui.requests.runner import ensure_runner

        ensure_runner(home, wait_s=_UPGRADE_S)  # it brings the database up to date
    return _await_upgrade(home)


def _await_upgrade(home: Home) -> Reader:
    deadline = time.monotonic() + _UPGRADE_S
    while True:
        try:
            return Reader(home.database)
        except DatabaseTooOld:
            if time.monotonic() > deadline:
                raise
        time.sleep(_POLL_S)
