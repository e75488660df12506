"""Places in a log as one types them: a line, a share, a time, the end."""

from __future__ import annotations

import re
from typing import TypeAlias

from msgspec import Struct

from stepflow_tui.core.clock import wall_ms
from stepflow_tui.core.durations import parse_duration
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern


class LineNumber(Struct, frozen=True):
    """A line, counted from 1."""

    number: int


class Percent(Struct, frozen=True):
    """A share of all lines, 0 to 100."""

    value: float


class Elapsed(Struct, frozen=True):
    """So many milliseconds after the start."""

    ms: int


class ClockTime(Struct, frozen=True):
    """A time of day where the user is, in milliseconds since midnight."""

    ms: int


class End(Struct, frozen=True):
    """The last line."""


Place: TypeAlias = LineNumber | Percent | Elapsed | ClockTime | End

_LINE = lazy_pattern(r"[0-9][0-9_,]{0,20}")
_PERCENT = lazy_pattern(r"([0-9]{1,3}(?:\.[0-9]{0,9})?)\s*%")
_SHORT = lazy_pattern(r"([0-9]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,3}))?")
_CLOCK = lazy_pattern(r"([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,3}))?)?")
_FORMS = "1234, 50%, +1m30s, 0:01:30, 14:05:10 or $"


def parse_place(text: str) -> Place:
    """Reads `1234` (a line), `50%`, `+1m30s` or `0:01:30` (since the start), `14:05[:10]`, `$`.

    A time with one digit for the hours is one since the start, as the log shows it; with two it is
    one of the clock. `+` before it says that it is since the start in any case.

    Raises:
        UsageProblem: the text is none of these.
    """
    text = text.strip()
    if text == "$":
        return End()
    if _LINE.fullmatch(text):
        return LineNumber(max(1, int(re.sub("[_,]", "", text))))
    if (found := _PERCENT.fullmatch(text)) and float(found[1]) <= 100:
        return Percent(float(found[1]))
    if text.startswith("+"):
        return Elapsed(_span(text[1:]))
    if found := _SHORT.fullmatch(text):
        return Elapsed(_ms(found))
    if found := _CLOCK.fullmatch(text):
        return ClockTime(_ms(found))
    raise UsageProblem(f"there is no such place; go to {_FORMS}")


def _span(text: str) -> int:
    if found := _SHORT.fullmatch(text) or _CLOCK.fullmatch(text):
        return _ms(found)
    try:
        return round(parse_duration(text) * 1000)
    except ValueError as error:
        raise UsageProblem(f"there is no such place; go to {_FORMS}") from error


def _ms(found: re.Match[str]) -> int:
    hours, minutes, seconds, fraction = found.groups()
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
    return whole * 1000 + int((fraction or "").ljust(3, "0"))


def line_of(place: LineNumber | Percent | End, line_count: int) -> int:
    """The 0-based index of a place in a log that has lines."""
    last = max(0, line_count - 1)
    match place:
        case LineNumber(number):
            return min(number - 1, last)
        case Percent(value):
            return round(last * value / 100)
        case End():
            return last


def moment_of(place: Elapsed | ClockTime, started_at: int, near: int) -> int:
    """The moment that is meant, in UTC milliseconds.

    Args:
        place: what was typed.
        started_at: when the execution was started.
        near: of all days the one is meant on which the time of day is nearest to this moment.
    """
    if isinstance(place, Elapsed):
        return started_at + place.ms
    candidates = [wall_ms(near, days=days, of_day_ms=place.ms) for days in (-1, 0, 1)]
    return min(candidates, key=lambda moment: abs(moment - near))
