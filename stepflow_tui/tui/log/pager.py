"""Giving a log to the user's own pager or editor, without its control sequences."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import UsageProblem, system_reason
from stepflow_tui.tui.log.text import write_log

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from types import FrameType

    from stepflow_tui.tui.source import Source

_PAGER, _EDITOR = "less -R", "vi"
_PLUS_LINE = (
    *("vi", "vim", "nvim", "view", "gvim", "nano", "pico", "emacs", "emacsclient", "micro"),
    *("kak", "joe", "jmacs", "jed", "ne", "mg", "zile", "vis", "elvis"),
)
_AT_LINE = {
    **dict.fromkeys(_PLUS_LINE, ("+{line}", "{path}")),
    **dict.fromkeys(("hx", "helix"), ("{path}:{line}",)),
    **dict.fromkeys(("code", "codium", "cursor"), ("--wait", "--goto", "{path}:{line}")),
    **dict.fromkeys(("subl", "zed"), ("--wait", "{path}:{line}")),
}
"""How editors are told the line, and to wait where they would not."""

_AT_ONCE_S = 1.0


@asynccontextmanager
async def log_file(source: Source, number: int) -> AsyncIterator[Path]:
    """A file with the log of an execution that has no name and only lives while it is open.

    So nothing is left of it, however we end. The path leads to it here and in what `run` starts.

    Raises:
        StoreProblem: the database cannot be read.
        OSError: there is no room for the file.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        await write_log(source, number, file)
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        yield Path(f"/dev/fd/{file.fileno()}")


@asynccontextmanager
async def log_copy(source: Source, number: int, name: str) -> AsyncIterator[Path]:
    """A plain copy of a log under a name of its own, as editors want it; not to be written to.

    It stands alone in a directory, which `run_pager` removes as soon as the editor ends.

    Raises:
        StoreProblem: the database cannot be read.
        OSError: there is no room for the file.
    """
    with tempfile.TemporaryDirectory(prefix="stepflow-", ignore_cleanup_errors=True) as directory:
        path = Path(directory) / name
        with path.open("w", encoding="utf-8", errors="replace") as file:
            await write_log(source, number, file, colours=False)
        path.chmod(0o400)
        yield path


def pager_command(environ: Mapping[str, str], path: Path, line: int | None) -> list[str]:
    """The command that shows `path`, at this line from 1 or at its end if the pager can be told.

    Raises:
        UsageProblem: what the environment says of the pager is no command.
    """
    words = _words(environ, ("PAGER",), _PAGER)
    if Path(words[0]).name == "less":
        words += ["-R", "+G" if line is None else f"+{line}"]
    return [*words, str(path)]


def editor_command(environ: Mapping[str, str], path: Path, line: int) -> list[str]:
    """The command that edits `path`, at this line from 1 if the editor is known.

    Raises:
        UsageProblem: what the environment says of the editor is no command.
    """
    words = _words(environ, ("VISUAL", "EDITOR"), _EDITOR)
    arguments = _AT_LINE.get(Path(words[0]).name, ("{path}",))
    return words + [argument.format(path=path, line=line) for argument in arguments]


def _words(environ: Mapping[str, str], names: tuple[str, ...], default: str) -> list[str]:
    for name in names:
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            raise UsageProblem(f"${name} cannot be read: {error}") from error
        if words:
            return words
    return shlex.split(default)


def run_pager(command: list[str], directory: Path | None = None) -> str | None:
    """Start it and wait until the user has seen enough.

    Nothing is raised: this runs while the screen is given away, and must come back to it. A ctrl+c
    is the pager's, so it is caught here; ignored, the pager would inherit that.

    Args:
        command: of a pager or an editor.
        directory: removed at the end, before anything can go wrong with the terminal.

    Returns:
        Why there was nothing to see; None if all went well.
    """
    before = signal.signal(signal.SIGINT, _leave_it_to_the_pager)
    began = time.monotonic()
    try:
        # The file of `log_file` is the only thing that may be inherited.
        code = subprocess.run(command, check=False, close_fds=False, env=_environ()).returncode
        if code == 0 and _is_over_at_once(command, time.monotonic() - began):
            _wait_for_enter()
    except OSError as error:
        return system_reason(error)
    finally:
        if directory is not None:
            shutil.rmtree(directory, ignore_errors=True)  # with what an editor has left there
        signal.signal(signal.SIGINT, before)
    return f"{command[0]} ended with code {code}" if code else None


def _leave_it_to_the_pager(_number: int, _frame: FrameType | None) -> None:
    """Nothing: the pager got the same signal."""


def _environ() -> dict[str, str]:
    """Ours, but `less` does not leave at once when all fits on one screen."""
    return {**os.environ, "LESS": f"{os.environ.get('LESS', '')} -+F".strip()}


def _is_over_at_once(command: list[str], took_s: float) -> bool:
    """Whether it did not wait for the user: `cat`, or an editor with a window of its own."""
    name = Path(command[0]).name
    return name == "cat" or (name not in ("less", "more", "most") and took_s < _AT_ONCE_S)


def _wait_for_enter() -> None:
    """Leave what was printed on the screen until the user has read it; ctrl+c is an answer too."""
    terminal, out = sys.__stdin__, sys.__stdout__
    if terminal is None or out is None or not terminal.isatty():
        return
    out.write("\n[enter goes back to stepflow] ")
    out.flush()
    with suppress(KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.default_int_handler)  # reading goes on after any other
        terminal.readline()
    signal.signal(signal.SIGINT, _leave_it_to_the_pager)
