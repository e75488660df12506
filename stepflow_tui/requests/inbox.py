"""The request directory: how a request gets from a client to the runner and survives both.

A request is *submitted* once its file has its final name: temporary name, fsync, rename, fsync of
the directory. From then on a crash of anybody loses nothing.
"""

from __future__ import annotations

import json
import os
import stat
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.identity import is_id
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.requests.request import encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import Request

MAX_BYTES = 16 * 1024 * 1024
"""A request file larger than this is refused: no environment is that large."""

_SUFFIX = ".json"
_KIND = lazy_pattern(r"[a-z]{1,20}\.json")


def path_of(home: Home, request_id: str, kind: str) -> Path:
    """Where the request of this id and kind lies once it is submitted."""
    return home.requests / f"{request_id}.{kind}{_SUFFIX}"


def submit(home: Home, *requests: Request) -> None:
    """Hand requests to the runner; on return they are on the disk.

    Raises:
        HomeProblem: they could not be written.
    """
    try:
        try:
            _submit(home, requests)
        except FileNotFoundError:  # somebody has moved or removed the directory
            home.requests.mkdir(mode=0o700, exist_ok=True)
            _submit(home, requests)
    except OSError as error:
        raise HomeProblem(f"cannot write to {home.requests}: {error.strerror}") from error


def _submit(home: Home, requests: Sequence[Request]) -> None:
    files = {
        _temporary(path): path
        for path in (path_of(home, request.id, request.kind) for request in requests)
    }
    try:
        # The first of many to reach the disk takes most of the others along: all are written first.
        for temporary, request in zip(files, requests, strict=True):
            _write(temporary, request)
        for temporary in files:
            _sync(temporary, os.O_RDONLY)
        for temporary, path in files.items():
            temporary.rename(path)
        _sync(home.requests, os.O_RDONLY | os.O_DIRECTORY)
    finally:
        _remove(files)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.tmp")


def _write(temporary: Path, request: Request) -> None:
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(encode(request))


def _remove(files: Iterable[Path]) -> None:
    """Leave nothing behind that holds an environment; what could not be written may not exist."""
    for file in files:
        with suppress(OSError):  # `clean_up` comes later
            file.unlink()


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def waiting(home: Home) -> Iterator[Path]:
    """The submitted request files, oldest first (ids sort by time); all else is ignored."""
    return iter(scan(home)[0])


def scan(home: Home) -> tuple[list[Path], list[Path]]:
    """The submitted request files, oldest first, and what has such a name and is no file.

    The second is a directory, a link, a socket or a named pipe.
    """
    files: list[str] = []
    others: list[str] = []
    try:
        with os.scandir(home.requests) as entries:
            for entry in entries:
                if _is_name(entry.name):
                    is_file = entry.is_file(follow_symlinks=False)
                    (files if is_file else others).append(entry.name)
    except (FileNotFoundError, NotADirectoryError):
        pass  # the runner makes it again, or says what stands in its place
    return ([home.requests / name for name in sorted(files)], [home.requests / n for n in others])


def _is_name(name: str) -> bool:
    request_id, _, rest = name.partition(".")
    return is_id(request_id) and _KIND.fullmatch(rest) is not None


def discard(path: Path) -> None:
    """Remove a request that is done with, and with it the environment it holds.

    What somebody has put in its place, such as a directory, is no request and may stay.
    """
    _remove([path])


def refuse(home: Home, path: Path, reason: str) -> None:
    """Set a request aside. Its content goes, as it may hold secrets; the reason stays."""
    with suppress(OSError):  # a reason that cannot be kept must not keep the request
        home.refused.mkdir(mode=0o700, exist_ok=True)
        _write_reason(home.refused / path.name, reason)
    _remove([path])


def set_aside(home: Home, path: Path, reason: str) -> None:
    """Move what is no file from the requests to the refused ones, with the reason.

    Raises:
        OSError: it cannot be moved.
    """
    home.refused.mkdir(mode=0o700, exist_ok=True)
    path.rename(home.refused / f"{path.name}.set-aside")
    _write_reason(home.refused / path.name, reason)


def _write_reason(path: Path, reason: str) -> None:
    temporary = _temporary(path)
    temporary.write_text(json.dumps({"reason": reason}), encoding="utf-8")
    temporary.replace(path)


def refusal(home: Home, request: Request) -> str | None:
    """Why the runner refused this request; None if it did not."""
    path = home.refused / path_of(home, request.id, request.kind).name
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["reason"])
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "its reason cannot be read"


def clean_up(home: Home, *, older_than_s: float) -> None:
    """Remove what nobody will come for: half-written requests, and old reasons of refusals.

    Raises:
        OSError: a directory cannot be read.
    """
    before = time.time() - older_than_s
    _remove(_old_files(home.requests, before, prefix=".", suffix=".tmp"))
    _remove(_old_files(home.refused, before))


def _old_files(
    directory: Path, before: float, *, prefix: str = "", suffix: str = ""
) -> Iterator[Path]:
    if not directory.is_dir():
        return
    with os.scandir(directory) as entries:
        for entry in entries:
            if not (entry.name.startswith(prefix) and entry.name.endswith(suffix)):
                continue
            with suppress(FileNotFoundError):  # its client may finish it at this moment
                found = entry.stat(follow_symlinks=False)
                if not stat.S_ISDIR(found.st_mode) and found.st_mtime < before:
                    yield directory / entry.name
