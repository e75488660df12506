"""A row of the terminal as cells."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import compress, count
from operator import ne, or_

from msgspec import Struct
from rich.cells import split_graphemes

UNKNOWN = "\0"
"""In place of a character: nobody knows what stands in this cell."""

_NARROW_RANGES = (
    "\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u21ff"
    "\u2500-\u25fc\u25cb\u25cf\u2713\u2717\u2800-\u28ff"
)
_WIDE_RANGES = "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
_NARROW = re.compile(f"[{_NARROW_RANGES}]*")

SURE = re.compile(f"[{_NARROW_RANGES}{_WIDE_RANGES}]*")
"""Characters of whose width no two terminals disagree."""


class Row(Struct):
    """The cells of a row.

    Attributes:
        chars: what stands in each cell: a character with all that combines with it, or nothing in
            the second cell of a wide one.
        looks: how it is drawn; see `sgr`.
    """

    chars: list[str]
    looks: list[str]

    @classmethod
    def unknown(cls, width: int) -> Row:
        """A row of which nothing is known."""
        return cls([UNKNOWN] * width, [""] * width)

    def copy(self) -> Row:
        """A row that can be changed without changing this one."""
        return Row(self.chars.copy(), self.looks.copy())

    def put(self, x: int, chars: list[str], looks: list[str]) -> None:
        """Set cells from a column on; what does not fit in is left out."""
        room = len(self.chars) - x
        if len(chars) > room:
            is_cut = room > 0 and not chars[room]
            chars = [*chars[: max(0, room - is_cut)], *[" "] * is_cut]
        stop = x + len(chars)
        self.chars[x:stop], self.looks[x:stop] = chars, looks[: len(chars)]

    def changes(self, before: Row) -> list[int]:
        """The columns of the cells that differ."""
        chars, looks = map(ne, self.chars, before.chars), map(ne, self.looks, before.looks)
        return list(compress(count(), map(or_, chars, looks)))


def split_cells(text: str) -> list[str]:
    """What stands in each cell: wide characters take two, of which the second is empty."""
    return list(text) if _NARROW.fullmatch(text) else _split_graphemes(text)


@lru_cache(maxsize=1024)
def _split_graphemes(text: str) -> list[str]:
    cells: list[str] = []
    for start, stop, width in split_graphemes(text)[0]:
        if width:
            cells += [text[start:stop], *[""] * (width - 1)]
        elif cells:
            cells[-1] += text[start:stop]
    return cells
