"""A line above the status that opens when there is something to type."""

from __future__ import annotations

from textual.containers import Horizontal

_BELOW = 2
"""Lines that always stand at the bottom of a screen: how things stand, and the keys."""


class Bar(Horizontal):
    """Base of these lines. What the user is told stands above those that are open."""

    @property
    def is_open(self) -> bool:
        """Whether it is to be seen."""
        return self.has_class("-open")

    def be_open(self, *, is_open: bool) -> None:
        """Come into sight, or go out of it."""
        self.set_class(is_open, "-open")
        bars = len(self.screen.query("Bar.-open"))
        for told in self.screen.query("ToastRack"):
            told.styles.margin = (0, 0, _BELOW + bars, 0)
