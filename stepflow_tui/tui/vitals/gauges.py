"""What the health screen measures: each with its words, its curve and the level of its alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.durations import format_size
from stepflow_tui.health.verdict import MAX_BACKLOG

if TYPE_CHECKING:
    from collections.abc import Callable

    from stepflow_tui.core.settings import Settings
    from stepflow_tui.health.sample import Sample


class Gauge(Struct, frozen=True):
    """One measure.

    Attributes:
        title: what it is called.
        value: of a sample; None if there was nothing to measure.
        form: how a value is written.
        least: the top of its scale is never lower.
        level: above it is a strain, and the scale ends there; None if there is no such level.
        second: another value, written in small beside the first, and what it is called.
    """

    title: str
    value: Callable[[Sample], float | None]
    form: Callable[[float], str]
    least: float
    level: float | None = None
    second: tuple[str, Callable[[Sample], float | None]] | None = None

    def height(self, sample: Sample) -> float:
        """What is plotted of a sample."""
        return self.value(sample) or 0.0

    def is_strained(self, sample: Sample) -> bool:
        """Whether it is above its level."""
        return self.level is not None and self.height(sample) > self.level


def gauges(settings: Settings) -> tuple[Gauge, ...]:
    """All of them, in the order in which they are shown: what is done beside what it takes."""
    return (
        Gauge("lines/s", lambda sample: sample.lines_per_s, rate, 10.0),
        Gauge(
            "write-ahead log",
            lambda sample: sample.wal_bytes,
            size,
            0.0,
            level=settings.alert_wal_bytes,
        ),
        Gauge("ended/min", lambda sample: sample.ended_per_min, rate, 10.0),
        Gauge("not stored yet", lambda sample: sample.backlog_bytes, size, 0.0, level=MAX_BACKLOG),
        Gauge(
            "commit p99",
            lambda sample: sample.commit_p99_ms,
            latency,
            5.0,
            second=("p50", lambda sample: sample.commit_p50_ms),
        ),
        Gauge(
            "runner memory",
            lambda sample: sample.memory_bytes,
            size,
            0.0,
            level=settings.alert_memory_bytes,
        ),
        Gauge("unfinished", lambda sample: sample.unfinished, rate, 5.0),
        Gauge("runner CPU", lambda sample: sample.cpu, share, 1.0),
    )


def rate(value: float) -> str:
    """A count or a rate: `1,204`, below ten with one decimal unless it is whole."""
    return f"{value:.1f}" if value < 10 and value != int(value) else f"{value:,.0f}"


def size(value: float) -> str:
    """Bytes."""
    return format_size(int(value))


def latency(value: float) -> str:
    """Milliseconds: `0.42 ms`, `12 ms`, `1.3 s`."""
    if value >= 999.5:
        return f"{value / 1000:.1f} s"
    return f"{value:.0f} ms" if value >= 9.95 else f"{value:.2g} ms"


def share(value: float) -> str:
    """A share of a processor core."""
    return f"{value:.0%}"
