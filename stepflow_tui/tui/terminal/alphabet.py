"""Whatever stands in a cell, and however it is drawn, as one character each: rows are strings then.

Strings are copied, cut and compared by the processor's widest steps, lists of cells one by one.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from rich.cells import split_graphemes

UNKNOWN = "\0"
"""In place of a character: nobody knows what stands in this cell."""

HALF = "\1"
"""In the second cell of a wide character."""

_NARROW_RANGES = (
    "\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u0482\u2010-\u2027\u2030-\u205e\u2190-\u21ff"
    "\u2500-\u25fc\u25cb-\u25cb\u25cf-\u25cf\u2713-\u2713\u2717-\u2717\u2800-\u28ff"
)
_WIDE_RANGES = "\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3\uff01-\uff60"
_NARROW = frozenset(
    chr(code)
    for first, _, last in zip(*[iter(_NARROW_RANGES)] * 3, strict=True)
    for code in range(ord(first), ord(last) + 1)
)


def _is_narrow(text: str) -> bool:
    return (text.isascii() and text.isprintable()) or _NARROW.issuperset(text)


@cache
def _sure() -> re.Pattern[str]:
    return re.compile(f"[{HALF}{_NARROW_RANGES}{_WIDE_RANGES}]*")


def is_sure(text: str) -> bool:
    """Whether no two terminals disagree about the width of these characters."""
    return _is_narrow(text) or _sure().fullmatch(text) is not None


_PRIVATE = 0x100000
"""From here on Unicode has characters for everybody's own use."""

_MOST_CLUSTERS, _MOST_LOOKS = 60_000, 50_000


class _Codes:
    """Numbers texts in the order in which they come."""

    def __init__(self, first: int) -> None:
        self._first = first
        self._codes: dict[str, str] = {}
        self._texts: list[str] = []

    def __len__(self) -> int:
        return len(self._texts)

    def code(self, text: str) -> str:
        """The character that stands for this text."""
        code = self._codes.get(text)
        if code is None:
            code = self._codes[text] = chr(self._first + len(self._texts))
            self._texts.append(text)
        return code

    def text(self, code: str) -> str:
        """What this character stands for."""
        return self._texts[ord(code) - self._first]


class Alphabet:
    """Turns cells into characters and back.

    A character with all that combines with it is one private character; others are themselves.
    """

    def __init__(self) -> None:
        self._clusters = _Codes(_PRIVATE)
        self._looks = _Codes(0)
        self._looks.code("")

    @property
    def is_full(self) -> bool:
        """Whether it is time for a new one; rows of this one mean nothing to that."""
        return len(self._clusters) > _MOST_CLUSTERS or len(self._looks) > _MOST_LOOKS

    def cells(self, text: str) -> str:
        """What stands in each cell of a text."""
        if _is_narrow(text):
            return text
        return "".join(
            self._cell(cluster) + HALF * (width - 1) for cluster, width in _clusters(text)
        )

    def _cell(self, cluster: str) -> str:
        is_plain = len(cluster) == 1 and ord(cluster) < _PRIVATE
        return cluster if is_plain else self._clusters.code(cluster)

    def text(self, cells: str) -> str:
        """The text that stands in these cells."""
        if is_sure(cells):
            return cells.replace(HALF, "")
        return "".join(
            self._clusters.text(cell) if ord(cell) >= _PRIVATE else cell.replace(HALF, "")
            for cell in cells
        )

    def look(self, sequence: str) -> str:
        """The character for a look; see `sgr`."""
        return self._looks.code(sequence)

    def sequence(self, look: str) -> str:
        """The look that this character stands for."""
        return self._looks.text(look)


@lru_cache(maxsize=1024)
def _clusters(text: str) -> list[tuple[str, int]]:
    """The characters that take cells, each with all that combines with it, and how many."""
    found: list[tuple[str, int]] = []
    for start, stop, width in split_graphemes(text)[0]:
        if width:
            found.append((text[start:stop], width))
        elif found:
            cluster, wide = found[-1]
            found[-1] = (cluster + text[start:stop], wide)
    return found
