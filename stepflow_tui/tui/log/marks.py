"""Errors and warnings in a log, told by what such lines usually look like."""

from __future__ import annotations

import re
from bisect import bisect_left
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING

from stepflow_tui.core.markers import Malformed, StepError, parse_line
from stepflow_tui.tui.log.filter import MARKER_HINT, silent_lines
from stepflow_tui.tui.log.scan import LogScan

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    from stepflow_tui.tui.log.interleaved import AnyLog


class Severity(Enum):
    """What a line reports; the value is its sign in the gutter."""

    ERROR = "✗"
    WARNING = "!"


_NEEDLES = (b"err", b"fatal", b"fail", b"exception", b"traceback", b"panic", b"critical", b"warn")
"""One of these stands in every line that may count, in lower case; looking for a plain text is
many times as fast as a pattern."""

_HEAD = 4096
"""So many characters of a line are looked at."""

_LEVEL_HEAD = 160
_LEVEL = r"""(?<![\w/.-])(TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERR(?:OR)?|FATAL|CRIT(?:ICAL)?|PANIC)
    (?=[\s\])":|>]|$)
    |\b(?:level|lvl|severity)"?\s?[=:]\s?"?(?i:(trace|debug|info|notice|warn|err|fatal|crit|panic))
    """
"""A level that the logger itself gave; it says more than any word behind it."""

_CALM = "tdin"
_PROBLEM = r"""(?<!\b0\ )(?<!\bno\ )(?<!\bon\ )(?<!\bif\ )(?<!\bwithout\ )(?<![\w/.-])
    (?:
        (?P<error>errors?|fatal|failed|failures?|exceptions?|traceback|panic(?:ked)?|critical
            |(?-i:ERR!|FAIL|(?:[a-z]\w*\.)*[A-Z]\w*(?:Error|Exception)))
        |warn(?:ings?)? |(?-i:[A-Z]\w*Warning)
    )
    (?![\w/-]|\.\w)(?!["']?\s?[=:]\s?["']?(?:0|false|null|none|nil)\b)"""


@cache
def _level() -> re.Pattern[str]:
    """Compiled when it is needed: that takes as long as a few screens do."""
    return re.compile(_LEVEL, re.VERBOSE | re.ASCII)


@cache
def _problem() -> re.Pattern[str]:
    return re.compile(_PROBLEM, re.VERBOSE | re.IGNORECASE | re.ASCII)


def severity(line: str) -> Severity | None:
    """What a line reports, as it is shown. Of our own markers only STEP_ERROR is an error."""
    lowered = line[:_HEAD].encode("utf-8", "replace").lower()
    return _severity(line) if any(needle in lowered for needle in _NEEDLES) else None


def _severity(line: str) -> Severity | None:
    head = line[:_HEAD]
    if "STEP_ERROR:" in head and isinstance(parse_line(line.encode()), StepError):
        return Severity.ERROR
    if MARKER_HINT.search(head) and not isinstance(parse_line(line.encode()), Malformed | None):
        return None
    level = _level().search(head, 0, _LEVEL_HEAD)
    return _by_level(level[1] or level[2]) if level else _by_word(head)


def _by_level(level: str) -> Severity | None:
    first = level[0].lower()
    if first in _CALM:
        return None
    return Severity.WARNING if first == "w" else Severity.ERROR


def _by_word(head: str) -> Severity | None:
    found = _problem().search(head)
    if found is None:
        return None
    return Severity.ERROR if found["error"] else Severity.WARNING


def problems_in(text: str, first_line: int) -> tuple[list[int], list[int]]:
    """The lines with errors and those with warnings; the text begins with line `first_line`."""
    errors: list[int] = []
    warnings: list[int] = []
    data = text.encode("utf-8", "replace")
    line, counted = first_line, 0
    for start, end in _candidates(data):
        kind = _severity(data[start:end].decode())
        if kind is None:
            continue
        line += data.count(b"\n", counted, start)
        counted = start
        (errors if kind is Severity.ERROR else warnings).append(line)
    return errors, warnings


def _candidates(data: bytes) -> Sequence[tuple[int, int]]:
    """Where the lines begin and end that hold one of the needles, in order."""
    lowered = data.lower()
    found: dict[int, int] = {}
    for needle in _NEEDLES:
        hit = lowered.find(needle)
        while hit >= 0:
            start, end = data.rfind(b"\n", 0, hit) + 1, data.find(b"\n", hit)
            found[start] = end = len(data) if end < 0 else end
            hit = lowered.find(needle, end + 1)
    return sorted(found.items())


def _marks_in(text: str, first_line: int) -> tuple[list[int], list[int], list[int]]:
    return *problems_in(text, first_line), silent_lines(text, first_line)


class LogMarks(LogScan):
    """The errors and warnings of a log, and the lines that tell a reader nothing."""

    def __init__(self, log: AnyLog) -> None:
        super().__init__(log, _marks_in, kinds=3, redrawn=2)

    @property
    def errors(self) -> array[int]:
        """Lines with an error, in order."""
        return self.found[0]

    @property
    def warnings(self) -> array[int]:
        """Lines with a warning, in order."""
        return self.found[1]

    @property
    def silent(self) -> array[int]:
        """Lines with one of the `SILENT` markers, or that were written over later, in order."""
        return self.found[2]

    def counts(self, start: int, stop: int) -> tuple[int, int]:
        """How many errors and how many warnings the lines `start:stop` hold."""
        errors, warnings = (
            bisect_left(lines, stop) - bisect_left(lines, start) for lines in self.found[:2]
        )
        return errors, warnings

    def following(self, line: int) -> int | None:
        """The first line behind this one that has an error or a warning."""
        places = ((lines, bisect_left(lines, line + 1)) for lines in self.found[:2])
        found = [lines[place] for lines, place in places if place < len(lines)]
        return min(found, default=None)

    def preceding(self, line: int) -> int | None:
        """The last line ahead of this one that has an error or a warning."""
        places = ((lines, bisect_left(lines, line)) for lines in self.found[:2])
        found = [lines[place - 1] for lines, place in places if place]
        return max(found, default=None)
