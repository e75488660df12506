"""What of one log waits for its commit, and the stored chunk behind which it comes.

That chunk grows as long as it is small. A row for each commit would be dear where many scripts
chat at once: each takes a page of the index as well, and all of them would have to be merged
before long, from pages that they share with the rows of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.store.compaction import Compaction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stepflow_tui.store.chunks import Chunk
    from stepflow_tui.store.transaction import Transaction


class Backlog:
    """The rows of one log that are not as they will be."""

    def __init__(self) -> None:
        self._rows: list[Chunk] = []
        self._stored: Chunk | None = None
        self._is_finished = False
        self._compaction = Compaction()
        self._merged = 0

    @property
    def has_chunks(self) -> bool:
        """Whether output waits for its commit."""
        return bool(self._rows) and self._rows[-1] is not self._stored

    @property
    def new_lines(self) -> int:
        """How many lines wait for their commit."""
        stored = 0 if self._stored is None else self._stored.line_count
        return sum(chunk.line_count for chunk in self._rows) - stored

    @property
    def is_dirty(self) -> bool:
        """Whether there is something to commit."""
        return self.has_chunks or bool(self._compaction.ready)

    def add(self, chunks: Iterable[Chunk]) -> None:
        """Chunks that adjoin those that were added before."""
        for chunk in chunks:
            last = self._rows[-1] if self._rows else None
            grown = last.grown_by(chunk) if last else None
            if grown is not None:
                self._rows[-1] = grown
            else:
                self._compaction.add(self._rows[-1:])
                self._rows.append(chunk)

    def finish(self) -> None:
        """Nothing will be added any more."""
        if not self._is_finished:
            self._compaction.add(self._rows[-1:])
            self._compaction.finish()
            self._is_finished = True

    def save(self, transaction: Transaction, number: int) -> None:
        """Write the log of execution `number` as it is by now; `saved` follows the commit."""
        if not self.has_chunks:
            return
        new = self._rows
        if self._stored is not None:
            if new[0] is not self._stored:
                transaction.grow_log(number, new[0])
            new = new[1:]
        if new:
            transaction.append_log(number, new)

    def merge(self, transaction: Transaction, number: int) -> None:
        """Merge what is ready for it, or as much of that as one transaction does."""
        self._merged = 0
        for run in self._compaction.ready:
            if not transaction.merge_log(number, run, is_last=self._is_finished):
                break
            self._merged += 1

    def saved(self) -> None:
        """What was written is committed."""
        self._compaction.clear(self._merged)
        self._merged = 0
        self._rows = self._rows[-1:]
        if self._rows and not self._rows[0].may_grow and not self._is_finished:
            self._compaction.add(self._rows)
            self._rows = []
        self._stored = self._rows[0] if self._rows else None
