from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.cli.lookup import one_execution
from stepflow_tui.core.errors import DatabaseTooNew, HomeProblem, NotADatabase, UsageProblem
from stepflow_tui.requests.inbox import submit
from stepflow_tui.requests.request import RunRequest
from stepflow_tui.store.home import prepare_home

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.cli.recording import Recording

FIRST = "01jd0000000000000000000000"
SECOND = "01jd0000000000000000000001"
THIRD = "01je0000000000000000000000"


def number_of(home: Home, text: str) -> int:
    with one_execution(home, text) as (_, execution):
        return execution.number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1", 1),
        ("#2", 2),
        ("last", 3),
        (THIRD, 3),
        ("01je", 3),
        ("01JE", 3),
        (SECOND, 2),
    ],
)
def test_an_execution_is_found(recording: Recording, text: str, number: int) -> None:
    for name in (FIRST, SECOND, THIRD):
        recording.add(id=name)
    assert number_of(recording.home, text) == number


@pytest.mark.parametrize("text", ["0", "#0", "00", "02", "#02"])
def test_digits_are_a_number_and_not_the_beginning_of_an_id(
    recording: Recording, text: str
) -> None:
    recording.add(id=FIRST)
    with pytest.raises(UsageProblem) as caught:
        number_of(recording.home, text)
    assert str(caught.value) == f"no execution {text}; see: stepflow list"
    assert number_of(recording.home, "01") == 1  # as number 1


@pytest.mark.parametrize(
    "text", ["4", "#4", "99999999999999999", "9" * 40, "x", "01k", "", "a%", "-"]
)
def test_an_unknown_one_is_a_slip_of_the_user(recording: Recording, text: str) -> None:
    recording.add(id=FIRST)
    with pytest.raises(UsageProblem) as caught:
        number_of(recording.home, text)
    assert str(caught.value) == f"no execution {text}; see: stepflow list"
    assert caught.value.exit_code == 2


def test_a_prefix_of_several_is_refused(recording: Recording) -> None:
    recording.add(id=FIRST)
    recording.add(id=SECOND)
    with pytest.raises(UsageProblem, match=r"^several ids begin with 01jd; give more of it$"):
        number_of(recording.home, "01jd")


def test_nothing_is_known_where_nothing_was_run(home: Home) -> None:
    for text in ("1", "last"):
        with pytest.raises(UsageProblem, match=f"no execution {text}; see: stepflow list"):
            number_of(home, text)


def test_what_waits_for_the_runner_is_told_from_what_does_not_exist(home: Home) -> None:
    prepare_home(home)
    submit(home, RunRequest(FIRST, ["true"], "/", {}, 1, "true"))
    with pytest.raises(UsageProblem, match="is submitted and waits for the runner"):
        number_of(home, FIRST)
    with pytest.raises(UsageProblem, match="no execution"):
        number_of(home, SECOND)


def test_a_newer_database_is_refused(recording: Recording) -> None:
    recording.writer._pragma("user_version=99")
    with pytest.raises(DatabaseTooNew, match=r"schema 99.*upgrade stepflow-tui"):
        number_of(recording.home, "1")


def test_a_file_that_is_no_database_is_refused(home: Home) -> None:
    prepare_home(home)
    home.database.write_bytes(b"something else\n" * 1000)
    with pytest.raises(NotADatabase):
        number_of(home, "1")


def test_a_home_that_others_can_read_is_refused(home: Home) -> None:
    home.root.mkdir(mode=0o755)
    with pytest.raises(HomeProblem, match="run: chmod 700"):
        number_of(home, "1")
