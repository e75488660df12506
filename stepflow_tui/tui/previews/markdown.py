"""Markdown as a page of text."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, ClassVar

from rich.console import Console
from rich.markdown import Heading, Markdown
from rich.theme import Theme
from textual.strip import Strip

from stepflow_tui.core.text import clean
from stepflow_tui.tui.previews.page import MAX_ROWS, Page

if TYPE_CHECKING:
    from rich.console import JustifyMethod
    from rich.markdown import MarkdownElement

    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Frame, Looks

RENDERED = 100_000
"""Bytes that are laid out; more would take seconds."""

_NARROWEST, _WIDEST = 20, 100
_STYLES = {
    "markdown.h1": "bold underline",
    "markdown.h2": "bold",
    "markdown.h3": "bold",
    "markdown.h4": "bold dim",
    "markdown.code": "bold",
    "markdown.code_block": "none",
    "markdown.block_quote": "italic",
    "markdown.list": "none",
    "markdown.table.border": "dim",
    "markdown.table.header": "bold",
    "markdown.item.bullet": "bold",
    "markdown.item.number": "bold",
    "markdown.link": "underline",
    "markdown.link_url": "dim",
}


class _Heading(Heading):
    LEVEL_ALIGN: ClassVar[dict[str, JustifyMethod]] = {}


class _Document(Markdown):
    elements: ClassVar[dict[str, type[MarkdownElement]]] = {
        **Markdown.elements,
        "heading_open": _Heading,
    }


def markdown_page(material: Material, frame: Frame) -> Page[Strip]:
    """The text laid out in the width that there is, or in what is pleasant to read."""
    text = material.data[:RENDERED].decode("utf-8-sig", "replace")
    text = "\n".join(map(clean, text.splitlines()))
    # Links are written out: a terminal would follow where a script's text leads it.
    document = _Document(text, code_theme="ansi_dark", hyperlinks=False)
    console = Console(
        width=max(_NARROWEST, min(frame.width, _WIDEST)),
        file=io.StringIO(),
        force_terminal=True,
        theme=Theme(_STYLES),
        legacy_windows=False,
    )
    lines = console.render_lines(document, pad=False)
    return Page([Strip(line) for line in lines[: MAX_ROWS + 1]], _draw)


def _draw(strip: Strip, _looks: Looks) -> Strip:
    return strip
