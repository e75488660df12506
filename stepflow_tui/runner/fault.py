"""Named points at which a test lets the runner die or stand still.

`STEPFLOW_FAULT=P6@3:kill` kills it on its third passage of P6; `:stop` stops the process,
`:sleep=5` lets it hang for five seconds. Without the variable a point costs one comparison.
The idea of deterministic points in place of luck is that of SQLite's fault simulation.
"""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.runner.recording import Recording

_FORM = re.compile(
    r"(?P<point>P[1-9])(?:@(?P<passage>[0-9]{1,6}))?:(?P<action>kill|stop|sleep=[0-9.]{1,6})"
)

POINTS = {
    "P1": "a request was read and is not committed",
    "P2": "a request is committed and nobody knows of it yet",
    "P3": "a start is about to be ordered",
    "P4": "the shim has started and that is not recorded",
    "P5": "the start is recorded",
    "P6": "output was read and is not committed",
    "P7": "output is committed",
    "P8": "the exit status was seen and is not committed",
    "P9": "the final status is committed and nobody knows of it yet",
}
"""Where in the life of an execution each point stands."""


class _Fault:
    """What is to happen, and how many passages away it is."""

    def __init__(self, order: str) -> None:
        found = _FORM.fullmatch(order)
        if found is None:
            raise ValueError(f"STEPFLOW_FAULT={order}: not like P6@3:kill")
        self._point = found["point"]
        self._left = int(found["passage"] or 1)
        self._action = found["action"]

    def pass_by(self, point: str) -> None:
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            self._act()

    def _act(self) -> None:
        kind, _, seconds = self._action.partition("=")
        if kind == "sleep":
            time.sleep(float(seconds))
        else:
            os.kill(os.getpid(), signal.SIGKILL if kind == "kill" else signal.SIGSTOP)


_ORDER = os.environ.get("STEPFLOW_FAULT")
_FAULT = _Fault(_ORDER) if _ORDER else None


def is_armed() -> bool:
    """Whether a fault is to happen at all."""
    return _FAULT is not None


def point(name: str) -> None:
    """The runner has come to the point `name` of `POINTS`."""
    if _FAULT is not None:
        _FAULT.pass_by(name)


def pass_by(
    recordings: Iterable[Recording], *, beginning: str = "", output: str, ending: str
) -> None:
    """Pass the points of what is about to be committed, or was."""
    if not is_armed():
        return
    found = list(recordings)
    if beginning and any(recording.is_beginning for recording in found):
        point(beginning)
    if any(recording.has_unsaved_output for recording in found):
        point(output)
    if any(recording.is_ending for recording in found):
        point(ending)
