"""Choosing lines by what stands in them: with one text, without another, without markers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.markers import ArtifactMarker, Meta, StepComplete, StepStart, parse_line
from stepflow_tui.tui.log.line_map import Except, Only
from stepflow_tui.tui.log.scan import LogScan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.tui.log.interleaved import AnyLog
    from stepflow_tui.tui.log.line_map import Lines
    from stepflow_tui.tui.log.needle import Needle

MARKER_HINT = lazy_pattern(
    r":(?<=[AERT]:)(?:(?<=META:)|(?<=_START:)|(?<=_COMPLETE:)|(?<=ARTIFACT:))"
)
"""Matches in every marker line but the errors of steps; a search for one character is quick."""

SILENT = (Meta, StepComplete)
"""Markers that tell a reader nothing: the heading of a step shows how it ended, and metadata has
its own places."""

_NO_ERRORS = (*SILENT, StepStart, ArtifactMarker)


class LineFilter:
    """Which lines are left.

    Attributes:
        include: lines must hold it; None lets all pass.
        exclude: lines must not hold it.
        markers: marker lines may pass; if not, of them only errors of steps do.
        silent: so may those of `SILENT`, and lines that were written over later; all of these
            pass in any case if they hold `include`.
    """

    def __init__(
        self,
        include: Needle | None = None,
        exclude: Needle | None = None,
        *,
        markers: bool = True,
        silent: bool = True,
    ) -> None:
        self.include = include
        self.exclude = exclude
        self.markers = markers
        self.silent = silent

    def look(self, text: str, first_line: int) -> tuple[list[int]]:
        """The lines that are left if there is something to include, else those that are not."""
        gone: set[int] = set()
        if self.exclude is not None:
            gone.update(self.exclude.found_in(text, first_line).lines)
        if not self.markers:
            gone.update(marker_lines(text, first_line))
        elif not self.silent and self.include is None:
            gone.update(silent_lines(text, first_line))
        if self.include is None:
            return (sorted(gone),)
        found = self.include.found_in(text, first_line).lines
        return ([line for line in found if line not in gone] if gone else found,)


class LogFilter(LogScan):
    """The lines of a log that a filter leaves.

    Attributes:
        chosen: the filter.
    """

    def __init__(self, log: AnyLog, chosen: LineFilter) -> None:
        hides_redrawn = chosen.include is None and not (chosen.markers and chosen.silent)
        super().__init__(log, chosen.look, redrawn=0 if hides_redrawn else None)
        self.chosen = chosen

    def shown(self) -> Lines:
        """The lines that are left, as far as they are known."""
        return Except(self) if self.chosen.include is None else Only(self)


def silent_lines(text: str, first_line: int) -> list[int]:
    """The lines with one of the `SILENT` markers in a text that begins with line `first_line`."""
    if "META:" not in text and "STEP_COMPLETE:" not in text:  # by far the most frequent case
        return []
    return list(marker_lines(text, first_line, SILENT))


def marker_lines(text: str, first_line: int, kinds: tuple[type, ...] = _NO_ERRORS) -> Iterator[int]:
    """The lines with markers of these kinds in a text that begins with line `first_line`.

    Errors of steps are not found.
    """
    line, counted, position = first_line, 0, 0
    while hint := MARKER_HINT.search(text, position):
        start, end = text.rfind("\n", 0, hint.start()) + 1, text.find("\n", hint.end())
        position = len(text) if end < 0 else end
        if isinstance(parse_line(text[start:position].encode()), kinds):
            line += text.count("\n", counted, start)
            counted = start
            yield line
