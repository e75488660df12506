"""From what was read of an artifact to what is shown of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from stepflow_tui.core.durations import format_size
from stepflow_tui.tui.previews.hexdump import SHOWN, hex_page
from stepflow_tui.tui.previews.json_text import json_lines_page, json_page
from stepflow_tui.tui.previews.kind import Kind
from stepflow_tui.tui.previews.listing import listing_page
from stepflow_tui.tui.previews.page import MAX_ROWS, Page, notes_page
from stepflow_tui.tui.previews.picture import picture_page
from stepflow_tui.tui.previews.plain import plain_page
from stepflow_tui.tui.previews.table import table_page

if TYPE_CHECKING:
    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Frame

FITTED = frozenset({Kind.MARKDOWN, Kind.PICTURE, Kind.BINARY})
"""What is laid out for the size of its view."""


def page_of(material: Material, frame: Frame) -> Page[Any]:
    """The preview, with a last line that says what it leaves out; it may take a second."""
    if material.kind is Kind.DIRECTORY:
        return listing_page(material)
    if not material.size:
        return notes_page("an empty file")
    if material.kind is Kind.PICTURE:
        return picture_page(material, frame)
    page, shown = _page(material, frame)
    rows = page.rows[:MAX_ROWS]
    note = _left_out(material, shown, is_cut=len(rows) < len(page.rows))
    return replace(page, rows=rows, notes=["", note] if note else [])


def _page(material: Material, frame: Frame) -> tuple[Page[Any], int]:
    """The preview before it is cut, and how many bytes it was made of."""
    size = len(material.data)
    match material.kind:
        case Kind.BINARY:
            return hex_page(material, frame), min(SHOWN, size)
        case Kind.MARKDOWN:
            from stepflow_tui.tui.previews.markdown import RENDERED, markdown_page

            return markdown_page(material, frame), min(RENDERED, size)
        case Kind.JSON_LINES:
            return json_lines_page(material), size
        case Kind.JSON:
            return json_page(material) or plain_page(material), size
        case Kind.TABLE:
            return table_page(material) or plain_page(material), size
        case _:
            return plain_page(material), size


def _left_out(material: Material, shown: int, *, is_cut: bool) -> str:
    whole = format_size(material.size)
    way = "; o opens all of it" if material.kind.is_text else ""
    if is_cut:
        return f"… these are the first {MAX_ROWS:,} rows of {whole}{way}"
    if shown < material.size:
        return f"… this is the first {format_size(shown)} of {whole}{way}"
    return ""
