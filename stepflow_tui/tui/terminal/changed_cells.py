"""Sends to the terminal only the cells that changed.

Textual sends a part of the screen whole when anything in it has changed: a followed log all of its
rows, for each line. Between Textual and its driver this compares what is about to be sent with what
stands on the terminal. That place is private to Textual, so it is looked first whether it is as we
know it; if not, Textual sends what it would send without us.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, cast

from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.strip import Strip

from stepflow_tui.tui.terminal.alphabet import HALF, Alphabet
from stepflow_tui.tui.terminal.cells import TerminalCells
from stepflow_tui.tui.terminal.known import are_known
from stepflow_tui.tui.terminal.parts import PartsUpdate, WholeUpdate

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.style import Style
    from textual import events
    from textual.screen import Screen

    from stepflow_tui.tui.terminal.cells import Update
    from stepflow_tui.tui.terminal.row import Row

_SMALL = 1000
"""Bytes that travel in one packet."""

_KEPT_STRIPS = 1000
_KNOWN_SHAPES = (
    (App._display, ("self", "screen", "renderable")),  # noqa: SLF001
    (App._begin_update, ("self",)),  # noqa: SLF001
    (App._end_update, ("self",)),  # noqa: SLF001
    (LayoutUpdate.__init__, ("self", "strips", "region")),
    (ChopsUpdate.__init__, ("self", "chops", "spans", "chop_ends")),
    (CompositorUpdate.render_segments, ("self", "console")),
    (Strip.render_ansi, ("cls", "style", "color_system")),
)


def is_textual_known() -> bool:
    """Whether Textual is as this module expects it.

    Its version is not asked for, which takes longer than the first frame: it is bound where this
    program is installed.
    """
    return are_known(_KNOWN_SHAPES)


class ChangedCells(CompositorUpdate):
    """What Textual sends in place of its own update."""

    def __init__(self, update: Update) -> None:
        self._update = update

    @property
    def is_small(self) -> bool:
        """It arrives in one piece, so nobody sees half of it."""
        return len(self._update.sequences) <= _SMALL

    def render_segments(self, console: Console) -> str:  # noqa: ARG002 - made for it already
        """What is to be sent now."""
        return self._update.send()


class ThriftyApp(App[None]):
    """An application that sends only what has changed on the terminal."""

    _cells: TerminalCells | None = None
    _is_small = False

    @cached_property
    def _is_thrifty(self) -> bool:
        return is_textual_known()

    @cached_property
    def _strips(self) -> _StripCells:
        return _StripCells(self.console, Alphabet())

    def on_mount(self) -> None:
        """Other programs may write to the terminal while we are suspended."""
        for signal in (self.app_suspend_signal, self.app_resume_signal):
            signal.subscribe(self, lambda _: self._forget(), immediate=True)

    def on_resize(self, _: events.Resize) -> None:
        """What the terminal did with what stood on it is its own affair."""
        self.action_redraw()

    def action_redraw(self) -> None:
        """Draw everything anew, whatever stands on the terminal."""
        self._forget()
        self.refresh()

    def _begin_anew(self) -> None:
        """Take another alphabet: a log may use colours and characters without end."""
        self._cells = None
        self._strips = _StripCells(self.console, Alphabet())
        self.refresh()

    def _forget(self) -> None:
        if self._cells is not None:
            self._cells.forget()

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if not self.is_headless and self._is_thrifty:
            changes = self._changes(renderable)
            self._is_small = isinstance(changes, ChangedCells) and changes.is_small
            renderable = cast("RenderableType | None", changes)
        super()._display(screen, renderable)

    def _begin_update(self) -> None:
        if not self._is_small:
            super()._begin_update()

    def _end_update(self) -> None:
        if not self._is_small:
            super()._end_update()

    def _changes(self, update: object) -> object:
        """What is to be sent in place of an update; None if all of it stands there already."""
        if self._strips.alphabet.is_full:
            self._begin_anew()
        if isinstance(update, LayoutUpdate):
            cells = self._cells_of_size(*update.region.size)
            rows = _rows_of_layout(update, cells, self._strips)
        elif isinstance(update, WholeUpdate):
            cells = self._cells_of_size(*update.size)
            rows = _rows_of_parts(update, cells, self._strips)
        elif isinstance(update, PartsUpdate) and self._cells is not None:
            cells = self._cells
            rows = _rows_of_parts(update, cells, self._strips)
        elif isinstance(update, ChopsUpdate) and self._cells is not None:
            cells = self._cells
            rows = _rows_of_chops(update, cells, self._strips)
        else:
            self._forget()
            return update
        changes = cells.update(rows)
        return ChangedCells(changes) if changes.sequences else None

    def _cells_of_size(self, width: int, height: int) -> TerminalCells:
        cells = self._cells
        if cells is None or (cells.width, cells.height) != (width, height):
            is_thrifty = "SSH_CONNECTION" in os.environ
            alphabet = self._strips.alphabet
            cells = self._cells = TerminalCells(width, height, alphabet, is_thrifty=is_thrifty)
        return cells


class _StripCells:
    """The characters and looks of strips, cell by cell.

    Most strips come again and again: what came of them is kept as long as they are.

    Attributes:
        alphabet: in whose characters.
    """

    def __init__(self, console: Console, alphabet: Alphabet) -> None:
        self._system = console._color_system or ColorSystem.TRUECOLOR  # noqa: SLF001 - as Textual
        self._kept: dict[tuple[int, int, int | None], tuple[Strip, str, str]] = {}
        self.alphabet = alphabet

    def of(self, strip: Strip, start: int = 0, stop: int | None = None) -> tuple[str, str]:
        """The characters and the looks of a strip, of all of it or of these cells."""
        key = id(strip), start, stop
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _KEPT_STRIPS:
                self._kept.clear()
            chars, looks = self._split(strip)
            # With the strip, so that its id is not given to another one.
            kept = self._kept[key] = (strip, _cut(chars, start, stop), looks[start:stop])
        return kept[1], kept[2]

    def _split(self, strip: Strip) -> tuple[str, str]:
        chars = looks = ""
        for text, style, control in strip:
            if not control:
                cells = self.alphabet.cells(text)
                chars += cells
                looks += self._look(style) * len(cells)
        return chars, looks

    def _look(self, style: Style | None) -> str:
        if style is None:
            return self.alphabet.look("")
        look = style._ansi  # noqa: SLF001 - where Textual keeps it
        return self.alphabet.look(Strip.render_ansi(style, self._system) if look is None else look)


def _rows_of_layout(
    update: LayoutUpdate, cells: TerminalCells, split: _StripCells
) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for y, strips in enumerate(update.strips, update.region.y):
        row, x = cells.row(y), update.region.x
        for strip in strips:
            row.put(x, *split.of(strip))
            x += strip.cell_length
        rows[y] = row
    return rows


def _rows_of_parts(update: PartsUpdate, cells: TerminalCells, split: _StripCells) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for y, x, strip, start, stop in update.parts:
        row = rows.get(y)
        if row is None:
            row = rows[y] = cells.row(y)
        row.put(start, *split.of(strip, start - x, stop - x))
    return rows


def _cut(chars: str, start: int, stop: int | None) -> str:
    """Some cells of a strip; a blank for each half of a wide character that was cut through."""
    cut = chars[start:stop]
    if cut[:1] == HALF:
        cut = " " + cut[1:]
    return cut[:-1] + " " if stop is not None and chars[stop : stop + 1] == HALF else cut


def _rows_of_chops(update: ChopsUpdate, cells: TerminalCells, split: _StripCells) -> dict[int, Row]:
    rows: dict[int, Row] = {}
    for y, start, stop in update.spans:
        row = rows.get(y) or cells.row(y)
        for (x, strip), end in zip(update.chops[y].items(), update.chop_ends[y], strict=True):
            if strip is not None and x < stop and end > start:
                row.put(x, *split.of(strip))
        rows[y] = row
    return rows
