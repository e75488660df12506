"""The log under the mouse: wheel, clicks, the scroll bar, and text that is marked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.messages import LogMoved
from stepflow_tui.tui.widgets.log.folding import LogFolding
from stepflow_tui.tui.widgets.log.motion import LogMotion
from stepflow_tui.tui.widgets.log.painter import GUTTER

if TYPE_CHECKING:
    from textual import events
    from textual.scrollbar import ScrollTo
    from textual.selection import Selection

WHEEL_ROWS = 3
SIDEWAYS = 8
_MAX_SELECTED = 20_000


class LogMouse(LogMotion, LogFolding):
    """Moves and marks with the mouse."""

    def _wheel(self, rows: int) -> None:
        if not self._scroll_rows(rows) and rows > 0:
            self.resume()
            return
        self._take_cursor_along()

    def _take_cursor_along(self) -> None:
        """Keep the cursor among the lines in view."""
        lines = [line for line, _ in self.view.rows()]
        if lines:
            self.cursor = max(lines[0], min(self.cursor, lines[-1]))
        self._settle()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down, or with shift to the right."""
        event.prevent_default().stop()
        if event.shift or event.ctrl:
            self.action_sideways(SIDEWAYS)
        else:
            self._wheel(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up, or with shift to the left."""
        event.prevent_default().stop()
        if event.shift or event.ctrl:
            self.action_sideways(-SIDEWAYS)
        else:
            self._wheel(-WHEEL_ROWS)

    def on_scroll_to(self, message: ScrollTo) -> None:
        """The scroll bar was dragged."""
        message.prevent_default().stop()
        if message.y is not None:
            self.follow = False
            self.view.put(self.view.lines.at(round(message.y)))
            self._take_cursor_along()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line under the mouse; on the mark of a heading, fold it too."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y >= len(self._rows) or self.text_selection is not None:
            return
        row = self._rows[offset.y]
        self.follow = False
        self._move_cursor(row.line)
        mark = range(GUTTER + self._painter.look.timestamps.value + 2)
        if row.heading is not None and offset.x in mark:
            self.fold(row.line)

    def selection_updated(self, selection: Selection | None) -> None:
        """Nothing moves while text is being marked."""
        if selection is not None:
            self.follow = False
            self.repaint()
            self.post_message(LogMoved())
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The marked text, as far as it is in memory, and what ends it."""
        lines = self.view.lines
        index = lines.after(selection.start.y if selection.start else 0)
        last = selection.end.y if selection.end else self.view.count - 1
        texts: list[str] = []
        while index is not None and index <= last and len(texts) < _MAX_SELECTED:
            span, line = selection.get_span(index), self._line(index)
            if span is not None and line is not None:
                text = self._painter.strip(line, self.palette, self._heading(index)).text
                texts.append(text[span[0] : None if span[1] == -1 else span[1]])
            index = lines.after(index + 1)
        return "\n".join(texts), "\n"
