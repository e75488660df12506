"""How the dashboard was left, so that it comes back the same; one small file for each home."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_FILE = "dashboard.json"
_MOST_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered.

    Attributes:
        selected: number of the execution; None for the newest.
        pane: which one had the focus.
        zoomed: whether it was as large as the screen.
        wrap: whether long lines go on in the next row.
        timestamps: what stood before the lines of the log, by its name.
        markers: how marker lines were shown, by its name.
        filter: of the list of executions, as it was typed.
        sort: column that the list is sorted by, by its name; empty for the newest first.
        ascending: the direction.
        folded: whether steps without the cursor were folded.
    """

    selected: int | None = None
    pane: str = "executions"
    zoomed: bool = False
    wrap: bool = False
    timestamps: str = "OFF"
    markers: str = ""
    filter: str = ""
    sort: str = ""
    ascending: bool = False
    folded: bool = False


_KINDS = {field.name: type(field.default) for field in fields(Memory)} | {"selected": int}


def recall(root: Path) -> Memory:
    """What was remembered in the home at `root`; what cannot be read is taken as forgotten."""
    try:
        with (root / _FILE).open("rb") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError):
        return Memory()
    if not isinstance(found, dict):
        return Memory()
    kinds = _KINDS.items()
    known = {name: found[name] for name, kind in kinds if type(found.get(name)) is kind}
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
