"""Looking for a command's file before it is run, as the system will when it runs it."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import CommandNotExecutable, CommandNotFound
from stepflow_tui.core.quoting import shown_command, with_shown_bytes
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.interpreter import NOT_FOUND, interpreter_problem

if TYPE_CHECKING:
    from pathlib import Path


def check_executable(command: str, *, cwd: Path, search_path: str) -> None:
    """Refuse a command that cannot be started.

    A script needs no shebang here; but if it has one, its interpreter must be there.

    Args:
        command: the first word; with a slash it names a file relative to `cwd`.
        cwd: the script's working directory.
        search_path: the script's PATH.

    Raises:
        CommandNotFound: there is no such file, or its interpreter is missing.
        CommandNotExecutable: there is one, and it or its interpreter may not be executed.
    """
    places = _places(command, cwd, search_path)
    kinds = {place: _kind(place) for place in places}
    files = [place for place, kind in kinds.items() if kind and not stat.S_ISDIR(kind)]
    shown = clean_line(with_shown_bytes(command))
    executable = next((file for file in files if os.access(file, os.X_OK)), None)
    if executable is not None:
        if command.endswith("/"):  # a Path drops the slash, the system does not
            raise CommandNotExecutable(f"{shown}: is not a directory, leave out the slash")
        _check_interpreter(shown, executable, cwd)
        return
    if files:
        mend = shown_command(["chmod", "+x", str(files[0])])
        raise CommandNotExecutable(f"{shown}: not executable; run: {mend}")
    if "/" in command and kinds[places[0]]:
        raise CommandNotExecutable(f"{shown}: is a directory, not a command")
    raise CommandNotFound(f"{shown}: command not found")


def _check_interpreter(shown: str, executable: Path, cwd: Path) -> None:
    problem = interpreter_problem(str(executable), str(cwd))
    if problem is not None:
        reason, code = problem
        kind = CommandNotFound if code == NOT_FOUND else CommandNotExecutable
        raise kind(f"{shown}: {reason}")


def _places(command: str, cwd: Path, search_path: str) -> list[Path]:
    if "/" in command:
        return [cwd / command]
    # An empty entry of PATH means the working directory; a relative one lies beneath it.
    return [cwd / entry / command for entry in search_path.split(os.pathsep)]


def _kind(place: Path) -> int:
    """The file's mode; 0 if nothing can be found there."""
    try:
        return place.stat().st_mode
    except OSError:
        return 0
