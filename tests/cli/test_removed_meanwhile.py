"""Commands about an execution that is removed between any two of the queries that they make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Artifact, Status
from stepflow_tui.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stepflow_tui.store.queries import Query
    from tests.cli.conftest import Outcome, Stepflow
    from tests.cli.recording import Recording


def add(recording: Recording) -> int:
    """An execution that has ended, with a log of several reads, a failed step and an artifact."""
    number = recording.add().number
    recording.log(number, b"STEP_START:a\n", *[b"line\n" * 300] * 40)
    recording.step(number, 1, "a", (1, 12_001))
    recording.finish(number, Status.COMPLETED if number == 1 else Status.FAILED)
    stored = recording.home.artifacts / f"{number}.txt"
    stored.write_text("kept")
    path = str(stored.relative_to(recording.home.root))
    recording.artifacts(number, Artifact(1, "a.txt", "a.txt", size=4, exists=True, stored=path))
    return number


def remove(recording: Recording, number: int) -> None:
    with recording.writer.transaction(durable=False) as transaction:
        transaction.remove_executions([number])
    with recording.writer.transaction(durable=False) as transaction:
        transaction.remove_logs([number], 10_000)
    (recording.home.artifacts / f"{number}.txt").unlink()


def told(done: Outcome) -> int:
    """How many lines were printed, but for the one about artifacts, which comes last."""
    return sum("; see: stepflow artifacts" not in line for line in done.out.splitlines())


@pytest.mark.parametrize(
    "command",
    [
        *("logs", "logs --raw", "logs --raw -f", "logs -f", "logs --step a", "logs --tail 5"),
        *("show", "show --json", "watch", "watch --compact", "compare"),
        *("artifacts", "artifacts --json", "artifacts --copy-to out"),
    ],
)
def test_it_is_told_whole_or_said_to_be_removed(
    recording: Recording,
    stepflow: Stepflow,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    add(recording)
    number = add(recording)
    whole = stepflow(*command.split(), str(number))
    left = 0

    def remove_at_last(ask: Callable[[Reader, Query[object]], object]) -> Callable[..., object]:
        def asked(reader: Reader, query: Query[object]) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                remove(recording, number)
            return ask(reader, query)

        return asked

    monkeypatch.setattr(Reader, "all", remove_at_last(Reader.all))
    monkeypatch.setattr(Reader, "first", remove_at_last(Reader.first))
    for at in range(1, 500):
        number, left = add(recording), at
        for copy in tmp_path.glob("out/*"):
            copy.unlink()
        done = stepflow(*command.split(), str(number))
        if left > 0:  # it asks for less
            assert at > 3
            return
        if done.code == 2:
            assert done.err.endswith(
                (
                    f"stepflow: #{number} was removed\n",
                    f"stepflow: no execution {number}; see: stepflow list\n",
                )
            )
        else:
            assert done.code == whole.code
            assert told(done) == told(whole)
    raise AssertionError("it goes on asking")
