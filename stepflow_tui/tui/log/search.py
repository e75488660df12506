"""Looking for a text in a whole log, a piece at a time and off the thread of the screen."""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_left
from collections import deque
from contextlib import aclosing
from typing import TYPE_CHECKING

from stepflow_tui.tui.log.needle import Found

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from stepflow_tui.tui.log.haystack import Haystack, Stretch
    from stepflow_tui.tui.log.needle import Needle

    _Looking = tuple[Stretch, asyncio.Task[Found]]

MAX_MATCHES = 2_000_000
"""Matching lines that are noted; those beyond are counted, and looked for when asked for."""

_MAX_GIVEN_UP = 3
_AT_A_TIME = 4
_WINDOW, _MAX_WINDOW = 4096, 262_144


class LogSearch:
    """Finds the lines of one log that hold a needle.

    Attributes:
        number: of the execution, or what the haystack goes by.
        needle: what is looked for.
        matches: indexes of matching lines, in order, the first `MAX_MATCHES` of them.
        count: matching lines among the first `scanned` lines.
        scanned: lines that were looked through from the first on.
        skipped: lines among them that were given up, as the needle takes too long there.
    """

    def __init__(self, haystack: Haystack, number: int, needle: Needle) -> None:
        self._haystack = haystack
        self.number = number
        self.needle = needle
        self.matches = array("Q")
        self.count = 0
        self.scanned = 0
        self.skipped = 0
        self._byte_count = 0
        self._given_up = 0
        self._is_open = False
        self._unnoted: int | None = None

    @property
    def is_stopped(self) -> bool:
        """Whether the needle takes too long, so that the search was given up."""
        return self._given_up >= _MAX_GIVEN_UP

    @property
    def noted(self) -> int:
        """All matches among so many first lines are in `matches`."""
        return self.scanned if self._unnoted is None else self._unnoted

    def is_behind(self, line_count: int, byte_count: int) -> bool:
        """Whether a log of this size has something that was not looked through."""
        has_grown = self._is_open and self._byte_count != byte_count
        return not self.is_stopped and (self.scanned < line_count or has_grown)

    async def scan(
        self, line_count: int, byte_count: int = 0, told: Callable[[], None] | None = None
    ) -> None:
        """Go on looking through a log of this size, and count.

        Args:
            line_count: of the log, an unfinished last line included.
            byte_count: of the log: its last line may grow.
            told: called after each stretch.

        Raises:
            StoreProblem: the database cannot be read.
        """
        self._byte_count = byte_count
        self._forget_open_line()
        async for stretch, found in self._looked_through(self.scanned, line_count):
            self._note(stretch, found)
            if told is not None:
                told()
            if self.is_stopped:
                return

    def _forget_open_line(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        self.scanned -= 1
        if self.matches and self.matches[-1] == self.scanned:
            self.matches.pop()
            self.count -= 1

    def _note(self, stretch: Stretch, found: Found) -> None:
        room = max(0, MAX_MATCHES - len(self.matches))
        self.matches.extend(found.lines[:room])
        if self._unnoted is None and len(found.lines) > room:
            self._unnoted = found.lines[room]
        self.count += len(found.lines)
        self.skipped += found.skipped
        self._given_up += bool(found.skipped)
        self.scanned, self._is_open = stretch.stop, found.is_open

    def place(self, line: int) -> int | None:
        """How many of the noted matches come before this one; None if the line is none."""
        place = bisect_left(self.matches, line)
        return place if place < len(self.matches) and self.matches[place] == line else None

    def place_of(self, line: int) -> int:
        """Which of the noted matches stands at this line or behind it, or else is the last."""
        return min(bisect_left(self.matches, line), len(self.matches) - 1)

    async def first(self, start: int, stop: int) -> int | None:
        """The first of the lines `start:stop` that matches.

        Raises:
            StoreProblem: the database cannot be read.
        """
        place = bisect_left(self.matches, start)
        if place < len(self.matches):
            return self.matches[place] if self.matches[place] < stop else None
        looking = self._looked_through(max(start, self.noted), stop)
        async with aclosing(looking):
            async for _, found in looking:
                if found.lines:
                    return found.lines[0]
        return None

    async def last(self, start: int, stop: int) -> int | None:
        """The last of the lines `start:stop` that matches.

        Raises:
            StoreProblem: the database cannot be read.
        """
        high, window = stop, _WINDOW
        while high > (unknown := max(start, self.noted)):  # a scan may come to meet us
            low = max(high - window, unknown)
            looking = self._looked_through(low, high)
            last = [found.lines[-1] async for _, found in looking if found.lines]
            if last:
                return last[-1]
            high, window = low, min(2 * window, _MAX_WINDOW)
        place = bisect_left(self.matches, stop)
        return self.matches[place - 1] if place and self.matches[place - 1] >= start else None

    async def _looked_through(
        self, start: int, stop: int
    ) -> AsyncGenerator[tuple[Stretch, Found], None]:
        """What was found, stretch by stretch; a few of them are looked through at a time."""
        looking: deque[_Looking] = deque()
        try:
            async with aclosing(self._haystack.stretches(start, stop)) as stretches:
                async for stretch in stretches:
                    looked = asyncio.to_thread(_found_in, self.needle, stretch)
                    looking.append((stretch, asyncio.create_task(looked)))
                    if len(looking) == _AT_A_TIME:
                        yield await _next(looking)
            while looking:
                yield await _next(looking)
        finally:
            for _, found in looking:
                found.cancel()


async def _next(looking: deque[_Looking]) -> tuple[Stretch, Found]:
    stretch, found = looking.popleft()
    return stretch, await found


def _found_in(needle: Needle, stretch: Stretch) -> Found:
    lines: list[int] = []
    is_open = False
    for passage in stretch.passages():
        is_open = passage.is_open and passage.first < stretch.stop
        if all(needle.is_not_in(part, is_plain=passage.is_plain) for part in passage.pieces):
            continue
        found = needle.found_in(passage.text, passage.first)
        lines += found.lines
        if found.skipped:
            skipped = found.skipped + stretch.stop - passage.stop
            skipped = max(0, min(skipped, stretch.stop - stretch.start))
            return Found(_within(lines, stretch), skipped, is_open)
    return Found(_within(lines, stretch), is_open=is_open)


def _within(lines: list[int], stretch: Stretch) -> list[int]:
    return lines[bisect_left(lines, stretch.start) : bisect_left(lines, stretch.stop)]
