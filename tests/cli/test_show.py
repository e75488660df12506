from __future__ import annotations

import json
from typing import TYPE_CHECKING

from msgspec.structs import replace

from stepflow_tui.core.clock import now
from stepflow_tui.core.models import Artifact, Status

if TYPE_CHECKING:
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording

ID = "01jd0000000000000000000000"
SHELL = {"shell": True}


def record(recording: Recording) -> None:
    number = recording.add(
        id=ID,
        name="deploy",
        command=["./deploy.sh", "to prod"],
        created_at=now().wall_ms - 7_200_000,
        timeout_s=90.0,
        tags=["a", "b"],
        metadata={"k": 1},
        env={"API_TOKEN": "***"},
    ).number
    recording.log(number, b"STEP_START:Build\n" + b"x" * 2_000 + b"\nSTEP_START:Test\n")
    build = recording.step(number, 1, "Build", (1, 2))
    recording.save_step(number, replace(build, estimated_s=3.0, metadata={"k": True}))
    test = recording.step(number, 2, "Test", (3, 3))
    recording.save_step(number, replace(test, status=Status.FAILED, error="broke", progress=0.5))
    recording.artifacts(
        number,
        Artifact(1, "a.txt", "out/a.txt", "notes", "report", "text/plain", 1_500, 1, True, "x"),
        Artifact(2, "b.txt", "b.txt", reason="no such file"),
    )
    recording.finish(
        number,
        Status.FAILED,
        exit_code=None,
        signal=9,
        error="killed by SIGKILL",
        warnings=["line 9: odd"],
    )


def test_a_page_tells_all(recording: Recording, stepflow: Stepflow) -> None:
    record(recording)
    done = stepflow("show", "1")
    assert done.out == (
        "#1 deploy  ✗ failed\n"
        f"  id          {ID}\n"
        "  command     ./deploy.sh 'to prod'\n"
        "  directory   /tmp\n"
        "  created     2h ago by ann\n"
        "  duration    12.3s\n"
        "  ended with  signal 9 SIGKILL\n"
        "  error       killed by SIGKILL\n"
        "  timeout     1m 30s\n"
        "  tags        a b\n"
        "  metadata    k=1\n"
        "  variables   API_TOKEN=***\n"
        "  log         3 lines, 2.0 kB\n"
        "  warning: line 9: odd\n"
        "steps\n"
        "  ✓ 1  Build  completed  1.5s of 3.0s  lines 1-2  k=True\n"
        "  ✗ 2  Test   failed     50% 1.5s      lines 3-3  broke\n"
        "artifacts\n"
        "  1  out/a.txt  1.5 kB  report  step 1  stored        notes\n"
        "  2  b.txt      -       -       -       no such file\n"
    )
    assert (done.code, done.err) == (0, "")


def test_how_it_was_protected(recording: Recording, stepflow: Stepflow) -> None:
    limits = {"nice": 5, "cpu": 90, "file_size": 1_500, "memory": 1_500_000_000}
    execution = recording.add(limits=limits, kill_leftovers=True)
    with recording.writer.transaction(durable=False) as transaction:
        transaction.mark([execution.id], marked=True)
    lines = stepflow("show", "1").out.splitlines()
    assert "  limits     memory 1.5 GB, cpu 1m 30s, file size 1.5 kB, nice 5" in lines
    assert "  leftovers  are stopped" in lines
    assert "  marked     it is never removed" in lines
    shown = json.loads(stepflow("show", "1", "--json").out)
    assert (shown["limits"], shown["kill_leftovers"], shown["marked"]) == (limits, True, True)


def test_json_has_steps_and_artifacts(recording: Recording, stepflow: Stepflow) -> None:
    record(recording)
    shown = json.loads(stepflow("show", "last", "--json").out)
    assert (shown["id"], shown["signal"], shown["duration_s"]) == (ID, 9, 12.345)
    assert [(step["index"], step["name"]) for step in shown["steps"]] == [(1, "Build"), (2, "Test")]
    assert [artifact["stored"] for artifact in shown["artifacts"]] == ["x", None]


def test_a_pending_shell_command(recording: Recording, stepflow: Stepflow) -> None:
    recording.add(command=["a | b"], status=Status.PENDING, started_at=None, **SHELL)
    lines = stepflow("show", "1").out.splitlines()
    assert lines[0] == "#1 build  ○ pending"
    assert "  command    a | b" in lines
    assert "  duration   -" in lines
    assert lines[-1] == "  log        0 lines, 0 B"
