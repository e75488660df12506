"""Closing a screen once, however often one is asked to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.await_complete import AwaitComplete

if TYPE_CHECKING:
    from textual.screen import Screen

    Base = Screen[Any]
else:
    Base = object  # Textual looks for styles at the first base that is a widget


class ClosesOnce(Base):
    """Mixin of the screens over the main one.

    Textual closes what is on top, whoever asks: a key pressed twice in quick succession would close
    the screen below as well, or end the dashboard if there is none.
    """

    def dismiss(self, result: Any = None) -> AwaitComplete:  # noqa: ANN401 - as Textual
        """Close it with this result, unless it is closed already or lies below another one."""
        if self.is_active:
            return super().dismiss(result)
        nothing: AwaitComplete = AwaitComplete.nothing()  # type: ignore[no-untyped-call]
        return nothing
