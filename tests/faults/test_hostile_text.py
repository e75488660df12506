"""Texts of users and scripts reach a terminal, and what they tell it to do does not."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.frames import Frames
from stepflow_tui.core.home import Home
from stepflow_tui.core.models import Status
from stepflow_tui.core.text import clean, clean_keeping_colours, clean_line, plain, show_line, spans
from tests.faults.flood import LEAST, flood
from tests.faults.output import COLOUR, FORBIDDEN, take_apart
from tests.faults.payloads import PAYLOADS, SEED, generated
from tests.faults.recorded import record
from tests.faults.visitor import COPY, WHOLE_ROWS, environment, untold, visit
from tests.house import House
from tests.tui.dashboard import dashboard
from tests.tui.record import Recorder, step
from tests.tui.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.faults.output import Output

TEXTS = [payload.text for payload in PAYLOADS]
LINES = [payload.attack for payload in PAYLOADS]
ATTACK = "\x1b]52;c;Q0FOQVJZ\x07\x9d0;CANARY\x9c\x9b2J\u202e\x1b[6n\x0e[red]CANARY[bold]\x1b]0;open"
SHOWN = "[red]CANARY[bold]"
MARKUP = [payload.shown for payload in PAYLOADS if payload.shown.startswith(("[", "$", ":", "%"))]
LAST_LOG = [
    *[b"STEP_START:x"] * (len(TEXTS) + 1),
    *LINES,
    b"x" * 400 + b" tail",
    b"the last line",
]
GENERATED = 300_000


def test_of_each_payload_only_text_is_left() -> None:
    assert len(PAYLOADS) >= 17
    assert {payload.name: plain(payload.attack) for payload in PAYLOADS} == {
        payload.name: payload.shown for payload in PAYLOADS
    }


def test_generated_strings_leave_nothing_but_text_and_colours() -> None:
    colour = re.compile(r"\x1b\[[0-9;:]{0,61}m")
    for line in generated(GENERATED):
        text = line.decode("utf-8", "replace")
        shown, kept, label = show_line(line), clean_keeping_colours(text), clean_line(text)
        runs = [run for run, _ in spans(text)]
        left = "".join((colour.sub("", shown + kept), clean(shown), clean(text), label, *runs))
        assert FORBIDDEN.search(left) is None, line
        assert "\t" not in label


def last_log() -> list[str]:
    """What the last log of `record` shows: no lines that others have written over."""
    written_over = set(Frames().feed(0, b"\n".join(LAST_LOG)))
    return [plain(line) for at, line in enumerate(LAST_LOG) if at not in written_over]


# The dashboard


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Output:
    """What the dashboard writes of texts that do nothing."""
    home = Home(tmp_path_factory.mktemp("harmless") / "home")
    names = [f"CANARY {number}" for number in range(20)]
    made = record(home, names, [name.encode() for name in names])
    return take_apart(visit(home, *made, names[:2]))


def test_the_dashboard_itself_sends_no_text_to_the_terminal(harmless: Output) -> None:
    strings = {sequence for sequence in harmless.sequences if re.match(r"\x1b[\]PX^_]", sequence)}
    assert strings == {COPY, "\x1b]22;default\x07"}  # its own copying, and the mouse pointer
    assert harmless.forbidden == []
    assert harmless.sequences[COLOUR] > 1000


def test_no_byte_of_a_text_acts_on_the_terminal(harmless: Output, tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    made = record(home, TEXTS, LINES)
    pasted = [text for text in TEXTS if "\x1b" not in text]
    written = take_apart(visit(home, *made, pasted))
    assert written.sequences.keys() - harmless.sequences.keys() == set()
    assert written.forbidden == []
    assert written.sequences[COPY] == 1
    assert [text for text in MARKUP if text not in written.text] == []


def test_random_texts_do_not_act_on_the_terminal(harmless: Output) -> None:
    found = flood(LEAST, SEED)
    assert found.output.sequences.keys() - harmless.sequences.keys() == set()
    assert found.output.forbidden == []
    assert found.missing == set()


def test_the_name_of_a_home_does_not_act_on_the_terminal(harmless: Output, tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    Recorder(home).close()
    home.database.chmod(0o600)
    command = [sys.executable, "-c", WHOLE_ROWS]
    with Terminal(command, untold(home, tmp_path), 160, 50) as terminal:
        terminal.wait_for("No executions yet", SHOWN)
        home.database.write_bytes(b"no database" * 1000)
        terminal.wait_for("Cannot show executions", SHOWN)
        terminal.send("q")
        assert terminal.wait_exit() == 0
        written = take_apart(terminal.read_rest())
    assert written.sequences.keys() - harmless.sequences.keys() == set()
    assert written.forbidden == []
    with Terminal(command, untold(home, tmp_path), 160, 50, draws=False) as terminal:
        assert terminal.wait_exit() == 1
        written = take_apart(terminal.read_rest())
    assert SHOWN in written.text
    assert (written.sequences, written.forbidden) == ({}, [])


def test_what_is_said_of_the_pager_does_not_act_on_the_terminal(
    harmless: Output, tmp_path: Path
) -> None:
    home = Home(tmp_path / "home")
    record(home, TEXTS[:1], LINES[:1])
    pager = tmp_path / f"{ATTACK}-pager"
    pager.write_text("#!/bin/sh\nexit 3\n")
    pager.chmod(0o755)
    command = [sys.executable, "-c", WHOLE_ROWS]
    environ = untold(home, tmp_path, PAGER=f"'{pager}'")
    with Terminal(command, environ, 160, 50) as terminal:
        terminal.wait_for("the last line", "no runner")
        terminal.send("o")
        terminal.wait_for("no pager:")
        terminal.send("q")
        assert terminal.wait_exit() == 0
        written = take_apart(terminal.read_rest())
    assert written.sequences.keys() - harmless.sequences.keys() == set()
    assert written.forbidden == []


@pytest.mark.parametrize("text", ["[/x] [red]CANARY[/red]", "[@click=quit]CANARY[/] [bold"])
async def test_markup_is_shown_as_it_was_typed(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path / "home")
    recorder = Recorder(home)
    fields = {"command": [text], "metadata": {text: "1"}, "warnings": [text], "error": text}
    number = recorder.execution(text, tags=[text], cwd=f"/{text}", user=text, **fields)
    recorder.steps(number, step(1, text, 1, status=Status.RUNNING))
    recorder.log(number, b"STEP_START:\n" + text.encode())
    recorder.close()
    async with dashboard(home, (200, 60)) as board:
        # The title holds the name and the command; then step, heading and line.
        await board.until(lambda: board.text.count(text) == 5)
        board.orders.missing = text
        await board.press("r")
        await board.until(lambda: text in board.messages and board.text.count(text) == 6)
        await board.press("enter")
        await board.until_text("directory", f"/{text}", "Warnings", f"· {text}")
        await board.press("escape", "x")
        await board.until_text(f"Cancel #1 {text}?", f"#1 {text} has been running")


# The command line

ID_COMMANDS = ("show", "logs", "watch", "cancel", "rerun", "artifacts")
RUN = """
import json, sys
from stepflow_tui.cli.program import run_program
for arguments in json.loads(sys.argv[1]):
    print("@@", ascii(arguments), flush=True)
    run_program(arguments)
