from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

import pytest
from msgspec.structs import replace

from stepflow_tui.core.config import Notify
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.tui.notify.hook import Hook
from stepflow_tui.tui.notify.notifications import Notifications, Watchlist, hook_variables, sentence
from stepflow_tui.tui.terminal.emulator import Emulator
from tests.tui.driven import until

if TYPE_CHECKING:
    from pathlib import Path

    from stepflow_tui.tui.live import Live
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

HOSTILE = "x;4;1;9\x1b]52;c;aGk=\x07\x1b\\\x9c\u202ey\nz"


def execution(number: int = 4, status: Status = Status.RUNNING, **fields: object) -> Execution:
    given = {"command": ["./deploy"], "cwd": "/", "created_at": 0, "started_at": 0, **fields}
    record = {"number": number, "id": f"id{number}", "name": "deploy", "status": status, **given}
    return Execution(**record)  # type: ignore[arg-type]


def ended(number: int = 4, status: Status = Status.COMPLETED, **fields: object) -> Execution:
    return execution(number, status, **{"duration_ms": 125_000, "exit_code": 0, **fields})


class Shown:
    """What the dashboard shows, as far as notifications look at it."""

    def __init__(self, selected: Execution | None = None) -> None:
        self.selected = selected


class Board:
    """Notifications, and what came of them."""

    def __init__(self, wanted: Notify | None = None, emulator: Emulator | None = None) -> None:
        self.written: list[str] = []
        self.said: list[str] = []
        self.hooked: list[str] = []
        self.wanted = wanted or Notify()
        self.notifications = Notifications(
            self.wanted,
            emulator or Emulator(),
            hook=cast("Hook", self),
            write=self.written.append,
            say=self.said.append,
        )

    def start(self, variables: dict[str, str]) -> None:
        self.hooked.append(variables["STEPFLOW_RUN_NUMBER"])

    def check(self) -> None:
        """Nothing was started."""

    def note(self, selected: Execution | None) -> str:
        """What is written when this is the selected run."""
        self.written.clear()
        self.notifications.note(cast("Live", Shown(selected)))
        return "".join(self.written)


# Which runs are watched


def test_the_selected_run_is_watched_while_it_is_selected() -> None:
    watchlist = Watchlist()
    assert watchlist.select(execution(4)) == []
    assert watchlist.select(ended(4)) == [ended(4)]
    assert watchlist.select(ended(4)) == []


def test_what_was_over_before_or_ended_elsewhere_is_no_news() -> None:
    watchlist = Watchlist()
    assert watchlist.select(ended(3)) == []
    assert watchlist.select(execution(4)) == []
    assert watchlist.select(ended(3)) == []
    assert watchlist.select(ended(4)) == []
    assert watchlist.select(None) == []
    assert watchlist.select(ended(4)) == []


def test_a_run_on_the_list_is_told_wherever_one_is() -> None:
    watchlist = Watchlist()
    watchlist.watch(5)
    watchlist.watch(6)
    assert watchlist.numbers == [5, 6]
    assert watchlist.is_watched(5)
    assert watchlist.look([execution(5), ended(6), ended(7)]) == [ended(6)]
    assert watchlist.numbers == [5]
    assert watchlist.select(ended(5)) == [ended(5)]
    assert watchlist.numbers == []
    watchlist.watch(8)
    watchlist.unwatch(8)
    assert not watchlist.is_watched(8)
    assert watchlist.look([ended(8)]) == []


# What is announced


def test_the_end_rings_and_starts_the_hook() -> None:
    board = Board(emulator=Emulator(desktop="osc9"))
    assert board.note(execution()) == ""
    assert board.note(ended()) == "\x1b]9;#4 deploy completed in 2m 05s\x1b\\\a"
    assert board.hooked == ["4"]
    assert board.note(ended()) == ""


@pytest.mark.parametrize(
    ("wanted", "emulator", "rung"),
    [
        (Notify(), Emulator(), "\a"),
        (Notify(bell=False), Emulator(), ""),
        (
            Notify(bell=False),
            Emulator(desktop="osc9"),
            "\x1b]9;#4 deploy completed in 2m 05s\x1b\\",
        ),
        (
            Notify(bell=False),
            Emulator(desktop="osc777"),
            "\x1b]777;notify;stepflow;#4 deploy completed in 2m 05s\x1b\\",
        ),
        (Notify(min_duration=126.0), Emulator(desktop="osc9"), ""),
    ],
)
def test_each_can_be_switched_off(wanted: Notify, emulator: Emulator, rung: str) -> None:
    board = Board(wanted, emulator)
    board.note(execution())
    assert board.note(ended()) == rung
    assert board.hooked == (["4"] if wanted.min_duration < 125 else [])


def test_a_run_of_unknown_length_is_announced() -> None:
    board = Board()
    board.note(execution())
    assert board.note(ended(status=Status.LOST, duration_ms=None)) == "\a"


