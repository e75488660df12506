"""Standard output: what it can show, and writing to it. Messages go to standard error."""

from __future__ import annotations

import os
import sys
from functools import cache

from msgspec import Struct

from stepflow_tui.core.glyphs import ASCII_GLYPHS, GLYPHS
from stepflow_tui.core.models import Status

BOLD, DIM, RED, GREEN, YELLOW, MAGENTA, CYAN = 1, 2, 31, 32, 33, 35, 36
"""SGR codes."""

_COLOURS: dict[Status, int] = {
    Status.PENDING: DIM,
    Status.RUNNING: CYAN,
    Status.COMPLETED: GREEN,
    Status.FAILED: RED,
    Status.CANCELLED: YELLOW,
    Status.TIMED_OUT: RED,
    Status.LOST: MAGENTA,
}


class Terminal(Struct, frozen=True):
    """What an output can show.

    Attributes:
        is_terminal: a person looks at it; else a file or a program reads it.
        colours: SGR sequences may be written.
        unicode: more than ASCII may be written.
    """

    is_terminal: bool
    colours: bool
    unicode: bool

    def paint(self, text: str, colour: int) -> str:
        """The text in a colour, where colours can be shown."""
        return f"\x1b[{colour}m{text}\x1b[0m" if self.colours and text else text

    def glyph(self, status: Status) -> str:
        """The sign of a status."""
        glyphs = GLYPHS if self.unicode else ASCII_GLYPHS
        return self.paint(glyphs[status], _COLOURS[status])

    def status(self, status: Status, word: str | None = None) -> str:
        """The sign and the word of a status; `word` says more of it."""
        return f"{self.glyph(status)} {word or status.word}"

    def told(self, text: str, status: Status) -> str:
        """A sentence about something of this status; its words say it all without the colour."""
        return self.paint(text, _COLOURS[status])


@cache
def standard_output() -> Terminal:
    """What standard output can show; colours only on a terminal, unless NO_COLOR is set."""
    is_terminal = sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Terminal(
        is_terminal=is_terminal,
        colours=is_terminal and not os.environ.get("NO_COLOR"),
        unicode=encoding.startswith("utf"),
    )


def write(text: str) -> None:
    """Put text on standard output; it may wait in a buffer until `flush`."""
    write_bytes(text.encode(sys.stdout.encoding, "replace"))


def write_bytes(data: bytes) -> None:
    """Put bytes on standard output, behind all that was written so far."""
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:  # with PYTHONUNBUFFERED there is no buffer, and a write may be a part of it
        rest = rest[sys.stdout.buffer.write(rest) :]


def flush() -> None:
    """Let the reader of standard output see what was written."""
    sys.stdout.flush()


def say(text: str) -> None:
    """Tell the user something on standard error."""
    from stepflow_tui.core.text import clean_line  # most commands have nothing to say

    sys.stderr.write(f"stepflow: {clean_line(text)}\n")
    sys.stderr.flush()
