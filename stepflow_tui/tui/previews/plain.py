"""Text as it is, with its colours and without its control sequences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style

from stepflow_tui.store.chunks import LogLine
from stepflow_tui.tui.log.line import Palette, line_strip
from stepflow_tui.tui.previews.page import MAX_ROWS, Page

if TYPE_CHECKING:
    from textual.strip import Strip

    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Looks

_LINE_BYTES = 16 * 1024
_NULL = Style.null()


def plain_page(material: Material) -> Page[bytes]:
    """The lines of a file."""
    return Page(lines_of(material.data), _draw)


def lines_of(data: bytes) -> list[bytes]:
    """The lines; without an empty one behind the last newline."""
    lines = data.removeprefix(b"\xef\xbb\xbf").split(b"\n", MAX_ROWS + 1)
    return lines if lines[-1] else lines[:-1]


def _draw(line: bytes, looks: Looks) -> Strip:
    # A marker in a file is no marker.
    palette = Palette(_NULL, _NULL, _NULL, looks.faint, _NULL, _NULL)
    head = line.removesuffix(b"\r")[:_LINE_BYTES]
    shown = LogLine(1, head, 0, len(line), truncated=len(line) - 1 > len(head))
    return line_strip(shown, palette, None, after_end=False)
