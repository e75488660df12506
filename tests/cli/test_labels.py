"""`tag` and `note`, with the real runner behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from tests.runner.history import Past, write_history

if TYPE_CHECKING:
    from stepflow_tui.core.models import Execution
    from tests.cli.conftest import Stepflow
    from tests.cli.recording import Recording
    from tests.house import House


@pytest.fixture
def past(house: House) -> list[Execution]:
    return write_history(house.home, Past(), Past())


def shown(stepflow: Stepflow, number: int) -> dict[str, object]:
    found: dict[str, object] = json.loads(stepflow("show", "--json", str(number)).out)
    return found


def test_tags_are_put_on_taken_away_and_shown(past: list[Execution], stepflow: Stepflow) -> None:
    done = stepflow("tag", "2", past[0].id, "+nightly", "+two words")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "#2 past has the tags nightly two words\n#1 past has the tags nightly two words\n"
    )
    done = stepflow("tag", "-nightly", "#1", "-h.i", "+a")
    assert (done.code, done.out) == (0, "#1 past has the tags two words a\n")
    assert stepflow("tag", "1", "-a", "-two words").out == "#1 past has no tags\n"
    assert shown(stepflow, 2)["tags"] == ["nightly", "two words"]
    listed = json.loads(stepflow("list", "--json", "--tag", "nightly").out)
    assert [item["number"] for item in listed] == [2]
    assert "  tags       nightly two words\n" in stepflow("show", "2").out


def test_a_note_is_written_shown_clean_and_taken_away(
    past: list[Execution], stepflow: Stepflow
) -> None:
    note = "it fell\n\n\x1b]52;c;aGk=\x07over \x1b[31mred\x1b[0m"
    done = stepflow("note", past[0].id, note)
    assert (done.code, done.out, done.err) == (0, "#1 past has a note\n", "")
    assert shown(stepflow, 1)["note"] == note
    page = stepflow("show", "1").out
    assert "  note       it fell\n\n             over red\n" in page
    assert "\x1b" not in page
    assert stepflow("note", "last", "--", "-- 2").code == 0
    assert stepflow("note", "1", "").out == "#1 past has no note\n"
    assert shown(stepflow, 1)["note"] is None
    assert shown(stepflow, 2)["note"] == "-- 2"
    assert "  note " not in stepflow("show", "1").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tag"], "missing argument 'ID... [+TAG]... [-TAG]...' (see: stepflow tag --help)"),
        (["tag", "+a"], "name an execution, such as: stepflow tag last +nightly"),
        (["tag", "1"], "say which tags: +nightly puts one on, -nightly takes one away"),
        (["tag", "1", "--all"], "no such option '--all' (see: stepflow tag --help)"),
        (["tag", "1", "+"], "a tag cannot be empty"),
        (["tag", "1", "+a", "9"], "no execution 9; see: stepflow list"),
        (["note", "1"], "missing argument 'TEXT' (see: stepflow note --help)"),
        (["note", "1", "x" * 4097], "the note has 4,097 bytes; 4,096 at most"),
        (["note", "9", "x"], "no execution 9; see: stepflow list"),
    ],
)
def test_wrong_use_is_one_sentence_and_changes_nothing(
    recording: Recording, stepflow: Stepflow, arguments: list[str], sentence: str
) -> None:
    recording.add(tags=["old"])
    done = stepflow(*arguments)
    assert (done.code, done.out, done.err) == (2, "", f"stepflow: {sentence}\n")
    assert shown(stepflow, 1)["tags"] == ["old"]
    assert list(inbox.waiting(recording.home)) == []


def test_help_is_there_under_both_names(stepflow: Stepflow) -> None:
    for option in ("-h", "--help"):
        done = stepflow("tag", option)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Usage: stepflow tag ")
        assert done.out.endswith("this message and exit.\n")


def test_what_runs_can_be_labelled(house: House, stepflow: Stepflow) -> None:
    execution = house.submit("sleep", "60")
    house.wait_running(execution)
    assert stepflow("tag", "last", "+keep").out == "#1 sleep has the tags keep\n"
    assert stepflow("note", "last", "long").out == "#1 sleep has a note\n"
    house.cancel(execution, force=True)
    ended = house.wait(execution)
    assert (ended.status, ended.tags, ended.note) == (Status.CANCELLED, ["keep"], "long")
