"""Looking through a whole log off the thread of the screen, from where the reader is outward."""

from __future__ import annotations

import asyncio
from array import array
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeAlias

from stepflow_tui.tui.log.shown import shown_line

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from stepflow_tui.tui.log.haystack import Stretch
    from stepflow_tui.tui.log.interleaved import AnyLog

Look: TypeAlias = "Callable[[str, int], Sequence[Sequence[int]]]"
"""The lines of each kind in a text, which begins in a line with this index."""

_FIRST_WINDOW, _LAST_WINDOW = 16_384, 524_288
_AT_ONCE = 256


class LogScan:
    """Finds lines of several kinds.

    Attributes:
        low, high: the lines `low:high` were looked through.
        found: the lines of each kind among them, in order.
    """

    def __init__(self, log: AnyLog, look: Look, *, kinds: int = 1) -> None:
        """Makes a scan that has looked at nothing.

        Args:
            log: what to look through.
            look: tells which lines are of which kind; it runs in another thread.
            kinds: how many there are.
        """
        self._log = log
        self._hay = log.haystack()
        self._look = look
        self._window = _FIRST_WINDOW
        self._was_ahead = False
        self._turn = asyncio.Lock()
        self._goes_down = False
        self.found = [array("Q") for _ in range(kinds)]
        self.low = self.high = 0

    @property
    def lines(self) -> array[int]:
        """What was found of the first kind."""
        return self.found[0]

    def begin(self, line: int) -> None:
        """Look around this line first."""
        self.low = self.high = line

    def is_done(self, stop: int) -> bool:
        """Whether every line before `stop` was looked through."""
        return self.low == 0 and self.high >= stop

    def take(self, stop: int) -> None:
        """Go on with the lines before `stop` that are in memory and complete: a few at most."""
        if self._goes_down:
            return
        for _ in range(min(_AT_ONCE, stop - self.high)):
            line = self._log.line(self.high)
            if line is None or not line.complete:
                return
            if not line.missing:
                self._extend(self._look(shown_line(line.text), self.high))
            self.high += 1

    def take_back(self, start: int) -> None:
        """Go back over the lines from `start` on, as far as they are in memory."""
        low, texts = self.low, list[str]()
        while low > start and (line := self._log.line(low - 1)) is not None:
            low -= 1
            texts.append("" if line.missing else shown_line(line.text))
        if texts:
            self._prepend(self._look("\n".join(reversed(texts)), low), low)

    async def advance(self, stop: int) -> bool:
        """Look through some more lines before `stop`, ahead and back by turns.

        Returns:
            False if there is nothing left to look through.

        Raises:
            StoreProblem: the database cannot be read.
        """
        async with self._turn:
            if self.is_done(stop):
                return False
            await self._advance(stop)
        return True

    async def _advance(self, stop: int) -> None:
        ahead = self.low == 0 or (self.high < stop and not self._was_ahead)
        if ahead:
            await self._go_down(min(stop, self.high + self._window))
        else:
            await self._go_up(max(0, self.low - self._window))
            self._window = min(_LAST_WINDOW, self._window * 2)
        self._was_ahead = ahead

    async def _go_down(self, stop: int) -> None:
        self._goes_down = True
        try:
            async for found, high in self._scan(self.high, stop):
                self._extend(found)
                self.high = high
        finally:
            self._goes_down = False
        self.high = max(self.high, stop)  # a log may have a hole

    async def _go_up(self, start: int) -> None:
        before = [array("Q") for _ in self.found]
        async for found, _ in self._scan(start, self.low):
            for lines, more in zip(before, found, strict=True):
                lines.extend(more)
        self._prepend(before, start)

    def _prepend(self, found: Sequence[Sequence[int]], low: int) -> None:
        pairs = zip(found, self.found, strict=True)
        self.found = [array("Q", before) + after for before, after in pairs]
        self.low = low

    def _extend(self, found: Sequence[Sequence[int]]) -> None:
        for lines, more in zip(self.found, found, strict=True):
            lines.extend(more)

    async def _scan(self, start: int, stop: int) -> AsyncIterator[tuple[list[list[int]], int]]:
        async with aclosing(self._hay.stretches(start, stop)) as stretches:
            async for stretch in stretches:
                yield await asyncio.to_thread(self._look_at, stretch), stretch.stop

    def _look_at(self, stretch: Stretch) -> list[list[int]]:
        found = self._look(stretch.text, stretch.first)
        return [[line for line in lines if stretch.start <= line < stretch.stop] for lines in found]
