"""Keys that act in the order in which they were typed, however many come at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import events

if TYPE_CHECKING:
    from textual.screen import Screen
    from textual.widget import Widget
else:
    Widget = object  # Textual looks for styles at the first base that is a widget


class InOrder(Widget):
    """Mixin of that in which one types.

    Textual takes in text at once, but has a key such as backspace go up to the app first: of what
    comes in one go over a slow line, all text would stand there before any of it is mended.
    """

    async def _on_key(self, event: events.Key) -> None:
        if self._is_left:
            self.app.post_message(events.Key(event.key, event.character))
        elif event.is_printable or not await self._acts_on(event.key):
            return
        event.stop()
        event.prevent_default()

    @property
    def _is_left(self) -> bool:
        """Whether a key before this one has led away from here: this one is meant for others."""
        screen: Screen[object] = self.screen
        return screen.focused is not self or self.app.screen is not screen

    async def _acts_on(self, key: str) -> bool:
        active = self.screen.active_bindings.get(key)
        if active is None or active.node is not self:
            return False
        return await self.app.run_action(active.binding.action, self)
