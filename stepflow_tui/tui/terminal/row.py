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
        before, width = self.chars, len(self.chars)
        room = width - x
        if len(chars) > room:
            is_cut = room > 0 and chars[room] == HALF
            chars = chars[: max(0, room - is_cut)] + " " * is_cut
            looks = looks[: len(chars)]
        stop = x + len(chars)
        if 0 < stop < width and before[stop] == HALF:
            chars, looks, stop = chars + " ", looks + self.looks[stop], stop + 1
        if 0 < x < width and before[x] == HALF:
            chars, looks, x = " " + chars, self.looks[x - 1] + looks, x - 1
        self.start, self.stop = min(self.start, x), max(self.stop, stop)
        self.chars = before[:x] + chars + before[stop:]
        self.looks = self.looks[:x] + looks + self.looks[stop:]

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
        chars = self.chars[put]
        changed = _differences(chars, before.chars[put])
        changed |= _differences(self.looks[put], before.looks[put])
        if not changed:
            return None
        stop = self.start + len(chars)
        first = (changed.bit_length() + 7) // 8
        last = ((changed & -changed).bit_length() - 1) // 8
        return stop - first, stop - last


def _differences(text: str, other: str) -> int:
    """A number with a byte for each character, which is 0 where both texts have the same one."""
    if text == other:
        return 0
    if text.isascii() and other.isascii():
        return int.from_bytes(text.encode()) ^ int.from_bytes(other.encode())
    wide = int.from_bytes(_wide(text)) ^ int.from_bytes(_wide(other))
    data = wide.to_bytes(4 * len(text))  # of four bytes for a character the first one is always 0
    first, second, third = (int.from_bytes(data[place::4]) for place in (1, 2, 3))
    return first | second | third


def _wide(text: str) -> bytes:
    return text.encode("utf-32-be", "surrogatepass")
