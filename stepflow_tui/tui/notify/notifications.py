"""Telling the user that a run has ended, also one who looks elsewhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.durations import format_duration
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.store import queries
from stepflow_tui.tui.terminal.emulator import BELL, RESTORE_TITLE, SAVE_TITLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stepflow_tui.core.config import Notify
    from stepflow_tui.core.models import Execution
    from stepflow_tui.tui.live import Live
    from stepflow_tui.tui.notify.hook import Hook
    from stepflow_tui.tui.source import Source
    from stepflow_tui.tui.terminal.emulator import Emulator

PROGRAM = "stepflow"
_TOLD_ONE_BY_ONE = 3
_KEEP_PROGRESS_S = 10.0
"""Some terminals forget progress that is not told again for 15 s."""


class Watchlist:
    """The runs whose end is to be told: the selected one, and those that were put on the list."""

    def __init__(self) -> None:
        self._watched: set[int] = set()
        self._selected: int | None = None
        self._runs = False  # the selected one did, when it was looked at last

    @property
    def numbers(self) -> list[int]:
        """The runs on the list, without the selected one."""
        return sorted(self._watched - {self._selected})

    def watch(self, number: int) -> None:
        """Put a run on the list until it has ended."""
        self._watched.add(number)

    def unwatch(self, number: int) -> None:
        """Take a run off the list."""
        self._watched.discard(number)

    def is_watched(self, number: int) -> bool:
        """Whether a run is on the list."""
        return number in self._watched

    def select(self, execution: Execution | None) -> list[Execution]:
        """The selected run as it is now; it is returned if it has just ended."""
        number = execution.number if execution else None
        ran = self._runs and number == self._selected
        self._selected, self._runs = number, False
        if execution is None:
            return []
        self._runs = not execution.status.is_final
        return [execution] if ran and not self._runs else self.look([execution])

    def look(self, executions: Iterable[Execution]) -> list[Execution]:
        """Of these runs those on the list that have ended; they are taken off it."""
        ended = [
            execution
            for execution in executions
            if execution.number in self._watched and execution.status.is_final
        ]
        self._watched -= {execution.number for execution in ended}
        return ended


class _Told(Struct):
    """What the terminal was told last."""

    title: str = ""
    progress: str = ""
    progress_at: float = 0.0


class Notifications:
    """Watches runs, and rings when one has ended.

    Attributes:
        watchlist: the runs whose end is told.
    """

    def __init__(
        self,
        wanted: Notify,
        emulator: Emulator,
        *,
        hook: Hook,
        write: Callable[[str], None],
        say: Callable[[str], None],
    ) -> None:
        """Makes one that watches nothing but the selected run.

        Args:
            wanted: what the user wants to be told, and how.
            emulator: makes the sequences.
            hook: a command to start.
            write: hands a sequence to the terminal.
            say: tells the user something in the dashboard.
        """
        self.watchlist = Watchlist()
        self._wanted = wanted
        self._emulator = emulator
        self._hook = hook
        self._write = write
        self._say = say
        self._told = _Told()

    def note(self, live: Live) -> None:
        """Take notice of the selected run; when it may be another, and each second."""
        selected = live.selected
        ended = self.watchlist.select(selected)
        sequences = self._title(selected) + self._progress(selected, time.monotonic())
        self._put(sequences + self._announce(ended))
        self._hook.check()

    async def look(self, source: Source) -> None:
        """Take notice of the other watched runs; to be called every second or so.

        Raises:
            StoreProblem: the database cannot be read.
        """
        numbers = self.watchlist.numbers
        if numbers:
            ended = self.watchlist.look(await source.all(queries.executions_by_number(numbers)))
            for execution in ended:
                self._say(sentence(execution))
            self._put(self._announce(ended))

    def pause(self) -> None:
        """Leave the terminal's title and its progress as they were."""
        told, self._told = self._told, _Told()
        restore = RESTORE_TITLE if told.title else ""
        self._put((self._emulator.end_progress() if told.progress else "") + restore)

    def _put(self, sequences: str) -> None:
        if sequences:
            self._write(sequences)

    def _announce(self, ended: list[Execution]) -> str:
        """Start the hook for each, and return what rings."""
        ended = [execution for execution in ended if self._is_worth_it(execution)]
        for execution in ended:
            self._hook.start(hook_variables(execution))
        if not ended:
            return ""
        texts = [sentence(execution) for execution in ended]
        if len(texts) > _TOLD_ONE_BY_ONE:
            texts = [_summary(ended)]
        notices = "".join(self._emulator.notification(PROGRAM, text) for text in texts)
        return notices + (BELL if self._wanted.bell else "")

    def _is_worth_it(self, execution: Execution) -> bool:
        ms = execution.duration_ms
        return ms is None or ms >= self._wanted.min_duration * 1000

    def _title(self, selected: Execution | None) -> str:
        """How the selected run stands, when that has changed."""
        title = PROGRAM if selected is None else _standing(selected)
        if title == self._told.title or not self._emulator.title:
            return ""
        save = "" if self._told.title else SAVE_TITLE
        self._told.title = title
        return save + self._emulator.set_title(title)

    def _progress(self, selected: Execution | None, moment: float) -> str:
        """How far the selected run is, when that has changed, and now and then."""
        runs = selected is not None and selected.status is Status.RUNNING
        told = self._told
        if not runs or selected is None:
            was_told, told.progress = told.progress, ""
            return self._emulator.end_progress() if was_told else ""
        sequence = self._emulator.show_progress(selected.progress)
        if sequence == told.progress and moment - told.progress_at < _KEEP_PROGRESS_S:
            return ""
        told.progress, told.progress_at = sequence, moment
        return sequence


def sentence(execution: Execution) -> str:
    """`#4 deploy failed after 2m 05s: exit code 3`."""
    span = "" if execution.duration_ms is None else f" {_after(execution)}"
    reason = f": {clean_line(execution.error)}" if execution.error else ""
    name = clean_line(execution.name)
    return f"#{execution.number} {name} {execution.status.word}{span}{reason}"


def _after(execution: Execution) -> str:
    word = "in" if execution.status is Status.COMPLETED else "after"
    return f"{word} {format_duration(execution.duration_ms)}"


def _standing(execution: Execution) -> str:
    glyph, name = GLYPHS[execution.status], clean_line(execution.name)
    return f"{glyph} {name} {execution.status.word} - {PROGRAM}"


def _summary(ended: list[Execution]) -> str:
    bad = sum(execution.status is not Status.COMPLETED for execution in ended)
    return f"{len(ended)} runs have ended" + (f", {bad} of them not well" if bad else "")


def hook_variables(execution: Execution) -> dict[str, str]:
    """What a command learns of a run that has ended; empty where there is nothing to tell."""
    told = {
        "NUMBER": execution.number,
        "ID": execution.id,
        "NAME": clean_line(execution.name),
        "STATUS": execution.status.value,
        "EXIT_CODE": "" if execution.exit_code is None else execution.exit_code,
        "ERROR": clean_line(execution.error or ""),
    }
    return {f"STEPFLOW_RUN_{name}": str(value) for name, value in told.items()}
