"""An app without a terminal that a test types at, reads and waits for."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from textual.app import App

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

A = TypeVar("A", bound=App[Any])

PATIENCE_S = 20.0
_POLL_S = 0.002


async def until(holds: Callable[[], object], found: Callable[[], str] = str) -> None:
    """Wait until this holds, and no longer: the app may still be at work.

    Raises:
        TimeoutError: it never did; the text is what `found` says.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(found())
        await asyncio.sleep(_POLL_S)


class Driven(Generic[A]):
    """The running app with what any test needs of it."""

    def __init__(self, app: A, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """What stands on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join(strip.text.rstrip() for strip in strips)

    @property
    def messages(self) -> list[str]:
        """What the user was told, oldest first."""
        return [notification.message for notification in self.app._notifications]

    @property
    def focus(self) -> str | None:
        """The id of what has the focus."""
        return self.app.screen.focused.id if self.app.screen.focused else None

    async def press(self, *keys: str) -> None:
        """Type."""
        await self.pilot.press(*keys)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until this holds, and the app has done what follows from it.

        Raises:
            TimeoutError: it never did; the text is what stands on the screen, and what was told.
        """
        await until(holds, lambda: f"{self.text}\n{self.messages}")
        await self.pilot.pause()

    async def until_text(self, *texts: str) -> None:
        """Wait until all these stand on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def until_told(self, text: str) -> None:
        """Wait until the last thing that the user was told is this."""
        await self.until(lambda: self.messages[-1:] == [text])
