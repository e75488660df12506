"""The log of the selected execution: of any length, read and drawn only where it is in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip

from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log_line import Palette
from stepflow_tui.tui.messages import LogMoved, Wanted
from stepflow_tui.tui.viewport import Viewport
from stepflow_tui.tui.widgets.log_painter import LogPainter
from stepflow_tui.tui.widgets.pane import Pane

if TYPE_CHECKING:
    import re

    from textual import events
    from textual.binding import BindingType
    from textual.scrollbar import ScrollDown, ScrollTo, ScrollUp
    from textual.selection import Selection

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.chunks import LogLine
    from stepflow_tui.tui.log_source import LogPages

WHEEL_ROWS = 3
_SIDEWAYS = 8
_MAX_SELECTED = 20_000


class LogView(Pane):
    """Shows a log and follows it while it grows.

    Attributes:
        view: which part of the log is in view.
        follow: the last lines stay in view; else nothing that is being read ever moves.
        cursor: 0-based index of the current line.
        seen: lines up to the last one that ever was in view.
    """

    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [*keymap.MOVE.bindings, *keymap.SIDEWAYS.bindings]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "log--cursor",
        "log--cursor-blurred",
        "log--marker",
        "log--step",
        "log--match",
        "log--after-end",
        "log--prefix",
    }

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.border_title = "Log"
        self._log: LogPages | None = None
        self._painter = LogPainter()
        self._palette: Palette | None = None
        self._layout: list[tuple[int, int]] = []
        self._painted: list[object] = []
        self._reveal_when_read = False
        self._asked_for: tuple[int, int, int] | None = None
        self.view = Viewport(self._rows_of)
        self.follow = True
        self.cursor = 0
        self.seen = 0

    # What is shown

    @property
    def wanted_lines(self) -> range:
        """The lines in view, or that would be if they were read."""
        return range(self.view.top, self.view.top + max(1, self.height))

    @property
    def current(self) -> LogLine | None:
        """The line at the cursor; None if there is none."""
        return self._line(self.cursor)

    def show(self, log: LogPages | None, execution: Execution | None) -> None:
        """Show what has been read of the log by now."""
        if log is not self._log:
            self._turn_to(log)
        self._note(execution)
        self.view.count = 0 if log is None else log.line_count
        self._settle()

    def _turn_to(self, log: LogPages | None) -> None:
        self._log = log
        self._painter.forget()
        self._painter.look.shift = 0
        self.cursor = self.seen = self.view.top = self.view.skip = 0
        self.follow = True
        self._painted.clear()

    def _note(self, execution: Execution | None) -> None:
        before, self._painter.execution = self._painter.execution, execution
        if execution is None:
            self.border_title = "Log"
            return
        if before is None or (before.id, before.status) != (execution.id, execution.status):
            self.border_title = _title(execution)
        if before is not None and before.end_line != execution.end_line:
            self.restyle()

    def _settle(self) -> None:
        """Bring view, scroll bar and screen in line with where we want to be."""
        if self.follow:
            self.view.to_end()
            self.cursor = max(0, self.view.count - 1)
        elif self._reveal_when_read and self._is_read():
            self._reveal_when_read = False
            self.view.reveal(self.cursor)
        end_line, end_row = self.view.end
        self.set_extent(end_line + bool(end_row) + self.height)
        self.place(self.view.top)
        wanted = (self.view.top, self.view.count, self.height)
        if self._is_read() or wanted == self._asked_for:  # asked in vain: the log has a hole
            self.repaint()
        else:
            self._asked_for = wanted
            self.post_message(Wanted())  # what was in view stays until the new lines are there
        self.seen = max(self.seen, self.view.bottom)
        self.post_message(LogMoved())

    def _line(self, index: int) -> LogLine | None:
        return None if self._log is None else self._log.line(index)

    def _is_read(self) -> bool:
        lines = (self._line(line) for line, _ in self.view.rows())
        return all(line is not None for line in lines)

    def _rows_of(self, index: int) -> int:
        line = self._line(index) if self._painter.look.wrap else None
        return 1 if line is None else len(self._painter.starts(line, self.palette))

    # Drawing

    @property
    def palette(self) -> Palette:
        """The styles of the style sheet."""
        if self._palette is None:
            self._palette = Palette(
                marker=self.look("log--marker"),
                step=self.look("log--step"),
                match=self.look("log--match"),
                after_end=self.look("log--after-end"),
                prefix=self.look("log--prefix"),
                selection=self.screen.get_component_rich_style("screen--selection", partial=True),
            )
        return self._palette

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        super().notify_style_update()
        self._palette = None
        self._painter.forget()

    def restyle(self) -> None:
        """Draw everything anew, rows that nothing stands in any more included."""
        self._painter.forget()
        self._painted.clear()
        self.refresh()

    def repaint(self) -> None:
        """Draw the rows that have changed, and nothing else."""
        self._layout = list(self.view.rows())
        rows = [(line, row, self._line(line), line == self.cursor) for line, row in self._layout]
        before, self._painted = self._painted, list(rows)
        size = max(len(before), len(rows))
        changed = [y for y in range(size) if before[y : y + 1] != self._painted[y : y + 1]]
        if changed:
            height = changed[-1] - changed[0] + 1
            self.refresh(Region(0, changed[0], self.size.width, height))

    def render_line(self, y: int) -> Strip:
        """One row of the view."""
        if (self.view.height, self._painter.look.width) != (self.height, self.width):
            self._fit()
        base = self.base
        index, row = self._layout[y] if y < len(self._layout) else (-1, 0)
        line = self._line(index) if index >= 0 else None
        if line is None:
            return self._blank(y)
        if index == self.cursor and (self.has_focus or not self.follow):
            base += self.look("log--cursor" if self.has_focus else "log--cursor-blurred")
        strip = self._painter.row(line, row, self.palette, self.text_selection)
        return strip.apply_style(base)

    def _blank(self, y: int) -> Strip:
        execution, base = self._painter.execution, self.base
        if y != 0 or self.view.count or execution is None:
            return Strip.blank(self.width, base)
        text = "no output" if execution.status.is_final else "no output yet"
        hint = Segment(text, base + self.look("log--prefix"))
        return Strip([hint]).adjust_cell_length(self.width, base)

    # Moving

    def jump(self, line: int, *, above: int) -> None:
        """Go to a line, with some lines above it in view, and stay there."""
        self.follow = False
        self.cursor = max(0, min(line, self.view.count - 1))
        self.view.put(max(0, self.cursor - above))
        self.view.reveal(self.cursor)
        self._reveal_when_read = True
        self._settle()

    def resume(self) -> None:
        """Go to the end and follow it."""
        self.follow = True
        self._settle()

    def _move_cursor(self, line: int) -> None:
        self.cursor = max(0, min(line, self.view.count - 1))
        self.view.reveal(self.cursor)
        self._settle()

    def _scroll_rows(self, rows: int) -> bool:
        """Scroll the view; False if it was at the end already."""
        before = (self.view.top, self.view.skip)
        if rows < 0:
            self.follow = False
        self.view.scroll(rows)
        return before != (self.view.top, self.view.skip)

    def _page(self, rows: int) -> None:
        """Scroll, with the cursor in its row of the view."""
        places = [line for line, _ in self._layout]
        y = places.index(self.cursor) if self.cursor in places else 0
        if self._scroll_rows(rows):
            places = [line for line, _ in self.view.rows()]
            self.cursor = places[min(y, len(places) - 1)] if places else 0
            self._settle()
        elif rows > 0:
            self.resume()
        else:
            self._move_cursor(0)

    def _wheel(self, rows: int) -> None:
        if not self._scroll_rows(rows) and rows > 0:
            self.resume()
            return
        self.cursor = max(self.view.top, min(self.cursor, self.view.bottom - 1))
        self._settle()

    def on_scroll_to(self, message: ScrollTo) -> None:
        """The scroll bar was dragged."""
        message.prevent_default().stop()
        if message.y is not None:
            self.follow = False
            self.view.put(round(message.y))
            self.cursor = max(self.view.top, min(self.cursor, self.view.bottom - 1))
            self._settle()

    def on_scroll_up(self, message: ScrollUp) -> None:
        """A click above the thumb of the scroll bar."""
        message.prevent_default().stop()
        self.action_page_up()

    def on_scroll_down(self, message: ScrollDown) -> None:
        """A click below the thumb of the scroll bar."""
        message.prevent_default().stop()
        self.action_page_down()

    def on_resize(self) -> None:
        """Keep the place in a view of another size."""
        self._fit()
        self._settle()

    def _fit(self) -> None:
        self.view.height = self.height
        if self._painter.look.width != self.width:
            self._painter.look.width = self.width
            self._painter.forget()
        if self.follow:
            self.view.to_end()
        else:
            self.view.clamp()
        self._painted.clear()
        self._layout = list(self.view.rows())

    def on_focus(self) -> None:
        """The cursor is drawn differently."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is drawn differently."""
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line under the mouse."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.y < len(self._layout) and self.text_selection is None:
            self.follow = False
            self._move_cursor(self._layout[offset.y][0])

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down, or with shift to the right."""
        event.prevent_default().stop()
        if event.shift or event.ctrl:
            self.action_sideways(_SIDEWAYS)
        else:
            self._wheel(WHEEL_ROWS)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up, or with shift to the left."""
        event.prevent_default().stop()
        if event.shift or event.ctrl:
            self.action_sideways(-_SIDEWAYS)
        else:
            self._wheel(-WHEEL_ROWS)

    # Text that is marked with the mouse

    def selection_updated(self, selection: Selection | None) -> None:
        """Nothing moves while text is being marked."""
        if selection is not None:
            self.follow = False
            self.post_message(LogMoved())
        self.refresh()

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The marked text, as far as it is in memory, and what ends it."""
        first = selection.start.y if selection.start else 0
        last = selection.end.y if selection.end else self.view.count - 1
        texts = []
        for index in range(first, min(last, first + _MAX_SELECTED) + 1):
            span, line = selection.get_span(index), self._line(index)
            if span is not None and line is not None:
                text = self._painter.strip(line, self.palette).text
                texts.append(text[span[0] : None if span[1] == -1 else span[1]])
        return "\n".join(texts), "\n"

    # Keys

    def set_pattern(self, pattern: re.Pattern[str] | None) -> None:
        """Highlight what this matches."""
        self._painter.look.pattern = pattern
        self.restyle()
        self._settle()

    def action_cursor_down(self) -> None:
        """One line down; behind the last one we follow."""
        if self.cursor >= self.view.count - 1:
            self.resume()
        else:
            self._move_cursor(self.cursor + 1)

    def action_cursor_up(self) -> None:
        """One line up."""
        self.follow = False
        self._move_cursor(self.cursor - 1)

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

    def action_first(self) -> None:
        """To the first line."""
        self.jump(0, above=0)

    def action_last(self) -> None:
        """To the last line, and follow."""
        self.resume()

    def action_sideways(self, cells: int) -> None:
        """Scroll to the side, as far as the longest line in view goes."""
        look = self._painter.look
        lines = [line for index, _ in self._layout if (line := self._line(index)) is not None]
        longest = max(
            (self._painter.strip(line, self.palette).cell_length for line in lines), default=0
        )
        furthest = max(look.shift if cells > 0 else 0, longest - self.width + look.timestamps.value)
        look.shift = 0 if look.wrap else max(0, min(look.shift + cells, furthest))
        self.refresh()

    def toggle_wrap(self) -> bool:
        """Wrap long lines, or cut them; returns which."""
        look = self._painter.look
        look.wrap, look.shift = not look.wrap, 0
        self.view.skip = 0
        self.restyle()
        self._reveal_when_read = not self.follow
        self._settle()
        return look.wrap

    def cycle_timestamps(self) -> None:
        """Turn to the next kind of timestamps."""
        self._painter.look.timestamps = self._painter.look.timestamps.next
        self.restyle()
        self._settle()


def _title(execution: Execution) -> Content:
    status = execution.status
    return Content.assemble(
        f"#{execution.number} {clean_line(execution.name)}  ",
        (f"{GLYPHS[status]} {status.word}", f"$status-{status}"),
    )
