"""Where the dashboard is to be opened: a run, and perhaps one of its steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.models import Step


class Target(Struct, frozen=True):
    """A place in the history.

    Attributes:
        number: of the execution.
        step: index of its step, from 1; None for the execution as a whole.
    """

    number: int
    step: int | None = None


def matching_steps(steps: Sequence[Step], text: str) -> list[Step]:
    """The steps that `text` may mean: by index, by name, or else by how their names begin.

    Of steps with one and the same name the last counts.
    """
    indexed = [step for step in steps if text == str(step.index)]
    if indexed:
        return indexed
    named = [step for step in steps if text in (step.name, clean_line(step.name))]
    if named:
        return named[-1:]
    begun = {
        step.name: step
        for step in steps
        if clean_line(step.name).casefold().startswith(text.casefold())
    }
    return list(begun.values())
