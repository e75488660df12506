"""What is asked and said about executions, one or many, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.clock import execution_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stepflow_tui.core.models import Execution
    from stepflow_tui.store.removal import Entry
    from stepflow_tui.tui.screens.confirm import Confirm

_LISTED = 5


def counted(number: int) -> str:
    """`1 execution`, `3 executions`."""
    return "1 execution" if number == 1 else f"{number:,} executions"


def named(executions: Sequence[Execution]) -> str:
    """`#42 deploy`, or how many there are."""
    return _title(executions[0]) if len(executions) == 1 else counted(len(executions))


def verb(executions: Sequence[object], one: str, many: str) -> str:
    """The form of a verb that goes with so many."""
    return one if len(executions) == 1 else many


def ask_cancel(executions: Sequence[Execution], *, ended: int, force: bool) -> Confirm:
    """Whether these are to be stopped; so many others have ended already."""
    lines = [_listing(executions, _running)]
    if ended:
        lines.append(f"{counted(ended)} of those selected {'has' if ended == 1 else 'have'} ended.")
    pronoun, are = ("It", "is") if len(executions) == 1 else ("They", "are")
    how = "killed at once, without time to clean up" if force else "stopped with all its processes"
    lines.append(f"{pronoun} {are} {how if pronoun == 'It' else how.replace('its', 'their')}.")
    from stepflow_tui.tui.screens.confirm import Confirm

    return Confirm(
        f"{'Kill' if force else 'Cancel'} {named(executions)}?",
        "\n".join(lines),
        yes=f"{'Kill' if force else 'Stop'} {verb(executions, 'it', 'them')}",
        no=verb(executions, "Let it run", "Leave them"),
    )


def has_left_processes(execution: Execution) -> bool:
    """Whether an execution that is over is known to have left processes in the background."""
    return execution.status.is_final and any(
        "processes" in warning and (" go on" in warning or "still hold its output" in warning)
        for warning in execution.warnings
    )


def ask_stop_leftovers(executions: Sequence[Execution], *, force: bool) -> Confirm:
    """Whether what these have left in the background is to be stopped."""
    from stepflow_tui.tui.screens.confirm import Confirm

    subject = verb(executions, "It has", "They have")
    pronoun = verb(executions, "it", "they")
    how = "killed at once, without time to clean up" if force else "stopped"
    return Confirm(
        f"{'Kill' if force else 'Stop'} what {named(executions)} left in the background?",
        f"{_listing(executions, _ended)}\n"
        f"{subject} ended. Processes that {pronoun} left in the background are {how}.",
        yes=f"{'Kill' if force else 'Stop'} them",
        no="Leave them",
    )


def ask_rerun(executions: Sequence[Execution]) -> Confirm:
    """Whether all of these are to be run once more."""
    from stepflow_tui.tui.screens.confirm import Confirm

    return Confirm(
        f"Run {named(executions)} again?",
        f"{_listing(executions, _ended)}\nThey start at once.",
        yes="Run them",
        no="Leave them",
    )


def ask_remove(
    executions: Sequence[Execution], staying: Sequence[Entry], *, size: int | None
) -> Confirm:
    """Whether these are to be removed; `staying` are others that cannot be."""
    amount = "" if size is None else f", {format_size(size)} in all"
    lines = [
        _listing(executions, _ended),
        f"Logs and artifacts go with {verb(executions, 'it', 'them')}{amount}.",
        "There is no way back.",
    ]
    if staying:
        lines.append(f"{len(staying):,} {verb(staying, 'stays', 'stay')}: {why_staying(staying)}.")
    from stepflow_tui.tui.screens.confirm import Confirm

    return Confirm(
        f"Remove {named(executions)}?",
        "\n".join(lines),
        yes="Remove",
        no="Keep",
    )


def why_staying(entries: Sequence[Entry]) -> str:
    """Why these cannot be removed: `#3 build is running (x cancels it)`, `2 are marked`."""
    reasons = Counter(map(_why_staying, entries))
    if len(entries) == 1:
        [reason] = reasons
        entry = entries[0]
        return f"#{entry.number} {clean_line(entry.name)} is {reason}"
    parts = (f"{number} {'is' if number == 1 else 'are'} {why}" for why, number in reasons.items())
    return ", ".join(parts)


def _why_staying(entry: Entry) -> str:
    if not entry.status.is_final:
        return f"{entry.status.word} (x cancels)"
    if entry.is_open:
        return "still written to by what was left behind"
    return "marked (m lets go)"


def tell_ended(executions: Sequence[Execution]) -> str:
    """How these have ended."""
    if len(executions) == 1:
        return f"{named(executions)} {executions[0].status.word}"
    words = Counter(execution.status.word for execution in executions)
    return ", ".join(f"{counted(number)} {word}" for word, number in words.items())


def _listing(executions: Sequence[Execution], state: Callable[[Execution], str]) -> str:
    """One sentence for one; else a line for each of the first few."""
    if len(executions) == 1:
        return f"{_title(executions[0])} {state(executions[0])}."
    lines = [f"  {_title(execution)} {state(execution)}" for execution in executions[:_LISTED]]
    more = len(executions) - _LISTED
    return "\n".join([*lines, *([f"  and {more:,} more"] if more > 0 else [])])


def _running(execution: Execution) -> str:
    elapsed = execution_time(execution, now())
    return f"has been running for {elapsed}" if elapsed else "has not started yet"


def _ended(execution: Execution) -> str:
    return f"({execution.status.word})"


def _title(execution: Execution) -> str:
    return f"#{execution.number} {clean_line(execution.name)}"
