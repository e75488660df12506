"""Whose turn it is to be looked at, so that one flood of output does not delay the others."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from stepflow_tui.runner.ingest import READ_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_FLOODS = 32
"""So many executions with more output than one look takes have their turn together."""


class Turns:
    """The executions of which something may be new, and those that have more to read at once.

    Everyone has a turn at once; of those that flood a few do, and share what one alone may read.
    """

    def __init__(self) -> None:
        self._new: set[str] = set()
        self._floods: dict[str, None] = {}  # in the order of their turns

    def __bool__(self) -> bool:
        return bool(self._new or self._floods)

    @property
    def is_flooded(self) -> bool:
        """Whether there is more to read at once."""
        return bool(self._floods)

    def mark(self, executions: Iterable[str]) -> None:
        """Something may be new of these."""
        self._new.update(executions)

    def mark_flood(self, execution: str) -> None:
        """There is more to read of this one; it is the last in line."""
        self._floods[execution] = None

    def take(self) -> dict[str, int]:
        """Those whose turn it is, with the bytes that each may read."""
        floods = list(islice(self._floods, MOST_FLOODS))
        for execution in floods:
            del self._floods[execution]
        new = self._new.difference(self._floods)
        self._new = set()
        turn = dict.fromkeys(new, READ_BYTES)
        return turn | dict.fromkeys(floods, READ_BYTES // max(1, len(floods)))

    def forget(self, execution: str) -> None:
        """This one is over."""
        self._new.discard(execution)
        self._floods.pop(execution, None)