async def test_others_are_looked_for_in_the_store(
    recorder: Recorder, source: CountingSource
) -> None:
    board = Board(Notify(min_duration=0), Emulator(desktop="osc9"))
    first, second = recorder.execution("first"), recorder.execution("second")
    await board.notifications.look(source)
    assert source.rows == []  # nothing is watched
    board.notifications.watchlist.watch(first)
    await board.notifications.look(source)
    recorder.finish(first, Status.FAILED)
    recorder.finish(second)
    assert board.written == []
    await board.notifications.look(source)
    assert board.said == ["#1 first failed after 1.0s"]
    assert board.written == ["\x1b]9;#1 first failed after 1.0s\x1b\\\a"]
    await board.notifications.look(source)
    assert source.rows == [1, 1]


async def test_many_ends_at_once_are_summed_up(recorder: Recorder, source: CountingSource) -> None:
    board = Board(Notify(min_duration=0), Emulator(desktop="osc9"))
    for _ in range(5):
        board.notifications.watchlist.watch(recorder.execution())
    for number in range(1, 6):
        recorder.finish(number, Status.FAILED if number < 3 else Status.COMPLETED)
    await board.notifications.look(source)
    assert board.written == ["\x1b]9;5 runs have ended, 2 of them not well\x1b\\\a"]
    assert board.hooked == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (ended(), "#4 deploy completed in 2m 05s"),
        (
            ended(status=Status.FAILED, error="exit code 3"),
            "#4 deploy failed after 2m 05s: exit code 3",
        ),
        (ended(status=Status.LOST, duration_ms=None, error="a\nb"), "#4 deploy lost: a b"),
    ],
)
def test_the_sentence(run: Execution, told: str) -> None:
    assert sentence(run) == told


# Title and progress


def test_the_title_follows_the_selected_run() -> None:
    board = Board(emulator=Emulator(title=True))
    save, restore = "\x1b[22;0t", "\x1b[23;0t"
    assert board.note(None) == f"{save}\x1b]2;stepflow\x1b\\"
    assert board.note(execution()) == "\x1b]2;● deploy running - stepflow\x1b\\"
    assert board.note(execution(progress=0.5)) == ""
    assert board.note(ended()) == "\x1b]2;✓ deploy completed - stepflow\x1b\\\a"
    board.written.clear()
    board.notifications.pause()
    assert board.written == [restore]
    assert board.note(ended()).startswith(save)


def test_progress_is_told_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(emulator=Emulator(progress=True))
    clock = 1000.0
    monkeypatch.setattr("time.monotonic", lambda: clock)
    assert board.note(execution()) == "\x1b]9;4;3;0\x1b\\"
    assert board.note(execution(progress=0.421)) == "\x1b]9;4;1;42\x1b\\"
    assert board.note(execution(progress=0.424)) == ""
    clock += 10  # a terminal may have forgotten it
    assert board.note(execution(progress=0.424)) == "\x1b]9;4;1;42\x1b\\"
    assert board.note(ended()) == "\x1b]9;4;0;0\x1b\\\a"
    assert board.note(ended()) == ""
    board.note(execution(5))
    board.written.clear()
    board.notifications.pause()
    board.notifications.pause()
    assert board.written == ["\x1b]9;4;0;0\x1b\\"]


