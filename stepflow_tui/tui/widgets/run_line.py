"""One run in one line: number, name, status, how long it took, and how long ago it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_age, format_duration
from stepflow_tui.core.glyphs import GLYPHS
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.widgets.line import Line

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution

_ROLE = 7


class RunLine(Line):
    """Names a run and the role that it has beside another."""

    def show(self, role: str, execution: Execution, ms: int | None) -> None:
        """Show a run that took so many milliseconds; the age goes first where it is narrow."""
        status = execution.status
        age = f"{format_age(now().wall_ms - execution.created_at)} ago "
        took = format_duration(ms)
        left = (
            (f" {role:<{_ROLE}}", "line--dim"),
            (f"#{execution.number} {clean_line(execution.name)}  ", "line--strong"),
            (f"{GLYPHS[status]} {execution.word}", f"status--{status}"),
        )
        ends = (f"{took} · {age}", f" {took} ")
        self.set_versions([(left, ((end, "line--dim"),)) for end in ends])

    def show_none(self, role: str, why: str) -> None:
        """There is no such run."""
        self.set_parts([(f" {role:<{_ROLE}}", "line--dim"), (why, "line--warning")])
