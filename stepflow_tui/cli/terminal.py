"""Standard output: what it can show, and writing to it. Messages go to standard error."""

from __future__ import annotations

import codecs
import os
import select
import sys
from functools import cache

from msgspec import Struct

from stepflow_tui.core.errors import OutputProblem, system_reason
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

_DUMB = ("", "dumb", "unknown")
"""Names of terminals of which nothing is known but that they show lines."""


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


def is_dumb() -> bool:
    """Whether the terminal can only show lines, by what TERM says, or says nothing of."""
    return os.environ.get("TERM", "") in _DUMB


@cache
def standard_output() -> Terminal:
    """What standard output can show; colours only on a terminal that knows them.

    NO_COLOR refuses them, and so does a terminal that says it is dumb.
    """
    is_terminal = sys.stdout.isatty()
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    return Terminal(
        is_terminal=is_terminal,
        colours=is_terminal and not is_dumb() and not os.environ.get("NO_COLOR"),
        unicode=encoding.startswith("utf"),
    )


def write(text: str) -> None:
    """Put text on standard output; it may wait in a buffer until `flush`.

    Raises:
        OutputProblem: it cannot be written.
        BrokenPipeError: nobody reads it any more.
    """
    write_bytes(_encoder(sys.stdout.encoding).encode(text))


@cache
def _encoder(encoding: str) -> codecs.IncrementalEncoder:
    """One for all that is written: UTF-16 has its byte order mark at the beginning alone."""
    return codecs.getincrementalencoder(encoding)("replace")


def write_bytes(data: bytes) -> None:
    """Put bytes on standard output, behind all that was written so far.

    Raises:
        OutputProblem: they cannot be written.
        BrokenPipeError: nobody reads them any more.
    """
    flush()
    _put(_state.taken_away() + data)


def draw_state(text: str) -> None:
    """Show how a line stands that is not ended, until something is written in its place.

    It takes one row of the terminal at most, and where there is no terminal nothing is shown.

    Args:
        text: printable, but for colours.
    """
    terminal = standard_output()
    if not terminal.is_terminal or is_dumb():
        return
    if text != _state.text:
        shown = _state.drawn(text, colours=terminal.colours)
        _put(_encoder(sys.stdout.encoding).encode(shown))
    flush()


class _State:
    """The row that is drawn in place, if there is one.

    Attributes:
        text: what it was made of; empty if nothing is drawn.
    """

    def __init__(self) -> None:
        self.text = ""

    def taken_away(self) -> bytes:
        """What takes the row off the screen."""
        self.text, is_drawn = "", bool(self.text)
        return b"\r\x1b[K" if is_drawn else b""

    def drawn(self, text: str, *, colours: bool) -> str:
        """What draws the row, as far as the terminal is wide."""
        from stepflow_tui.core.text import clean, cut_to_width, with_reset

        self.text = text
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or _WIDTH
        except OSError:
            width = _WIDTH
        text = cut_to_width(text, width - 1)
        return f"\r\x1b[K{with_reset(text) if colours else clean(text)}"


_WIDTH = 80
_state = _State()


def _put(data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # with PYTHONUNBUFFERED there is no buffer, and a write may be a part of it
        try:
            # No bytes: unbuffered, and there is no room in a pipe that does not block.
            written = sys.stdout.buffer.write(rest) or 0
        except BlockingIOError as error:
            written = error.characters_written
        except OSError as error:
            raise output_problem(error) from error
        rest = rest[written:]
        if rest:
            _await_room()


def flush() -> None:
    """Let the reader of standard output see what was written.

    Raises:
        OutputProblem: it cannot be written.
        BrokenPipeError: nobody reads it any more.
    """
    while True:
        try:
            sys.stdout.flush()
        except BlockingIOError:
            _await_room()
        except OSError as error:
            raise output_problem(error) from error
        else:
            return


def _await_room() -> None:
    """Wait until standard output takes more: whoever shares it may have it not block."""
    select.select([], [sys.stdout.fileno()], [])


def output_problem(error: OSError) -> OutputProblem | BrokenPipeError:
    """What became of an attempt to write to standard output."""
    if isinstance(error, BrokenPipeError):
        return error
    return OutputProblem(f"cannot write to standard output: {system_reason(error)}")


def say(text: str) -> None:
    """Tell the user something on standard error; if nobody can be told, all else goes on."""
    from stepflow_tui.core.quoting import with_shown_bytes  # most commands have nothing to say
    from stepflow_tui.core.text import clean_line

    try:
        sys.stderr.write(f"stepflow: {clean_line(with_shown_bytes(text))}\n")
        sys.stderr.flush()
    except (OSError, ValueError):  # full, closed, or nobody reads it: there is nobody to tell
        return