@pytest.mark.parametrize("desktop", ["osc9", "osc777"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_hostile_names_act_on_nothing(desktop: str, wrapped: bool) -> None:
    emulator = Emulator(desktop=desktop, title=True, wrapped=wrapped)
    board = Board(emulator=emulator)
    hostile = replace(ended(), name=HOSTILE, error=HOSTILE)
    board.note(replace(execution(), name=HOSTILE))
    written = board.note(hostile)
    prefix = "\x1bPtmux;\x1b\x1b]" if wrapped else "\x1b]"
    end = "\x1b\x1b\\\x1b\\" if wrapped else "\x1b\\"
    command = "9;" if desktop == "osc9" else "777;notify;stepflow;"
    assert written == (
        "\x1b]2;✓ x,4,1,9y z completed - stepflow\x1b\\"
        f"{prefix}{command}#4 x,4,1,9y z completed in 2m 05s: x,4,1,9y z{end}\a"
    )
    variables = hook_variables(hostile)
    assert variables["STEPFLOW_RUN_NAME"] == "x;4;1;9y z"
    assert all(value.isprintable() for value in variables.values())


def test_a_long_name_is_cut() -> None:
    told = Emulator(desktop="osc9").notification("stepflow", "x" * 10_000)
    assert told == f"\x1b]9;{'x' * 160}\x1b\\"


# What a terminal understands


@pytest.mark.parametrize(
    ("environ", "desktop", "progress"),
    [
        ({"TERM": "xterm-256color"}, "osc9", False),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "osc9", False),
        (
            {"TERM": "x", "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.5"},
            "osc9",
            False,
        ),
        ({"TERM": "x", "TERM_PROGRAM": "iTerm.app", "TERM_PROGRAM_VERSION": "3.6.6"}, "osc9", True),
        ({"TERM": "x", "LC_TERMINAL": "iTerm2", "LC_TERMINAL_VERSION": "3.10.0"}, "osc9", True),
        ({"TERM": "xterm-256color", "WT_SESSION": "7b-9"}, "osc9", True),
        ({"TERM": "xterm-ghostty"}, "osc777", True),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "osc777", True),
        ({"TERM": "xterm-kitty"}, "osc777", False),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "osc777", False),
        ({"TERM": "foot"}, "osc777", False),
        ({"TERM": "rxvt-unicode-256color"}, "osc777", False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, "osc777", False),
        ({"TERM": "xterm-256color", "VTE_VERSION": "8200"}, "osc777", True),
        ({"TERM": "linux"}, "", False),
        ({"TERM": "vt100"}, "", False),
        ({"TERM": "dumb"}, "", False),
        ({"TERM": ""}, "", False),
        ({}, "", False),
        ({"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "WT_SESSION": "1"}, "", False),
    ],
)
def test_a_terminal_is_known_by_its_variables(
    environ: dict[str, str], desktop: str, progress: bool
) -> None:
    emulator = Emulator.detect(environ, Notify())
    assert (emulator.desktop, emulator.progress) == (desktop, progress)
    assert emulator.title == (environ.get("TERM", "") not in ("", "linux", "vt100", "dumb"))


@pytest.mark.parametrize(
    ("wanted", "desktop", "progress", "title"),
    [
        (Notify(desktop="off"), "", True, True),
        (Notify(desktop="osc9"), "osc9", True, True),
        (Notify(progress="off"), "osc777", False, True),
        (Notify(title=False), "osc777", True, False),
    ],
)
def test_the_user_decides_what_is_used(
    wanted: Notify, desktop: str, progress: bool, title: bool
) -> None:
    emulator = Emulator.detect({"TERM": "xterm-ghostty"}, wanted)
    assert (emulator.desktop, emulator.progress, emulator.title) == (desktop, progress, title)
    assert Emulator.detect({"TERM": "xterm"}, Notify(progress="on")).progress


def test_tmux_passes_on_what_is_wrapped_if_the_user_says_that_it_may() -> None:
    environ = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "KITTY_WINDOW_ID": "1"}
    emulator = Emulator.detect(environ, Notify(tmux=True, progress="on"))
    assert emulator.notification("a", "b") == ("\x1bPtmux;\x1b\x1b]777;notify;a;b\x1b\x1b\\\x1b\\")
    assert emulator.show_progress(None) == "\x1bPtmux;\x1b\x1b]9;4;3;0\x1b\x1b\\\x1b\\"
    assert emulator.set_title("a") == "\x1b]2;a\x1b\\"  # tmux has a title of its own


# The user's own command


async def test_the_hook_learns_of_the_run_and_lives_by_itself(tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "told"
    code = (
        "import os, sys; print('noise'); print('noise', file=sys.stderr); "
        "told = {k: v for k, v in os.environ.items() if k.startswith('STEPFLOW_RUN_')}; "
        "told |= {'HOME': os.environ['HOME'], 'own': os.getsid(0) == os.getpid()}; "
        f"open({str(file)!r} + '.new', 'w').write(repr(told)); "
        f"os.rename({str(file)!r} + '.new', {str(file)!r})"
    )
    hook = Hook([sys.executable, "-c", code], {"HOME": "/home/ann"}, said.append)
    run = ended(status=Status.FAILED, exit_code=3, error="exit code 3", name="a b\x1b[2J")
    hook.start(hook_variables(run))
    await until(file.exists)
    assert file.read_text() == repr(
        {
            "STEPFLOW_RUN_NUMBER": "4",
            "STEPFLOW_RUN_ID": "id4",
            "STEPFLOW_RUN_NAME": "a b",
            "STEPFLOW_RUN_STATUS": "failed",
            "STEPFLOW_RUN_EXIT_CODE": "3",
            "STEPFLOW_RUN_ERROR": "exit code 3",
            "HOME": "/home/ann",
            "own": True,
        }
    )

    def is_reaped() -> bool:
        hook.check()
        return not hook._running

    await until(is_reaped)
    assert said == []


async def test_a_hook_that_fails_is_told_of_once(tmp_path: Path) -> None:
    said: list[str] = []
    hook = Hook([str(tmp_path / "gone")], os.environ, said.append)
    for _ in range(3):
        hook.start({})
    await until(lambda: said and not hook._starting)
    assert said == [f"the notify command {tmp_path}/gone failed: No such file or directory"]
    said.clear()
    hook = Hook(["/bin/sh", "-c", "exit 7"], os.environ, said.append)
    hook.start({})
    hook.start({})
    await until(lambda: len(hook._running) == 2)

    def are_reaped() -> bool:
        hook.check()
        return not hook._running

    await until(are_reaped)
    assert said == ["the notify command /bin/sh failed: exit 7"]


async def test_no_hook_starts_nothing() -> None:
    hook = Hook([], {}, pytest.fail)
    hook.start({"STEPFLOW_RUN_NUMBER": "1"})
    hook.check()
    assert not hook._starting
