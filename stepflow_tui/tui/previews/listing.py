"""What is in a directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.tui.executions.columns import fit_right
from stepflow_tui.tui.previews.page import Page

if TYPE_CHECKING:
    from stepflow_tui.tui.previews.material import Entry, Material
    from stepflow_tui.tui.previews.page import Looks

_SIZE = 9


def listing_page(material: Material) -> Page[Entry]:
    """Its entries by name, directories with a slash."""
    notes = [f"… {material.more_entries:,} more"] if material.more_entries else []
    if not material.entries:
        notes = ["an empty directory"]
    return Page(material.entries, _draw, notes=notes)


def _draw(entry: Entry, looks: Looks) -> Strip:
    size = "" if entry.size is None else format_size(entry.size)
    name = shown_path(entry.name) + ("/" if entry.size is None else "")
    return Strip([Segment(fit_right(size, _SIZE) + "  ", looks.dim), Segment(name)])
