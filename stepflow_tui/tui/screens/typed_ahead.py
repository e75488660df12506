"""Text that comes before there is a line for it: typed ahead, or in one go over a slow connection.

What one types for a dialog must never be taken for commands: `s` and `rm x` are text, not a re-run.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from textual import events
from textual.screen import ModalScreen
from textual.widgets import Input, TextArea

from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.once import ClosesOnce

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from textual.binding import BindingType
    from textual.widget import Widget

T = TypeVar("T")


class TakesText(ClosesOnce, ModalScreen[T], Generic[T]):
    """Base of dialogs in which one types at once: keeps what comes before there is a line."""

    AUTO_FOCUS = ""
    _ahead: str | None = ""
    """What was typed so far; None as soon as it stands in the line."""

    def _forward_event(self, event: events.Event) -> None:
        # Here and not in `on_key`, which comes a turn later, when newer keys are in the line.
        if self._ahead is None or not isinstance(event, events.Key) or not event.is_printable:
            super()._forward_event(event)
        else:
            self._ahead += event.character or ""

    def type_ahead(self, text: str) -> None:
        """Have this typed, before it is shown."""
        self._ahead = text

    def begin_typing(self, line: Widget) -> None:
        """Put into the line what was typed already, and let the user go on there."""
        ahead, self._ahead = self._ahead, None
        if ahead and isinstance(line, Input):
            line.insert_text_at_cursor(ahead)
        elif ahead and isinstance(line, TextArea):
            line.insert(ahead)
        self.set_focus(line)


class KeyKeeper(TakesText[None]):
    """Nothing to be seen: keeps the keys while a dialog is made ready.

    As a context manager it takes them only until the end of the block.
    """

    DEFAULT_CSS = """
    KeyKeeper {
        background: transparent;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.CLOSE)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._let_go()

    def _let_go(self) -> bool:
        """Keep no more keys; False if the user did not want to wait."""
        held = self.app.screen is self
        if held:
            self.app.pop_screen()
        return held

    async def ask(self, dialog: TakesText[T]) -> T | None:
        """Hand over to a dialog what was typed, and wait for what it gives."""
        if not self._let_go():
            return None
        dialog.type_ahead(self._ahead or "")
        # Not `push_screen_wait`, which gives others a turn before the dialog can take keys.
        return await asyncio.shield(self.app.push_screen(dialog, wait_for_dismiss=True))

    def action_close(self) -> None:
        """Do not wait."""
        self._let_go()
