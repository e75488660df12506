"""Selecting lines of a log by keys, to be copied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.tui.log.shown import shown_line
from stepflow_tui.tui.log.source import PAGE
from stepflow_tui.tui.messages import LogMoved
from stepflow_tui.tui.widgets.log.motion import LogMotion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stepflow_tui.tui.log.interleaved import AnyLog

_MOST_COPIED = 1_000_000
"""Characters; no clipboard of a terminal takes more."""


class Excerpt(Struct, frozen=True):
    """Lines to be copied, as they are shown.

    Attributes:
        text: of the lines.
        lines: how many they are.
        is_cut: there was more, in a long line or in many lines.
    """

    text: str
    lines: int
    is_cut: bool = False


class LogSelection(LogMotion):
    """Selects the lines from where the selection began to the cursor."""

    def __init__(self, *, id: str) -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id)
        self._anchor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether lines are being selected, so that nothing must move by itself."""
        return self._anchor is not None

    @property
    def selected_lines(self) -> range:
        """The lines that are selected; empty if none are."""
        if self._anchor is None:
            return range(0)
        return range(min(self._anchor, self.cursor), max(self._anchor, self.cursor) + 1)

    def action_select_lines(self) -> None:
        """Begin to select lines at the cursor, or end it."""
        if self.end_selection() or self.current is None:
            return
        self._anchor = self.cursor
        self.follow = False
        self.focus()
        self._settle()

    def action_end_selection(self) -> None:
        """End the selection."""
        self.end_selection()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key that ends the selection means something else if there is none."""
        if action == "end_selection" and not self.is_held:
            return False
        return super().check_action(action, parameters)

    def end_selection(self) -> bool:
        """Select no lines any more; False if none were."""
        if self._anchor is None:
            return False
        self._anchor = None
        self.repaint()
        self.post_message(LogMoved())
        return True

    def _turn_to(self, log: AnyLog | None) -> None:
        super()._turn_to(log)
        self._anchor = None

    async def excerpt(self) -> Excerpt | None:
        """The selected lines, or else the current one; None if there is none.

        Raises:
            StoreProblem: the database cannot be read.
        """
        log, lines = self._log, self.selected_lines or range(self.cursor, self.cursor + 1)
        texts: list[str] = []
        size, is_cut = 0, False
        for index in self._shown_among(lines):
            line = None if log is None else log.line(index)
            if log is not None and line is None:
                await log.load(range(index, min(index + PAGE, lines.stop)))
                line = log.line(index)
            if line is None:
                continue
            text = shown_line(line.text)
            size += len(text) + 1
            if texts and size > _MOST_COPIED:
                return Excerpt("\n".join(texts), len(texts), is_cut=True)
            texts.append(text)
            is_cut |= line.truncated
        return Excerpt("\n".join(texts), len(texts), is_cut) if texts else None

    def _shown_among(self, lines: range) -> Iterator[int]:
        index = self.view.lines.after(lines.start)
        while index is not None and index < lines.stop:
            yield index
            index = self.view.lines.after(index + 1)
