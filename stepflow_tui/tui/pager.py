"""Giving a log to the user's own pager, with its colours and without its control sequences."""

from __future__ import annotations

import asyncio
import shlex
import signal
import subprocess
import tempfile
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.text import LineCleaner, current_state, show_line, with_reset
from stepflow_tui.store import queries
from stepflow_tui.tui.log_source import MAX_LINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from stepflow_tui.tui.source import Source

_CHUNKS = 16
_DEFAULT = "less -R"


@asynccontextmanager
async def log_file(source: Source, number: int) -> AsyncIterator[Path]:
    """A temporary file with the log of an execution, which only we can read.

    Raises:
        StoreProblem: the database cannot be read.
        OSError: there is no room for the file.
    """
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"stepflow-{number}-", suffix=".log", encoding="utf-8", errors="replace"
    ) as file:
        await _copy(source, number, file)
        file.flush()
        yield Path(file.name)


async def _copy(source: Source, number: int, file: IO[str]) -> None:
    line, byte, log = 0, 0, _Log(file)
    while chunks := await source.all(queries.chunks_from(number, line, byte, _CHUNKS)):
        await asyncio.to_thread(log.add, b"".join(chunk.text() for chunk in chunks))
        line, byte = chunks[-1].first_line, chunks[-1].end_byte
    log.end()


class _Log:
    """Writes a log as it may be shown; of a long line no more than a part is kept in memory."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._head = b""
        self._long: LineCleaner | None = None

    def add(self, data: bytes) -> None:
        """Write what follows."""
        *lines, head = (self._head + data).split(b"\n")
        for line in lines:
            self._write(line)
        if len(head) > MAX_LINE:
            head = current_state(head)
        if len(head) > MAX_LINE:
            self._long = self._long or LineCleaner()
            self._file.write(self._long.feed(head, final=False))
            head = b""
        self._head = head

    def _write(self, line: bytes) -> None:
        if self._long is None:
            self._file.write(f"{with_reset(show_line(line))}\n")
        else:
            self._file.write(f"{self._long.feed(line, final=True)}\x1b[0m\n")
            self._long = None

    def end(self) -> None:
        """Write what is left of the last line."""
        if self._head or self._long:
            self._write(self._head)


def pager_command(environ: Mapping[str, str], path: Path, line: int) -> list[str]:
    """The command that shows `path`, at this line from 1 if the pager can be told.

    Raises:
        UsageProblem: what the environment says of the pager is no command.
    """
    try:
        words = shlex.split(environ.get("PAGER", "")) or shlex.split(_DEFAULT)
    except ValueError as error:
        raise UsageProblem(f"$PAGER cannot be read: {error}") from error
    if Path(words[0]).name == "less":
        words += ["-R", f"+{line}"]
    return [*words, str(path)]


def run_pager(command: list[str]) -> str | None:
    """Show the file and wait until the user has seen enough.

    Nothing is raised: this runs while the screen is given away, and must come back to it. A ctrl+c
    is the pager's, so it is caught here; ignored, the pager would inherit that.

    Returns:
        Why there was nothing to see; None if all went well.
    """
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        return str(error)
    finally:
        signal.signal(signal.SIGINT, before)
    return f"{command[0]} ended with code {code}" if code else None