"""


def on_a_terminal(home: Home, commands: Sequence[Sequence[str]], **more: str) -> dict[str, Output]:
    """What each command writes to a terminal, errors included."""
    arguments = [sys.executable, "-c", RUN, json.dumps(commands)]
    with Terminal(arguments, environment(home, **more), 120, 50, draws=False) as terminal:
        assert terminal.wait_exit() == 0
        parts = terminal.read_rest().split(b"@@ [")[1:]
    names = [" ".join(map(ascii, command)) for command in commands]
    return {name: take_apart(part) for name, part in zip(names, parts, strict=True)}


def leaks(outputs: dict[str, Output]) -> dict[str, object]:
    """The commands that wrote more than text and colours."""
    return {
        command: (output.sequences, output.forbidden)
        for command, output in outputs.items()
        if output.sequences.keys() - {COLOUR} or output.forbidden
    }


def ids(first: int, last: int) -> list[str]:
    return [str(number) for number in range(first, last + 1)]


def test_no_command_passes_on_what_acts_on_a_terminal(tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    last, full = record(home, TEXTS, LINES)
    single = len(TEXTS)
    recorder = Recorder(home)
    for number in range(single + 1, single + full + 1):
        recorder.finish(number, Status.FAILED)
    recorder.close()
    outputs = on_a_terminal(
        home,
        [
            ["list", "--limit", "1000"],
            ["list", "--limit", "1000", "--json"],
            ["logs", str(last)],
            ["logs", "--timestamps", str(last)],
            ["logs", "--step", "3", str(last)],
            ["artifacts", str(last - 1)],
            ["artifacts", "--json", str(last - 1)],
            ["artifacts", "--copy-to", str(tmp_path / ATTACK), str(last - 1)],
            ["show", "--json", str(last - 1)],
            *(["show", number] for number in ids(single - 5, last)),
            *(["watch", number] for number in ids(single + 1, last)),
            *(["cancel", number] for number in ids(single + 1, last)),
            *(["rerun", number] for number in ids(single - 5, last)),
            ["rm", "--dry-run", *ids(single + 1, last)],
            ["rm", *ids(1, 9)],
            ["prune", "--dry-run", "--keep", "0"],
        ],
    )
    assert leaks(outputs) == {}
    assert [text for text in MARKUP if text not in outputs["'list' '--limit' '1000'"].text] == []
    log = outputs[f"'logs' '{last}'"].text.split("\n")[1:-1]
    assert log == [line.expandtabs() for line in last_log()]
    assert f"{'TOKEN'}, TOKEN" in outputs[f"'rerun' '{last}'"].text


def test_no_error_passes_on_what_acts_on_a_terminal(tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    record(home, TEXTS[:1], LINES[:1])
    unknown = ATTACK
    by_id = [[command, text] for command in ID_COMMANDS for text in (unknown, "\udc9b\udc80")]
    outputs = on_a_terminal(
        home,
        [
            *by_id,
            [unknown],
            [f"--{unknown}"],
            ["list", "--status", unknown],
            ["list", "--limit", unknown],
            ["list", f"-{unknown}"],
            ["list", "--name", unknown],
            ["list", "--tag", unknown],
            ["logs", "--step", unknown, "last"],
            ["logs", "--tail", unknown, "last"],
            ["logs", "--raw", "last"],
            ["run", unknown],
            ["run", f"./{unknown}"],
            ["run", "-C", f"/{unknown}", "true"],
            ["run", "-e", unknown, "true"],
            ["run", "-e", f"={unknown}", "true"],
            ["run", "--meta", unknown, "true"],
            ["run", "--timeout", unknown, "true"],
            ["rerun", "-e", unknown, "last"],
            ["rerun", "last", "-C", f"/{unknown}"],
            ["completion", unknown],
            ["runner", unknown],
            ["runner", "status"],
            ["rm", unknown],
            ["mark", unknown],
            ["prune", "--older-than", unknown],
            ["prune", "--status", unknown],
            ["backup", f"/proc/{unknown}"],
            ["runner", "stop", unknown],
            ["--home", f"/proc/{unknown}", "run", "true"],
            ["--home", f"/dev/null/{unknown}", "list"],
        ],
    )
    assert leaks(outputs) == {}
    silent = [command for command, output in outputs.items() if "stepflow: " not in output.text]
    assert silent == [f"'list' '--{name}' {unknown!a}" for name in ("name", "tag")] + [
        "'runner' 'status'"
    ]
    assert f"no execution {SHOWN}" in outputs[f"'show' {unknown!a}"].text


def test_paths_do_not_act_on_the_terminal(tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    record(home, TEXTS[:1], LINES[:1])
    outputs = on_a_terminal(
        home,
        [
            ["health"],
            ["health", "--json"],
            ["runner", "install", "--print"],
            ["runner", "install"],
            ["runner", "uninstall"],
            ["runner", "uninstall", "--home", str(home.root)],
        ],
        XDG_CONFIG_HOME=str(tmp_path / f"config{ATTACK}"),
    )
    assert leaks(outputs) == {}
    assert [command for command, output in outputs.items() if SHOWN not in output.text] == []


def test_the_runner_by_hand_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    home = Home(tmp_path / ATTACK)
    command = [sys.executable, "-m", "stepflow_tui", "runner", "run"]
    with Terminal(command, environment(home), draws=False) as terminal:
        terminal.wait(lambda _: SHOWN.encode() in terminal.received)
        terminal.send("\x03")
        assert terminal.wait_exit() == 0
        written = take_apart(terminal.read_rest())
    assert (written.sequences, written.forbidden) == ({}, [])
    assert "told to leave by SIGINT" in written.text
    home.root.chmod(0o755)
    arguments = [sys.executable, "-m", "stepflow_tui.runner", "--home", str(home.root)]
    with Terminal(arguments, environment(home), draws=False) as terminal:
        assert terminal.wait_exit() == 1
        written = take_apart(terminal.read_rest())
    assert (written.sequences, written.forbidden) == ({}, [])
    assert SHOWN in written.text


def test_behind_a_pipe_raw_is_exact_and_all_else_is_clean(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    record(home, TEXTS, LINES)

    def piped(*arguments: str) -> bytes:
        command = [sys.executable, "-m", "stepflow_tui", *arguments]
        done = subprocess.run(command, env=environment(home), capture_output=True, check=True)
        assert done.stderr == b""
        return done.stdout

    assert piped("logs", "--raw", "last") == b"\n".join(LAST_LOG)
    assert piped("logs", "last").decode().split("\n")[:-1] == last_log()
    number = str(len(TEXTS) + 1)
    for arguments in (
        ["list"],
        ["show", number],
        ["artifacts", number],
        ["show", "--json", number],
    ):
        written = take_apart(piped(*arguments))
        assert (written.sequences, written.forbidden) == ({}, [])
    names = [
        execution["name"] for execution in json.loads(piped("list", "--json", "--limit", "1000"))
    ]
    assert names[-len(TEXTS) :] == TEXTS[::-1]


# A whole life

HOSTILE = """#!/usr/bin/env python3
import sys
out = sys.stdout.buffer
for line in open(sys.argv[1], "rb").read().split(b"\\n"):
    out.write(b"STEP_START:" + line + b"\\nMETA:key:" + line + b"\\n" + line + b"\\n")
    out.write(b"STEP_ERROR:" + line + b"\\nARTIFACT:" + line + b":" + line + b"\\n")
