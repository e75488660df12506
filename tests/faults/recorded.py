"""A home in which every text that comes from users and scripts is a given one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Artifact, Status
from stepflow_tui.core.redaction import REDACTED
from tests.tui.record import Recorder, step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stepflow_tui.core.home import Home

PER_EXECUTION = 20


def record(home: Home, texts: Sequence[str], lines: Sequence[bytes]) -> tuple[int, int]:
    """Records executions with these texts everywhere.

    There is one named after each text; then one for each 20 texts, with all 20 in every
    field; at last one with all lines in its log, and a step for each text.

    Returns:
        The number of the last one, and how many there are with 20 texts.
    """
    recorder = Recorder(home)
    home.database.chmod(0o600)  # as the umask of the runner makes it
    for text in texts:
        recorder.execution(text, tags=[text], step_name=text, step_count=1, error=text)
    starts = range(0, len(texts), PER_EXECUTION)
    for start in starts:
        part = slice(start, start + PER_EXECUTION)
        _record_full(recorder, start // PER_EXECUTION, "\n".join(texts[part]), lines[part])
    last = recorder.execution(
        texts[0],
        status=Status.COMPLETED,
        env={f"TOKEN{text}": REDACTED for text in texts[:5]},
        step_count=len(texts),
    )
    recorder.steps(
        last,
        *(
            step(index, text, index, status=Status.FAILED, error=f"{text} {text}")
            for index, text in enumerate((*texts, "the last step"), 1)
        ),
    )
    starts_of_steps = [b"STEP_START:x"] * (len(texts) + 1)  # headings stand in their places
    tail = (b"x" * 400 + b" tail", b"the last line")
    recorder.log(last, b"\n".join((*starts_of_steps, *lines, *tail)))
    recorder.close()
    return last, len(starts)


def _record_full(recorder: Recorder, index: int, text: str, lines: Sequence[bytes]) -> None:
    number = recorder.execution(
        text,
        command=[text],
        shell=index % 2 == 0,
        cwd=f"/{index}/{text}",
        user=text,
        error=text,
        tags=text.split("\n"),
        note=text,
        metadata={part: part for part in (text, *text.split("\n"))},
        env={text: text},
        warnings=[text, "the end"],
        step_name=text,
        step_count=2,
        progress=0.5,
    )
    recorder.steps(
        number,
        step(1, text, 1, metadata={text: text}),
        step(2, f"step {text}", 2, status=Status.RUNNING, error=text, progress=0.5),
    )
    recorder.artifacts(
        number,
        Artifact(1, text, text, text, text, text, 10, 1, exists=True, stored="artifacts/none"),
        Artifact(2, f"b{text}", f"b/{text}", mime=text, reason=text),
    )
    head = b"of the first step\nof the second\nbefore\n"
    record = json.dumps({text: text.split("\n")}).encode()
    recorder.log(number, head + b"\n".join((*lines, lines[0], b"behind", record)))
