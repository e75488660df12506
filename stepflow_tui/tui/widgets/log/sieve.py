"""The view of a log with what a scan of the whole of it tells: filters, errors and warnings."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from stepflow_tui.core.errors import StoreProblem
from stepflow_tui.tui.log.filter import LineFilter, LogFilter
from stepflow_tui.tui.log.heading import Markers
from stepflow_tui.tui.log.marks import LogMarks, Severity
from stepflow_tui.tui.messages import LogMoved
from stepflow_tui.tui.widgets.log.minimap import MATCH, STEP, Kind, Minimap, MinimapRender
from stepflow_tui.tui.widgets.log.pane import LogPane

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.tui.log.interleaved import AnyLog
    from stepflow_tui.tui.log.needle import Needle
    from stepflow_tui.tui.log.scan import LogScan

Place: TypeAlias = tuple[int, int, int]
"""The current line, and the top of the view."""

_AHEAD = 2
"""So many views above the first one are looked through before that is drawn."""

_PAUSE_S = 1.0
"""Between two looks at what a log has grown by, where that is out of view."""


class LogSieve(LogPane):
    """Shows only some of the lines, and where among all of them something stands."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._filter: LogFilter | None = None
        self._coming: LogFilter | None = None
        """Not in use before it has found something."""
        self._held: tuple[Place, int] | None = None
        """Where we are, and in which row the current line is to stand while more is found."""
        self._matches: Sequence[int] = ()
        self._minimap = Minimap()
        self._scan_on = asyncio.Event()
        self._has_begun = False

    def on_mount(self) -> None:
        """Turn the scroll bar into a map."""
        # As Textual's own documentation has it, for one bar alone.
        self.vertical_scrollbar.renderer = MinimapRender.of(self._minimap)  # type: ignore[misc]

    # What a filter leaves

    @property
    def filter(self) -> LineFilter | None:
        """The filter that was set; None if there is none."""
        found = self._coming or self._filter
        if found is None or (found.chosen.include is None and found.chosen.exclude is None):
            return None
        return found.chosen

    @property
    def is_filtering(self) -> bool:
        """Whether a filter has not looked at every line by now."""
        found = self._coming or self._filter
        return found is not None and not found.is_done(self._complete)

    def set_filter(self, include: Needle | None, exclude: Needle | None = None) -> None:
        """Show only the lines that hold `include` and do not hold `exclude`.

        The current line, or the nearest to it that is left, stays where it is.
        """
        markers, silent = self._painter.look.markers is not Markers.HIDDEN, not self._hides_silent
        self._choose(LineFilter(include, exclude, markers=markers, silent=silent))

    def clear_filter(self) -> bool:
        """Show every line again, and stay on the current one; False if there was no filter."""
        found = self.filter is not None
        if found:
            self.set_filter(None)
        return found

    def cycle_markers(self) -> Markers:
        """Show marker lines in the next way; returns which."""
        look, chosen = self._painter.look, self.filter or LineFilter()
        look.markers = look.markers.next
        self._rearrange(self._restyle_markers)
        self.set_filter(chosen.include, chosen.exclude)
        return look.markers

    @property
    def _hides_silent(self) -> bool:
        return self._painter.look.markers is Markers.HEADINGS

    def _restyle_markers(self) -> None:
        self._hide_silent()
        self.restyle()

    def _hide_silent(self) -> None:
        """Leave out lines that tell a reader nothing, as far as they are known."""
        if self.marks is not None and self._hides_silent:
            self.view.lines.hide(self.marks.silent)
        else:
            self.view.lines.hide()

    def _silent_found(self) -> None:
        """Lines that are in view may be left out now: stay on the current one, in its row."""
        self._hide_silent()
        lines = self.view.lines
        if not all(lines.has(row.line) for row in self._rows):
            self._rearrange(lines.refresh, self._shown_at(self.cursor))

    def jump(self, line: int, *, above: int, reveal: bool = False) -> None:
        """Go to a line, with some lines above it in view, and stay there.

        Args:
            line: its index.
            above: so many lines.
            reveal: show it even if it is a marker that is hidden; else the line above it is meant.
        """
        lines = self.view.lines
        if reveal and self.filter is None:
            lines.reveal(line)
        else:
            lines.reveal(None)
            line = self._shown_at(line)
        super().jump(line, above=above)

    def _shown_at(self, line: int) -> int:
        """This line, or the one above it that a marker which is hidden follows."""
        above = self.view.lines.last_passing(line) if self._filter is None else line
        return line if above is None else above

    def resume(self) -> None:
        """Go to the end and follow it."""
        self.view.lines.reveal(None)
        super().resume()

    def _choose(self, chosen: LineFilter) -> None:
        log = self._log
        self.view.lines.reveal(None)
        if log is None or (chosen.include is None and chosen.exclude is None and chosen.markers):
            self._filter = self._coming = None
            self._sift()
            return
        self._coming = LogFilter(log, chosen)
        self._coming.begin(self._start)
        self._scan_anew()

    def _sift(self) -> None:
        lines = None if self._filter is None else self._filter.shown()
        row = self._cursor_y
        self._minimap.forget()
        self._rearrange(lambda: self.view.lines.sift(lines))
        self._held = (self._place, row)

    @property
    def _place(self) -> Place:
        return self.cursor, self.view.top, self.view.skip

    def _hold(self) -> None:
        """The filter leaves more lines than it did: stay on the current one, in its row."""
        self.view.lines.refresh()
        if self._held is not None and self._held[0] == self._place and not self.follow:
            row = self._held[1]
            self.view.put(self.cursor, above=row)
            self._held = (self._place, row)
        elif not self.follow:
            self._held = None
            self.view.clamp()
        if not self.is_filtering:
            self._held = None
        self._settle()

    def _nothing_shown(self) -> str:
        if self.is_filtering:
            return "looking…"
        return "only markers, M shows them" if self.filter is None else "the filter leaves no line"

    # What the scan finds

    @property
    def _complete(self) -> int:
        """Lines that can not change any more, one less than there may be."""
        execution = self._painter.execution
        is_final = execution is not None and execution.status.is_final
        return self.view.count if is_final else max(0, self.view.count - 1)

    @property
    def _start(self) -> int:
        """The line to look from: what has no end yet is not looked at."""
        return self._complete if self.follow else min(self.cursor, self._complete)

    @property
    def _scans(self) -> list[LogScan]:
        scans = (self._coming or self._filter, self.marks)
        return [scan for scan in scans if scan is not None]

    def _turn_to(self, log: AnyLog | None) -> None:
        super()._turn_to(log)
        self._filter = self._coming = None
        self._minimap.forget()
        self._matches = ()
        self.marks = None if log is None else LogMarks(log)
        self._has_begun = False
        self.view.lines.sift(None)
        self.view.lines.reveal(None)
        self._hide_silent()

    def _grown(self) -> None:
        """Look at new lines at once if they are in memory, else as soon as may be."""
        count = self.view.count
        if self.marks is not None and not self._has_begun and count:
            self._begin()
        silent = 0 if self.marks is None else len(self.marks.silent)
        for scan in self._scans:
            scan.take(count)
        if self._filter is not None:
            self.view.lines.refresh()
        elif self.marks is not None and len(self.marks.silent) != silent:
            self._silent_found()
        if not all(scan.is_done(self._complete) for scan in self._scans):
            self._scan_on.set()

    def _begin(self) -> None:
        """The first lines of a log have come."""
        assert self.marks is not None  # noqa: S101 - as the caller has seen
        self._has_begun = True
        self.marks.begin(self._start)
        self.marks.take_back(self.marks.low - _AHEAD * self.height)
        self._hide_silent()
        if self._painter.look.markers is Markers.HIDDEN and self._filter is None:
            self.set_filter(None)
        self._scan_anew()

    def _scan_anew(self) -> None:
        self._scan_on.set()
        self.run_worker(self._scan(), group="scan", exclusive=True)

    async def _scan(self) -> None:
        while True:
            await self._scan_on.wait()
            self._scan_on.clear()
            try:
                while await self._advance():
                    self._scanned()
                await self._take_last()
            except StoreProblem:
                pass  # whoever reads the log to show it tells of it; we go on when it grows
            self._scanned()
            await asyncio.sleep(_PAUSE_S)

    async def _take_last(self) -> None:
        """Look at the last line too if it has its end, which only reading it can tell."""
        count, log = self.view.count, self._log
        if log is not None and any(scan.high < count for scan in self._scans):
            await log.load(range(count - 1, count))
            for scan in self._scans:
                scan.take(count)

    async def _advance(self) -> bool:
        for scan in self._scans:
            if await scan.advance(self._complete):
                return True
        return False

    def _scanned(self) -> None:
        if not self.is_attached:
            return  # the program ends
        coming = self._coming
        if coming is not None and (coming.is_done(self._complete) or self._has_some(coming)):
            self._filter, self._coming = coming, None
            self._sift()
        elif self._filter is not None:
            self._hold()
        else:
            self._silent_found()
            self._move_scroll_bar()
            self.repaint()
        self.post_message(LogMoved())

    def _has_some(self, coming: LogFilter) -> bool:
        known, shown = range(coming.low, coming.high), coming.shown()
        return shown.below(known.stop) - shown.below(known.start) >= self.height

    # The scroll bar

    def show_matches(self, matches: Sequence[int]) -> None:
        """Mark these lines, which are in order, on the scroll bar; they may become more."""
        self._matches = matches
        self._minimap.forget()
        self._move_scroll_bar()

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        super().notify_style_update()
        self._minimap.forget()

    def _move_scroll_bar(self) -> None:
        lines = self.view.lines
        marks, top = self.marks, lines.below(self.view.top)
        found = (len(marks.errors), len(marks.warnings)) if marks else (0, 0)
        version = (len(self._matches), *found, len(self.folds.headings))
        if self._minimap.update(lines, self.height, top, version, self._kinds):
            super()._move_scroll_bar()

    def _kinds(self) -> list[Kind]:
        palette, marks = self.palette, self.marks
        return [
            Kind(MATCH, self.look("log--match"), self._matches),
            Kind(Severity.ERROR.value, palette.error, marks.errors if marks else ()),
            Kind(Severity.WARNING.value, palette.warning, marks.warnings if marks else ()),
            Kind(STEP, palette.prefix, self.folds.headings),
        ]
