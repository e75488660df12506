"""The head of a file that is no text: its bytes in hexadecimal and as far as they are ASCII."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.tui.previews.page import Page

if TYPE_CHECKING:
    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Frame, Looks

SHOWN = 4096
_OFFSET, _PER_BYTE = 10, 4


def hex_page(material: Material, frame: Frame) -> Page[int]:
    """As many bytes to a row as fit: 16, 8 or 4."""
    data = material.data[:SHOWN]
    size = next((n for n in (16, 8) if _OFFSET + _PER_BYTE * n + 2 <= frame.width), 4)

    def draw(at: int, looks: Looks) -> Strip:
        row = data[at : at + size]
        pairs = " ".join(f"{byte:02x}" for byte in row).ljust(3 * size + 1)
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "·" for byte in row)
        return Strip(
            [Segment(f"{at:08x}  ", looks.faint), Segment(pairs), Segment(shown, looks.dim)]
        )

    return Page(range(0, len(data), size), draw)
