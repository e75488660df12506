"""Nobody makes a hot path twice as slow without being told.

A test that fails for a good reason, as the path does more than before, or less, has its bound set
anew: to 1.4 times what it says.
"""

from __future__ import annotations

import dataclasses
import itertools
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import zstandard
from msgspec.structs import replace
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from benchmarks.history import execution, fill
from stepflow_tui.core.home import Home
from stepflow_tui.core.markers import MARKER_HINT
from stepflow_tui.core.scanner import MarkerScanner
from stepflow_tui.core.text import is_plain
from stepflow_tui.store import chunks, queries, transaction
from stepflow_tui.store.chunks import LogLine, lines_of
from stepflow_tui.store.home import prepare_home
from stepflow_tui.store.reader import Reader
from stepflow_tui.store.writer import Writer
from stepflow_tui.tui.log.line import Palette, line_strip
from stepflow_tui.tui.log.needle import Needle
from stepflow_tui.tui.log.shown import shown_text
from tests.benchmarks.gate import Gate, twice
from tests.lateness import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = b"".join(
    b"2026-01-31 copied part %06d of the release to the server\n" % n for n in range(4000)
)
PIECE = TEXT[: chunks.CHUNK_BYTES]
LINES = TEXT.split(b"\n")[:200]
COMPRESSOR = zstandard.ZstdCompressor(3)
DECOMPRESSOR = zstandard.ZstdDecompressor()
PLAIN = Style()
PALETTE = Palette(PLAIN, PLAIN, PLAIN, PLAIN, PLAIN, PLAIN)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("gates"))
    prepare_home(home)
    fill(home, 200)
    return home


@pytest.fixture
def reader(home: Home) -> Iterator[Reader]:
    with Reader(home.database) as reader:
        yield reader


@pytest.fixture
def bare(home: Home) -> Iterator[sqlite3.Connection]:
    uri = f"file:{home.database}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        yield connection


def check(gate: Gate) -> None:
    ratio, slowed = gate.ratio(), dataclasses.replace(gate, hot=twice(gate.hot)).ratio()
    in_time(ratio, gate.most, f"a ratio of {ratio:.2f}")
    in_time(gate.most, slowed, f"a bound of {gate.most}, and {slowed:.2f} with twice the work,")


def test_output_without_markers_is_scanned_like_counting_its_lines() -> None:
    scanner = MarkerScanner()
    check(Gate(lambda: scanner.feed(TEXT), lambda: TEXT.count(b"\n"), most=1.45))


def test_output_that_might_hold_markers_is_scanned_like_looking_for_a_pattern() -> None:
    scanner, text = MarkerScanner(), TEXT.replace(b" of ", b": ok ")

    def least() -> object:
        return MARKER_HINT.search(text), text.count(b"\n")

    check(Gate(lambda: scanner.feed(text), least, most=1.35))


def test_packing_costs_what_compression_does() -> None:
    def pack() -> object:
        return chunks.pack(PIECE, first_line=0, first_byte=0, arrived_at=0)

    def least() -> object:
        return COMPRESSOR.compress(PIECE), PIECE.count(b"\n"), is_plain(PIECE)

    check(Gate(pack, least, most=1.45))


def test_unpacking_costs_what_decompression_does() -> None:
    [chunk] = chunks.pack(PIECE, first_line=0, first_byte=0, arrived_at=0)
    check(Gate(chunk.text, lambda: DECOMPRESSOR.decompress(chunk.body), most=1.4))


def test_a_page_of_lines_is_cut_from_a_chunk() -> None:
    [chunk] = chunks.pack(PIECE, first_line=0, first_byte=0, arrived_at=0)

    def page() -> object:
        return lines_of([chunk], start=500, stop=700, limit=65_536)

    check(Gate(page, lambda: chunk.text().split(b"\n"), most=2.7))


def test_a_line_is_painted_like_a_plain_strip() -> None:
    lines = [LogLine(number, text, 0, len(text)) for number, text in enumerate(LINES, 1)]

    def paint() -> object:
        return [line_strip(line, PALETTE, None, after_end=False) for line in lines]

    def plain() -> object:
        return [Strip([Segment(text.decode())]) for text in LINES]

    check(Gate(paint, plain, most=3.35))


def test_executions_are_read_like_their_rows(reader: Reader, bare: sqlite3.Connection) -> None:
    query = queries.newest_executions(10)

    def rows() -> object:
        return bare.execute(query.sql, query.parameters).fetchall()

    check(Gate(lambda: reader.all(query), rows, most=2.8))


def test_the_pulse_is_read_like_its_row(reader: Reader, bare: sqlite3.Connection) -> None:
    query = queries.pulse(1, 200)

    def row() -> object:
        return bare.execute(query.sql, query.parameters).fetchall()

    check(Gate(lambda: reader.all(query), row, most=1.9))


def test_executions_are_inserted_like_a_row(tmp_path: Path) -> None:
    ours, bare = Writer(tmp_path / "ours.db"), Writer(tmp_path / "bare.db")
    one, numbers = execution(0, 0), itertools.count()
    row = (*transaction._fixed(one)[1:], *transaction._mutable(one), 1)

    with ours.transaction(durable=False) as open_one, bare.transaction(durable=False):

        def insert() -> object:
            return open_one.insert_execution(replace(one, id=str(next(numbers))))

        def least() -> object:
            values = (str(next(numbers)), *row)
            return replace(one), bare._connection.execute(transaction._INSERT, values).fetchall()

        check(Gate(insert, least, most=1.75))
    ours.close()
    bare.close()


@pytest.mark.parametrize("word", ["Refused", "refused"])
def test_a_text_is_looked_for_like_any_bytes(word: str) -> None:
    needle, text = Needle(word), shown_text(TEXT)
    raw = word.encode()
    check(Gate(lambda: needle.found_in(text, 0), lambda: TEXT.find(raw), most=1.3))


def test_what_is_shown_of_plain_lines_is_told_like_counting_them() -> None:
    check(Gate(lambda: shown_text(TEXT), lambda: TEXT.count(b"\n"), most=1.9))
