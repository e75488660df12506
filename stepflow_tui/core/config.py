"""What a user wants of the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Mapping

COLUMNS = ("number", "name", "status", "progress", "time", "age", "tags")
"""What the list of executions can show of each."""


class Origin(Struct, frozen=True):
    """Where a configuration was written, to tell what is wrong with it.

    Attributes:
        file: its name.
        text: what stands in it.
    """

    file: str
    text: str

    def problem(self, path: tuple[str, ...], sentence: str) -> UsageProblem:
        """What to say of the entry at this path."""
        from stepflow_tui.core.config_text import line_of  # nothing is wrong, as a rule

        line = line_of(self.text, ".".join(path))
        return UsageProblem(f"{self.file}{f', line {line}' if line else ''}: {sentence}")


class Notify(Struct, frozen=True):
    """How the end of a run that is watched is told.

    Attributes:
        bell: the terminal's bell.
        desktop: by which sequence the terminal is asked for a desktop notification; `auto` takes
            the one that it is known to understand.
        title: the terminal's title says how the selected run stands.
        progress: the taskbar shows how far it is; `auto` where the terminal is known to do so.
        tmux: sequences are passed through tmux, which must allow it.
        min_duration: of shorter runs, in seconds, nothing is told.
        command: is started with the run's number, name and status in its environment.
    """

    bell: bool = True
    desktop: str = "auto"
    title: bool = True
    progress: str = "auto"
    tmux: bool = False
    min_duration: float = 10.0
    command: tuple[str, ...] = ()


class Config(Struct, frozen=True):
    """What can be chosen for the dashboard.

    Attributes:
        theme: name of the colours.
        ascii: nothing outside ASCII is drawn; None lets the locale decide.
        columns: of the list of executions, from left to right; what does not fit is left out.
        fps: frames per second at most; None takes fewer over a thin line.
        remember: selection, filters and layout are kept from one time to the next.
        keys: for the id of a binding, the keys in place of its own.
        notify: how the end of a run is told.
        origin: where it was read from; None for defaults.
    """

    theme: str = "stepflow"
    ascii: bool | None = None
    columns: tuple[str, ...] = COLUMNS
    fps: int | None = None
    remember: bool = True
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notify: Notify = Notify()
    origin: Origin | None = None

    def problem(self, path: tuple[str, ...], sentence: str) -> UsageProblem:
        """What to say of an entry that cannot be as it is."""
        return (self.origin or Origin("configuration", "")).problem(path, sentence)
