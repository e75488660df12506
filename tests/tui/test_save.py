from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.tui.log import saving
from stepflow_tui.tui.log.saving import SaveOrder
from stepflow_tui.tui.log.text import write_log
from stepflow_tui.tui.screens.main.screen import MainScreen
from stepflow_tui.tui.screens.save import Save
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from stepflow_tui.store.queries import Query
    from tests.tui.conftest import CountingSource
    from tests.tui.dashboard import Dashboard
    from tests.tui.record import Recorder

T = TypeVar("T")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "here"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.setenv("HOME", str(directory))
    return directory


def names(directory: Path) -> list[str]:
    return sorted(entry.name for entry in directory.iterdir())


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("deploy", "deploy-1.log"),
        ("../../etc/x y", "etc-x-y-1.log"),
        ("\x1b[31m$(rm)", "rm-1.log"),
        ("日本", "日本-1.log"),
        ("///", "log-1.log"),
        ("n" * 300, f"{'n' * 60}-1.log"),
    ],
)
def test_a_name_is_offered_that_is_safe(recorder: Recorder, name: str, file: str) -> None:
    assert saving.default_name(recorder.get(recorder.execution(name))) == file


def test_what_is_typed_is_a_path(here: Path) -> None:
    (here / "sub").mkdir()
    assert saving.target("a.log", "x") == here / "a.log"
    assert saving.target(" ~/a.log ", "x") == here / "a.log"
    assert saving.target("sub", "x.log") == here / "sub" / "x.log"
    assert saving.target("sub/", "x.log") == here / "sub" / "x.log"
    assert saving.target("/tmp/a", "x") == Path("/tmp/a")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("  ", "type the name"),
        ("no/where", "there is no directory .*/no"),
        ("pipe", "is no file"),
        ("a\0b", "type the name"),
        ("~nobody-at-all/x", "there is no directory|no file can be there"),
        ("x" * 300, "no file can be there"),
    ],
)
def test_what_cannot_be_is_said(here: Path, typed: str, words: str) -> None:
    os.mkfifo(here / "pipe")
    with pytest.raises(UsageProblem, match=words):
        saving.target(typed, "x")


