"""Moving in the log by keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.tui.widgets.log.pane import LogPane

if TYPE_CHECKING:
    from textual.scrollbar import ScrollDown, ScrollUp


class LogMotion(LogPane):
    """Moves by lines, pages and steps, and to the side."""

    @property
    def is_held(self) -> bool:
        """Whether the end must not be followed now."""
        return False

    def action_cursor_down(self) -> None:
        """One line down; behind the last one we follow."""
        below = self.view.lines.after(self.cursor + 1)
        if below is not None:
            self._move_cursor(below)
        elif not self.is_held:
            self.resume()

    def action_cursor_up(self) -> None:
        """One line up."""
        self.follow = False
        above = self.view.lines.before(self.cursor - 1)
        self._move_cursor(self.cursor if above is None else above)

    def action_half_page_down(self) -> None:
        """Half a view down."""
        self._page(max(1, self.height // 2))

    def action_half_page_up(self) -> None:
        """Half a view up."""
        self._page(-max(1, self.height // 2))

    def action_page_down(self) -> None:
        """A view down."""
        self._page(max(1, self.height - 1))

    def action_page_up(self) -> None:
        """A view up."""
        self._page(-max(1, self.height - 1))

    def on_scroll_up(self, message: ScrollUp) -> None:
        """A click above the thumb of the scroll bar."""
        message.prevent_default().stop()
        self.action_page_up()

    def on_scroll_down(self, message: ScrollDown) -> None:
        """A click below the thumb of the scroll bar."""
        message.prevent_default().stop()
        self.action_page_down()

    def _page(self, rows: int) -> None:
        """Scroll, with the cursor in its row of the view."""
        y = self._cursor_y
        if self._scroll_rows(rows):
            places = [line for line, _ in self.view.rows()]
            self.cursor = places[min(y, len(places) - 1)] if places else 0
            self._settle()
        elif rows > 0:
            self.action_last()
        else:
            self._move_cursor(0)

    def action_first(self) -> None:
        """To the first line."""
        self.jump(0, above=0)

    def action_last(self) -> None:
        """To the last line, and follow, unless lines are being selected."""
        if self.is_held:
            self._move_cursor(self.view.count - 1)
        else:
            self.resume()

    def action_sideways(self, cells: int) -> None:
        """Scroll to the side, as far as the longest line in view goes."""
        look = self._painter.look
        lengths = (
            self._painter.strip(row.text, self.palette, row.heading).cell_length
            for row in self._rows
            if row.text is not None
        )
        room = self._painter.room
        furthest = max(look.shift if cells > 0 else 0, max(lengths, default=0) - room)
        shift = 0 if look.wrap else max(0, min(look.shift + cells, furthest))
        if shift != look.shift:
            look.shift = shift
            self._painter.forget_rows()
            self.refresh()

    def action_next_step(self) -> None:
        """To the next heading of a step."""
        self._to_step(self.folds.following(self.cursor), "no step begins below")

    def action_previous_step(self) -> None:
        """To the heading of this step, or of the one before."""
        self._to_step(self.folds.preceding(self.cursor), "no step begins above")

    def _to_step(self, line: int | None, otherwise: str) -> None:
        if line is None:
            self.notify(otherwise, markup=False)
        else:
            self.jump(line, above=1)
