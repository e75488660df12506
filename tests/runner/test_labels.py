"""Tags and notes, put on executions by the real runner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests import inbox
from stepflow_tui.requests.request import NoteRequest, TagRequest
from tests.house import wait_for
from tests.runner.history import Past, is_done, write_history

if TYPE_CHECKING:
    from stepflow_tui.requests.request import Chore
    from tests.house import House


def order(house: House, request: Chore) -> str | None:
    """Have a request carried out; the reason if it was refused."""
    inbox.submit(house.home, request)
    house.start_runner()
    wait_for(lambda: is_done(house.home, request))
    return inbox.refusal(house.home, request)


def test_many_get_tags_and_a_note(house: House) -> None:
    past = write_history(house.home, *[Past()] * 30)
    ids = [execution.id for execution in past[:20]]
    assert order(house, TagRequest(new_id(), ids, add=["nightly", "é"])) is None
    assert order(house, TagRequest(new_id(), ids[:10], remove=["nightly"])) is None
    assert order(house, NoteRequest(new_id(), ids[:5], "why\nit fell")) is None
    found = [house.find(execution.id) for execution in past]
    tags = [execution.tags for execution in found if execution]
    assert tags == [["é"]] * 10 + [["nightly", "é"]] * 10 + [[]] * 10
    notes = [execution.note for execution in found if execution]
    assert notes == ["why\nit fell"] * 5 + [None] * 25


def test_one_that_is_gone_has_all_refused(house: House) -> None:
    [past] = write_history(house.home, Past())
    for request in (
        TagRequest(new_id(), [past.id, new_id()], add=["a"]),
        NoteRequest(new_id(), [past.id, new_id()], "b"),
    ):
        assert order(house, request) == "there is no such execution any more"
    assert house.find(past.id) == past


def test_what_runs_keeps_its_labels_to_the_end_and_over_a_kill(house: House) -> None:
    execution = house.submit(house.script("echo STEP_START:a; sleep 60"), tags=["first"])
    house.wait_running(execution)
    assert order(house, TagRequest(new_id(), [execution], add=["second"], remove=["first"])) is None
    assert order(house, NoteRequest(new_id(), [execution], "watch this")) is None
    house.kill_runner()
    house.start_runner()
    house.cancel(execution, force=True)
    ended = house.wait(execution)
    assert (ended.status, ended.tags, ended.note) == (Status.CANCELLED, ["second"], "watch this")
