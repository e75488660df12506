"""Saving a log to a file of the user's."""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.errors import UsageProblem, reason_of
from stepflow_tui.core.paths import absolute
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.log.text import write_log

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from stepflow_tui.tui.source import Source

_MAX_NAME = 60


class SaveOrder(Struct, frozen=True):
    """What is to be saved where.

    Attributes:
        path: of the file; one that is there is replaced.
        colours: keep them; else plain text.
        lines: only these, by index; None for the whole log.
    """

    path: Path
    colours: bool = False
    lines: range | None = None


def default_name(execution: Execution) -> str:
    """`deploy-41.log`: safe as the name of a file whatever the execution is called."""
    name = re.sub(r"[^\w.+-]+", "-", clean_line(execution.name)).strip("-.")[:_MAX_NAME]
    return f"{name or 'log'}-{execution.number}.log"


def target(text: str, name: str) -> Path:
    """The file that is meant by what was typed; in a directory one of this name.

    Raises:
        UsageProblem: no file can be there.
    """
    if not text.strip() or "\0" in text:
        raise UsageProblem("type the name of a file")
    try:
        path = absolute(Path(text.strip()).expanduser())
        if path.is_dir():
            path /= name
        if not path.parent.is_dir():
            raise UsageProblem(f"there is no directory {path.parent}")
        if path.exists() and not path.is_file():
            raise UsageProblem(f"{path} is no file")
    except (OSError, RuntimeError, ValueError) as error:
        raise UsageProblem(f"no file can be there: {reason_of(error)}") from error
    return path


async def save(source: Source, number: int, order: SaveOrder) -> tuple[int, int]:
    """Write the file; until all of it is there, one of that name stays what it was.

    Returns:
        Lines and bytes that were written.

    Raises:
        StoreProblem: the database cannot be read.
        OSError: the file cannot be written.
    """
    file = await asyncio.to_thread(_Replacement, order.path)
    try:
        written = await write_log(
            source, number, file.text, lines=order.lines, colours=order.colours, numbered=False
        )
        return written, await asyncio.to_thread(file.put_in_place)
    finally:
        await asyncio.to_thread(file.close)


class _Replacement:
    """A file that takes another's place once it is whole."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # a link stays one
        descriptor, name = tempfile.mkstemp(prefix=".stepflow-", dir=self._path.parent)
        self._temporary = Path(name)
        self.text = os.fdopen(descriptor, "w", encoding="utf-8", errors="replace")

    def put_in_place(self) -> int:
        """Returns its size."""
        os.fchmod(self.text.fileno(), _mode_for(self._path))
        self.text.close()
        size = self._temporary.stat().st_size
        self._temporary.replace(self._path)
        return size

    def close(self) -> None:
        """Remove what is not in place."""
        with suppress(OSError):  # the disk is full; that was said already
            self.text.close()
        self._temporary.unlink(missing_ok=True)


def _mode_for(path: Path) -> int:
    """The rights of the file that is replaced, or those that a new one gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
