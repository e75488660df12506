"""One execution's output on its way from the spool to chunks that wait for a commit."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core import clock
from stepflow_tui.core.durations import format_size
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.scanner import MarkerScanner
from stepflow_tui.runner.log_limit import LogLimit
from stepflow_tui.runner.pending import masker_of
from stepflow_tui.runner.spool import SpoolProblem
from stepflow_tui.store.backlog import Backlog
from stepflow_tui.store.chunks import gap_of, pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.masking import Masked
    from stepflow_tui.core.models import Instant
    from stepflow_tui.core.scanner import Found
    from stepflow_tui.runner.spool import Output, Spool
    from stepflow_tui.store.queries import Stream
    from stepflow_tui.store.transaction import Transaction

_log = logging.getLogger(__name__)

READ_BYTES = 4 * 1024 * 1024
"""How much one look at one spool reads: bounds memory, and lets the others have their turn."""

GIVE_BACK_BYTES = 16 * 1024 * 1024
"""So much at a time is given back of the spool of a log that is over its limit."""


UTF_16 = (
    "its output is UTF-16 at least in part: markers in it are not seen, and it is shown "
    "with gaps or not at all; have the script write UTF-8"
)
_UTF_16 = lazy_pattern(rb"(?:[\t\n\r -~]\x00){4}|(?:\x00[\t\n\r -~]){4}")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class Ingest:
    """Reads a spool from where the last commit left off; offset and chunks are saved together.

    Attributes:
        warnings: what the user should know, for the execution.
        is_trimmed: the log is over its limit, and a part of it is left out.
        is_far_behind: the output comes faster than it can be read.
    """

    def __init__(
        self, spool: Spool, stream: Stream, *, max_log_bytes: int, partial: bytes = b""
    ) -> None:
        """Starts, or goes on where `stream` says.

        Args:
            spool: where the output comes from.
            stream: how far it was stored.
            max_log_bytes: what is kept of it.
            partial: the stored line that has no newline yet, so that a marker in it is found.
        """
        self._spool = spool
        self._stream = stream
        self._scanner = MarkerScanner(lines=stream.line_count, partial=partial)
        self._backlog = Backlog()
        self._limit = LogLimit(max_log_bytes)
        self._trim_before: int | None = None
        self._given_back = 0
        self._changed = False
        self.warnings: list[str] = []
        self._masks = self._known_masks()
        self._masker, _ = masker_of(self._masks, partial=partial)
        self._has_begun = False
        self.is_trimmed = False
        self.is_far_behind = False

    def _known_masks(self) -> list[str]:
        """What is hidden; nothing is read any more where nobody knows that."""
        try:
            return self._spool.masks()
        except (SpoolProblem, OSError) as problem:
            self.warnings.append(f"{problem}; its log ends here")
            self._change(is_open=False)
            return []

    @property
    def has_masks(self) -> bool:
        """Whether something is hidden in what is stored."""
        return self._masker.has_masks

    @property
    def is_open(self) -> bool:
        """Whether output may still come."""
        return self._stream.is_open

    @property
    def is_dirty(self) -> bool:
        """Whether there is something to commit."""
        return self._changed or self._backlog.is_dirty

    @property
    def has_chunks(self) -> bool:
        """Whether output waits for its commit."""
        return self._backlog.has_chunks

    @property
    def new_lines(self) -> int:
        """How many lines wait for their commit."""
        return self._backlog.new_lines

    @property
    def line_count(self) -> int:
        """Lines so far, an unfinished last one included."""
        return self._stream.line_count + (self._stream.partial_bytes > 0)

    @property
    def limit_notice(self) -> str:
        """What to say of a log that is over its limit."""
        limit = format_size(self._limit.max_bytes)
        return f"its log is over the limit of {limit}: a part in the middle is left out"

    def masked(self, text: str) -> str:
        """A text as it is stored, with its secrets hidden."""
        return self._masker.mask_text(text)

    @property
    def read_offset(self) -> int:
        """How far the spool has been read."""
        return self._stream.spool_offset + self._masker.held

    def read(self, now: Instant, limit: int = READ_BYTES) -> tuple[list[Found], bool]:
        """Take what is new, up to `limit` bytes.

        Returns:
            The markers in it, and whether there is more to read.

        Raises:
            SpoolProblem: the spool is not what it was.
        """
        stream = self._stream
        if not stream.is_open:
            return [], False
        output = self._spool.read(self.read_offset, limit, stream.inode, holes=not self._has_begun)
        self._has_begun = True
        self.is_far_behind = self._limit.is_far_behind(output.unread)
        if output.hole:
            self._pass_hole(output, now)
            self._has_begun = False
            return [], True
        if not output.data:
            return [], False
        masked = self._masker.feed(output.data)
        return self._take(masked, now, output.inode, unread=output.unread), output.unread > 0

    def _pass_hole(self, output: Output, now: Instant) -> None:
        """Leave out what was given back before a power cut took back its commit."""
        stream = self._stream
        place = {"first_line": stream.line_count, "first_byte": stream.stored_bytes}
        self._backlog.add(gap_of(0, output.hole, arrived_at=now.wall_ms, **place))
        self._change(
            spool_offset=stream.spool_offset + output.hole,
            stored_bytes=stream.stored_bytes + output.hole,
        )

    def _take(self, masked: Masked, now: Instant, inode: int | None, *, unread: int) -> list[Found]:
        stream, text = self._stream, masked.text
        if masked.added:
            self._keep_masks(masked.added)
        self.warnings += masked.warnings
        if not masked.consumed:
            return []
        is_marked = not stream.stored_bytes and text.startswith(_UTF_16_MARKS)
        if is_marked or (b"\0" in text and _UTF_16.search(text)):
            self.warnings.append(UTF_16)  # once for all: who records it knows what was said
        found = self._scanner.feed(text)
        self._store(text, now, unread=unread)
        self._change(
            inode=inode,
            spool_offset=stream.spool_offset + masked.consumed,
            stored_bytes=stream.stored_bytes + len(text),
            line_count=self._scanner.lines,
            partial_bytes=self._scanner.partial_size,
        )
        return found

    def _keep_masks(self, added: Sequence[str]) -> None:
        self._masks += added
        try:
            self._spool.save_masks(self._masks)
        except OSError as error:
            self.warnings.append(
                f"a mask is forgotten if the runner is restarted: {error.strerror}"
            )

    def _store(self, data: bytes, now: Instant, *, unread: int) -> None:
        """Pack what was read, or leave it out if the log cannot hold it."""
        stored = self._stream.stored_bytes
        leave_out = self._limit.leaves_out(stored, unread)
        first_line = self._stream.line_count
        place = {"first_line": first_line, "first_byte": stored, "arrived_at": now.wall_ms}
        if leave_out:  # their lines are counted already, by the scanner
            chunks = gap_of(self._scanner.lines - first_line, len(data), **place)
        else:
            chunks = pack(data, **place)
        self._backlog.add(chunks)
        end = stored + len(data)
        # What is left out adjoins what was left out before it: together they are one gap.
        due = end if leave_out else self._limit.trim_before(end)
        self._trim_before = max(filter(None, [due, self._trim_before]), default=None)
        self.is_trimmed |= leave_out or self._trim_before is not None

    def _change(self, **fields: object) -> None:
        self._stream = replace(self._stream, **fields)
        self._changed = True

    def finish_line(self, now: Instant) -> list[Found]:
        """No newline will come any more: the markers on the last line as it is."""
        return [*self._flush(now), *self._scanner.finish()]

    def _flush(self, now: Instant) -> list[Found]:
        """Take what was held back, as it might have become a secret."""
        rest = self._masker.feed(b"", final=True)
        return self._take(rest, now, self._stream.inode, unread=0)

    def mark_end(self) -> None:
        """The execution has ended: what follows came after its end."""
        self._change(end_line=self.line_count)

    def close(self) -> None:
        """No output will come any more."""
        self._flush(clock.now())
        self._change(is_open=False)
        self._backlog.finish()

    def save(self, transaction: Transaction, number: int) -> None:
        """Write all that changed of execution `number`; `saved` follows the commit."""
        self._backlog.save(transaction, number)
        if self._trim_before is not None:
            transaction.trim_log(number, self._limit.head, self._trim_before)
        if self._changed:
            transaction.save_stream(self._stream)
        self._backlog.merge(transaction, number)

    def saved(self) -> None:
        """What was written is committed."""
        self._backlog.saved()
        self._trim_before = None
        self._changed = False

    @property
    def wants_to_give_back(self) -> bool:
        """Whether enough disk space can be freed, once all before it is committed."""
        is_over = self._limit.is_exceeded(self._stream.stored_bytes)
        return is_over and self._stream.spool_offset - self._given_back >= GIVE_BACK_BYTES

    def give_back(self) -> None:
        """Free the disk space of what was read and committed.

        That does not wait for the disk, as a flood would fill it meanwhile: should a power cut take
        the commit back, the hole is known for what it is when it is read again.
        """
        self._given_back = self._stream.spool_offset
        try:
            self._spool.give_back(self._given_back)
        except OSError as error:
            _log.warning("cannot give back the space of a log over its limit: %s", error)
