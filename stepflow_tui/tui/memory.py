"""How the dashboard was left, so that it comes back the same; one small file for each home."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "dashboard.json"
_MOST_BYTES = 64 * 1024


class Memory(Struct, frozen=True):
    """What is remembered.

    Attributes:
        selected: number of the execution; None if there was none.
        at_newest: it was the newest one, and whichever is that will be selected.
        pane: which one had the focus.
        zoomed: whether it was as large as the screen.
        wrap: whether long lines go on in the next row.
        timestamps: what stood before the lines of the log, by its name.
        markers: how marker lines were shown, by its name.
        filter: of the list of executions, as it was typed.
        sort: column that the list is sorted by, by its name.
        reverse: against the column's own direction.
        grouped: whether the list had a row for each name.
        folded: indexes of the folded steps of the selected execution.
    """

    selected: int | None = None
    at_newest: bool = True
    pane: str = "executions"
    zoomed: bool = False
    wrap: bool = False
    timestamps: str = "OFF"
    markers: str = "HEADINGS"
    filter: str = ""
    sort: str = "number"
    reverse: bool = False
    grouped: bool = False
    folded: tuple[int, ...] = ()


_KINDS = {
    name: type(default)
    for name, default in zip(Memory.__struct_fields__, Memory.__struct_defaults__, strict=True)
} | {"selected": int, "folded": list}


def recall(root: Path) -> Memory:
    """What was remembered in the home at `root`; what cannot be read is taken as forgotten."""
    try:
        with (root / _FILE).open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    kinds = _KINDS.items()
    known = {name: found[name] for name, kind in kinds if type(found.get(name)) is kind}
    known["folded"] = tuple(step for step in known.get("folded", ()) if type(step) is int)
    return Memory(**known)


def remember(root: Path, memory: Memory) -> None:
    """Keep this in the home at `root`, if that can be written."""
    path = root / _FILE
    spare = path.with_name(f"{_FILE}.{os.getpid()}")
    with suppress(OSError):  # a full disk must not keep anybody from leaving
        with open(spare, "w", encoding="utf-8", opener=_private) as file:
            json.dump(asdict(memory), file)
        spare.replace(path)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, 0o600)
