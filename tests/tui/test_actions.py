"""What keys do besides moving: dialogs, orders to the runner, the clipboard, leaving."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
from textual.widgets import Static

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.models import Artifact, Status
from stepflow_tui.tui import keymap
from stepflow_tui.tui.log import pager
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.screens.details import Details
from stepflow_tui.tui.screens.help import Help
from stepflow_tui.tui.screens.main.screen import MainScreen
from tests.tui.dashboard import dashboard
from tests.tui.record import Recorder, numbered

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from tests.tui.conftest import CountingSource
    from tests.tui.dashboard import Dashboard

ISSUED_KEYS = ["f", "/", "n", "N", "j", "k", "g", "G", "w", "t", "x", "r", "o", "y", "?", "q"]


def leaves(board: Dashboard) -> bool:
    return board.app._exit


def test_every_binding_has_an_id_of_its_own() -> None:
    groups = [*keymap.HELP, keymap.Group("", keymap.CLOSE), keymap.Group("", keymap.CONFIRM)]
    ids = [(binding.id, binding.key) for group in groups for binding in group.bindings]
    assert all(name and name.startswith("stepflow.") for name, _ in ids)
    assert len(set(ids)) == len(ids)


def test_the_footer_and_the_help_are_made_of_the_bindings() -> None:
    shown = {binding.key_display for group in keymap.HELP for binding in group.bindings}
    texts = " ".join(filter(None, shown)).split()
    assert set(ISSUED_KEYS) | {"tab", "enter", "esc", "space", "ctrl+d", "ctrl+c"} <= set(texts)
    assert {binding.action for binding in keymap.FOOTER + keymap.FOOTER_END} <= {
        binding.action for binding in keymap.SCREEN
    }


async def test_cancel_asks_and_names_the_run(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("x")
        await board.until_text("Cancel #1 deploy?", "has been running for", "Let it run", "Stop it")
        await board.press("enter")
        assert board.orders.cancelled == []
        await board.press("x")
        await board.until(lambda: isinstance(board.app.screen, Confirm))
        await board.press("escape")
        assert isinstance(board.app.screen, MainScreen)
        assert board.orders.cancelled == []
        await board.press("x")
        await board.until(lambda: isinstance(board.app.screen, Confirm))
        await board.press("y")
        await board.until(lambda: board.orders.cancelled == [1])
        await board.until_text("asked the runner to stop #1 deploy")


async def test_cancel_can_be_confirmed_with_the_buttons(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("x")
        await board.until(lambda: isinstance(board.app.screen, Confirm))
        await board.press("tab", "enter")
        await board.until(lambda: board.orders.cancelled == [1])


async def test_what_has_ended_cannot_be_cancelled(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy", status=Status.COMPLETED)
    async with dashboard(home) as board:
        await board.until_text("✓ completed")
        await board.press("x")
        await board.until(lambda: board.messages == ["#1 deploy has ended already"])
        assert isinstance(board.app.screen, MainScreen)


async def test_a_run_that_ends_under_the_question_is_left_alone(
    home: Home, recorder: Recorder
) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("x")
        await board.until(lambda: isinstance(board.app.screen, Confirm))
        recorder.finish(number, Status.COMPLETED)
        await board.press("y")
        await board.until(lambda: board.messages == ["#1 deploy has ended meanwhile"])
        assert board.orders.cancelled == []


async def test_a_rerun_is_named_and_turned_to(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy", status=Status.FAILED)
    async with dashboard(home) as board:
        await board.until_text("✗ failed")
        await board.press("r")
        await board.until(lambda: board.orders.request is not None)
        assert board.orders.request is not None
        recorder.execution("deploy", id=board.orders.request.id)
        await board.until(lambda: board.selected == 2)
        assert board.orders.rerun_of == [1]
        assert board.messages == ["#1 runs again as #2"]


async def test_a_rerun_that_cannot_be_says_why(home: Home, recorder: Recorder) -> None:
    recorder.execution("deploy", status=Status.FAILED)
    async with dashboard(home) as board:
        await board.until_text("✗ failed")
        board.orders.missing = "the values of API_TOKEN were not stored"
        await board.press("r")
        await board.until(lambda: board.messages == ["the values of API_TOKEN were not stored"])
        board.orders.missing, board.orders.refused = None, "the disk is full"
        await board.press("r")
        await board.until(lambda: board.messages[1:] == ["the disk is full"])
        assert board.selected == 1


async def test_details_show_all_there_is(home: Home, recorder: Recorder) -> None:
    number = recorder.execution(
        "deploy",
        command=["./deploy.sh", "--env", "two words"],
        status=Status.FAILED,
        exit_code=3,
        duration_ms=65_000,
        error="exit code 3",
        tags=["web"],
        note="ask \x1b[31mAnn\nfirst",
        metadata={"commit": "4b2b6ff"},
        env={"REGION": "eu", "TOKEN": "***"},
        warnings=["STEP_COMPLETE of an unknown step: Tset"],
        timeout_s=90.0,
    )
    recorder.artifacts(
        number,
        Artifact(1, "report", "out/report.html", size=1500, exists=True, stored="a/1"),
        Artifact(2, "gone", "nothing.txt", reason="no such file"),
    )
    async with dashboard(home, (120, 50)) as board:
        await board.until_text("✗ failed")
        await board.press("enter")
        await board.until(lambda: isinstance(board.app.screen, Details))
        for text in (
            "./deploy.sh --env 'two words'",
            "✗ failed  exit code 3",
            "/src",
            "1m 05s",
            "1m 30s",
            "web",
            "ask Ann",
            "4b2b6ff",
            "TOKEN",
            "***",
            "STEP_COMPLETE of an unknown step: Tset",
            "out/report.html · 1.5 kB",
            "nothing.txt · not stored: no such file",
        ):
            assert text in board.text
        await board.press("escape")
        assert isinstance(board.app.screen, MainScreen)


async def test_open_details_tell_the_end(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home, (120, 50)) as board:
        await board.until_text("● running")
        await board.press("enter")
        await board.until(lambda: isinstance(board.app.screen, Details))
        recorder.artifacts(number, Artifact(1, "report", "out/report.html", reason="no such file"))
        recorder.change(number, status=Status.FAILED, exit_code=3, error="exit code 3")
        await board.until_text("✗ failed  exit code 3", "report", "not stored: no such file")
        text = board.app.screen.query_one("#sheet-text", Static)
        assert "running" not in "".join(strip.text for strip in text.render_lines(text.size.region))


async def test_help_shows_every_key_and_goes_with_q(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home, (120, 120)) as board:
        await board.until_text("● running")
        await board.press("question_mark")
        await board.until(lambda: isinstance(board.app.screen, Help))
        for group in keymap.HELP:
            for binding in group.bindings:
                assert f"{binding.key_display} " in board.text
                assert binding.description in board.text
        await board.press("q")
        assert isinstance(board.app.screen, MainScreen)
        assert board.app.is_running


async def test_copying_a_line_says_how(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(5) + b"\x1b[31mred\x1b[0m line\n" + b"x" * 80_000 + b"\n")
    async with dashboard(home) as board:
        await board.until_text("red line")
        await board.press("y")
        await board.until(lambda: board.app.clipboard == "x" * 65_536)
        assert board.messages[-1].startswith("the head of a long line: sent 65,536 characters")
        await board.press("shift+tab", "k", "y")
        await board.until(lambda: board.app.clipboard == "red line")
        assert board.messages[-1].startswith("sent 8 characters to the terminal's clipboard")


async def test_ctrl_c_copies_what_is_marked(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(50))
    async with dashboard(home) as board:
        await board.until_last("line 50")
        await board.pilot.mouse_down(board.log, offset=(3, 3))
        await board.pilot.hover(board.log, offset=(7, 4))
        await board.pilot.mouse_up(board.log, offset=(7, 4))
        await board.until(board.main.get_selected_text)
        marked = board.main.get_selected_text()
        assert not board.log.follow
        recorder.log(number, numbered(50, 51))
        await board.until_text("paused · +50 lines")
        await board.press("ctrl+c")
        assert marked
        assert marked.startswith("line ")
        assert board.app.clipboard == marked
        assert not board.main.selections
        assert board.app.is_running


async def test_ctrl_c_twice_leaves_and_once_warns(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("ctrl+c")
        await board.until_text("press ctrl+c again to quit; runs go on")
        assert not leaves(board)
        await board.press("ctrl+c")
        assert leaves(board)
        assert board.orders.cancelled == []


@pytest.mark.parametrize("opener", ["enter", "question_mark", "x", "slash"])
async def test_escape_goes_back_and_never_leaves(
    home: Home, recorder: Recorder, opener: str
) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press(opener)
        await board.pilot.pause()
        for _ in range(4):
            await board.press("escape")
        assert isinstance(board.app.screen, MainScreen)
        assert not leaves(board)


async def test_q_leaves(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("q")
        assert leaves(board)


async def test_tab_goes_round_the_panes(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("● running")
        seen = [board.focus]
        for key in ("tab", "tab", "tab", "shift+tab"):
            await board.press(key)
            seen.append(board.focus)
        assert seen == ["executions", "steps", "log", "executions", "log"]


async def test_a_pager_that_cannot_run_is_said_so(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("● running")
        await board.press("o")
        await board.until(lambda: board.messages and board.messages[0].startswith("no pager:"))


async def test_the_pager_gets_clean_text_in_a_private_file(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"one\n\x1b[31mred\x1b]52;c;aGk=\x07\x1b[0m\n10%\r20%\ncu")
    recorder.log(number, b"t line\n" + numbered(5000) + b"unfinished")
    async with pager.log_file(source, number) as path:
        assert path.stat().st_mode & 0o777 == 0o600
        lines = path.read_text(encoding="utf-8").split("\n")
        assert lines[:5] == ["one", "\x1b[31mred\x1b[0m", "20%", "cut line", "line 1"]
        assert lines[-3:] == ["line 5000", "unfinished", ""]
    assert not path.exists()


async def test_the_pager_gets_lines_of_any_length(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31m" + b"x" * 5_000_000 + b"\x1b]0;")
    recorder.log(number, b"y" * 5_000_000 + b"\x07z\n")
    recorder.log(number, b"%6d\r" * 20_000 % tuple(range(20_000)) + b"\nopen")
    recorder.log(number, b"x" * 3_000_000)
    async with pager.log_file(source, number) as path:
        lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0] == "\x1b[31m" + "x" * 5_000_000 + "z\x1b[0m"
    assert lines[1:] == [" 19999", "open" + "x" * 3_000_000 + "\x1b[0m", ""]


async def test_the_pager_gets_an_empty_file_for_an_empty_log(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    async with pager.log_file(source, number) as path:
        assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("chosen", "command"),
    [
        (None, ["less", "-R", "-R", "+7"]),
        ("  ", ["less", "-R", "-R", "+7"]),
        ("less -S", ["less", "-S", "-R", "+7"]),
        ("/usr/bin/less", ["/usr/bin/less", "-R", "+7"]),
        ("most", ["most"]),
    ],
)
def test_the_pager_is_the_users(chosen: str | None, command: list[str], tmp_path: Path) -> None:
    environ = {} if chosen is None else {"PAGER": chosen}
    assert pager.pager_command(environ, tmp_path, 7) == [*command, str(tmp_path)]


def test_the_pager_is_run(tmp_path: Path) -> None:
    path = tmp_path / "file"
    pager.run_pager(["/bin/sh", "-c", f"echo shown > {path}"])
    assert path.read_text() == "shown\n"
    problem = pager.run_pager(["/nowhere"])
    assert problem is not None
    assert "nowhere" in problem
    assert pager.run_pager(["/bin/sh", "-c", "exit 3"]) == "/bin/sh ended with code 3"


def test_ctrl_c_belongs_to_the_pager() -> None:
    handler = signal.getsignal(signal.SIGINT)
    interrupt_both = f"kill -INT {os.getpid()}; trap 'exit 0' INT; kill -INT $$; exit 9"
    assert pager.run_pager(["/bin/sh", "-c", interrupt_both]) is None
    assert signal.getsignal(signal.SIGINT) is handler


@pytest.mark.parametrize("chosen", ["'unclosed", "less \\"])
def test_a_pager_that_cannot_be_read_is_a_sentence(chosen: str, tmp_path: Path) -> None:
    with pytest.raises(UsageProblem, match="PAGER cannot be read"):
        pager.pager_command({"PAGER": chosen}, tmp_path, 1)


async def test_ctrl_l_draws_the_screen_anew(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        drawn = board.text
        await board.press("ctrl+l")
        await board.pilot.pause()
        assert board.text.splitlines()[2:] == drawn.splitlines()[2:]
