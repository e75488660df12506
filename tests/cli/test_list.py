from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from stepflow_tui.core.clock import now
from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    import pytest

    from stepflow_tui.core.home import Home
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording


def test_the_newest_come_first_in_a_table(recording: Recording, stepflow: Stepflow) -> None:
    created = now().wall_ms - 3 * 60_000
    recording.add(name="日本", created_at=created, tags=["nightly", "x"])
    recording.finish(1, Status.TIMED_OUT)
    recording.add(created_at=created)
    recording.step(2, 1, "Build", (1, 5))
    recording.step(2, 2, "Test it", (6, None))
    recording.save(2, duration_ms=61_000, progress=0.42)
    done = stepflow("list")
    assert done.out == (
        "#2  build  ● running    1/2 42% Test it  1m 01s  3m\n"
        "#1  日本   ⧖ timed out  -                 12.3s  3m  nightly x\n"
    )
    assert (done.code, done.err) == (0, "")


def test_json_is_an_array_without_steps_and_artifacts(
    recording: Recording, stepflow: Stepflow
) -> None:
    for name in ("one", "two", "three"):
        recording.add(name=name)
    listed = json.loads(stepflow("list", "--json", "--limit", "2").out)
    assert [item["name"] for item in listed] == ["three", "two"]
    shown = json.loads(stepflow("show", "3", "--json").out)
    assert set(shown) - set(listed[0]) == {"steps", "artifacts"}


def test_the_limit_is_twenty_by_default(recording: Recording, stepflow: Stepflow) -> None:
    for _ in range(21):
        recording.add()
    assert len(json.loads(stepflow("list", "--json").out)) == 20


def test_filters_choose(recording: Recording, stepflow: Stepflow) -> None:
    recording.add(name="Build api", tags=["x"])
    recording.finish(1, Status.FAILED)
    recording.add(name="build web", tags=["x", "y"])
    recording.add(name="test")

    def numbers(*options: str) -> list[int]:
        return [item["number"] for item in json.loads(stepflow("list", "--json", *options).out)]

    assert numbers("--name", "build") == [2, 1]
    assert numbers("--tag", "x") == [2, 1]
    assert numbers("--tag", "y") == [2]
    assert numbers("--status", "failed") == [1]
    assert numbers("--status", "failed", "--tag", "y") == []


def test_where_nothing_was_run_a_hint_says_how_to_begin(home: Home, stepflow: Stepflow) -> None:
    hint = "stepflow: nothing was run here yet; begin with: stepflow run COMMAND\n"
    plain, as_json = stepflow("list"), stepflow("list", "--json")
    assert (plain.code, plain.out, plain.err) == (0, "", hint)
    assert (as_json.code, as_json.out, as_json.err) == (0, "[]\n", hint)
    assert not home.root.exists()


def test_hostile_names_and_tags_act_on_nothing(recording: Recording, stepflow: Stepflow) -> None:
    recording.add(name="a\x1b]52;c;aGk=\x07b\nc\x1b[2J", tags=["\x1b[31mred"])
    out = stepflow("list").out
    assert "\x1b" not in out
    assert "ab c" in out
    assert len(out.splitlines()) == 1


def test_a_name_is_whole_where_no_terminal_limits_it(
    recording: Recording, stepflow: Stepflow
) -> None:
    recording.add(name="n" * 200)
    assert "n" * 200 in stepflow("list").out


def test_a_home_that_others_can_read_is_refused(
    home: Home,
    stepflow: Stepflow,
    recording: Recording,  # noqa: ARG001
) -> None:
    home.root.chmod(0o755)
    done = stepflow("list")
    assert (done.code, done.out) == (1, "")
    assert done.err == f"stepflow: {home.root} can be read by others; run: chmod 700 {home.root}\n"


def test_a_status_that_does_not_exist_is_a_usage_error(
    stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = stepflow("list", "--status", "broken")
    assert done.code == 2
    assert done.err.startswith("stepflow: invalid value for '--status': 'broken' is not one of")
    assert done.err.endswith(" (see: stepflow list --help)\n")
    assert len(done.err.splitlines()) == 1


def test_words_choose_as_in_the_dashboard(recording: Recording, stepflow: Stepflow) -> None:
    recording.add(name="Build api", tags=["nightly"])
    recording.finish(1, Status.FAILED)
    recording.add(name="build web", tags=["web"])
    recording.add(name="test")

    def numbers(*words: str) -> list[int]:
        return [item["number"] for item in json.loads(stepflow("list", "--json", *words).out)]

    assert numbers("name:build") == [2, 1]
    assert numbers("build", "tag:night") == [1]
    assert numbers("status:failed,running", "since:100000d") == [3, 2, 1]
    assert numbers("--tag", "night") == []
    assert numbers("--", "-name:build") == [3]


def test_a_word_that_means_nothing_is_a_usage_error(
    recording: Recording,  # noqa: ARG001
    stepflow: Stepflow,
) -> None:
    done = stepflow("list", "colour:red")
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("stepflow: there is no colour: to filter by (status, tag, ")
    assert len(done.err.splitlines()) == 1


def test_words_are_read_as_utf8_whatever_the_locale(recording: Recording, home: Home) -> None:
    recording.add(name="näme", tags=["tägg"])
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}

    def run(*words: str) -> bytes:
        arguments = [sys.executable, "-m", "stepflow_tui", "--home", str(home.root)]
        command = [*arguments, *words]
        return subprocess.run(
            command, env={**os.environ, **plain}, capture_output=True, check=True
        ).stdout

    for words in (["name:näme"], ["tag:tägg"], ["näme"], ["--tag", "tägg"], ["--name", "näme"]):
        assert run("list", *words).startswith(b"#1"), words
