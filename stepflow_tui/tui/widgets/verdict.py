"""Whether all is well, and every alert as a sentence."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from stepflow_tui.core.clock import now
from stepflow_tui.core.durations import format_age, format_size
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import fit
from stepflow_tui.tui.theme.looks import Looks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.health.examination import Examination

    Part = tuple[str, str]
    Lines = list[list[Part]]

_STATES = {
    "healthy": ("✓ healthy", "line--good"),
    "degraded": ("▲ degraded", "line--warning"),
    "down": ("✗ down", "line--bad"),
}
_INDENT = 3
_NAMED = 5


class Verdict(Widget):
    """As high as there is to say, up to a third of the screen."""

    ALLOW_SELECT = False

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._looks = Looks(self)
        self._found: Examination | None = None
        self._problem = ""
        self._lines: Lines = []

    def show(self, found: Examination) -> None:
        """Say what was found."""
        self._found, self._problem = found, ""
        self._draw()

    def show_problem(self, problem: str) -> None:
        """Say why nothing could be found out."""
        self._found, self._problem = None, problem
        self._draw()

    def rows_at(self, width: int, height: int) -> int:
        """How many lines there are to say on a screen of this size."""
        return len(self._at(width, height))

    def on_resize(self) -> None:
        """Sentences break elsewhere."""
        self._draw()

    def _draw(self) -> None:
        width = self.size.width
        if not width:
            return
        lines = self._at(width, self.app.size.height)
        if lines != self._lines:
            is_higher = len(lines) != len(self._lines)
            self._lines = lines
            if is_higher:
                self.styles.height = len(lines)
            self.refresh()

    def _at(self, width: int, height: int) -> Lines:
        return _limited(list(self._all(width)), max(2, height // 3))

    def _all(self, width: int) -> Iterator[list[Part]]:
        found = self._found
        if found is None:
            yield from _sentence(self._problem or "looking …", "line--dim", " ", width)
            return
        yield _head(found, width)
        for text in found.failures:
            yield from _sentence(text, "line--bad", "✗", width)
        for text in found.strains:
            yield from _sentence(text, "line--warning", "▲", width)
        for text in (*found.notes, *_facts(found)):
            yield from _sentence(text, "line--dim", "·", width)

    def notify_style_update(self) -> None:
        """The style sheet or the theme has changed."""
        self._looks.forget()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        parts = self._lines[y] if y < len(self._lines) else []
        base = self.rich_style
        segments = [Segment(text, base + self._looks.of(name)) for text, name in parts]
        return Strip(segments).adjust_cell_length(self.size.width, base)


def _head(found: Examination, width: int) -> list[Part]:
    """The state at the left, the runner at the right as far as there is room."""
    state, look = _STATES[found.state]
    room = width - cell_len(state) - 2
    runner = next((text for text in _runner(found) if len(text) + 2 <= room), "")
    return [(f" {state}", look), (runner.rjust(room), "line--dim"), (" ", "line--dim")]


def _runner(found: Examination) -> Iterator[str]:
    runner = found.runner
    if runner is None:
        yield "no runner is alive; one starts when there is something to do"
        yield "no runner is alive"
        return
    age = format_age(now().wall_ms - runner.started_at)
    yield f"runner {clean_line(runner.version)}, process {runner.pid}, up {age}"
    yield f"runner up {age}"


def _facts(found: Examination) -> Iterator[str]:
    names = [f"{clean_line(name)} ({pid})" for pid, name in found.readers]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    free = f", {format_size(found.free_bytes)} free on its disk" if found.free_bytes else ""
    yield f"database {format_size(found.database_bytes)}{free}"
    if names:
        yield f"database also open in {', '.join(names[:_NAMED])}{more}"
    else:
        yield "no other program has the database open"


def _sentence(text: str, look: str, mark: str, width: int) -> Iterator[list[Part]]:
    rows = wrap(clean_line(text), max(8, width - _INDENT - 1))
    for index, row in enumerate(rows):
        lead = f" {mark} " if index == 0 else " " * _INDENT
        yield [(lead, look), (fit(row, max(0, width - _INDENT)), look)]


def _limited(lines: Lines, most: int) -> Lines:
    if len(lines) <= most:
        return lines
    rest = len(lines) - most + 1
    return [*lines[: most - 1], [(f"   … {rest} more lines: stepflow health", "line--dim")]]
