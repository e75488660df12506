"""How much of a log is kept: its head, and a tail that moves on with the output."""

from __future__ import annotations

from stepflow_tui.store.chunks import CHUNK_BYTES


class LogLimit:
    """Says what to leave out of one log. Half of the limit is for its head, half for its tail.

    Attributes:
        max_bytes: what is kept of the log in all.
        head: bytes from the beginning that are always kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.head = max_bytes // 2
        self._tail = max_bytes - self.head
        self._slack = max(self._tail // 8, CHUNK_BYTES)
        self._trimmed = 0

    def leaves_out(self, stored: int, unread: int) -> bool:
        """Whether bytes will surely not be in the tail at the end, so need not be stored at all.

        Args:
            stored: bytes before them.
            unread: bytes that wait behind them.
        """
        return stored >= self.head and unread >= self._tail

    def is_far_behind(self, unread: int) -> bool:
        """Whether more output waits than is kept in all."""
        return unread >= self.max_bytes

    def trim_before(self, stored: int) -> int | None:
        """The byte before which the tail is to be left out by now; None if nothing is due.

        It moves in strides, as each costs a look at the whole tail.
        """
        due = (stored - self._tail) // self._slack * self._slack
        if due <= max(self.head, self._trimmed):
            return None
        self._trimmed = due
        return due

    def is_exceeded(self, stored: int) -> bool:
        """Whether a log of `stored` bytes is over the limit."""
        return stored > self.max_bytes
