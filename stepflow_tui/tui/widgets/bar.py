"""A line above the status that opens when there is something to type."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from textual.containers import Horizontal
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.app import ComposeResult

W = TypeVar("W", bound=Widget)

_BELOW = 2
"""Lines that always stand at the bottom of a screen: how things stand, and the keys."""


class Bar(Horizontal):
    """Base of these lines. What the user is told stands above those that are open.

    What stands in it is made behind the first frame, or when somebody is in a hurry.
    """

    def content(self) -> ComposeResult:
        """What stands in it."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """The first frame does not wait for what is out of sight."""
        self.call_after_refresh(self._fill_in)

    def _fill_in(self) -> None:
        if not self.children:
            self.mount_all(self.content())

    def part(self, name: str, kind: type[W]) -> W:
        """What stands in it by this id."""
        self._fill_in()
        return self.query_one(f"#{name}", kind)

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
