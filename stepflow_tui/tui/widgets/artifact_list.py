"""The list of artifacts of an execution."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import Struct
from rich.style import Style
from textual.message import Message

from stepflow_tui.core.durations import format_size
from stepflow_tui.core.quoting import shown_path
from stepflow_tui.core.text import clean_line
from stepflow_tui.tui.executions.columns import fit, fit_right
from stepflow_tui.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stepflow_tui.core.models import Artifact
    from stepflow_tui.tui.widgets.rows import Cell

_SIZE, _TYPE, _STEP, _STATE = 9, 18, 20, 28
_MIN_NAME = 20
UNDER_WAY = "being collected"
"""The reason that the runner gives while it copies."""


@dataclass
class ArtifactHighlighted(Message):
    """The cursor stands on another artifact."""

    artifact: Artifact


class _Columns(Struct, frozen=True):
    """Widths in cells; 0 leaves a column out."""

    name: int
    size: int
    type: int
    step: int
    state: int


@lru_cache
def _columns(width: int) -> _Columns:
    """What fits: where it is narrow, the step goes first, then the type."""
    type_, step, state = _TYPE, _STEP, _STATE

    def name() -> int:
        shown = [_SIZE, type_, step, state]
        return width - 3 - sum(shown) - sum(2 for column in shown if column) - 1

    if name() < _MIN_NAME:
        step = 0
    if name() < _MIN_NAME:
        type_ = 0
    if name() < _MIN_NAME:
        state = 0
    return _Columns(max(1, name()), _SIZE, type_, step, state)


class ArtifactList(Rows):
    """Name, size, type, step, and whether it was stored or why not."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self.border_title = "Artifacts"
        self._artifacts: Sequence[Artifact] = ()
        self._steps: Mapping[int, str] = {}

    def show(self, artifacts: Sequence[Artifact], steps: Mapping[int, str]) -> None:
        """Show these; the cursor stays on its artifact.

        Args:
            artifacts: in the order the script named them, to which new ones are added.
            steps: their names by index.
        """
        self._artifacts, self._steps = artifacts, steps
        self.set_count(len(artifacts))
        self.repaint()
        if self.cursor is None and artifacts:
            self.move_cursor(0)

    @property
    def current(self) -> Artifact | None:
        """The artifact at the cursor."""
        found = self.cursor is not None and self.cursor < len(self._artifacts)
        return self._artifacts[self.cursor] if found and self.cursor is not None else None

    def cursor_moved(self) -> None:
        """Tell which artifact it is."""
        if self.current is not None:
            self.post_message(ArtifactHighlighted(self.current))

    def row_key(self, index: int) -> tuple[object, object]:
        """The record; there is no clock."""
        return (self._artifacts[index], index == self.cursor), None

    def row_cells(self, index: int, width: int) -> Sequence[Cell]:
        """A sign of its state, then the columns that there is room for."""
        artifact, columns = self._artifacts[index], _columns(width)
        dim = self.look("rows--dim")
        sign, colour = _sign(artifact)
        cells = [
            (f" {sign} ", self.look(colour)),
            (fit(shown_path(artifact.path), columns.name) + "  ", self._name_style(artifact)),
            (fit_right(_size(artifact), columns.size) + "  ", dim),
        ]
        if columns.type:
            cells.append((fit(type_of(artifact), columns.type) + "  ", dim))
        if columns.step:
            cells.append((fit(self._step_of(artifact), columns.step) + "  ", dim))
        if columns.state:
            cells.append(
                (fit(state_of(artifact), columns.state) + " ", self._state_style(artifact))
            )
        return cells

    def _step_of(self, artifact: Artifact) -> str:
        if artifact.step is None:
            return ""
        return clean_line(f"{artifact.step} {self._steps.get(artifact.step, '')}").rstrip()

    def _name_style(self, artifact: Artifact) -> Style:
        return Style.null() if artifact.stored else self.look("rows--dim")

    def _state_style(self, artifact: Artifact) -> Style:
        return self.look("rows--faint" if artifact.stored and not artifact.reason else "rows--dim")


def _sign(artifact: Artifact) -> tuple[str, str]:
    """A sign and the component class of its colour."""
    if artifact.stored is None:
        is_pending = artifact.reason in (None, UNDER_WAY)
        return ("○", "status--pending") if is_pending else ("✗", "status--failed")
    return ("✓", "status--completed") if artifact.reason is None else ("!", "status--timed_out")


def _size(artifact: Artifact) -> str:
    return "" if artifact.size is None else format_size(artifact.size)


def type_of(artifact: Artifact) -> str:
    """What kind of thing it is, as the script or its name says."""
    if artifact.mime == "inode/directory":
        return clean_line(artifact.type or "directory")
    return clean_line(artifact.type or artifact.mime or "")


def state_of(artifact: Artifact) -> str:
    """Whether it was stored, and if not so or not wholly so, why."""
    if artifact.reason is not None:
        return clean_line(artifact.reason)
    return "stored" if artifact.stored is not None else "not stored yet"
