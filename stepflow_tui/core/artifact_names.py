"""What a script can have meant by the text behind `ARTIFACT:`, as names may hold what parts it.

`ARTIFACT:log.19:17:33.gz:The log` may name `log.19:17:33.gz`, or `log.19`: only a look at the
directory tells. Texts are as `os.fsdecode` makes them of bytes, and stay so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core import parameters
from stepflow_tui.core.text import clean_line, clean_path

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_PATH = 4096
"""Characters; no system opens a longer path."""

_MAX_COLONS = 64
"""So many of a text are tried as what parts the path from its description."""


class Reading(Struct, frozen=True):
    """One way to read the text.

    Attributes:
        path: to the byte as the script gave it.
        description: None if there is none.
        type: from the parameters; None if they name none, or belong to the path.
    """

    path: str
    description: str | None = None
    type: str | None = None


def readings(given: str) -> list[Reading]:
    """All ways to read the text, those with the longest path first."""
    plain = clean_path(given)
    text, found = parameters.split(plain.strip())
    kind = parameters.unquoted(found.get("type", "")) or None
    ways: dict[str, Reading] = {}
    for whole, type_ in ((text, kind), (plain, None), (given, None)):
        for path, description in _parted(whole):
            for name in (path, path.strip()):
                if name and "\0" not in name and len(name) <= _MAX_PATH:
                    ways.setdefault(name, Reading(name, _described(description), type_))
    return sorted(ways.values(), key=lambda way: -len(way.path))


def plain_path(given: str) -> str:
    """The path where nothing tells more: what stands before the first colon."""
    text, _ = parameters.split(clean_path(given).strip())
    return text.partition(":")[0].strip()


def _parted(whole: str) -> Iterator[tuple[str, str]]:
    yield whole, ""
    end = -1
    for _ in range(_MAX_COLONS):
        end = whole.find(":", end + 1)
        if end < 0:
            return
        yield whole[:end], whole[end + 1 :]


def _described(text: str) -> str | None:
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return clean_line(shown).strip() or None
