"""What a preview is made of: rows that are drawn one by one, when they come into view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from msgspec import Struct
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

MAX_ROWS = 20_000
"""Rows of a file that are shown."""

_PLAIN = Style.null()


class Looks(Struct, frozen=True):
    """Styles of the parts of a preview."""

    dim: Style = _PLAIN
    faint: Style = _PLAIN
    strong: Style = _PLAIN
    name: Style = _PLAIN
    string: Style = _PLAIN
    number: Style = _PLAIN
    word: Style = _PLAIN


class Frame(Struct, frozen=True):
    """Where a preview is to be shown.

    Attributes:
        width, height: cells that there are.
        background: red, green and blue, for what is transparent; None where there are no colours.
    """

    width: int
    height: int
    background: tuple[int, int, int] | None = None


class Page(Struct, Generic[T], frozen=True):
    """The rows of a preview.

    Attributes:
        rows: what stands in each.
        draw: makes a strip of a row, as long as it may be.
        head: so many rows stay at the top.
        notes: what is to be said behind the rows, such as how much is left out.
    """

    rows: Sequence[T]
    draw: Callable[[T, Looks], Strip]
    head: int = 0
    notes: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.rows) + len(self.notes)

    def strip(self, index: int, looks: Looks) -> Strip:
        """One row or note."""
        if index < len(self.rows):
            return self.draw(self.rows[index], looks)
        return Strip([Segment(self.notes[index - len(self.rows)], looks.dim)])


def notes_page(*notes: str) -> Page[str]:
    """A page on which something is said, and nothing shown."""
    return Page([], lambda _row, _looks: Strip([]), notes=notes)
