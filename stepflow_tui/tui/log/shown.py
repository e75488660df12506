"""The text of log lines as it stands on the screen: what is searched, saved and copied."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from rich.cells import cell_len

from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.text import plain
from stepflow_tui.core.visible import decoded, has_moves
from stepflow_tui.store.chunks import head_of
from stepflow_tui.tui.log.line import TAB
from stepflow_tui.tui.log.source import MAX_LINE

if TYPE_CHECKING:
    import regex

_CONTROLS = [bytes([code]) for code in ({*range(32), 127} - set(b"\t\n\r"))]
_COLOUR = lazy_pattern("\x1b\\[[0-9;:]{0,61}m")
_UNSEEN = lazy_pattern("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_CSI = "(?:\x1b\\[|\x9b)[0-?]*+[ -/]*+"
_STRING = "(?:\x1b[PX\\]^_]|[\x90\x98\x9d-\x9f])[^\x07\n\x18\x1a\x1b\x9c]*+"
_HIDDEN = (
    f"{_CSI}[@-~]?"
    f"|{_STRING}(?:[\x07\x18\x1a\x9c]|\x1b\\\\)?"
    "|\x1b[ -/]*+[0-~]?"
    f"|[\x00-\x08\x0b-\x1f]|{_UNSEEN.pattern}"
)
"""What `core.text` leaves out of a line, for many lines at once: ends of lines stay."""


@cache
def _hidden() -> regex.Pattern[str]:
    import regex  # only now: the first screen need not wait for it

    return regex.compile(_HIDDEN)


def shown_line(line: bytes) -> str:
    """The text of one line, of a very long one its head."""
    return expanded(plain(head_of(line, MAX_LINE)))


def shown_text(data: bytes, *, is_plain: bool = False) -> str:
    """The texts of many lines, much faster than one by one; line ends stay where they are.

    Args:
        data: lines as they were written.
        is_plain: they are known to be; see `core.text`.
    """
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
    if _has_long_line(data) or (not is_plain and has_moves(data)):
        return "\n".join(map(shown_line, data.split(b"\n")))
    text = decoded(data)
    if not is_plain and _hides_something(data, text):
        text = _cleaned(text)
    if "\t" not in text:
        return text
    return text.expandtabs(TAB) if text.isascii() else "\n".join(map(expanded, text.split("\n")))


def expanded(line: str) -> str:
    """The line with blanks for its tabs, as many as stand on the screen."""
    if "\t" not in line:
        return line
    if line.isascii():
        return line.expandtabs(TAB)
    shown, column = "", 0
    for part in line.split("\t"):
        column += cell_len(part)
        blanks = TAB - column % TAB
        shown += part + " " * blanks
        column += blanks
    return shown[:-blanks]


def _has_long_line(data: bytes) -> bool:
    start = 0
    while len(data) - start > MAX_LINE:
        start = data.rfind(b"\n", start, start + MAX_LINE + 1) + 1
        if start == 0:
            return True
    return False


def hides_controls(data: bytes) -> bool:
    """Whether there are characters that are not shown, beside the ends of lines and tabs."""
    return any(control in data for control in _CONTROLS)  # the quickest way, many as they are


def _hides_something(data: bytes, text: str) -> bool:
    if hides_controls(data):
        return True
    return not text.isascii() and _UNSEEN.search(text) is not None


def _cleaned(text: str) -> str:
    without, colours = _COLOUR.subn("", text)
    if colours == text.count("\x1b") and not _hides_something(without.encode(), without):
        return without
    # Without the interpreter's lock: it takes its time.
    cleaned: str = _hidden().sub("", text, concurrent=True)
    return cleaned
