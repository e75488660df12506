from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.home import Home
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import StopRequest
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from pathlib import Path

FIRST, SECOND = (StopRequest(f"01jd000000000000000000000{n}") for n in range(2))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    prepare_home(home)
    return home


def files(home: Home) -> list[Path]:
    return sorted(path for path in home.requests.iterdir() if path != home.refused)


def test_only_request_files_wait(home: Home) -> None:
    inbox.submit(home, SECOND, FIRST)
    wanted = [inbox.path_of(home, request.id, "stop") for request in (FIRST, SECOND)]
    assert files(home) == wanted
    (home.requests / "x.json").mkdir()
    (home.requests / f"{'0' * 26}.run.json").mkdir()
    (home.requests / f"{'1' * 26}.run.json").symlink_to(wanted[0])
    os.mkfifo(home.requests / f"{'2' * 26}.run.json")
    for name in ("x.json", "x" * 250, f"{'3' * 26}.json", f"{'3' * 26}.{'x' * 220}.json"):
        path = home.requests / name
        if not path.exists():
            path.touch()
    assert list(inbox.waiting(home)) == wanted


def test_a_request_of_a_kind_from_the_future_waits_to_be_refused(home: Home) -> None:
    path = home.requests / f"{'0' * 26}.pause.json"
    path.touch()
    assert list(inbox.waiting(home)) == [path]


def test_a_refusal_leaves_the_reason_alone(home: Home) -> None:
    inbox.submit(home, FIRST)
    inbox.refuse(home, inbox.path_of(home, FIRST.id, "stop"), "no \udcff")
    assert files(home) == []
    assert inbox.refusal(home, FIRST) == "no \udcff"
    assert inbox.refusal(home, SECOND) is None


def test_a_reason_that_cannot_be_written_does_not_keep_the_request(home: Home) -> None:
    path = home.requests / ("x" * 255)
    path.touch()
    inbox.refuse(home, path, "bad name")
    assert files(home) == []
    assert list(home.refused.iterdir()) == []


@pytest.mark.parametrize("step", ["fsync", "write"])
def test_a_full_disk_leaves_no_environment_behind(
    home: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    if step == "fsync":
        monkeypatch.setattr(os, "fsync", full)
    else:
        monkeypatch.setattr(inbox, "encode", full)
    with pytest.raises(HomeProblem, match="No space left on device"):
        inbox.submit(home, FIRST, SECOND)
    assert files(home) == []


def test_what_nobody_comes_for_is_cleaned_up(home: Home) -> None:
    inbox.submit(home, FIRST)
    request = inbox.path_of(home, FIRST.id, "stop")
    half = home.requests / f".{'0' * 26}.run.json.tmp"
    reason, fresh = home.refused / "a.json", home.refused / "b.json"
    for path in (half, reason, fresh):
        path.touch()
    for path in (half, reason, request, home.refused):
        os.utime(path, (1_000, 1_000))
    inbox.clean_up(home, older_than_s=3_600)
    assert files(home) == [request]
    assert list(home.refused.iterdir()) == [fresh]


def test_what_is_being_written_stays(home: Home) -> None:
    half = home.requests / f".{'0' * 26}.run.json.tmp"
    half.touch()
    inbox.clean_up(home, older_than_s=3_600)
    assert files(home) == [half]
