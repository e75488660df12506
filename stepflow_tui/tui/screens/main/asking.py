"""Asking the user something, one thing at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from stepflow_tui.tui.screens.main.monitor import Monitor

if TYPE_CHECKING:
    from textual.screen import Screen

T = TypeVar("T")


class Asking(Monitor):
    """Opens what had to be made ready first, unless another key has opened something meanwhile."""

    async def _ask(self, screen: Screen[T]) -> T | None:
        """What the screen gives; None if it was not opened."""
        if not self.is_active:
            return None
        # Not `push_screen_wait`, in which something else could still come first.
        return await asyncio.shield(self.app.push_screen(screen, wait_for_dismiss=True))