open(sys.argv[2].encode() + b"-file", "w").close()
out.write(b"ARTIFACT:*-file:" + sys.argv[2].encode() + b"\\n")
"""


@pytest.fixture
def hostile_house(tmp_path: Path) -> Iterator[House]:
    root = tmp_path / ATTACK
    root.mkdir(mode=0o700)
    house = House(root)
    yield house
    house.tear_down()


def test_what_a_script_makes_does_not_act_on_the_terminal(hostile_house: House) -> None:
    house = hostile_house
    payloads = house.scripts / f"payloads{ATTACK}"
    payloads.write_bytes(b"\n".join(LINES))
    script = house.script(HOSTILE, f"{ATTACK}.py")
    options = ["-n", ATTACK, "-t", ATTACK, "-e", f"K{ATTACK}={ATTACK}", "--meta", f"k={ATTACK}"]
    run = ["run", "-C", str(house.scripts), *options, str(script), str(payloads), ATTACK]
    outputs = on_a_terminal(
        house.home,
        [
            run,
            ["run", "-d", "-C", str(house.scripts), "-n", ATTACK, "sleep", "100"],
            ["cancel", "2"],
            ["watch", "2"],
            ["mark", "1"],
            ["backup", str(house.root / f"backup{ATTACK}")],
            ["show", "1"],
            ["artifacts", "1"],
            ["artifacts", "1", "--copy-to", str(house.root / f"copies{ATTACK}")],
            ["artifacts", "#1", "--copy-to", str(house.root / f"copies{ATTACK}")],
            ["logs", "1"],
            ["rerun", "-d", "1"],
            ["runner", "stop", "--cancel-all"],
        ],
    )
    assert leaks(outputs) == {}
    texts = [output.text for output in outputs.values()]
    assert f"#1 {SHOWN}" in texts[0]
    assert f"#2 {SHOWN} cancelled" in texts[2]
    assert f"#1 {SHOWN} is marked" in texts[4]
    assert "copied " in texts[8]
    assert "exists; name another directory" in texts[9]
