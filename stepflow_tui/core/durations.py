"""Spans of time and sizes: what users write, and how they are shown."""

from __future__ import annotations

import math

from stepflow_tui.core.lazy_pattern import lazy_pattern

_NUMBER = r"[0-9]++(?:\.[0-9]*+)?|\.[0-9]++"
_SECONDS = lazy_pattern(rf"(?:{_NUMBER})(?:[eE][+-]?[0-9]{{1,4}})?")
_UNITS = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PARTS = lazy_pattern("".join(rf"(?:(?P<{unit}>{_NUMBER}){unit}\s*+)?" for unit in _UNITS))

_SIZE = lazy_pattern(rf"(?P<number>{_NUMBER})\s*(?:(?P<prefix>[kmgtKMGT])(?P<binary>i)?)?[bB]?")

_SECOND = 1_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR


MAX_SECONDS = 100 * 365 * 86_400.0
"""A hundred years: no script means more by an estimate or a timeout."""


def bounded_seconds(seconds: float | None) -> float | None:
    """A span from 0 to `MAX_SECONDS`; None if it is none at all."""
    if seconds is None or math.isnan(seconds):
        return None
    return max(0.0, min(seconds, MAX_SECONDS))


def bounded_share(share: float | None) -> float | None:
    """A share from 0 to 1; None if it is none at all."""
    if share is None or math.isnan(share):
        return None
    return max(0.0, min(share, 1.0))


def parse_duration(text: str) -> float:
    """Reads `90`, `90s`, `5m`, `2h`, `3d` or parts from large to small such as `1h30m`.

    Returns:
        Seconds, finite and not negative.

    Raises:
        ValueError: the text is none of these.
    """
    text = text.strip()
    if _SECONDS.fullmatch(text):
        seconds = float(text)
    elif text and (parts := _PARTS.fullmatch(text)):
        seconds = sum(float(parts[unit] or 0) * size for unit, size in _UNITS.items())
    else:
        seconds = math.nan
    if not math.isfinite(seconds):
        raise ValueError("a duration is a number of seconds, or like 90s, 5m, 2h, 1h30m")
    return seconds


def parse_size(text: str) -> int:
    """Reads `500`, `20k`, `1.5GB`, `64MiB`: powers of 1000, with an `i` of 1024.

    Returns:
        Bytes.

    Raises:
        ValueError: the text is none of these.
    """
    parts = _SIZE.fullmatch(text.strip())
    if parts is None:
        raise ValueError("a size is a number of bytes, or like 20k, 1.5GB, 64MiB")
    base = 1024 if parts["binary"] else 1000
    power = " kmgt".index((parts["prefix"] or " ").lower())
    return int(float(parts["number"]) * base**power)


def format_duration(ms: int | None) -> str:
    """Shows a span: `0.4s`, `12.3s`, `2m 05s`, `1h 02m`, `3d 04h`; `-` for None.

    Cut, not rounded, so that a running clock never shows a second that is not over.
    """
    if ms is None:
        return "-"
    ms = max(0, ms)
    if ms < _MINUTE:
        return f"{ms // _SECOND}.{ms % _SECOND // 100}s"
    if ms < _HOUR:
        return f"{ms // _MINUTE}m {ms % _MINUTE // _SECOND:02}s"
    if ms < _DAY:
        return f"{ms // _HOUR}h {ms % _HOUR // _MINUTE:02}m"
    return f"{ms // _DAY}d {ms % _DAY // _HOUR:02}h"


def format_difference(ms: int | None) -> str:
    """Shows by how much a span is longer or shorter: `+0.4s`, `-2m 05s`; `-` for None."""
    if ms is None or abs(ms) < _SECOND // 10:
        return format_duration(ms if ms is None else 0)
    return ("+" if ms > 0 else "-") + format_duration(abs(ms))


def format_age(ms: int) -> str:
    """Shows how long ago something was, in its largest unit: `12s`, `5m`, `3h`, `2d`."""
    ms = max(0, ms)
    for unit, size in (("d", _DAY), ("h", _HOUR), ("m", _MINUTE)):
        if ms >= size:
            return f"{ms // size}{unit}"
    return f"{ms // _SECOND}s"


def format_size(count: int) -> str:
    """Shows a number of bytes in powers of 1000: `999 B`, `1.2 kB`, `3.0 GB`."""
    if count < 1000:
        return f"{count} B"
    size = count / 1000
    for unit in ("kB", "MB", "GB", "TB"):
        if size < 999.95:  # from here on one decimal would show 1000.0
            return f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} PB"
