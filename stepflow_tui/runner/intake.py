"""Taking requests: from files in the inbox to pending executions and orders."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import (
    BackupRequest,
    BadRequest,
    CancelRequest,
    Chore,
    MarkRequest,
    NoteRequest,
    RemoveRequest,
    Request,
    RunRequest,
    StopRequest,
    TagRequest,
    decode,
)

if TYPE_CHECKING:
    from collections.abc import Container
    from pathlib import Path

    from stepflow_tui.core.home import Home

_log = logging.getLogger(__name__)

BATCH = 200
"""How many requests one look takes, so that recording goes on between them."""


class Orders(Struct):
    """Requests as they were found, by kind, each with its file.

    Attributes:
        more: there are more files than one look takes.
    """

    runs: list[tuple[RunRequest, Path]] = field(default_factory=list)
    cancels: list[tuple[CancelRequest, Path]] = field(default_factory=list)
    stops: list[tuple[StopRequest, Path]] = field(default_factory=list)
    chores: list[tuple[Chore, Path]] = field(default_factory=list)
    more: bool = False


def look(home: Home, known: Container[str]) -> Orders:
    """Read the requests that wait; one that cannot be read is refused, with its reason.

    Args:
        home: whose inbox to read.
        known: ids of requests that were taken before and whose files are still needed.
    """
    orders = Orders()
    taken = 0
    files, others = inbox.scan(home)
    for path in others:
        _set_aside(home, path)
    for path in files:
        if path.name.partition(".")[0] in known:
            continue
        if taken == BATCH:
            orders.more = True
            break
        taken += 1
        _sort(home, path, orders)
    return orders


def _set_aside(home: Home, path: Path) -> None:
    try:
        inbox.set_aside(home, path, "it is not a file")
    except OSError as error:
        _log.warning("%s is not a request, and stays: %s", path.name, error)
        return
    _log.warning("%s is not a file and was set aside in %s", path.name, home.refused)


def admit(
    home: Home, runs: list[tuple[RunRequest, Path]], waiting: int, most: int
) -> list[tuple[RunRequest, Path]]:
    """Those for which the queue has room beside `waiting` others; the others are refused."""
    room = max(0, most - waiting)
    for _, path in runs[room:]:
        inbox.refuse(home, path, f"{most} executions wait to be started; try it later")
    return runs[:room]


def _sort(home: Home, path: Path, orders: Orders) -> None:
    try:
        request = _read(path)
    except FileNotFoundError:
        return  # it was taken back, or moved away with its directory
    except (BadRequest, OSError) as error:
        _log.warning("request %s refused: %s", path.name, error)
        inbox.refuse(home, path, str(error))
        return
    match request:
        case RunRequest():
            orders.runs.append((request, path))
        case CancelRequest():
            orders.cancels.append((request, path))
        case StopRequest():
            orders.stops.append((request, path))
        case RemoveRequest() | MarkRequest() | TagRequest() | NoteRequest() | BackupRequest():
            orders.chores.append((request, path))


def _read(path: Path) -> Request:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        content = file.read(inbox.MAX_BYTES + 1)
    if len(content) > inbox.MAX_BYTES:
        raise BadRequest(f"larger than {inbox.MAX_BYTES} bytes")
    request = decode(content)
    if path.name != f"{request.id}.{request.kind}.json":
        raise BadRequest("the file's name is not that of its request")
    return request
