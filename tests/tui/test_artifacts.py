"""The artifacts of a run: the list, the previews, and what one can do with them."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import StepflowError, UsageProblem
from stepflow_tui.core.models import Artifact, Status
from stepflow_tui.runner.artifacts import COLLECTING
from stepflow_tui.tui.forms.path_completion import completed, target_path
from stepflow_tui.tui.log import pager
from stepflow_tui.tui.previews import opening
from stepflow_tui.tui.screens.artifacts import KEYS, Artifacts
from stepflow_tui.tui.screens.confirm import Confirm
from stepflow_tui.tui.widgets.artifact_list import UNDER_WAY, ArtifactList
from stepflow_tui.tui.widgets.path_bar import PathBar
from stepflow_tui.tui.widgets.preview_pane import PreviewPane
from tests.tui.one_screen import shown
from tests.tui.record import step

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from stepflow_tui.core.home import Home
    from tests.tui.conftest import CountingSource
    from tests.tui.one_screen import Shown
    from tests.tui.record import Recorder

    Opened = AbstractAsyncContextManager[Shown]


class Collected:
    """A run whose artifacts are put into the home."""

    def __init__(self, recorder: Recorder, **fields: object) -> None:
        self.recorder = recorder
        self.number = recorder.execution("nightly", **{"status": Status.COMPLETED, **fields})
        self.count = 0

    def add(self, path: str, data: bytes = b"", **fields: object) -> Artifact:
        """Record an artifact with a copy, unless `fields` say that there is none."""
        self.count += 1
        name = path.rpartition("/")[2]
        stored = f"artifacts/x/{self.count}/{name}"
        given = {"size": len(data), "exists": True, "stored": stored, **fields}
        artifact = Artifact(self.count, name, path, **given)  # type: ignore[arg-type]
        if artifact.stored:
            copy = self.recorder.home.root / stored
            copy.parent.mkdir(parents=True)
            copy.write_bytes(data)
        self.recorder.artifacts(self.number, artifact)
        return artifact


@pytest.fixture
def collected(recorder: Recorder) -> Collected:
    return Collected(recorder)


@pytest.fixture
def opened(home: Home, source: CountingSource, recorder: Recorder) -> Callable[..., Opened]:
    def open_(
        number: int = 1, size: tuple[int, int] = (120, 36), *, colours: bool = True
    ) -> Opened:
        screen = Artifacts(source, home, recorder.get(number))
        return shown(screen, size, colours=colours)

    return open_


def preview(board: Shown) -> list[str]:
    pane = board.app.screen.query_one(PreviewPane)
    return [pane.render_line(y).text.rstrip() for y in range(pane.height)]


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def rows(board: Shown) -> list[str]:
    pane = board.app.screen.query_one(ArtifactList)
    return [re.sub(r"\s{2,}", "  ", pane.render_line(y).text).strip() for y in range(pane.count)]


async def test_the_list_tells_all(collected: Collected, opened: Callable[..., Opened]) -> None:
    collected.recorder.steps(collected.number, step(1, "Build", 1))
    collected.add("out/a.txt", b"hello", mime="text/plain", step=1)
    collected.add("gone", stored=None, size=None, reason="no such file")
    collected.add("out/d", stored=None, reason=COLLECTING, type="report")
    collected.add("e\x1b]0;t\x07", b"12", reason="3 entries left out: sockets")
    async with opened() as board:
        await board.until_text("hello")
        assert rows(board) == [
            "✓ out/a.txt  5 B  text/plain  1 Build  stored",
            "✗ gone  no such file",
            "○ out/d  0 B  report  being collected",
            "! $'e\\e]0;t\\a'  2 B  3 entries left out: sockets",
        ]
        assert "#1 nightly" in board.text
        assert "2 of 4 stored, 7 B" in board.text
    assert UNDER_WAY == COLLECTING


async def test_moving_changes_the_preview(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    collected.add("a.txt", b"hello\n", description="a greeting")
    collected.add("b.json", b'{"a":1}')
    collected.add("gone", stored=None, size=None, reason="no such file")
    collected.add("d", b"12", reason="1 entry left out: sockets")
    async with opened() as board:
        await board.until_text("a.txt · text · 6 B · a greeting", "hello")
        await board.press("j")
        await board.until_text("b.json · JSON · 7 B", '  "a": 1')
        await board.press("j")
        await board.until(
            lambda: preview(board)[:3] == ["not stored: no such file", "", "the script named gone"]
        )
        await board.press("j")
        await board.until_text("1 entry left out: sockets")
        assert preview(board)[:3] == ["12", "", "1 entry left out: sockets"]


async def test_without_artifacts(collected: Collected, opened: Callable[..., Opened]) -> None:
    async with opened(collected.number) as board:
        await board.until_text("this run has no artifacts")
        await board.press("y", "s", "enter", "j")
        assert board.messages == []


async def test_artifacts_of_a_run_that_goes_on_arrive(
    recorder: Recorder, opened: Callable[..., Opened]
) -> None:
    collected = Collected(recorder, status=Status.RUNNING)
    async with opened(collected.number) as board:
        await board.until_text("this run has no artifacts")
        collected.add("a.txt", b"hello")
        await board.until_text("hello")
        collected.add("b.txt", b"other")
        await board.until(lambda: len(rows(board)) == 2)
        assert board.app.screen.query_one(ArtifactList).cursor == 0


async def test_a_table_keeps_its_heading(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    lines = "".join(f"{number},{number * 2}\n" for number in range(200))
    collected.add("a.csv", f"left,right\n{lines}".encode())
    async with opened() as board:
        await board.until_text("left  right")
        await board.press("tab", "G")
        await board.until_text(" 199    398")
        assert preview(board)[:2] == ["left  right", "────  ─────"]
        await board.press("g")
        assert preview(board)[:3] == ["left  right", "────  ─────", "   0      0"]
        await board.press("j")
        assert preview(board)[:3] == ["left  right", "────  ─────", "   1      2"]


async def test_long_lines_are_reached_sideways(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    collected.add("a.txt", b"0123456789" * 20)
    async with opened(size=(40, 20)) as board:
        await board.until_text("0123456789")
        assert preview(board)[0].endswith("→")
        await board.press("tab", "l")
        assert preview(board)[0].startswith("89012")
        await board.press(*["l"] * 30)
        assert preview(board)[0].endswith("789")
        await board.press(*["h"] * 40)
        assert preview(board)[0].startswith("0123")


async def test_what_is_marked_can_be_copied(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    collected.add("a.txt", b"first line\nsecond line\n")
    async with opened() as board:
        await board.until_text("second line")
        pane = board.app.screen.query_one(PreviewPane)
        await board.pilot.mouse_down(pane, offset=(8, 1))
        await board.pilot.hover(pane, offset=(7, 2))
        await board.pilot.mouse_up(pane, offset=(7, 2))
        await board.until(board.app.screen.get_selected_text)
        assert board.app.screen.get_selected_text() == "line\nsecond"
        await board.press("escape")
        assert not board.app.screen.selections
        assert board.app.results == []


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_leaving(collected: Collected, opened: Callable[..., Opened], key: str) -> None:
    collected.add("a.txt", b"hello")
    async with opened() as board:
        await board.until_text("hello")
        await board.press(key)
        await board.until(lambda: board.app.results == [None])


async def test_copying_the_path(
    collected: Collected, opened: Callable[..., Opened], home: Home
) -> None:
    collected.add("a.txt", b"hello")
    collected.add("gone", stored=None, reason="no such file")
    async with opened() as board:
        await board.until_text("hello")
        await board.press("y")
        path = f"{home.root}/artifacts/x/1/a.txt"
        await board.until_told(f"sent to the terminal's clipboard (OSC 52): {path}")
        assert board.app.clipboard == path
        await board.press("j", "y")
        await board.until_told("gone is not there: no such file")


async def test_a_link_is_not_followed(
    collected: Collected, opened: Callable[..., Opened], home: Home, tmp_path: Path
) -> None:
    collected.add("a.txt", b"hello")
    copy = home.artifacts / "x" / "1" / "a.txt"
    copy.unlink()
    (tmp_path / "secret").write_text("secret")
    copy.symlink_to(tmp_path / "secret")
    async with opened() as board:
        await board.until_text("cannot read x/1/a.txt")
        assert "secret" not in board.text


@pytest.mark.parametrize("size", [(300, 80), (120, 36), (80, 24), (40, 20), (20, 10)])
async def test_every_size(
    collected: Collected, opened: Callable[..., Opened], size: tuple[int, int]
) -> None:
    for number in range(30):
        collected.add(f"out/{number}.txt", b"hello")
    async with opened(size=size) as board:
        await board.until_text("hello")
        assert "0.txt" in board.text
        assert max(map(len, board.text.splitlines())) <= size[0]
        await board.press("G")
        await board.until_text("29.txt")


async def test_markdown_and_bytes_are_laid_out_anew(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    collected.add("a.md", b"word " * 30)
    async with opened() as board:
        await board.until(lambda: len(preview(board)[0]) > 90)
        await board.pilot.resize_terminal(40, 20)
        await board.until(lambda: 0 < len(preview(board)[0]) <= 36)


async def test_without_colours_it_is_told_apart(
    collected: Collected, opened: Callable[..., Opened]
) -> None:
    collected.add("a.json", b'{"a": 1}')
    async with opened(colours=False) as board:
        await board.until_text('  "a": 1')


# Saving


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


async def test_saving(collected: Collected, opened: Callable[..., Opened], directory: Path) -> None:
    collected.add("out/a.txt", b"hello")
    async with opened() as board:
        await board.until_text("hello")
        await board.press("s", "enter")
        await board.until_told(f"saved as {directory}/a.txt")
        assert (directory / "a.txt").read_text() == "hello"


async def test_saving_asks_before_it_replaces(
    collected: Collected, opened: Callable[..., Opened], directory: Path
) -> None:
    collected.add("a.txt", b"hello")
    (directory / "a.txt").write_text("mine")
    async with opened() as board:
        await board.until_text("hello")
        await board.press("s", "enter")
        await board.until_text("Replace a.txt?")
        await board.press("enter")
        await board.until(lambda: not isinstance(board.app.screen, Confirm))
        assert (directory / "a.txt").read_text() == "mine"
        await board.press("s", "enter")
        await board.until(lambda: isinstance(board.app.screen, Confirm))
        await board.press("y")
        await board.until_told(f"saved as {directory}/a.txt")
        assert (directory / "a.txt").read_text() == "hello"


async def test_saving_completes_the_path(
    collected: Collected, opened: Callable[..., Opened], directory: Path
) -> None:
    collected.add("a.txt", b"hello")
    (directory / "reports").mkdir()
    (directory / "results").mkdir()
    async with opened() as board:
        await board.until_text("hello")
        await board.press("s", "ctrl+u", "r", "tab")
        await board.until_text("reports/  results/")
        await board.press("p", "tab")
        await board.until_text("reports/ ")
        await board.press("enter")
        await board.until_told(f"saved as {directory}/reports/a.txt")


async def test_saving_that_fails_says_why(
    collected: Collected, opened: Callable[..., Opened], directory: Path
) -> None:
    collected.add("a.txt", b"hello")
    (directory / "d" / "a.txt").mkdir(parents=True)
    async with opened() as board:
        await board.until_text("hello")
        for typed, told in (
            ("nowhere/x", "cannot save as nowhere/x: No such file or directory"),
            ("d", f"{directory}/d/a.txt is a directory; name a file"),
        ):
            board.app.screen.query_one(PathBar).open(typed)
            await board.press("enter")
            await board.until_told(told)


async def test_escape_leaves_the_path_and_then_the_screen(
    collected: Collected, opened: Callable[..., Opened], directory: Path
) -> None:
    collected.add("a.txt", b"hello")
    async with opened() as board:
        await board.until_text("hello")
        await board.press("s", "q", "escape")
        assert board.app.results == []
        assert "save as" not in board.text.splitlines()[-3]
        await board.press("escape")
        await board.until(lambda: board.app.results == [None])
    assert names_in(directory) == []


def test_completion(tmp_path: Path) -> None:
    for name in ("alpha", "alps", "beta", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "gamma").mkdir()
    (tmp_path / "gamma" / "x").touch()
    assert completed("al", tmp_path) == ("alp", ["alpha", "alps"])
    assert completed("b", tmp_path) == ("beta", ["beta"])
    assert completed("g", tmp_path) == ("gamma/", ["gamma/"])
    assert completed("gamma/", tmp_path) == ("gamma/x", ["x"])
    assert completed("", tmp_path) == ("", ["alpha", "alps", "beta", "gamma/"])
    assert completed(".", tmp_path) == (".hidden", [".hidden"])
    assert completed("zeta", tmp_path) == ("zeta", [])
    assert completed("nowhere/a", tmp_path) == ("nowhere/a", [])
    assert completed(f"{tmp_path}/be", tmp_path / "gamma") == (f"{tmp_path}/beta", ["beta"])


def test_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "d").mkdir()
    for text, meant in (
        ("x", "x"),
        ("d", "d/a"),
        ("d/b", "d/b"),
        ("new/", "new/a"),
        (f"{tmp_path}/d", "d/a"),
        ("~/d", "d/a"),
    ):
        assert target_path(text, "a", tmp_path) == tmp_path / meant


# Opening


async def test_text_goes_to_the_pager_and_is_cleaned(
    collected: Collected, opened: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    collected.add("a.txt", b"\x1b[31mred\x1b]52;c;aGk=\x07\r\nlast")
    given = []
    monkeypatch.setattr(Artifacts, "_give_screen_to", lambda _, command: given.append(command))
    monkeypatch.setattr(
        pager,
        "pager_command",
        lambda _environ, path, _line: [path.read_text(), oct(path.stat().st_mode)],
    )
    async with opened() as board:
        await board.until_text("red")
        await board.press("enter", "o")
        await board.until(lambda: len(given) == 2)
    assert given == [["\x1b[31mred\x1b[0m\nlast", "0o100600"]] * 2


async def test_where_nothing_can_open_it_the_path_is_told(
    collected: Collected,
    opened: Callable[..., Opened],
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    collected.add("a.bin", b"\0\1")
    async with opened() as board:
        await board.until_text("00000000  00 01")
        await board.press("enter")
        await board.until_told(
            f"nothing here shows this kind; it is at {home.root}/artifacts/x/1/a.bin"
        )


async def test_a_window_is_opened_where_there_is_a_display(
    collected: Collected,
    opened: Callable[..., Opened],
    home: Home,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program, seen = tmp_path / "xdg-open", tmp_path / "seen"
    program.write_text(f'#!/bin/sh\necho "$1" > {seen}.part\nmv {seen}.part {seen}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":0")
    collected.add("a.bin", b"\0\1")
    async with opened() as board:
        await board.until_text("00000000  00 01")
        await board.press("enter")
        await board.until_told("given to xdg-open")
        await board.until(seen.exists)
    assert seen.read_text() == f"{home.root}/artifacts/x/1/a.bin\n"


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({}, None),
        ({"VISUAL": "gimp"}, None),
        ({"DISPLAY": ":0"}, None),
        ({"DISPLAY": ":0", "VISUAL": "code --wait"}, ["code", "--wait", "/a"]),
        ({"WAYLAND_DISPLAY": "w", "VISUAL": "gimp"}, ["gimp", "/a"]),
    ],
)
def test_which_window(environ: dict[str, str], command: list[str] | None, tmp_path: Path) -> None:
    assert opening.window_command({"PATH": str(tmp_path), **environ}, Path("/a")) == command


def test_a_visual_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    environ = {"PATH": str(tmp_path), "DISPLAY": ":0", "VISUAL": "'open"}
    with pytest.raises(UsageProblem, match="VISUAL cannot be read"):
        opening.window_command(environ, tmp_path)


def test_what_is_too_much_for_a_pager(collected: Collected, home: Home) -> None:
    artifact = collected.add("a.txt", b"x")
    os.truncate(home.artifacts / "x" / "1" / "a.txt", 300_000_000)
    with (
        pytest.raises(StepflowError, match=r"300.0 MB is too much"),
        opening.clean_copy(home, artifact),
    ):
        pytest.fail("copied")


def test_a_picture_is_shown_by_a_program_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = opening.picture_command(tmp_path / "a.png")
    assert command is not None
    assert command[1:] == ["-m", "stepflow_tui.tui.previews.show_picture", str(tmp_path / "a.png")]
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    assert opening.picture_command(tmp_path / "a.png") is None


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [binding.id for binding in KEYS.bindings]
    assert all(name and name.startswith("stepflow.") for name in ids)
    assert len(set(ids)) == len(ids)
