"""The request directory: how a request gets from a client to the runner and survives both.

A request is *submitted* once its file has its final name: temporary name, fsync, rename, fsync of
the directory. From then on a crash of anybody loses nothing.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.requests.request import encode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import Request

MAX_BYTES = 16 * 1024 * 1024
"""A request file larger than this is refused: no environment is that large."""

_SUFFIX = ".json"


def path_of(home: Home, request_id: str, kind: str) -> Path:
    """Where the request of this id and kind lies once it is submitted."""
    return home.requests / f"{request_id}.{kind}{_SUFFIX}"


def submit(home: Home, *requests: Request) -> None:
    """Hand requests to the runner; on return they are on the disk.

    Raises:
        HomeProblem: they could not be written.
    """
    try:
        files = [_write(home, request) for request in requests]
        # The first of many to reach the disk takes most of the others along: all are written first.
        for temporary, _ in files:
            _sync(temporary, os.O_RDONLY)
        for temporary, path in files:
            temporary.rename(path)
        _sync(home.requests, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise HomeProblem(f"cannot write to {home.requests}: {error.strerror}") from error


def _write(home: Home, request: Request) -> tuple[Path, Path]:
    path = path_of(home, request.id, request.kind)
    temporary = path.with_name(f".{path.name}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(encode(request))
    return temporary, path


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def waiting(home: Home) -> Iterator[Path]:
    """The submitted request files, oldest first (ids sort by time)."""
    with os.scandir(home.requests) as entries:
        names = sorted(
            entry.name
            for entry in entries
            if entry.name.endswith(_SUFFIX) and not entry.name.startswith(".")
        )
    return (home.requests / name for name in names)


def discard(path: Path) -> None:
    """Remove a request that is done with, and with it the environment it holds."""
    path.unlink(missing_ok=True)


def refuse(home: Home, path: Path, reason: str) -> None:
    """Set a request aside. Its content goes, as it may hold secrets; the reason stays."""
    _write_reason(home.refused / path.name, reason)
    path.unlink(missing_ok=True)


def _write_reason(path: Path, reason: str) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps({"reason": reason}), encoding="utf-8")
    temporary.replace(path)


def refusal(home: Home, request: Request) -> str | None:
    """Why the runner refused this request; None if it did not."""
    path = home.refused / path_of(home, request.id, request.kind).name
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
    except FileNotFoundError:
        return None
