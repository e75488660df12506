"""A sheet with the JSON that stands in a line of the log, indented and coloured."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text

from stepflow_tui.core.text import clean
from stepflow_tui.tui import keymap
from stepflow_tui.tui.screens.sheet import Sheet, colour_of
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType
    from textual.binding import BindingType

_BEGIN = re.compile(r"[{\[]")
_TRIES = 50
_TOKEN = re.compile(
    r'(?P<name>"(?:[^"\\]|\\.)*"(?=:))|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null|NaN|-?Infinity)"
)
_COLOURS = {"name": "primary", "text": "success", "number": "warning", "word": "accent"}


def json_in(line: str) -> str | None:
    """The first object or array that stands in the line, indented; None if there is none."""
    decoder = json.JSONDecoder()
    for _, begin in zip(range(_TRIES), _BEGIN.finditer(line), strict=False):
        try:
            value, _ = decoder.raw_decode(line, begin.start())
        except (ValueError, RecursionError):
            continue
        if value:
            return json.dumps(value, indent=2, ensure_ascii=False)
    return None


class Pretty(Sheet):
    """Shows JSON until a key sends it away."""

    BINDINGS: ClassVar[list[BindingType]] = [
        keymap.key("y", "copy", "copy", "y"),
        keymap.key("J", "close", "close", "J"),
    ]

    def __init__(self, title: str, text: str) -> None:
        """Makes the sheet.

        Args:
            title: where it comes from.
            text: the JSON, indented.
        """
        super().__init__(title, id="pretty")
        self._text = "\n".join(map(clean, text.split("\n")))

    def text(self) -> RenderableType:
        """The JSON in colours."""
        return coloured(self._text, self.app.theme_variables)

    def on_mount(self) -> None:
        """Say what the keys do, in place of what every sheet says."""
        self.call_next(self._say_keys)

    def _say_keys(self) -> None:
        parts = [("y", "copy"), ("esc", "close"), ("j k", "scroll")]
        self.query_one(Line).set_parts(
            [
                part
                for keys, does in parts
                for part in ((f" {keys}", "line--key"), (f" {does} ", "line--dim"))
            ]
        )

    def action_copy(self) -> None:
        """Copy all of it."""
        self.app.copy_to_clipboard(self._text)
        size = len(self._text)
        self.notify(f"sent {size:,} characters to the terminal's clipboard", markup=False)


def coloured(text: str, variables: Mapping[str, str]) -> Text:
    """JSON with a colour for each kind of token."""
    shown = Text(text)
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or "text"
        colour = colour_of(variables, _COLOURS[kind])
        if colour:
            shown.stylize(colour, *match.span())
    return shown
