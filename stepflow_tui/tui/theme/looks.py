"""How parts of what a widget draws look: names for the colours of the theme that they take.

The style sheet could say it. But for each part of each widget Textual makes a node and holds it
against every rule, which is a sixth of the time until the first screen stands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from rich.style import Style
from textual.color import Color

from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.widget import Widget


class Look(Struct, frozen=True):
    """How a part looks.

    Attributes:
        colour: the theme's variable for its text; empty for that of what it stands on.
        ground: the variable for its background; empty likewise.
        style: such as `bold`.
        colourless: the style in place of that, if there is one, where the terminal's own colours
            are taken: what is told by a colour alone must still stand out.
    """

    colour: str = ""
    ground: str = ""
    style: str = ""
    colourless: str = ""


LOOKS: Mapping[str, Look] = {
    "rows--cursor": Look(ground="cursor", colourless="reverse"),
    "rows--cursor-blurred": Look(ground="cursor-blurred", colourless="underline"),
    "rows--dim": Look("dim"),
    "rows--faint": Look("faint"),
    "rows--chosen": Look("accent"),
    "rows--strong": Look(style="bold"),
    **{f"status--{status}": Look(f"status-{status}") for status in Status},
    "log--cursor": Look(ground="cursor", colourless="reverse"),
    "log--cursor-blurred": Look(ground="cursor-blurred", colourless="underline"),
    "log--marker": Look("faint"),
    "log--step": Look("accent", style="bold"),
    "log--match": Look("match-text", "match", colourless="reverse"),
    "log--after-end": Look("warning"),
    "log--prefix": Look("faint"),
    "log--error": Look("error"),
    "log--warning": Look("warning"),
    "line--dim": Look("dim"),
    "line--faint": Look("faint"),
    "line--key": Look("primary"),
    "line--strong": Look(style="bold"),
    "line--good": Look("success"),
    "line--bad": Look("error"),
    "line--busy": Look("status-running"),
    "line--warning": Look("warning"),
    "gauge--title": Look("dim"),
    "gauge--value": Look(style="bold"),
    "gauge--note": Look("faint"),
    "gauge--plot": Look("line-focus"),
    "gauge--zero": Look("line"),
    "gauge--strained": Look("warning"),
    "trees--bar": Look("line-focus"),
    "preview--name": Look("primary"),
    "preview--string": Look("success"),
    "preview--number": Look("warning"),
    "preview--word": Look("accent"),
}


class Looks:
    """The looks of a widget's parts as styles, made when they are first asked for."""

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._styles: dict[str, Style] = {"": Style.null()}

    def of(self, name: str) -> Style:
        """The style for this name of `LOOKS`, to be added to that of what stands around it."""
        style = self._styles.get(name)
        if style is None:
            app = self._widget.app
            style = _style(LOOKS[name], app.theme_variables, is_colourless=app.native_ansi_color)
            self._styles[name] = style
        return style

    def forget(self) -> None:
        """The theme is another."""
        self._styles = {"": Style.null()}


def _style(look: Look, colours: Mapping[str, str], *, is_colourless: bool) -> Style:
    text, ground = colours.get(look.colour), colours.get(look.ground)
    style = Style.parse((is_colourless and look.colourless) or look.style)
    return style + Style(
        color=None if text is None else Color.parse(text).rich_color,
        bgcolor=None if ground is None else Color.parse(ground).rich_color,
    )
