from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepflow_tui.store import queries
from stepflow_tui.store.backlog import Backlog
from stepflow_tui.store.chunks import GROWN_BYTES, Chunk, LogLine, gap_of, lines_of, pack
from tests.store.test_writer import execution, insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.store.transaction import Transaction
    from stepflow_tui.store.writer import Writer


class Log:
    """A log that is written piece by piece, at times that are given."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self.number = insert(writer, execution())
        self.backlog = Backlog()
        self.whole = b""
        self.apart: list[Chunk] = []

    def print(self, data: bytes, at: int = 0) -> None:
        """Add what was printed; not committed yet."""
        place = {"first_line": self.whole.count(b"\n"), "first_byte": len(self.whole)}
        chunks = pack(data, **place, arrived_at=at)
        self.whole += data
        self.apart += chunks
        self.backlog.add(chunks)

    def commit(self) -> None:
        """Store it."""
        with self._writer.transaction(durable=False) as transaction:
            self._save(transaction)
        self.backlog.saved()

    def fail(self) -> None:
        """A commit that does not come through."""
        with suppress(ZeroDivisionError), self._writer.transaction(durable=False) as transaction:
            self._save(transaction)
            raise ZeroDivisionError

    def _save(self, transaction: Transaction) -> None:
        self.backlog.save(transaction, self.number)
        self.backlog.merge(transaction, self.number)

    def rows(self) -> list[Chunk]:
        """The chunks as they are stored."""
        return self._writer.all(queries.chunks_from(self.number, 0, 0, -1))


def lines(chunks: Sequence[Chunk]) -> list[LogLine]:
    return lines_of(chunks, start=0, stop=10**9, limit=10**6)


PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"a line\n", b"\n", b"no newline", b"two\nlines\n", b"\0\xff" * 2000]),
    st.integers(100, 9000).map(lambda size: b"x" * (size - 1) + b"\n"),
)
DO = st.sampled_from(["commit", "fail", "wait", "finish"])
ELAPSED = st.sampled_from([0, 1, 250, -1, -4000, 2**31 - 1, 2**31, 2**33])


@given(steps=st.lists(st.tuples(PIECES, ELAPSED, DO), max_size=40))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_it_is_committed_every_byte_and_time_is_stored(
    writer: Writer, steps: list[tuple[bytes, int, str]]
) -> None:
    log, now = Log(writer), 2**40
    for piece, elapsed, do in steps:
        now += elapsed
        log.print(piece, now)
        if do == "finish":
            log.backlog.finish()
            break
        if do != "wait":
            log.fail() if do == "fail" else log.commit()
    log.commit()
    rows = log.rows()
    assert b"".join(chunk.text() for chunk in rows) == log.whole
    ends = [0, *(chunk.end_byte for chunk in rows)]
    assert [chunk.first_byte for chunk in rows] == ends[:-1]
    assert all(chunk.byte_count == len(chunk.text()) for chunk in rows)
    assert all(chunk.line_count == chunk.text().count(b"\n") for chunk in rows)
    assert lines(rows) == lines(log.apart)


def test_what_chats_takes_few_rows(writer: Writer) -> None:
    log = Log(writer)
    for line in range(1000):
        log.print(b"a line of some forty bytes, as most are\n", at=100 * line)
        log.commit()
    assert len(log.rows()) < 15
    log.backlog.finish()
    log.commit()
    [row] = log.rows()
    assert lines([row]) == lines(log.apart)


def test_what_is_stored_of_a_commit_that_failed_is_stored_once(writer: Writer) -> None:
    log = Log(writer)
    log.print(b"one\n")
    log.commit()
    log.print(b"two\n")
    log.fail()
    assert log.backlog.new_lines == 1
    log.print(b"three\n")
    log.commit()
    assert [row.text() for row in log.rows()] == [b"one\ntwo\nthree\n"]
    assert not log.backlog.is_dirty


def test_a_chunk_that_was_taken_away_comes_back_with_what_is_new(writer: Writer) -> None:
    log = Log(writer)
    log.print(b"one\n")
    log.commit()
    writer._connection.execute("DELETE FROM log_chunks")
    log.print(b"two\n")
    log.commit()
    assert [row.text() for row in log.rows()] == [b"one\ntwo\n"]


def test_what_comes_behind_a_gap_is_a_chunk_of_its_own(writer: Writer) -> None:
    log = Log(writer)
    log.print(b"one\n")
    log.backlog.add(gap_of(3, 50, first_line=1, first_byte=4, arrived_at=0))
    log.backlog.add(pack(b"two\n", first_line=4, first_byte=54, arrived_at=0))
    log.commit()
    assert [row.first_byte for row in log.rows()] == [0, 4, 54]


def test_nothing_grows_beyond_its_page(writer: Writer) -> None:
    log = Log(writer)
    for moment in range(1000):  # so few that none are merged yet
        log.print(b".", at=moment)
        log.commit()
    sizes = [row.byte_count + len(row.arrivals or b"") for row in log.rows()]
    assert len(sizes) == 3
    assert all(size <= GROWN_BYTES for size in sizes)


def test_what_comes_at_the_same_moment_may_not_fit_any_more(writer: Writer) -> None:
    log = Log(writer)
    for moment in range(430):
        log.print(b".", at=moment)
    log.print(b"." * 100, at=429)
    log.commit()
    assert [row.byte_count for row in log.rows()] == [430, 100]


def test_a_clock_that_was_set_does_not_stop_the_merging(writer: Writer) -> None:
    log = Log(writer)
    times = (0, 1_700_000_000_000, 1_700_000_000_001, 1_600_000_000_000)
    for at in times:
        log.print(b"x" * (GROWN_BYTES // 2) + b"\n", at=at)
        log.commit()
    log.backlog.finish()
    log.commit()
    assert lines(log.rows()) == lines(log.apart)
    assert [row.arrived_at for row in log.rows()] == [*times[:2], times[3]]
