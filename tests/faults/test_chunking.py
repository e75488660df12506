"""However output is cut into pieces, what is recorded of it is the same."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from stepflow_tui.core import clock
from stepflow_tui.core.models import Instant, Status
from stepflow_tui.core.scanner import MarkerScanner
from stepflow_tui.core.settings import Settings
from stepflow_tui.core.steps import StepTracker
from stepflow_tui.requests.request import encode
from stepflow_tui.runner.launcher import claim, take_lock
from stepflow_tui.runner.pending import pending_execution
from stepflow_tui.runner.recovery import recover
from stepflow_tui.runner.spool import OUTPUT
from stepflow_tui.runner.stop import Reason
from stepflow_tui.store import queries
from stepflow_tui.store.chunks import CHUNK_BYTES, pack
from stepflow_tui.store.writer import Writer
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.core.scanner import Found
    from stepflow_tui.runner.recording import Recording
    from tests.faults.driver import Trial

PIECES = st.sampled_from(
    [
        *(b"\n", b"\n", b"\n", b"\r\n", b"\r", b"STEP_START:", b"STEP_COMPLETE:", b"STEP_ERROR:"),
        *(b"META:", b"META:PROGRESS:", b"STEP_", b"START:", b"a", b"b", b"50%", b" [x=1]", b":"),
        *("größe".encode(), "漢字".encode(), "🎉".encode(), b"\xf0\x9f", b"\x80", b"\xff\xfe"),
        *(b"\x00", b"\x1b[32m", b"\x1b]52;c;", b"#1 0.1 ", b"2024-05-06T12:33:44Z ", b"+ echo "),
        *(b"::add-mask::hunter2\n", b"hunter2", b"hunt", b"er2"),
        *(b"word " * 900, b"x" * (CHUNK_BYTES - 1), b"y" * (2 * CHUNK_BYTES + 1), b"z" * 70_000),
    ]
)
STREAMS = st.one_of(
    st.lists(PIECES, max_size=40).map(b"".join),
    st.binary(max_size=200),
    st.lists(st.binary(max_size=9), max_size=30).map(b"\n".join),
)
NOW = Instant(wall_ms=1_700_000_000_000, mono_ms=1_000_000)

Summary: TypeAlias = "tuple[object, ...]"


def check_any(trial: Trial, examples: int, check: Callable[[bytes, random.Random], None]) -> None:
    """Give `check` streams and a source of chance, as many as are wanted."""
    wrapped = given(STREAMS, st.randoms(use_true_random=False))(check)
    wrapped = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(wrapped)
    seed(trial.seed)(wrapped)()


def _cut(stream: bytes, chance: random.Random) -> list[bytes]:
    count = chance.choice([1, 2, 3, 10])
    edges = sorted({0, len(stream), *(chance.randint(0, len(stream)) for _ in range(count))})
    return [stream[start:end] for start, end in pairwise(edges)]


def _summary(pieces: list[bytes]) -> Summary:
    """What scanner, steps and chunks make of a stream that comes in these pieces."""
    scanner, tracker, chunks = MarkerScanner(), StepTracker(), []
    found: list[Found] = []
    offset = 0
    for piece in pieces:
        chunks += pack(piece, first_line=scanner.lines, first_byte=offset, arrived_at=0)
        found += scanner.feed(piece)
        offset += len(piece)
    partial = scanner.partial_size
    found += scanner.finish()
    for marker in found:
        if type(marker.marker).__name__ in {"StepStart", "StepComplete", "StepError", "Meta"}:
            tracker.apply(marker.marker, marker.line, NOW)  # type: ignore[arg-type]
    for before, after in pairwise(chunks):
        assert after.first_byte == before.end_byte
        assert after.first_line == before.first_line + before.line_count
    text = b"".join(chunk.text() for chunk in chunks)
    return text, scanner.lines, partial, found, tracker.steps


@scenario(
    fault="output of all kinds, cut anywhere: binary, huge, invalid UTF-8, no newline",
    passes="scanner, steps and chunks make the same of it as of one piece",
    quick={"examples": 60, "cuts": 10},
    full={"rounds": 20, "examples": 1000, "cuts": 50},
)
def test_chunking(trial: Trial, examples: int, cuts: int) -> None:
    def check(stream: bytes, chance: random.Random) -> None:
        whole = _summary([stream] if stream else [])
        assert whole[0] == stream
        for _ in range(cuts):
            trial.tally.tries += 1
            assert _summary(_cut(stream, chance)) == whole

    check_any(trial, examples, check)


@scenario(
    fault="the same through spool and database, with a new runner anywhere in between",
    passes="log, lines, steps, warnings and metadata are those of one piece",
    quick={"examples": 15},
    full={"rounds": 20, "examples": 500},
)
def test_chunked_recording(trial: Trial, examples: int) -> None:
    writer = Writer(trial.house.home.database)
    trial.cleanup.callback(writer.close)
    recorder = Recorder(trial, writer)

    def check(stream: bytes, chance: random.Random) -> None:
        trial.tally.tries += 1
        whole = recorder.record([stream], lambda: False)
        pieces = recorder.record(_cut(stream, chance), lambda: chance.random() < 0.3)
        assert whole == pieces
        assert whole[0] == stream or b"::add-mask::" in stream

    check_any(trial, examples, check)


@dataclass(frozen=True, slots=True)
class Recorder:
    """Records streams as a runner does, without processes."""

    trial: Trial
    writer: Writer

    def record(self, pieces: list[bytes], is_restarted: Callable[[], bool]) -> Summary:
        """What is stored of a stream that came in these pieces."""
        recording, spool = self._begin()
        for piece in pieces:
            with spool.open("ab") as file:
                file.write(piece)
            while recording.read(NOW):
                pass
            self._save(recording)
            if is_restarted():
                recording = self._take_up(recording.id)
                while recording.read(NOW):
                    pass
        recording.end_last_line(NOW)
        recording.finish(Reason(Status.COMPLETED, ""), NOW, code=0, signal=None)
        recording.end_stream()
        self._save(recording)
        return self._stored(recording.execution.number)

    def _begin(self) -> tuple[Recording, Path]:
        request = self.trial.house.request("true")
        execution = pending_execution(request, clock.boot_id())
        with self.writer.transaction(durable=False) as transaction:
            transaction.insert_execution(execution)
        prefix = str(self.trial.house.home.spool / request.id)
        assert take_lock(prefix, claim(json.loads(encode(request))))
        spool = self.trial.house.home.spool / f"{request.id}{OUTPUT}"
        spool.touch()
        return self._take_up(request.id), spool

    def _take_up(self, execution: str) -> Recording:
        found = recover(self.trial.house.home, self.writer, Settings())
        return next(recording for recording in found if recording.id == execution)

    def _save(self, recording: Recording) -> None:
        with self.writer.transaction(durable=False) as transaction:
            recording.save(transaction)
        recording.saved()

    def _stored(self, number: int) -> Summary:
        [execution] = self.writer.all(queries.execution(number))
        chunks = self.writer.all(queries.chunks_from(number, 0, 0, -1))
        steps = [
            (step.name, step.status, step.first_line, step.last_line, step.explicit_end, step.error)
            for step in self.writer.all(queries.steps(number))
        ]
        return (
            b"".join(chunk.text() for chunk in chunks),
            execution.line_count,
            execution.byte_count,
            execution.end_line,
            execution.warnings,
            execution.metadata,
            execution.progress,
            steps,
        )
