"""Handing the log to other programs."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.store import chunks
from stepflow_tui.tui.log import pager
from stepflow_tui.tui.log.text import write_log
from tests.tui.dashboard import dashboard
from tests.tui.record import numbered

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder


async def text_of(source: CountingSource, number: int, **options: object) -> str:
    file = io.StringIO()
    await write_log(source, number, file, **options)  # type: ignore[arg-type]
    return file.getvalue()


async def test_a_log_is_written_with_colours_or_without(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31mred\x1b[0m\x1b]0;x\x07\n10%\r20%\nop")
    recorder.log(number, b"en \x1b[1mend")
    assert await text_of(source, number) == "\x1b[31mred\x1b[0m\n20%\nopen \x1b[1mend\x1b[0m\n"
    assert await text_of(source, number, colours=False) == "red\n20%\nopen end\n"


@pytest.mark.parametrize("lines", [range(1), range(3, 7), range(599, 700), range(995, 2000)])
async def test_some_lines_are_written(
    recorder: Recorder, source: CountingSource, lines: range
) -> None:
    number = recorder.execution()
    for start in range(1, 1000, 100):
        recorder.log(number, numbered(100, start))
    wanted = [f"line {line + 1}\n" for line in lines if line < 1000]
    file = io.StringIO()
    assert await write_log(source, number, file, lines=lines) == len(wanted)
    assert file.getvalue() == "".join(wanted)


async def test_a_long_line_is_written_whole_or_not_at_all(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"a\n\x1b[31m" + b"x" * 3_000_000)
    recorder.log(number, b"y\nb\n")
    assert await text_of(source, number, colours=False) == f"a\n{'x' * 3_000_000}y\nb\n"
    assert await text_of(source, number, lines=range(2, 3)) == "b\n"
    assert await text_of(source, number, lines=range(1)) == "a\n"


async def test_lines_keep_their_numbers_behind_a_gap(
    recorder: Recorder, source: CountingSource
) -> None:
    number = recorder.execution()
    recorder.log(number, b"one\nbroken")
    gap = chunks.gap_of(1000, 5000, first_line=1, first_byte=10, arrived_at=0)
    behind = chunks.pack(b"behind\n", first_line=1001, first_byte=5010, arrived_at=0)
    with recorder._writer.transaction(durable=False) as transaction:
        transaction.append_log(number, [*gap, *behind])
    lines = (await text_of(source, number)).split("\n")
    assert lines[:2] == ["one", "broken"]
    assert lines[2].startswith("… 1,000 lines (5.0 kB) were left out")
    assert lines[3:1001] == [""] * 998
    assert lines[1001] == "behind"
    assert len(await text_of(source, number, lines=range(500, 1002))) == 501 + len("behind\n")
    shorter = (await text_of(source, number, numbered=False)).split("\n")
    assert shorter[3:] == ["behind", ""]


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files are made."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    return directory


def files_in(directory: Path) -> list[Path]:
    return list(directory.iterdir())


async def test_the_file_for_the_pager_has_no_name(
    recorder: Recorder, source: CountingSource, tmp_path: Path, temporary: Path
) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(100))
    out = tmp_path / "out"
    async with pager.log_file(source, number) as path:
        assert files_in(temporary) == []
        assert path.read_text() == numbered(100).decode()
        script = f"cat {path} > {out}; tail -1 {path} >> {out}"
        assert pager.run_pager(["/bin/sh", "-c", script]) is None
    assert out.read_text() == numbered(100).decode() + "line 100\n"


async def test_the_copy_for_the_editor_goes_when_the_editor_does(
    recorder: Recorder, source: CountingSource, temporary: Path
) -> None:
    number = recorder.execution()
    recorder.log(number, b"\x1b[31mred\x1b[0m\n")
    async with pager.log_copy(source, number, "build-1.log") as path:
        assert path.name == "build-1.log"
        assert path.read_text() == "red\n"
        assert path.stat().st_mode & 0o777 == 0o400
        assert path.parent.stat().st_mode & 0o777 == 0o700
        leave = ["/bin/sh", "-c", f"touch {path.parent}/.swap"]
        assert pager.run_pager(leave, path.parent) is None
        assert not path.parent.exists()
    assert files_in(temporary) == []


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({}, ["vi", "+7", "/x"]),
        ({"EDITOR": "nano"}, ["nano", "+7", "/x"]),
        (
            {"VISUAL": "/usr/bin/vim -u NONE", "EDITOR": "nano"},
            ["/usr/bin/vim", "-u", "NONE", "+7", "/x"],
        ),
        ({"VISUAL": " ", "EDITOR": "hx"}, ["hx", "/x:7"]),
        ({"EDITOR": "code"}, ["code", "--wait", "--goto", "/x:7"]),
        ({"EDITOR": "ed"}, ["ed", "/x"]),
    ],
)
def test_the_editor_is_the_users(environ: dict[str, str], command: list[str]) -> None:
    assert pager.editor_command(environ, Path("/x"), 7) == command


def test_an_editor_that_cannot_be_read_is_a_sentence() -> None:
    with pytest.raises(UsageProblem, match=r"\$VISUAL cannot be read"):
        pager.editor_command({"VISUAL": "'"}, Path("/x"), 1)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, command: list[str]) -> str:
    out, keys = Terminal(), Terminal("\n")
    monkeypatch.setattr("sys.__stdout__", out)
    monkeypatch.setattr("sys.__stdin__", keys)
    pager.run_pager(command)
    return out.getvalue()


def test_what_does_not_wait_is_waited_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "less"
    path.write_text("#!/bin/sh\nexit 0\n")
    path.chmod(0o755)
    ask = "\n[enter goes back to stepflow] "
    assert shown(monkeypatch, ["cat", "/dev/null"]) == ask
    assert shown(monkeypatch, ["/bin/true"]) == ask
    assert shown(monkeypatch, ["/bin/false"]) == ""
    assert shown(monkeypatch, [str(path)]) == ""
    monkeypatch.setattr(pager, "_AT_ONCE_S", 0.0)
    assert shown(monkeypatch, ["/bin/true"]) == ""
    assert shown(monkeypatch, ["cat", "/dev/null"]) == ask


def test_less_stays_when_all_fits_on_one_screen(tmp_path: Path) -> None:
    out = tmp_path / "out"
    pager.run_pager(["/bin/sh", "-c", f'echo "$LESS" > {out}'])
    assert out.read_text().split()[-1] == "-+F"


async def test_the_editor_shows_the_current_line(
    home: Home, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(
        pager, "run_pager", lambda command, scratch: calls.append([*command, str(scratch)])
    )
    monkeypatch.setattr("textual.app.App.suspend", lambda _: memoryview(b""))
    monkeypatch.setenv("VISUAL", "vim")
    number = recorder.execution("de/ploy it")
    recorder.log(number, numbered(50))
    async with dashboard(home) as board:
        await board.until_last("line 50")
        await board.press("O")
        await board.until(lambda: calls)
    name, place, path, scratch = calls[0]
    assert (name, place) == ("vim", "+50")
    assert path == f"{scratch}/de-ploy-it-1.log"


@pytest.mark.parametrize(("keys", "place"), [([], "+G"), (["shift+tab", "k"], "+49")])
async def test_the_pager_shows_the_current_line_or_the_end(
    home: Home,
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
    keys: list[str],
    place: str,
) -> None:
    calls: list[list[str]] = []
    monkeypatch.setattr(pager, "run_pager", lambda command, _: calls.append(command))
    monkeypatch.setattr("textual.app.App.suspend", lambda _: memoryview(b""))
    monkeypatch.setenv("PAGER", "less")
    recorder.log(recorder.execution(), numbered(50))
    async with dashboard(home) as board:
        await board.until_last("line 50")
        await board.press(*keys, "o")
        await board.until(lambda: calls)
    assert calls[0][:3] == ["less", "-R", place]
