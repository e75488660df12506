"""The size of the pseudo-terminal that a script runs under with `--tty`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.requests.request import MAX_TTY_LENGTH

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTING = "STEPFLOW_TTY_SIZE"
"""The variable with the size for those who choose none."""

_FORM = lazy_pattern("([0-9]{1,5})[xX]([0-9]{1,5})")
_STANDARD_STREAMS = (1, 2, 0)


def parse_terminal_size(text: str) -> list[int]:
    """Reads `120x40`.

    Returns:
        Columns and rows.

    Raises:
        ValueError: the text is no such size.
    """
    found = _FORM.fullmatch(text.strip())
    size = [int(length) for length in found.groups()] if found else []
    if not size or not all(0 < length <= MAX_TTY_LENGTH for length in size):
        raise ValueError("a terminal's size is COLUMNSxROWS, such as 120x40")
    return size


def caller_size(environ: Mapping[str, str]) -> list[int] | None:
    """Columns and rows that the setting names, else of our own terminal; None without both.

    Args:
        environ: the caller's environment.

    Raises:
        UsageProblem: the setting cannot be read.
    """
    if setting := environ.get(SETTING):
        try:
            return parse_terminal_size(setting)
        except ValueError as problem:
            raise UsageProblem(f"{SETTING}={setting}: {problem}") from problem
    return next(filter(None, map(_size_of, _STANDARD_STREAMS)), None)


def _size_of(descriptor: int) -> list[int] | None:
    try:
        size = os.get_terminal_size(descriptor)
    except OSError:  # it is no terminal
        return None
    return [size.columns, size.lines] if all(size) else None
