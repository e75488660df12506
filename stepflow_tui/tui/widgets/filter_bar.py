"""The line in which one types which executions to list."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.binding import Binding
from textual.widgets import Input, Static

from stepflow_tui.core.filters import complete
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import fit
from stepflow_tui.tui.messages import FilterChanged, FilterClosed
from stepflow_tui.tui.widgets.bar import Bar
from stepflow_tui.tui.widgets.line import Line
from stepflow_tui.tui.widgets.one_line import OneLine

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from stepflow_tui.core.filters import Completion, Key


_SHARE, _SHARE_OF_PROBLEM = 60, 80
"""Percent of the line for what came of the filter, and for what is wrong with it."""


class _Text(OneLine):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete(1)", show=False, id="stepflow.filter.complete"),
        Binding("shift+tab", "complete(-1)", show=False, id="stepflow.filter.complete_back"),
        Binding("escape", "clear", show=False, id="stepflow.filter.clear"),
    ]

    def action_complete(self, by: int) -> None:
        """Put the next candidate, or the one before, at the cursor."""
        self._bar.complete(by)

    def action_clear(self) -> None:
        """List all again."""
        self._bar.post_message(FilterClosed())

    @property
    def _bar(self) -> FilterBar:
        assert isinstance(self.parent, FilterBar)  # noqa: S101 - it is made nowhere else
        return self.parent

    async def action_submit(self) -> None:
        """Let go of the keys at once: those that were typed ahead are commands again."""
        self.screen.set_focus(None)
        await super().action_submit()


class FilterBar(Bar):
    """Shown while a filter is typed, or holds.

    Attributes:
        known: tags, names and users that can be completed.
    """

    DEFAULT_CSS = """
    FilterBar {
        display: none;
        height: 1;
        &.-open { display: block; }
        #filter-mark { width: auto; padding: 0 1; }
        #filter-text { width: 1fr; }
        #filter-result { width: auto; }
    }
    """

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.known: Mapping[Key, Sequence[str]] = {}
        self._completion: Completion | None = None
        self._choice = -1
        self._completed = ""
        self._before = ""
        """What stood here when the candidates were found."""

    def content(self) -> ComposeResult:
        """What it is, the text, and what came of it."""
        yield Static("filter", id="filter-mark")
        yield _Text("", id="filter-text")
        yield Line(id="filter-result")

    @property
    def input(self) -> Input:
        """Where the text is typed."""
        return self.part("filter-text", _Text)

    def open(self, text: str | None = None) -> None:
        """Let the user type; a text takes the place of what stands there."""
        self.be_open(is_open=True)
        if text is not None:
            self.fill(text)
        self.screen.set_focus(self.input)  # at once: the next keys are text, not commands

    def fill(self, text: str) -> None:
        """Show a filter that was not typed."""
        self.be_open(is_open=True)
        with self.prevent(Input.Changed):
            self.input.value = text
            self.input.cursor_position = len(text)

    def close(self) -> None:
        """Go out of sight."""
        self.be_open(is_open=False)
        with self.prevent(Input.Changed):
            self.input.value = ""
        self.say("")

    def say(self, text: str, *, bad: bool = False) -> None:
        """Tell what came of the filter."""
        room = self.size.width * (_SHARE_OF_PROBLEM if bad else _SHARE) // 100
        shown = clean_line(text)
        if room > 1 and cell_len(shown) > room - 1:
            shown = fit(shown, room - 1)
        line = self.part("filter-result", Line)
        line.styles.width = cell_len(shown) + 1
        line.set_parts([], [(shown, "line--warning" if bad else "line--dim"), (" ", "")])

    def complete(self, by: int) -> None:
        """Put a candidate in the place of what stands before the cursor; again, the next one."""
        field = self.input
        if self._completion is None or field.value != self._completed:
            self._before = field.value
            self._completion = complete(field.value, field.cursor_position, self.known)
            self._choice = -1 if by > 0 else 0
        found = self._completion
        if not found.candidates:
            self._completion = None
            self.app.bell()
            return
        self._choice = (self._choice + by) % len(found.candidates)
        text, cursor = found.apply(self._before, self._choice)
        self._completed = text
        if len(found.candidates) == 1:
            self._completion = None  # there is nothing to go round; go on from here
        field.value = text
        field.cursor_position = cursor

    def candidates(self, width: int) -> str:
        """What tab would put at the cursor: the first ones, as many as fit into so many cells."""
        field = self.input
        found = complete(field.value, field.cursor_position, self.known).candidates
        shown = ""
        for candidate in map(clean_line, found):
            longer = f"{shown} {candidate}" if shown else candidate
            if cell_len(longer) > width:
                break
            shown = longer
        return shown

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        event.stop()
        self.post_message(FilterChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go to the list."""
        event.stop()
        self.post_message(FilterChanged(event.value, entered=True))
