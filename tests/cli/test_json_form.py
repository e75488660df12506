from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stepflow_tui.cli import json_form
from stepflow_tui.cli.json_form import (
    artifact_object,
    execution_object,
    iso,
    print_json,
    print_json_lines,
    step_object,
)
from stepflow_tui.core.clock import boot_id
from stepflow_tui.core.models import Artifact, Execution, Instant, Status, Step

if TYPE_CHECKING:
    import pytest

MOMENT = Instant(wall_ms=10_000, mono_ms=5_000)


def execution(**fields: object) -> Execution:
    plain = {"started_at": 1_000, "started_mono": 2_000, "boot_id": boot_id(), **fields}
    return Execution(1, "x", "n", ["a", "b"], "/", Status.RUNNING, 0, **plain)  # type: ignore[arg-type]


def test_an_execution_has_all_promised_keys() -> None:
    promised = (
        "id, number, name, command, cwd, status, exit_code, signal, error, created_at, started_at,"
        " finished_at, duration_s, user, tags, metadata, env, line_count, byte_count, warnings"
    )
    made = execution_object(execution(), MOMENT)
    assert set(promised.split(", ")) <= set(made)
    assert made["command"] == ["a", "b"]
    assert made["status"] == "running"
    assert made["created_at"] == "1970-01-01T00:00:00.000Z"
    assert made["finished_at"] is None
    assert (made["limits"], made["kill_leftovers"], made["marked"]) == ({}, False, False)


def test_a_step_and_an_artifact_have_exactly_their_keys() -> None:
    step = Step(1, "Build", Status.COMPLETED, 0, 0, 3, duration_ms=1_234, last_line=9)
    assert list(step_object(step, "", MOMENT)) == [
        "index", "name", "status", "started_at", "finished_at", "duration_s", "estimated_s",
        "progress", "error", "first_line", "last_line", "metadata",
    ]  # fmt: skip
    assert step_object(step, "", MOMENT)["duration_s"] == 1.234
    artifact = artifact_object(Artifact(1, "a", "b/a", exists=True, stored="artifacts/x/a"))
    promised = "name, description, path, size, mime, type, step, exists, stored"
    assert set(promised.split(", ")) <= set(artifact)
    assert (artifact["exists"], artifact["stored"]) == (True, "artifacts/x/a")


def test_what_runs_is_measured_up_to_now() -> None:
    assert execution_object(execution(), MOMENT)["duration_s"] == 3.0
    assert execution_object(execution(boot_id="other"), MOMENT)["duration_s"] == 9.0
    assert execution_object(execution(started_mono=None), MOMENT)["duration_s"] == 9.0
    assert execution_object(execution(started_at=None), MOMENT)["duration_s"] is None
    assert execution_object(execution(duration_ms=7), MOMENT)["duration_s"] == 0.007
    step = Step(1, "Build", Status.RUNNING, 1_000, 2_000, 3)
    assert step_object(step, str(boot_id()), MOMENT)["duration_s"] == 3.0


def test_a_clock_that_was_set_back_makes_no_negative_time() -> None:
    assert (
        execution_object(execution(started_mono=None, started_at=99_000), MOMENT)["duration_s"] == 0
    )


def test_moments_are_utc_with_milliseconds() -> None:
    assert iso(1_700_000_000_123) == "2023-11-14T22:13:20.123Z"
    assert iso(1_700_000_000_000) == "2023-11-14T22:13:20.000Z"
    assert all(
        (iso(ms) or "").endswith(f".{ms % 1000:03}Z")
        for ms in range(1_799_999_999_000, 1_800_000_000_000)
    )
    assert iso(None) is None


def test_a_moment_that_no_calendar_has_is_its_nearest() -> None:
    assert iso(253_402_300_799_999) == "9999-12-31T23:59:59.000Z"
    assert iso(2**62) == "9999-12-31T23:59:59.000Z"
    assert iso(-1) == iso(-(2**62)) == "1970-01-01T00:00:00.000Z"


def test_text_is_written_as_it_is_and_always_as_utf8(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    controls = "\x1b]0;\x9d\x85\u202e\u2028\u2069\u200f\u061c"
    print_json({"name": "日本", "half": "\udcff", "bell": "\x07", "del": "\x7f", "all": controls})
    written = capfdbinary.readouterr().out
    assert json.loads(written) == {
        "name": "日本",
        "half": "\udcff",
        "bell": "\x07",
        "del": "\x7f",
        "all": controls,
    }
    assert "日本".encode() in written
    assert b"\x07" not in written
    assert b"\x7f" not in written
    assert written.decode().replace("\n", "").isprintable()


def test_a_terminal_gets_ascii_alone(
    capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_form, "_must_be_ascii", lambda: True)
    print_json_lines([{"name": "\x9b31m\u202e"}])
    written = capfdbinary.readouterr().out
    assert written.isascii()
    assert json.loads(written) == [{"name": "\x9b31m\u202e"}]


def test_an_array_has_a_line_for_each_object(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json_lines({"n": n} for n in range(2))
    print_json_lines([])
    assert capfdbinary.readouterr().out == b'[\n{"n": 0},\n{"n": 1}\n]\n[]\n'
