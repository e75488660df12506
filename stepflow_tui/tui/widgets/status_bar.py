"""The line that says how things stand: counts, a filter of lines, runner, place in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stepflow_tui.requests.runner import RunnerIdentity
    from stepflow_tui.tui.log.filter import LineFilter
    from stepflow_tui.tui.widgets.line import Part, Version
    from stepflow_tui.tui.widgets.log.view import LogView

_SHOWN = (
    (Status.RUNNING, "running", "line--busy"),
    (Status.PENDING, "pending", "line--dim"),
    (Status.FAILED, "failed", "line--bad"),
)


_FROM_LONG_TO_SHORT = (
    (True, True, True),
    (False, True, True),
    (False, False, True),
    (False, False, False),
)
"""Words beside the counts, advice about the runner, the length of the log."""


class Rest:
    """In place of a runner: none is alive."""


REST = Rest()


class StatusBar(Line):
    """Counts and the log's filter at the left, the runner and the log's position at the right."""

    def show(
        self,
        counts: Mapping[Status, int],
        *,
        counted_above: bool,
        runner: RunnerIdentity | Rest | None,
        ended: bool | None,
        log: LogView,
    ) -> None:
        """Say how things stand.

        Args:
            counts: executions of each status.
            counted_above: the header says that already.
            runner: None while nothing is known of it.
            ended: whether no more lines come; None if there is no log.
            log: what is shown of it.
        """
        unfinished = counts.get(Status.PENDING, 0) + counts.get(Status.RUNNING, 0)
        versions: list[Version] = []
        for wordy, explicit, precise in _FROM_LONG_TO_SHORT:
            left = [] if counted_above else _counts(counts, wordy=wordy)
            left += _filter(log.filter, explicit=explicit)
            state = _runner(runner, unfinished, explicit=explicit)
            right = [*state, *_position(ended, log, precise=precise), (" ", "")]
            versions.append((tuple(left), tuple(right)))
        self.set_versions(versions)


def _counts(counts: Mapping[Status, int], *, wordy: bool) -> list[Part]:
    parts: list[Part] = []
    for status, name, style in _SHOWN:
        count = counts.get(status, 0)
        text = f" {GLYPHS[status]} {count:,}" + (f" {name} " if wordy else "")
        parts.append((text, style if count else "line--faint"))
    return parts


def _runner(runner: RunnerIdentity | Rest | None, unfinished: int, *, explicit: bool) -> list[Part]:
    if runner is None:
        return []
    if not isinstance(runner, Rest):
        return _state(runner, explicit=explicit)
    if unfinished:
        advice = ": stepflow runner start" if explicit else ""
        return [(f"no runner{advice}   ", "line--warning")]
    return [("runner at rest   ", "line--faint")] if explicit else []


def _state(runner: RunnerIdentity, *, explicit: bool) -> list[Part]:
    if runner.trouble:
        told = clean_line(runner.trouble) if explicit else "runner in trouble: stepflow health"
        return [(f"{told}   ", "line--warning")]
    return [("runner up   ", "line--dim")] if explicit else []


def _filter(chosen: LineFilter | None, *, explicit: bool) -> list[Part]:
    """Which lines are left out: nobody must take what is left for the whole log."""
    needle = None if chosen is None else chosen.include or chosen.exclude
    if chosen is None or needle is None:
        return []
    how = "with" if chosen.include else "without"
    text = clean_line(needle.text)
    shown = f"only lines {how} “{text}”" if explicit else f"only {how} “{text}”"
    return [(f" {shown} ", "line--warning")]


def _position(ended: bool | None, log: LogView, *, precise: bool) -> list[Part]:
    count = log.view.count
    if ended is None:
        return []
    lines = "1 line" if count == 1 else f"{count:,} lines"
    if log.follow and ended:
        return [(lines, "line--dim")]
    if log.follow:
        return [("following", "line--good"), (f" · {lines}" if precise else "", "line--dim")]
    if ended:
        return [(f"line {log.cursor + 1:,} of {count:,}", "line--dim")]
    return [(f"paused · +{max(0, count - log.seen):,} lines", "line--warning")]
