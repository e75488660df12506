"""What the list of executions shows, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.filters import ALL
from stepflow_tui.store.listing import NEWEST_FIRST

if TYPE_CHECKING:
    from stepflow_tui.core.filters import Filter
    from stepflow_tui.store.listing import Order


class View(Struct, frozen=True):
    """A choice of executions, and their arrangement.

    Attributes:
        grouped: a row for each name, else for each execution.
    """

    wanted: Filter = ALL
    order: Order = NEWEST_FIRST
    grouped: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it is all executions, the newest first."""
        return self == PLAIN


PLAIN = View()
