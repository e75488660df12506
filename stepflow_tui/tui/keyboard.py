"""What a terminal sends: keys, and whatever else comes through the line.

Textual ends with a traceback at a number that is no character, and takes the characters of a
sequence that it does not know for keys, one after the other: some reply of a terminal would cancel
a run, or quit.
"""

from __future__ import annotations

import codecs
import re
import time
from functools import partial
from typing import TYPE_CHECKING

from textual import constants, events
from textual._xterm_parser import XTermParser
from textual.drivers import linux_driver
from textual.keys import Keys

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from textual._parser import Peek1, Read1, TokenCallback
    from textual.message import Message

_COMPLETE = re.compile(r"\x1b\[(?!\[)[0-?]*[ -/]*[@-~]|\x1bO[0-9;]*[@-~]|\x1b\[\[[@-~]")
"""A sequence that has its last character, whether or not anybody knows it."""

_OF_THE_PARSER = re.compile(r"\x1b\[(<?[-\d;]+[mM]|M|\?\d+;\d\$y|\d+;\d+R)")
"""What Textual's parser looks for beside keys: the mouse, reports of modes and of the cursor."""

# Not `$` behind the numbers, which is the last character of some keys of rxvt.
_NUMBERS = r"\x1b\[[0-?]+(?:[ -#%-/][ -/]*)?"
_TEXT = r"\x1b(?:\]\d|P[\d;<-?!$+>|]|_G)[^\x07\x1b]*"
_NOISE = re.compile(
    rf"{_NUMBERS}(?=[^ -~])|\x1b\[[0-?]{{28,}}[ -/]*[@-~]|{_TEXT}(?:\x07|\x1b\\|(?=\x1b[^\\]))"
    r"|\x1b[ -,./:-<>-ac-eg-~](?=\x1b)"
)
"""A sequence that breaks off, one longer than any that means something, replies with a text (OSC,
DCS, APC), of which we ask for none, and an alt+key that an escape follows at once: without alt it
would be another key, and that is what Textual makes of it."""

_BEGUN = re.compile(rf"(?:{_NUMBERS}|{_TEXT}\x1b?)\Z")
"""A sequence of which the end is missing; none that somebody types, as alt+[ might be."""

_EVENT_TYPE = re.compile(r"\x1b\[(\d+)(?::[\d:]*)?;(\d*)(?::([1-3]))?((?:;[\d:]*)?[u~ABCDEFHPQRS])")
"""A key of kitty's protocol with its alternatives, and whether it was let go, neither asked for."""

_LET_GO = "3"
_ESC = "\x1b"
_PASTE, _END_OF_PASTE = "\x1b[200~", "\x1b[201~"
_MOST_HELD = 65_536
_PATIENCE_S = 1.0
_FARTHEST = 10_000
"""Columns or rows: what is said to be beyond is noise."""


def take_anything() -> None:
    """Have any bytes read as text, keys or nothing, before Textual begins to read.

    Bytes that are no UTF-8 (another encoding that is pasted, meta as the eighth bit, noise on the
    line) are read as `U+FFFD`.
    """
    vars(linux_driver)["getincrementaldecoder"] = _forgiving
    vars(linux_driver)["XTermParser"] = Parser


def _forgiving(encoding: str) -> Callable[[], codecs.IncrementalDecoder]:
    return partial(codecs.getincrementaldecoder(encoding), errors="replace")


class Parser(XTermParser):
    """Makes keys, text and the mouse out of what a terminal sends, and ignores all else."""

    def __init__(self, debug: bool = False) -> None:
        self._held = ""  # of something that has no end yet
        self._is_pasting = False
        self._fed_at = 0.0
        super().__init__(debug)

    def feed(self, data: str) -> Iterable[Message]:
        """What these characters mean."""
        if not data:
            yield from super().feed(data)
            return
        self._fed_at = time.monotonic()
        if clean := "".join(self._clean(self._held + data)):
            yield from super().feed(clean)

    def tick(self) -> Iterable[Message]:
        """Give up what was begun, and nothing came to complete it."""
        if time.monotonic() - self._fed_at > _PATIENCE_S:
            self._held = ""
            if self._is_pasting:  # else all that is typed from now on would be a part of it
                yield from self.feed(_END_OF_PASTE)
        yield from super().tick()

    def _clean(self, data: str) -> Iterator[str]:
        """The parts that the parser is to see; it is led astray by an escape in what is pasted."""
        self._held = ""
        while data:
            part, mark, data = data.partition(_END_OF_PASTE if self._is_pasting else _PASTE)
            if not mark:
                part = self._hold(part)
            yield part.replace(_ESC, "") if self._is_pasting else _NOISE.sub("", part)
            yield mark
            self._is_pasting ^= bool(mark)

    def _hold(self, data: str) -> str:
        """Keep back what has no end yet, and return the rest."""
        if self._is_pasting:
            sizes = range(len(_END_OF_PASTE) - 1, 0, -1)
            size = next((size for size in sizes if data.endswith(_END_OF_PASTE[:size])), 0)
            rest = data[: len(data) - size]
        else:
            begun = _BEGUN.search(data)
            rest = data if begun is None else data[: begun.start()]
        self._held = data[len(rest) :][:_MOST_HELD]
        return rest

    def parse(self, token_callback: TokenCallback[Message]) -> Generator[Read1 | Peek1, str, None]:
        """Textual's own, but for what no terminal can mean."""

        def pass_on(message: Message) -> None:
            if isinstance(message, events.Resize) and not constants.SMOOTH_SCROLL:
                self.mouse_pixels = False  # nobody asked for that, so the mouse counts cells
            elif _is_possible(message):
                token_callback(message)

        return super().parse(pass_on)

    def parse_mouse_code(self, code: str) -> Message | None:
        """What the mouse does; None for what no mouse can do."""
        try:
            return super().parse_mouse_code(code)
        except (ValueError, ArithmeticError):
            return None

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[events.Key]:
        """The keys of a sequence; one that means nothing is a key that is ignored."""
        keys = self._keys(sequence, alt)
        if keys or not _COMPLETE.fullmatch(sequence) or _OF_THE_PARSER.fullmatch(sequence):
            return keys
        return [events.Key(Keys.Ignore, sequence)]

    def _keys(self, sequence: str, alt: bool) -> list[events.Key]:
        try:
            return list(super()._sequence_to_key_events(sequence, alt))
        except (ValueError, ArithmeticError):
            found = _EVENT_TYPE.fullmatch(sequence)
        plain = "" if found is None else f"\x1b[{found[1]};{found[2]}{found[4]}"
        if found is None or found[3] == _LET_GO or plain == sequence:
            return [events.Key(Keys.Ignore, sequence)]
        return self._keys(plain, alt)


def _is_possible(message: Message) -> bool:
    match message:
        case events.Key(character=str() as character):
            return not any(0xD800 <= ord(letter) <= 0xDFFF for letter in character)
        case events.MouseEvent(x=x, y=y):
            return x < _FARTHEST and y < _FARTHEST
        case events.Resize(size=size):
            return 0 < size.width < _FARTHEST and 0 < size.height < _FARTHEST
        case _:
            return True
