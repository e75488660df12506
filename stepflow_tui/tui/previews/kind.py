"""Which kind of preview a file gets: by what it is first, and only then by what it is called."""

from __future__ import annotations

import codecs
from enum import StrEnum
from pathlib import PurePosixPath

from stepflow_tui.tui.previews.picture_facts import picture_facts


class Kind(StrEnum):
    """What is shown of a file; the value is what people call it."""

    TEXT = "text"
    MARKDOWN = "Markdown"
    JSON = "JSON"
    JSON_LINES = "JSON lines"
    TABLE = "table"
    PICTURE = "picture"
    BINARY = "binary"
    DIRECTORY = "directory"

    @property
    def is_text(self) -> bool:
        """Whether a pager can show it."""
        return self not in (Kind.PICTURE, Kind.BINARY, Kind.DIRECTORY)


_BY_SUFFIX = {
    ".md": Kind.MARKDOWN,
    ".markdown": Kind.MARKDOWN,
    ".json": Kind.JSON,
    ".geojson": Kind.JSON,
    ".ipynb": Kind.JSON,
    ".sarif": Kind.JSON,
    ".jsonl": Kind.JSON_LINES,
    ".ndjson": Kind.JSON_LINES,
    ".csv": Kind.TABLE,
    ".tsv": Kind.TABLE,
}
_BY_MIME = {
    "text/markdown": Kind.MARKDOWN,
    "application/json": Kind.JSON,
    "text/csv": Kind.TABLE,
    "text/tab-separated-values": Kind.TABLE,
}
_LOOKED_AT = 64 * 1024
_HARMLESS = frozenset(b"\a\t\n\r\f\b\x1b")
_MOST_CONTROLS = 0.02


def kind_of(name: str, mime: str | None, head: bytes) -> Kind:
    """The kind of a file from its first bytes, its name and the type that was recorded."""
    if picture_facts(head) is not None:
        return Kind.PICTURE
    if not is_text(head):
        return Kind.BINARY
    by_suffix = _BY_SUFFIX.get(PurePosixPath(name.lower()).suffix)
    return by_suffix or _BY_MIME.get(mime or "", Kind.TEXT)


def is_text(head: bytes) -> bool:
    """Whether these bytes are text: UTF-8, or something near to it such as Latin-1."""
    head = head[:_LOOKED_AT]
    if b"\0" in head:
        return False
    controls = sum(byte < 0x20 and byte not in _HARMLESS for byte in head)
    if controls > _MOST_CONTROLS * len(head):
        return False
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # a cut last character is no error
    except UnicodeDecodeError:
        high = sum(byte >= 0x80 for byte in head)
        return high < len(head) / 4
    return True
