from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepflow_tui.cli.log_cursor import MAX_LINE, Lines, LogCursor
from stepflow_tui.core.text import show_line
from stepflow_tui.store.chunks import gap_of, pack
from stepflow_tui.store.compaction import Run
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from tests.cli.recording import Recording

WRITES = st.lists(st.sampled_from([b"\n", b"a", b"bc\n", b"\n\n", b"d\ne", b"f\ng\n"]), max_size=12)


def read_all(reader: Reader, cursor: LogCursor) -> list[Lines]:
    found = []
    while (lines := cursor.read(reader)) is not None:
        found.append(lines)
    return [*found, cursor.read_unfinished()]


def texts(parts: list[Lines]) -> list[bytes]:
    return [text for lines in parts for text in lines.texts]


@given(writes=WRITES, kind=st.sampled_from(["apart", "merged", "growing"]))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_chunking_gives_the_same_lines(
    recording: Recording, writes: list[bytes], kind: str
) -> None:
    number = recording.add().number
    whole = b"".join(writes)
    expected = whole.split(b"\n")
    expected = expected if expected[-1] else expected[:-1]
    with Reader(recording.home.database) as reader:
        cursor, found = LogCursor(number), []
        for at, data in enumerate(writes):
            recording.log(number, data, grows=kind == "growing")
            if at % 2:
                found += texts(read_all(reader, cursor)[:-1])
            if kind == "merged" and at == 5:
                # What was read already is now in the middle of a longer chunk.
                with recording.writer.transaction(durable=False) as transaction:
                    run = Run(0, 0, len(b"".join(writes[:6])), 6)
                    transaction.merge_log(number, run, is_last=True)
        found += texts(read_all(reader, cursor))
        assert found == expected
        assert cursor.byte == len(whole)
        for start in range(1, len(expected) + 1):
            cursor = LogCursor(number)
            cursor.go_to(reader, start)
            parts = read_all(reader, cursor)
            assert texts(parts) == expected[start - 1 :]
            assert parts[0].first == start


def test_lines_know_their_numbers_and_arrival(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"one\ntwo\nth", at=1_000)
    recording.log(number, b"ree\nfour\n", at=2_000)
    with Reader(recording.home.database) as reader:
        lines = LogCursor(number).read(reader)
    assert lines is not None
    assert (lines.first, lines.last) == (1, 4)
    assert lines.arrivals == [(1, 1_000), (3, 2_000)]
    assert lines.between(2, 3) == Lines(2, [b"two", b"three"], lines.arrivals)
    assert lines.between(0, 1).texts == [b"one"]
    assert lines.between(4, 99).texts == [b"four"]
    assert lines.between(5, 9).texts == []
    assert lines.between(3, 2).texts == []


def test_a_line_that_is_too_long_comes_in_parts(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"x" * 5_000_000, b"y" * 5_000_000 + b"\nshort\n" + b"z" * MAX_LINE)
    recording.log(number, b"\n" + b"v" * 70_000)
    with Reader(recording.home.database) as reader:
        found = read_all(reader, LogCursor(number))
    assert [(lines.first, lines.continues, lines.open) for lines in found] == [
        (1, False, True),
        *[(1, True, True)] * 4,
        (4, True, False),
    ]
    parts = texts(found)
    assert b"".join(parts[:5]) == b"x" * 5_000_000 + b"y" * 5_000_000
    assert parts[5:] == [b"short", b"z" * MAX_LINE, b"v" * 70_000, b""]
    assert [lines.last_whole for lines in found] == [0, 0, 0, 0, 3, 4]
    assert found[4].between(1, 1) == Lines(1, parts[4:5], found[4].arrivals, continues=True)
    assert found[4].between(2, 2) == Lines(2, [b"short"], found[4].arrivals)
    assert found[4].between(4, 9) == Lines(4, parts[7:8], found[4].arrivals, open=True)


def test_of_a_line_that_is_redrawn_only_the_last_state_is_kept(recording: Recording) -> None:
    number = recording.add().number
    redrawn = b"".join(b"\r%6d of 200000 done" % at for at in range(200_000))
    recording.log(number, b"loading" + redrawn + b"\nnext\n")
    with Reader(recording.home.database) as reader:
        found = read_all(reader, LogCursor(number))
    assert sum(len(text) for text in texts(found)) <= 2_200_000
    assert texts(found)[-1] == b"next"
    assert [show_line(text) for text in texts(found)] == ["199999 of 200000 done", "next"]
    assert [lines.open for lines in found] == [False] * len(found)


def test_bytes_are_read_as_they_were_written(recording: Recording) -> None:
    number = recording.add().number
    writes = [b"\xff\0\r\n", b"x" * 300_000, b"", b"\ntail"]
    cursor, found = LogCursor(number), b""
    with Reader(recording.home.database) as reader:
        assert cursor.read_bytes(reader) is None
        for data in writes:
            recording.log(number, data)
            while (read := cursor.read_bytes(reader)) is not None:
                found += read
    assert found == b"".join(writes)


def test_going_behind_an_unfinished_line_finds_what_is_written_to_it(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"one\ntw")
    cursor = LogCursor(number)
    with Reader(recording.home.database) as reader:
        cursor.go_to(reader, 3)
        assert cursor.read(reader) is None
        assert cursor.read_unfinished().texts == []
        recording.log(number, b"o\n")
        lines = cursor.read(reader)
    assert lines is not None
    assert (lines.first, lines.texts) == (2, [b"o"])


def test_going_behind_the_last_line_finds_only_what_is_new(recording: Recording) -> None:
    number = recording.add().number
    recording.log(number, b"one\ntwo\n")
    cursor = LogCursor(number)
    with Reader(recording.home.database) as reader:
        cursor.go_to(reader, 3)
        assert cursor.read(reader) is None
        recording.log(number, b"three\n")
        assert cursor.read(reader) == Lines(3, [b"three"], [(3, 1_700_000_000_000)])


def test_a_line_whose_rest_was_left_out_ends_there(recording: Recording) -> None:
    number = recording.add().number
    with recording.writer.transaction(durable=False) as transaction:
        for chunks in (
            pack(b"one\nbegun", first_line=0, first_byte=0, arrived_at=0),
            gap_of(2, 20, first_line=1, first_byte=9, arrived_at=0),
            pack(b"four\n", first_line=3, first_byte=29, arrived_at=0),
        ):
            transaction.append_log(number, chunks)
    with Reader(recording.home.database) as reader:
        cursor = LogCursor(number)
        parts = read_all(reader, cursor)
    assert [(part.first, part.texts) for part in parts if part.texts] == [
        (1, [b"one"]),
        (2, [b"begun"]),
        (4, [b"four"]),
    ]
    assert cursor.left_out == 20
