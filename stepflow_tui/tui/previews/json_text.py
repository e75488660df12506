"""JSON with indentation and colours, in the very words of the file.

It is read only to see whether it is JSON. What is shown are its own tokens: parsed and written
anew, long numbers would change and keys that come twice would be gone.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.strip import Strip

from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.previews.page import MAX_ROWS, Page
from stepflow_tui.tui.previews.plain import lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.style import Style

    from stepflow_tui.tui.previews.material import Material
    from stepflow_tui.tui.previews.page import Looks

_STRING = r'"[^"\\]*+(?:\\.[^"\\]*+)*"'
_TOKEN = re.compile(rf"{_STRING}|[\[\]{{}},:]|[^\s\[\]{{}},:\"]+")
_COLOURED = re.compile(
    rf"(?P<name>{_STRING})(?=\s*:)|(?P<string>{_STRING})"
    r"|(?P<number>(?<![\w.])-?\d[\d.eE+-]*)|(?P<word>\b(?:true|false|null)\b)"
)
_INDENT, _MOST_INDENTS = 2, 40
_LINE = 16 * 1024


def json_page(material: Material) -> Page[str] | None:
    """The value in lines; None if it is not whole, or no JSON."""
    text = material.data.decode("utf-8-sig", "replace")
    if not material.is_whole or not _is_json(text):
        return None
    return Page(list(islice(_lines(text), MAX_ROWS + 1)), _draw)


def json_lines_page(material: Material) -> Page[str]:
    """A value in each line."""
    lines = lines_of(material.data)[: MAX_ROWS + 1]
    return Page([line.decode("utf-8", "replace") for line in lines], _draw)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _lines(text: str) -> Iterator[str]:
    """The tokens of valid JSON, a member or element to a line."""
    line, depth, before = "", 0, ""
    for part in _TOKEN.findall(text):
        if part in "]}":
            depth -= 1
            if before not in "[{":
                yield line
                line = _indented(depth)
        elif before and before in "[{,":
            yield line
            line = _indented(depth)
        line += part
        if part in "[{":
            depth += 1
        elif part == ":":
            line += " "
        before = part
    yield line


def _indented(depth: int) -> str:
    return " " * (_INDENT * min(depth, _MOST_INDENTS))


def _draw(line: str, looks: Looks) -> Strip:
    cut = [Segment(" …", looks.faint)] if len(line) > _LINE else []
    shown = clean_line(line[:_LINE])
    return Strip([*(Segment(text, style) for text, style in _parts(shown, looks)), *cut])


def _parts(line: str, looks: Looks) -> Iterator[tuple[str, Style]]:
    at = 0
    for match in _COLOURED.finditer(line):
        if at < match.start():
            yield line[at : match.start()], looks.dim
        yield match[0], getattr(looks, str(match.lastgroup))
        at = match.end()
    if at < len(line):
        yield line[at:], looks.dim
