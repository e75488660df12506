"""Having executions removed, and telling which."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.cli.order import carry_out, give
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.text import clean_line
from stepflow_tui.requests.request import remove_requests
from stepflow_tui.store import removal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stepflow_tui.core.home import Home
    from stepflow_tui.store.reader import Reader
    from stepflow_tui.store.removal import Entry

REMOVED, ASKED, WOULD = "removed", "asked to remove", "would remove"
"""What became of it: done, not waited for, not done."""


def remove(
    home: Home, reader: Reader, entries: Sequence[Entry], *, dry_run: bool, no_wait: bool
) -> tuple[str, list[Entry]]:
    """Have executions removed, unless it is a dry run.

    Returns:
        What became of them, and of which.

    Raises:
        StepflowError: the runner could not be asked, or refused.
    """
    requests = remove_requests([entry.id for entry in entries])
    if dry_run or not requests:
        return WOULD if dry_run else REMOVED, list(entries)
    if no_wait:
        give(home, *requests)
        return ASKED, list(entries)
    carry_out(home, *requests)
    left = reader.all(removal.entries([entry.id for entry in entries], sized=False))
    kept = {entry.id for entry in left}  # marked at the last moment
    return REMOVED, [entry for entry in entries if entry.id not in kept]


def print_each(deed: str, entries: Iterable[Entry]) -> None:
    """Put a line for each on standard output."""
    for entry in entries:
        size = format_size(entry.size)
        write(f"{deed} #{entry.number} {clean_line(entry.name)} ({size})\n")


def print_sum(deed: str, entries: Sequence[Entry]) -> None:
    """Put on standard output how many they are and what they take."""
    noun = "execution" if len(entries) == 1 else "executions"
    size = format_size(sum(entry.size for entry in entries))
    write(f"{deed} {len(entries)} {noun}, {size}\n")
