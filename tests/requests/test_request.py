from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from stepflow_tui.requests.request import (
    BackupRequest,
    BadRequest,
    MarkRequest,
    NoteRequest,
    RemoveRequest,
    RunRequest,
    TagRequest,
    decode,
    encode,
    remove_requests,
)

if TYPE_CHECKING:
    from stepflow_tui.requests.request import Chore

PLAIN = RunRequest(
    id="01jd0000000000000000000000",
    command=["true"],
    cwd="/",
    environment={},
    created_at=1_700_000_000_000,
    name="true",
)
LAST_MS = 253_402_300_799_999


def read(**fields: object) -> RunRequest:
    content = json.dumps({**json.loads(encode(PLAIN)), **fields})
    request = decode(content.encode())
    assert isinstance(request, RunRequest)
    return request


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": 0},
        {"created_at": LAST_MS},
        {"timeout_s": 1},
        {"timeout_s": 0.5},
        {"timeout_s": 315_360_000},
        {"timeout_s": None},
        {"metadata": {"a": 2**63 - 1, "b": -(2**63), "c": 1e308, "d": True, "e": "日本"}},
        {"rerun_of": 2**63 - 1},
        {"name": "日本", "tags": ["é"], "user": "ann"},
        {"command": ["\udcff"], "cwd": "/\udcff"},
        {"env": {"\udcff": "\udcfe"}, "environment": {"\udcff": "\udcfe"}},
        {"environment": {"": "of no name"}},
    ],
)
def test_what_can_be_kept_is_taken(fields: dict[str, Any]) -> None:
    assert read(**fields) == replace(PLAIN, **fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": -1},
        {"created_at": LAST_MS + 1},
        {"created_at": 2**62},
        {"created_at": 10**30},
        {"created_at": 1.5},
        {"timeout_s": 0},
        {"timeout_s": True},
        {"timeout_s": 315_360_001},
        {"timeout_s": 10**400},
        {"timeout_s": float("inf")},
        {"timeout_s": float("nan")},
        {"rerun_of": 2**63},
        {"metadata": {"a": 2**63}},
        {"metadata": {"a": float("nan")}},
        {"metadata": {"a": float("-inf")}},
        {"metadata": {"a": "\udcff"}},
        {"metadata": {"\ud800": 1}},
        {"metadata": {"a": None}},
        {"name": "\udcff"},
        {"tags": ["\ud800"]},
        {"user": "\udcff"},
        {"command": ["\ud800"]},
        {"cwd": "/\ud800"},
        {"env": {"A": "\ud800"}},
        {"environment": {"\ud800": "1"}},
    ],
    ids=repr,
)
def test_what_cannot_be_kept_or_shown_is_refused(fields: dict[str, Any]) -> None:
    (name,) = fields
    with pytest.raises(BadRequest, match=f"field '{name}' is unknown or of the wrong type"):
        read(**fields)


def test_a_number_beyond_all_floats_is_refused() -> None:
    content = encode(PLAIN).replace(b'"timeout_s": null', b'"timeout_s": 1e999')
    with pytest.raises(BadRequest, match="timeout_s"):
        decode(content)


OTHER = "01jd0000000000000000000001"


@pytest.mark.parametrize(
    "request_",
    [
        RemoveRequest(PLAIN.id, [OTHER, PLAIN.id]),
        RemoveRequest(PLAIN.id, []),
        MarkRequest(PLAIN.id, [OTHER], marked=False),
        MarkRequest(PLAIN.id, [OTHER]),
        TagRequest(PLAIN.id, [OTHER, PLAIN.id], add=["two words", "é"], remove=["-x"]),
        NoteRequest(PLAIN.id, [OTHER], "it fell\nat é\x1b[2J"),
        NoteRequest(PLAIN.id, [OTHER], "é" * 2048),
        NoteRequest(PLAIN.id, [OTHER], ""),
        BackupRequest(PLAIN.id, "/copies/é\udcff.db", force=True),
    ],
)
def test_what_is_done_to_the_history_comes_back_as_it_was(request_: Chore) -> None:
    assert decode(encode(request_)) == request_


@pytest.mark.parametrize(
    ("request_", "name", "value"),
    [
        (RemoveRequest(PLAIN.id, []), "executions", OTHER),
        (RemoveRequest(PLAIN.id, []), "executions", ["../../etc"]),
        (RemoveRequest(PLAIN.id, []), "executions", [1]),
        (MarkRequest(PLAIN.id, []), "executions", None),
        (MarkRequest(PLAIN.id, []), "marked", 1),
        (TagRequest(PLAIN.id, []), "executions", "all"),
        (TagRequest(PLAIN.id, []), "add", "nightly"),
        (TagRequest(PLAIN.id, []), "add", [""]),
        (TagRequest(PLAIN.id, []), "add", ["x" * 257]),
        (TagRequest(PLAIN.id, []), "add", ["a\0"]),
        (TagRequest(PLAIN.id, []), "remove", ["\udcff"]),
        (TagRequest(PLAIN.id, []), "remove", [1]),
        (NoteRequest(PLAIN.id, [], ""), "note", None),
        (NoteRequest(PLAIN.id, [], ""), "note", "x" * 4097),
        (NoteRequest(PLAIN.id, [], ""), "note", "é" * 2049),
        (NoteRequest(PLAIN.id, [], ""), "note", "\udcff"),
        (BackupRequest(PLAIN.id, "/x"), "path", "x"),
        (BackupRequest(PLAIN.id, "/x"), "path", "/x\0"),
        (BackupRequest(PLAIN.id, "/x"), "path", None),
        (BackupRequest(PLAIN.id, "/x"), "force", "yes"),
    ],
    ids=repr,
)
def test_what_would_do_something_else_is_refused(request_: Chore, name: str, value: object) -> None:
    content = json.dumps({**json.loads(encode(request_)), name: value}).encode()
    with pytest.raises(BadRequest, match=f"field '{name}' is unknown or of the wrong type"):
        decode(content)


def test_many_are_removed_by_several_requests() -> None:
    ids = [f"{number:026}" for number in range(2001)]
    requests = remove_requests(ids)
    assert [len(request.executions) for request in requests] == [1000, 1000, 1]
    assert [one for request in requests for one in request.executions] == ids
    assert len({request.id for request in requests}) == 3
    assert remove_requests([]) == []
