"""What can be chosen in the palette, and how well it fits what is typed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_WORST = 4


class Entry(Struct, frozen=True):
    """Something that can be done or gone to.

    Attributes:
        title: what it is.
        detail: its key, or where it leads.
        run: does it.
        group: of an action: what it belongs to, by which it can be found as well.
    """

    title: str
    detail: str
    run: Callable[[], object]
    group: str = ""


def rank(text: str, title: str) -> int:
    """How well a title fits: 0 it begins so, to 4 not at all.

    In between: a word of it begins so, it holds the text, it holds its letters in this order.
    """
    text, title = text.casefold(), title.casefold()
    if title.startswith(text):
        return 0
    if re.search(rf"\b{re.escape(text)}", title):
        return 1
    if text in title:
        return 2
    letters = iter(title)
    return 3 if all(letter in letters for letter in text if letter != " ") else _WORST


def best(text: str, entries: Iterable[Entry], limit: int) -> list[Entry]:
    """Those that fit, the best first; as they come where nothing was typed yet."""
    ranked = [(_rank(text, entry), entry) for entry in entries]
    fitting = [pair for pair in ranked if pair[0] < _WORST]
    return [entry for _, entry in sorted(fitting, key=lambda pair: pair[0])[:limit]]


def _rank(text: str, entry: Entry) -> int:
    found = rank(text, entry.title)
    by_group = found == _WORST and entry.group.startswith(text.casefold())
    return _WORST - 1 if by_group else found
