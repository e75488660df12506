"""A row of the terminal as cells, in the characters of an `Alphabet`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.tui.terminal.alphabet import HALF, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHANGED = re.compile(rb"[^\0]+")
_PLAIN_LOOK = "\0"
_FAR = 1 << 30
_NARROW_BITS, _WIDE_BITS = 8, 32


class Row(Struct):
    """The cells of a row.

    Attributes:
        chars: what stands in each cell.
        looks: how each is drawn.
        start, stop: the columns in which it may differ from the row that it was copied from.
    """

    chars: str
    looks: str
    start: int = 0
    stop: int = _FAR

    @classmethod
    def unknown(cls, width: int) -> Row:
        """A row of which nothing is known."""
        return cls(UNKNOWN * width, _PLAIN_LOOK * width)

    def copy(self) -> Row:
        """A row that can be changed without changing this one."""
        return Row(self.chars, self.looks, _FAR, 0)

    def put(self, x: int, chars: str, looks: str) -> None:
        """Set cells from a column on; what does not fit in is left out.

        A wide character that loses a half leaves a blank in the other.
        """
        room = len(self.chars) - x
        if len(chars) > room:
            is_cut = room > 0 and chars[room] == HALF
            chars = chars[: max(0, room - is_cut)] + " " * is_cut
        stop = x + len(chars)
        if 0 < stop < len(self.chars) and self.chars[stop] == HALF:
            chars, looks, stop = chars + " ", looks + self.looks[stop], stop + 1
        if 0 < x < len(self.chars) and self.chars[x] == HALF:
            chars, looks, x = " " + chars, self.looks[x - 1] + looks, x - 1
        self.start, self.stop = min(self.start, x), max(self.stop, stop)
        self.chars = self.chars[:x] + chars + self.chars[stop:]
        self.looks = self.looks[:x] + looks[: len(chars)] + self.looks[stop:]

    def changes(self, before: Row) -> Iterator[tuple[int, int]]:
        """From where to where cells differ."""
        changed = _differences(self.chars, before.chars) | _differences(self.looks, before.looks)
        if changed:
            for found in _CHANGED.finditer(changed.to_bytes(len(self.chars))):
                yield found.span()

    def span(self, before: Row) -> tuple[int, int] | None:
        """From the first to behind the last cell that differs; None if none does.

        Args:
            before: the row that this one is a copy of, or if it is none any other.
        """
        put = slice(self.start, self.stop)
        chars = _span(self.chars[put], before.chars[put])
        looks = _span(self.looks[put], before.looks[put])
        start, stop = chars or looks or (0, 0)
        if looks:
            start, stop = min(start, looks[0]), max(stop, looks[1])
        return (put.start + start, put.start + stop) if stop else None


def _span(text: str, other: str) -> tuple[int, int] | None:
    """From the first to behind the last character that differs."""
    if text == other:
        return None
    changed, bits = _xor(text, other)
    before = len(text) - -(-changed.bit_length() // bits)
    behind = ((changed & -changed).bit_length() - 1) // bits
    return before, len(text) - behind


def _differences(text: str, other: str) -> int:
    """A number with a byte for each character, which is 0 where both texts have the same one."""
    if text == other:
        return 0
    wide, bits = _xor(text, other)
    if bits == _NARROW_BITS:
        return wide
    data = wide.to_bytes(4 * len(text))  # of four bytes for a character the first one is always 0
    first, second, third = (int.from_bytes(data[place::4]) for place in (1, 2, 3))
    return first | second | third


def _xor(text: str, other: str) -> tuple[int, int]:
    """A number that is 0 where both texts have the same character, and its bits for each."""
    is_ascii = text.isascii() and other.isascii()
    bits, encode = (_NARROW_BITS, str.encode) if is_ascii else (_WIDE_BITS, _wide)
    return int.from_bytes(encode(text)) ^ int.from_bytes(encode(other)), bits


def _wide(text: str) -> bytes:
    return text.encode("utf-32-be", "surrogatepass")