async def test_a_file_is_replaced_as_a_whole(
    recorder: Recorder, source: CountingSource, here: Path
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31mred\x1b[0m\n" + numbered(3))
    path = here / "a.log"
    path.write_text("before")
    path.chmod(0o640)
    (here / "link").symlink_to(path)
    assert await saving.save(source, number, SaveOrder(here / "link")) == (4, 25)
    assert path.read_text() == "red\nline 1\nline 2\nline 3\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert (here / "link").is_symlink()
    order = SaveOrder(here / "b.log", colours=True, lines=range(2))
    assert await saving.save(source, number, order) == (2, 20)
    assert (here / "b.log").read_text() == "\x1b[31mred\x1b[0m\nline 1\n"
    assert (here / "b.log").stat().st_mode & 0o777 == 0o666 & ~current_umask()
    assert names(here) == ["a.log", "b.log", "link"]


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


async def test_a_failure_leaves_what_was_there(
    recorder: Recorder, source: CountingSource, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = recorder.execution()
    (here / "a.log").write_text("before")

    async def fail(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "write_log", fail)
    with pytest.raises(OSError, match="No space left"):
        await saving.save(source, number, SaveOrder(here / "a.log"))
    assert names(here) == ["a.log"]
    assert (here / "a.log").read_text() == "before"


async def test_what_grows_while_it_is_saved_is_saved_once(
    recorder: Recorder, source: CountingSource, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.grows = True
    number = recorder.execution()
    recorder.log(number, b"one\nbegun")
    read = source.all

    async def read_and_go_on(query: Query[T]) -> list[T]:
        found = await read(query)
        if len(source.rows) < 3:
            recorder.log(number, b" line\nmore")
        return found

    monkeypatch.setattr(source, "all", read_and_go_on)
    with (here / "a.log").open("w") as file:
        written = await write_log(source, number, file, colours=False)
    assert written == 4
    assert (here / "a.log").read_text().split("\n")[:4] == [
        "one",
        "begun line",
        "more line",
        "more",
    ]


async def begin(board: Dashboard) -> None:
    await board.until_last("line 50")
    await board.press("W")
    await board.until(lambda: isinstance(board.app.screen, Save))


@pytest.mark.parametrize("size", [(120, 36), (40, 20)])
async def test_w_saves_the_log(
    home: Home, recorder: Recorder, here: Path, size: tuple[int, int]
) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, numbered(50))
    async with dashboard(home, size) as board:
        if size[0] == 40:
            await board.until_text("deploy")
            await board.press("tab", "tab")
        await begin(board)
        await board.until_text("Save #1 deploy", "deploy-1.log", "with colours")
        assert "selected" not in board.text
        await board.press("enter")
        await board.until(lambda: board.messages)
        assert isinstance(board.app.screen, MainScreen)
        assert board.messages == [f"saved 50 lines, 391 B, to {here}/deploy-1.log"]
        assert (here / "deploy-1.log").read_text() == numbered(50).decode()


async def test_another_file_is_never_replaced_without_a_word(
    home: Home, recorder: Recorder, here: Path
) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, numbered(50))
    (here / "deploy-1.log").write_text("mine")
    (here / "other").write_text("mine")
    async with dashboard(home) as board:
        await begin(board)
        await board.press("enter")
        await board.until_text("there already (4 B); enter again")
        await board.press("ctrl+u", *"other", "enter")
        await board.until_text("(4 B); enter again replaces it")
        await board.press("escape")
        await board.until(lambda: isinstance(board.app.screen, MainScreen))
        assert (here / "other").read_text() == "mine"
        await begin(board)
        await board.press("enter", "enter")
        await board.until(lambda: board.messages)
        assert (here / "deploy-1.log").read_text() == numbered(50).decode()
        assert (here / "other").read_text() == "mine"


async def test_a_wrong_name_is_said_in_the_dialog(
    home: Home, recorder: Recorder, here: Path
) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, numbered(50))
    async with dashboard(home) as board:
        await begin(board)
        await board.press("ctrl+u", *"no/x", "enter")
        await board.until_text("there is no directory")
        await board.press("ctrl+u", "enter")
        await board.until_text("type the name of a file")
        assert names(here) == []


async def test_selected_lines_are_saved(home: Home, recorder: Recorder, here: Path) -> None:
    number = recorder.execution("deploy")
    recorder.log(number, numbered(49) + b"\x1b[31mline 50\x1b[0m\n")
    async with dashboard(home) as board:
        await board.until_last("line 50")
        await board.press("shift+tab", "v", "k", "k")
        await board.press("W")
        await board.until_text("only the 3 lines that are selected")
        await board.press("tab", "space", "shift+tab", "enter")
        await board.until(lambda: board.messages)
        text = "line 48\nline 49\n\x1b[31mline 50\x1b[0m\n"
        assert (here / "deploy-1.log").read_text() == text
        await board.press("W")
        await board.until(lambda: isinstance(board.app.screen, Save))
        await board.press("tab", "tab", "space", "shift+tab", "shift+tab", "enter", "enter")
        await board.until(lambda: "50 lines" in board.messages[-1])
        assert (here / "deploy-1.log").read_text().startswith("line 1\n")


async def test_a_failure_is_said(
    home: Home, recorder: Recorder, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> tuple[int, int]:
        raise OSError(28, "No space left on device")

    number = recorder.execution("deploy")
    recorder.log(number, numbered(50))
    monkeypatch.setattr(saving, "save", fail)
    async with dashboard(home) as board:
        await begin(board)
        await board.press("enter")
        await board.until(lambda: board.messages)
        assert board.messages == ["not saved: No space left on device"]
        assert names(here) == []
