"""A sheet over the screen with something to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.once import ClosesOnce
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from textual.app import ComposeResult
    from textual.binding import BindingType


class _Page(VerticalScroll):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False, id="stepflow.sheet.down"),
        Binding("k", "scroll_up", show=False, id="stepflow.sheet.up"),
        Binding("ctrl+d,space", "page_down", show=False, id="stepflow.sheet.page_down"),
        Binding("ctrl+u,b", "page_up", show=False, id="stepflow.sheet.page_up"),
        Binding("g", "scroll_home", show=False, id="stepflow.sheet.first"),
        Binding("G", "scroll_end", show=False, id="stepflow.sheet.last"),
    ]


class Sheet(ClosesOnce, ModalScreen[None]):
    """Shows a text until a key sends it away."""

    CSS_PATH = "sheet.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(keymap.CLOSE)

    def __init__(self, title: str, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._title = title

    def text(self) -> RenderableType:
        """What there is to read."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The text in a frame, and the key that closes it."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = Content(self._title)
            with _Page():
                yield Static(self.text(), id="sheet-text", markup=False)
            yield Line(id="sheet-keys")

    def on_mount(self) -> None:
        """Say how to leave."""
        keys = [(" esc", "line--key"), (" close  ", "line--dim"), ("j k", "line--key")]
        self.query_one(Line).set_parts([*keys, (" scroll", "line--dim")])

    def show_anew(self) -> None:
        """There is something else to read."""
        self.query_one("#sheet-text", Static).update(self.text())

    def action_close(self) -> None:
        """Back to what was there before."""
        self.dismiss()


def colour_of(variables: Mapping[str, str], name: str) -> str:
    """A colour of the theme as Rich writes it; empty where the terminal's own is taken."""
    colour = variables.get(name, "")
    return colour if colour.startswith("#") else ""
