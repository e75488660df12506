"""Looking through a whole log off the thread of the screen, from where the reader is outward."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from contextlib import aclosing
from copy import copy
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from stepflow_tui.core.frames import MAX_ROWS, Frames, moves_up
from stepflow_tui.tui.log.haystack import joined
from stepflow_tui.tui.log.shown import shown_line
from stepflow_tui.tui.log.source import head_lines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from stepflow_tui.tui.log.haystack import Passage, Stretch
    from stepflow_tui.tui.log.interleaved import AnyLog

Look: TypeAlias = "Callable[[str, int], Sequence[Sequence[int]]]"
"""The lines of each kind in a text, which begins in a line with this index."""

_FIRST_WINDOW, _LAST_WINDOW = 16_384, 524_288
_AT_ONCE = 256


class _Seen(Struct, frozen=True):
    """What was seen in a stretch of lines.

    Attributes:
        stop: index of the line behind it.
        found: the lines of each kind.
        frames: what it has left of those before it; None if nobody asks.
        over: the lines that it has written over, which may stand before it.
    """

    stop: int
    found: list[list[int]]
    frames: Frames | None
    over: list[int]


class LogScan:
    """Finds lines of several kinds.

    Attributes:
        low, high: the lines `low:high` were looked through.
        found: the lines of each kind among them, in order.
    """

    def __init__(
        self, log: AnyLog, look: Look, *, kinds: int = 1, redrawn: int | None = None
    ) -> None:
        """Makes a scan that has looked at nothing.

        Args:
            log: what to look through.
            look: tells which lines are of which kind; it runs in another thread.
            kinds: how many there are.
            redrawn: lines that later ones have written over are of this kind too; see
                `core.frames`. None if they are not looked for.
        """
        self._log = log
        self._hay = log.haystack()
        self._look = look
        self._window = _FIRST_WINDOW
        self._was_ahead = False
        self._turn = asyncio.Lock()
        self._goes_down = False
        self._redrawn = redrawn
        self._frames = self._no_frames(0)
        self.found = [array("Q") for _ in range(kinds)]
        self.low = self.high = 0

    @property
    def lines(self) -> array[int]:
        """What was found of the first kind."""
        return self.found[0]

    def begin(self, line: int) -> None:
        """Look around this line first."""
        self.low = self.high = line
        self._frames = self._no_frames(line)

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
                if self._frames is not None:
                    self._note_over(self.found, self._frames.feed(self.high, line.text))
            self.high += 1

    def take_back(self, start: int) -> None:
        """Go back over the lines from `start` on, as far as they are in memory."""
        low, lines = self.low, list[bytes]()
        while low > start and (line := self._log.line(low - 1)) is not None:
            low -= 1
            lines.append(b"" if line.missing else line.text)
        if lines:
            lines.reverse()
            found = self._look("\n".join(map(shown_line, lines)), low)
            frames = self._no_frames(low)
            over = [] if frames is None else frames.feed(low, b"\n".join(lines))
            self._prepend(_Seen(self.low, [list(kind) for kind in found], frames, over), low)

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
            async for seen in self._scan(self.high, stop, self._frames):
                self._extend(seen.found)
                self._note_over(self.found, seen.over)
                self._frames, self.high = seen.frames, seen.stop
        finally:
            self._goes_down = False
        self.high = max(self.high, stop)  # a log may have a hole

    async def _go_up(self, start: int) -> None:
        before: list[list[int]] = [[] for _ in self.found]
        frames, over = self._no_frames(start), list[int]()
        async for seen in self._scan(start, self.low, frames):
            for lines, more in zip(before, seen.found, strict=True):
                lines.extend(more)
            frames = seen.frames
            over += seen.over
        self._prepend(_Seen(self.low, before, frames, over), start)

    def _prepend(self, seen: _Seen, low: int) -> None:
        over = seen.over
        if self._frames is not None and seen.frames is not None:
            over = over + self._frames.join(seen.frames)
        before = [array("Q", lines) for lines in seen.found]
        self._note_over(before, over)
        self.found = [lines + after for lines, after in zip(before, self.found, strict=True)]
        self.low = low

    def _extend(self, found: Sequence[Sequence[int]]) -> None:
        for lines, more in zip(self.found, found, strict=True):
            lines.extend(more)

    def _note_over(self, found: Sequence[array[int]], over: Sequence[int]) -> None:
        """Put lines that were written over among those of their kind; most go near the end."""
        if self._redrawn is not None and over:
            lines = found[self._redrawn]
            start = bisect_left(lines, min(over))
            lines[start:] = array("Q", sorted({*lines[start:], *over}))

    def _no_frames(self, line: int) -> Frames | None:
        """What is known of the frames of lines that begin with this one."""
        return None if self._redrawn is None else Frames(at_start=line == 0)

    async def _scan(self, start: int, stop: int, frames: Frames | None) -> AsyncIterator[_Seen]:
        async with aclosing(self._hay.stretches(start, stop)) as stretches:
            async for stretch in stretches:
                seen = await asyncio.to_thread(self._look_at, stretch, frames)
                frames = seen.frames
                yield seen

    def _look_at(self, stretch: Stretch, frames: Frames | None) -> _Seen:
        passages = list(stretch.passages())
        found = self._look(joined(passages, stretch.first), stretch.first)
        wanted = [
            [line for line in lines if stretch.start <= line < stretch.stop] for lines in found
        ]
        if frames is None:
            return _Seen(stretch.stop, wanted, None, [])
        frames = copy(frames)  # the other one stays, should nobody wait for this any more
        return _Seen(stretch.stop, wanted, frames, _written_over(frames, stretch, passages))


def _written_over(frames: Frames, stretch: Stretch, passages: Sequence[Passage]) -> list[int]:
    """Goes on with a stretch; returns the lines that were written over."""
    if frames.is_at_rest and not any(map(_moves_up, passages)):
        passages = _last_of(passages, stretch.stop - MAX_ROWS)
    over: list[int] = []
    for passage in passages:
        first, data = passage.first, passage.data
        if first < stretch.start:
            lines = data.split(b"\n", stretch.start - first)
            if len(lines) <= stretch.start - first:
                continue
            first, data = stretch.start, lines[-1]
        if first < stretch.stop:
            if first + data.count(b"\n") >= stretch.stop:
                data = head_lines(data, stretch.stop - first).removesuffix(b"\n")
            over += frames.feed(first, data, is_plain=passage.is_plain)
    return sorted(over)


def _moves_up(passage: Passage) -> bool:
    return not passage.is_plain and any(map(moves_up, passage.pieces))


def _last_of(passages: Sequence[Passage], line: int) -> Sequence[Passage]:
    """Those that hold what comes from this line on."""
    for place in range(len(passages) - 1, 0, -1):
        if passages[place].first <= line:
            return passages[place:]
    return passages
