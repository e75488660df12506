"""Secrets never reach the database, wherever the runner dies and however the output is cut."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from stepflow_tui.core.models import Status
from stepflow_tui.requests.secrets import HIDDEN_IN_COMMAND
from tests.house import House, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

CANARY = "canary-7f3a-b91c"


def holders(directory: Path) -> list[str]:
    """The files below a directory that hold the canary."""
    return [
        str(path.relative_to(directory))
        for path in sorted(directory.rglob("*"))
        if path.is_file() and CANARY.encode() in path.read_bytes()
    ]


def test_a_secret_is_hidden_in_all_that_is_stored(house: House) -> None:
    script = house.script(
        f"""printf 'key {CANARY[:8]}'; sleep 0.1; echo '{CANARY[8:]} end'
echo 'STEP_START:With {CANARY}'
echo 'META:key:{CANARY}'
echo 'STEP_ERROR:{CANARY} failed'
printf %s {CANARY} | base64"""
    )
    done = house.run(
        script,
        "--token",
        CANARY,
        name=f"run {CANARY}",
        tags=[CANARY],
        metadata={"a": CANARY},
        secrets=[CANARY],
    )
    assert (done.status, done.name, done.tags) == (Status.COMPLETED, "run ***", ["***"])
    assert done.command == [str(script), "--token", "***"]
    assert done.metadata == {"a": "***"}
    assert HIDDEN_IN_COMMAND in done.warnings
    [step] = house.steps(done)
    assert (step.name, step.error, step.metadata) == ("With ***", "*** failed", {"key": "***"})
    lines = house.log(done).decode().splitlines()
    assert lines[:2] == ["key *** end", "STEP_START:With ***"]
    assert lines[-1].startswith("***")
    wait_for(lambda: not list(house.home.spool.glob(f"{done.id}.*")))
    house.kill_runner()
    assert holders(house.home.root) == []


def test_a_mask_that_the_script_asks_for(house: House) -> None:
    gate = house.root / "gate"
    os.mkfifo(gate)
    script = f"echo before; echo '::add-mask::{CANARY}'; echo first {CANARY}\nread x <{gate}\n"
    execution = house.submit(house.script(f"{script}printf 'second {CANARY}'"))
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running).count(b"first"))
    masks = house.home.spool / f"{execution}.masks"
    assert masks.stat().st_mode & 0o777 == 0o600
    house.kill_runner()
    house.start_runner()
    gate.write_text("go\n")
    done = house.wait(execution)
    assert house.log(done) == b"before\n\nfirst ***\nsecond ***"
    assert done.warnings == []
    wait_for(lambda: not masks.exists())
    house.kill_runner()
    assert holders(house.home.root) == []


def test_a_mask_too_short_is_refused_with_a_warning(house: House) -> None:
    done = house.run("sh", "-c", "echo '::add-mask::x'; echo x", secrets=["y"])
    assert house.log(done) == b"\nx\n"
    assert len(done.warnings) == 2
    assert all("4 characters" in warning for warning in done.warnings)


def test_a_prompt_is_shown_though_secrets_are_hidden(house: House) -> None:
    gate = house.root / "gate"
    os.mkfifo(gate)
    execution = house.submit(house.script(f"printf 'Password: '\nread x <{gate}"), secrets=[CANARY])
    running = house.wait_running(execution)
    wait_for(lambda: house.log(running) == b"Password: ")
    gate.write_text("go\n")
    house.wait(execution)


def test_the_queue_has_an_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from stepflow_tui.requests import inbox

    monkeypatch.setenv("STEPFLOW_MAX_QUEUE", "2")
    monkeypatch.setenv("STEPFLOW_MIN_FREE_BYTES", "1000TB")
    monkeypatch.setenv("STEPFLOW_MIN_FREE_SHARE", "100%")
    requests = [house.request("true") for _ in range(3)]
    inbox.submit(house.home, *requests)
    house.start_runner()
    refused = wait_for(lambda: inbox.refusal(house.home, requests[2]))
    assert refused == "2 executions wait to be started; try it later"
    wait_for(lambda: house.find(requests[0].id) and house.find(requests[1].id))
    assert house.find(requests[2].id) is None
