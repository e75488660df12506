"""What the dashboard shows, kept up to date: only what is on the screen is read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from stepflow_tui.core.models import Status
from stepflow_tui.store import queries
from stepflow_tui.tui.executions.groups import Groups
from stepflow_tui.tui.executions.listing import Listing
from stepflow_tui.tui.executions.pages import ExecutionPages
from stepflow_tui.tui.executions.usual import Usual
from stepflow_tui.tui.executions.view import PLAIN
from stepflow_tui.tui.log.source import PAGE as LOG_PAGE
from stepflow_tui.tui.log.source import LogPages

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.models import Execution, Step
    from stepflow_tui.store.queries import Pulse
    from stepflow_tui.tui.executions.listing import ExecutionList
    from stepflow_tui.tui.executions.view import View
    from stepflow_tui.tui.log.interleaved import AnyLog
    from stepflow_tui.tui.source import PulsedSource


_BEAT_S = 5.0
"""At least so often it is looked whether what is usual of the listed names is another."""


class Window(Struct, frozen=True):
    """What is on the screen.

    Attributes:
        rows: of the list of executions, counted from its top.
        lines: of the log, 0-based; while it is followed only their number counts.
        follow: the last lines are shown, whichever they are.
    """

    rows: range
    lines: range
    follow: bool


class Live:
    """The executions, and of the selected one its steps and its log.

    Attributes:
        view: which executions are listed, and how.
        executions: the list.
        usual: of the names in the list.
        counts: executions of each status.
        selected: the selected execution; None until it was read.
        steps: of the selected execution, in order.
        log: of the selected execution; None without one.
        edition: another one whenever anything but the log may be another than before.
    """

    def __init__(self, source: PulsedSource) -> None:
        self._source = source
        self.view: View = PLAIN
        self.edition = 0
        self.reset()

    def reset(self) -> None:
        """Forget all that was read: the database is another one."""
        self.edition += 1
        self._revision = -1
        self._steps_revision = 0
        self._is_displaced = False
        self._looked_at: object = None
        self._prefetched: object = None
        self.executions = self._list()
        self.usual = Usual(self._source)
        self.counts: dict[Status, int] = {}
        self.selected: Execution | None = None
        self.steps: list[Step] = []
        self.log: AnyLog | None = None
        self._read: AnyLog | None = None

    def _list(self) -> ExecutionList:
        if self.view.is_plain:
            return ExecutionPages(self._source)
        kind = Groups if self.view.grouped else Listing
        return kind(self._source, self.view)

    def look(self, view: View) -> None:
        """List other executions, or the same ones in another way; `refresh` reads them."""
        if view == self.view:
            return
        self.view = view
        self.executions = self._list()
        if isinstance(self.executions, Groups) and self.selected is not None:
            self.executions.place(self.selected)
        self._revision = -1
        self._is_displaced = True  # the selected one may be far from the top

    def select(self, number: int) -> None:
        """Turn to another execution; `refresh` reads it."""
        index = self.executions.index_of(number)
        self.selected = None if index is None else self.executions.row(index)
        self.steps = []
        self._steps_revision = -1
        self.log = LogPages(self._source, number)

    def interleave(self, executions: Sequence[Execution]) -> None:
        """Turn to the logs of these as one; `refresh` reads it."""
        self.selected = None
        self.steps = []
        self._steps_revision = -1
        from stepflow_tui.tui.log.interleaved import Interleaved

        self.log = Interleaved(self._source, executions)

    @property
    def number(self) -> int | None:
        """Of the selected execution, below 0 for several as one; None if there is none."""
        return None if self.log is None else self.log.number

    @property
    def is_interleaved(self) -> bool:
        """Whether the log is that of several executions."""
        return self.log is not None and not isinstance(self.log, LogPages)

    @property
    def is_read(self) -> bool:
        """Whether the log that was turned to last has been read, or there is none."""
        return self._read is self.log

    @property
    def unfinished(self) -> int:
        """How many executions are pending or running."""
        return self.counts.get(Status.PENDING, 0) + self.counts.get(Status.RUNNING, 0)

    @property
    def total(self) -> int:
        """How many executions there are, listed or not."""
        return sum(self.counts.values())

    def hurry(self) -> None:
        """Have the next `refresh` read the whole list, dear as it may be."""
        if isinstance(self.executions, Listing):
            self.executions.hurry()

    async def place_of(self, number: int) -> int | None:
        """Where an execution stands in the list; None if it is not listed.

        Raises:
            StoreProblem: the database cannot be read.
        """
        place = self.executions.index_of(number)
        if place is None and isinstance(self.executions, ExecutionPages):
            return await self._source.first(queries.newer_count(number))
        return place

    async def refresh(self, window: Window) -> None:
        """Read what has changed of what the window shows.

        Raises:
            StoreProblem: the database cannot be read.
        """
        log, pulse = self.log, await self._pulse()
        if pulse.revision != self._revision:
            self._is_displaced |= self.executions.advance(pulse)
            self.counts = dict(await self._source.all(queries.status_counts()))
            self._revision = pulse.revision
        if self.number is None and pulse.newest:
            self.select(pulse.newest)
            log, pulse = self.log, await self._pulse()
        looked_at, place = await self._see_to_rows(window.rows)
        if self.log is not log:
            return  # another one was selected meanwhile, and is read next
        if log is not None and not await self._refresh_selected(log, pulse, window):
            await self._turn_from(log.number, place)
            await self.refresh(window)
            return
        self._read = log
        if self._is_displaced and self.number is not None and self.number > 0:
            place = await self.place_of(self.number)
            if place is not None:
                await self.executions.load(range(place, place + 1))
            self._is_displaced = False
        self._looked_at = looked_at

    async def _see_to_rows(self, rows: range) -> tuple[object, int | None]:
        """Read rows of the list, unless nothing but the log can have changed.

        Returns:
            What was looked at, and what `_load_rows` returns.
        """
        beat = time.monotonic() // _BEAT_S
        looked_at = (self._revision, self.log, self.executions, rows, beat)
        if looked_at == self._looked_at and self.executions.behind_s != 0.0:
            return looked_at, None
        self.edition += 1
        self._looked_at = None  # until all of it is read
        return looked_at, await self._load_rows(rows)

    async def _load_rows(self, rows: range) -> int | None:
        """Read rows of the list, and what is usual of them; where the selected one stood before."""
        executions, number = self.executions, self.number
        place = None if number is None else executions.index_of(number)
        if isinstance(executions, Listing) and executions.is_read:
            executions.held = None if place is None else number
        await executions.load(rows)
        found = [row for index in rows if (row := executions.row(index)) is not None]
        await self.usual.load(
            [row.name for row in found if self.view.grouped or row.status is Status.RUNNING],
            self._revision,
        )
        return place

    async def _turn_from(self, number: int, place: int | None) -> None:
        """The selected execution was removed: turn to the one that comes to its place."""
        neighbour = self._listed_at(place)
        if neighbour in (None, number):
            neighbour = await self._source.first(queries.neighbour(number))
        if number == self.number:
            self.selected = self.log = None
            if neighbour is not None:
                self.select(neighbour)

    def _listed_at(self, place: int | None) -> int | None:
        if place is None or not isinstance(self.executions, Listing):
            return None
        return self.executions.number_at(min(place, self.executions.total - 1))

    async def prefetch(self, window: Window) -> bool:
        """Read a page next to those on the screen; False if there is nothing to read.

        Raises:
            StoreProblem: the database cannot be read.
        """
        log = self.log
        if log is None:
            return False
        lines = self._lines(log, window)
        pages = (log, lines.start // LOG_PAGE, lines.stop // LOG_PAGE, log.line_count // LOG_PAGE)
        if pages == self._prefetched:
            return False
        for near in (
            range(lines.start - LOG_PAGE, lines.start),
            range(lines.stop, lines.stop + LOG_PAGE),
        ):
            if not log.is_loaded(near):
                await log.load(near)
                return log.is_loaded(near)
        self._prefetched = pages
        return False

    async def _pulse(self) -> Pulse:
        return await self._source.pulse(self.number or 0, self.executions.newest)

    async def _refresh_selected(self, log: AnyLog, pulse: Pulse, window: Window) -> bool:
        """Read the selected execution; False if it is not there any more."""
        if not isinstance(log, LogPages):
            await log.refresh()
            await log.load(self._lines(log, window))
            return True
        if self._steps_revision != pulse.revision and not await self._refresh_steps(
            log.number, pulse.revision
        ):
            return False
        if self.selected is not None and self.selected.number == log.number:
            self.selected = _with_log_of(self.selected, pulse)
        log.resize(pulse.line_count, pulse.byte_count, pulse.last_chunk)
        await log.load(self._lines(log, window))
        return True

    async def _refresh_steps(self, number: int, revision: int) -> bool:
        since = self._steps_revision
        execution = await self._source.first(queries.execution(number))
        changed = await self._source.all(queries.steps_changed(number, since))
        if number != self.number:
            return True  # another one was selected meanwhile, and is read next
        if execution is None:
            return False
        self.selected = execution
        by_index = {step.index: step for step in (*self.steps, *changed)}
        self.steps = [by_index[index] for index in sorted(by_index)]
        self._steps_revision = revision
        return True

    def _lines(self, log: AnyLog, window: Window) -> range:
        if not window.follow:
            return window.lines
        return range(max(0, log.line_count - len(window.lines)), log.line_count)


def _with_log_of(execution: Execution, pulse: Pulse) -> Execution:
    """The execution with the state of its log, which changes without a revision."""
    if (execution.byte_count, execution.end_line) == (pulse.byte_count, pulse.end_line):
        return execution
    return replace(
        execution,
        line_count=pulse.line_count,
        byte_count=pulse.byte_count,
        end_line=pulse.end_line,
    )
