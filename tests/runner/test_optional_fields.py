"""Requests that others write, with nothing in them that may be left out."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.clock import now
from stepflow_tui.core.identity import new_id
from stepflow_tui.core.models import Status
from stepflow_tui.requests.inbox import path_of
from stepflow_tui.requests.request import RunRequest, decode, encode
from stepflow_tui.runner.launcher import REQUEST_DEFAULTS
from tests.house import wait_for

if TYPE_CHECKING:
    from tests.house import House

SHOWN = "umask; nice; ulimit -c; echo $# ${PAGER-none} é; test -t 1 || echo no terminal"


def least(house: House, **more: object) -> dict[str, object]:
    return {
        "format": 1,
        "kind": "run",
        "id": new_id(),
        "command": ["/bin/sh", "-c", SHOWN],
        "cwd": str(house.scripts),
        "environment": {"PATH": os.environ["PATH"]},
        "created_at": now().wall_ms,
        "name": "least",
        **more,
    }


def submit(house: House, record: dict[str, object], encoding: str = "utf-8") -> str:
    """Write a request as another program may: not in ASCII."""
    identity = str(record["id"])
    path = path_of(house.home, identity, str(record["kind"]))
    temporary = house.root / "request"
    temporary.write_text(json.dumps(record, ensure_ascii=False), encoding=encoding)
    temporary.chmod(0o600)
    temporary.rename(path)
    house.start_runner()
    return identity


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_is_left_out_has_its_default(house: House, encoding: str) -> None:
    execution = house.wait(submit(house, least(house), encoding))
    assert execution.status is Status.COMPLETED
    lines = house.log(execution).decode().splitlines()
    assert lines[0] == "0022"
    assert int(lines[1]) == max(0, os.getpriority(os.PRIO_PROCESS, 0))
    assert lines[-2:] == ["0 none é", "no terminal"]


@pytest.mark.parametrize("left_out", sorted(REQUEST_DEFAULTS))
def test_each_may_be_left_out(house: House, left_out: str) -> None:
    record = json.loads(encode(house.request("/bin/sh", "-c", "echo fine")))
    del record[left_out]
    execution = house.wait(submit(house, record))
    assert (execution.status, house.log(execution)) == (Status.COMPLETED, b"fine\n")


def test_the_launcher_has_the_defaults_of_the_request(house: House) -> None:
    plain = decode(json.dumps(least(house)).encode())
    assert isinstance(plain, RunRequest)
    whole = json.loads(encode(plain))
    assert {name: whole[name] for name in REQUEST_DEFAULTS} == REQUEST_DEFAULTS
    unused = {"user", "tags", "metadata", "timeout_s", "rerun_of", "secrets", "kill_leftovers"}
    assert set(whole) - set(least(house)) - unused == set(REQUEST_DEFAULTS)


def test_other_requests_may_be_short_too(house: House) -> None:
    execution = house.submit("sleep", "60")
    house.wait_running(execution)
    submit(house, {"format": 1, "kind": "cancel", "id": new_id(), "execution": execution})
    assert house.wait(execution).status is Status.CANCELLED
    names = {"format": 1, "id": new_id()}
    submit(house, {**names, "kind": "mark", "executions": [execution]})
    wait_for(lambda: (found := house.find(execution)) is not None and found.marked)
    submit(house, {**names, "id": new_id(), "kind": "tag", "executions": [execution], "add": ["x"]})
    wait_for(lambda: (found := house.find(execution)) is not None and found.tags == ["x"])
