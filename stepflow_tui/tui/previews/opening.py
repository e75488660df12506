"""Opening an artifact with another program: which one, and what it is given."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.errors import StepflowError, UsageProblem
from stepflow_tui.core.text import show_line, with_reset
from stepflow_tui.store.collected import open_collected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stepflow_tui.core.home import Home
    from stepflow_tui.core.models import Artifact

_PAGED_BYTES = 200_000_000
_PART = 1 << 20


@contextmanager
def clean_copy(home: Home, artifact: Artifact) -> Iterator[Path]:
    """A temporary file for a pager: the text with its colours, without its control sequences.

    Raises:
        StepflowError: the artifact cannot be read, or is too large for a copy.
        OSError: there is no room for the file.
    """
    with (
        open_collected(home, str(artifact.stored)) as descriptor,
        tempfile.NamedTemporaryFile(
            "w", prefix="stepflow-", suffix=".txt", encoding="utf-8", errors="replace"
        ) as copy,
    ):
        size = os.fstat(descriptor).st_size
        if size > _PAGED_BYTES:
            raise StepflowError(f"{format_size(size)} is too much for a pager; y copies the path")
        with os.fdopen(descriptor, "rb", closefd=False) as source:
            while part := source.readline(_PART):
                end = "\n" if part.endswith(b"\n") else ""
                copy.write(with_reset(show_line(part.rstrip(b"\r\n"))) + end)
        copy.flush()
        yield Path(copy.name)


def picture_command(path: Path) -> list[str] | None:
    """The command that shows a picture in the terminal; None without the library for it."""
    if find_spec("textual_image") is None:
        return None
    return [sys.executable, "-m", "stepflow_tui.tui.previews.show_picture", str(path)]


def window_command(environ: Mapping[str, str], path: Path) -> list[str] | None:
    """The command that opens a file in a window of its own; None where there is no display.

    Raises:
        UsageProblem: what the environment says of the program is no command.
    """
    if not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
        return None
    if shutil.which("xdg-open", path=environ.get("PATH")):
        return ["xdg-open", str(path)]
    try:
        words = shlex.split(environ.get("VISUAL", ""))
    except ValueError as error:
        raise UsageProblem(f"$VISUAL cannot be read: {error}") from error
    return [*words, str(path)] if words else None


def start(command: list[str]) -> None:
    """Start a program with a window of its own, which outlives us and leaves our screen alone.

    Raises:
        StepflowError: there is no such program.
        OSError: it cannot be started.
    """
    if shutil.which(command[0]) is None:
        raise StepflowError(f"there is no program {command[0]}")
    null = subprocess.DEVNULL
    subprocess.run(  # by a shell that ends at once, so that nobody has to wait for the program
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        stdin=null,
        stdout=null,
        stderr=null,
        start_new_session=True,
        check=True,
    )
