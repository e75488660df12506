"""What the dashboard asks for, carried out by the real runner."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.errors import CommandNotFound, UsageProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Status
from stepflow_tui.requests.draft import Draft
from stepflow_tui.tui.orders import Orders
from tests.house import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.models import Execution
    from stepflow_tui.requests.request import Request
    from tests.house import House


@pytest.fixture
def orders(house: House) -> Orders:
    return Orders(house.home, {"PATH": os.environ["PATH"]})


def answers(orders: Orders, requests: list[Request]) -> list[str | None]:
    """What the runner says to these."""
    wait_for(lambda: not any(map(orders.is_waiting, requests)))
    return [orders.refusal(request) for request in requests]


def found(house: House, executions: list[Execution]) -> list[Execution]:
    return [one for one in (house.find(execution.id) for execution in executions) if one]


def test_a_draft_is_started_and_run_again(house: House, orders: Orders) -> None:
    draft = Draft(("echo $A; exit 3",), cwd="/", env={"A": "x"}, tags=("t",))
    draft = replace(draft, shell=True)  # noqa: S604 - nothing is started here
    request = orders.prepare(draft)
    assert not house.home.database.exists()
    orders.start(request)
    first = house.wait(request.id)
    assert (first.exit_code, first.tags, house.log(first)) == (3, ["t"], b"x\n")
    second = house.wait(orders.rerun(first).id)
    assert (second.metadata["rerun_of"], house.log(second)) == (1, b"x\n")


def test_many_are_labelled_marked_and_removed(house: House, orders: Orders) -> None:
    ended = [house.run("true") for _ in range(3)]
    assert answers(orders, orders.tag(ended, add=["nightly", "a b"], remove=[])) == [None]
    assert answers(orders, orders.tag(ended[:1], add=[], remove=["nightly"])) == [None]
    assert answers(orders, orders.note(ended, " kept\n")) == [None]
    assert answers(orders, orders.mark(ended[:2], marked=True)) == [None]
    now = found(house, ended)
    assert [one.tags for one in now] == [["a b"], ["nightly", "a b"], ["nightly", "a b"]]
    assert [one.note for one in now] == ["kept"] * 3
    refused = answers(orders, orders.remove(ended))
    assert refused[0] is not None
    assert refused[0].startswith("#1 is marked")
    assert answers(orders, orders.mark(ended, marked=False)) == [None]
    assert answers(orders, orders.remove(ended)) == [None]
    assert found(house, ended) == []


@pytest.mark.parametrize("force", [False, True])
def test_several_are_stopped(house: House, orders: Orders, force: bool) -> None:
    running = [house.wait_running(house.submit("sleep", "60")) for _ in range(2)]
    assert answers(orders, orders.cancel(running, force=force)) == [None, None]
    assert [one.status for one in found(house, running)] == [Status.CANCELLED] * 2


def test_what_cannot_be_is_said_before_anything_is_handed_over(tmp_path: Path) -> None:
    orders = Orders(Home(tmp_path / "home"), {"PATH": ""})
    with pytest.raises(CommandNotFound, match="nothing: command not found"):
        orders.prepare(Draft(command=("nothing",), cwd="/"))
    hidden = Draft(command=("/bin/true",), cwd="/", env={"A": "***"}, secrets=frozenset({"A"}))
    with pytest.raises(UsageProblem, match="the values of A were not stored; give them again"):
        orders.prepare(hidden)
    with pytest.raises(UsageProblem, match="a tag cannot be empty"):
        orders.tag([], add=[""], remove=[])
    with pytest.raises(UsageProblem, match="4,097 bytes"):
        orders.note([], "x" * 4097)
    assert not orders._home.root.exists()
