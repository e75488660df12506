"""The panes and how they follow the database."""

from __future__ import annotations

import sqlite3
from functools import partial
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.core.clock import now
from stepflow_tui.core.models import Status
from stepflow_tui.store.schema import VERSION
from tests.tui.dashboard import dashboard
from tests.tui.record import START_MS, Recorder, numbered, step

if TYPE_CHECKING:
    from stepflow_tui.core.home import Home


async def test_it_shows_executions_steps_and_log(home: Home, recorder: Recorder) -> None:
    recorder.execution("lint", status=Status.COMPLETED, duration_ms=2500)
    number = recorder.execution("deploy", step_count=2, steps_done=1)
    recorder.steps(number, step(1, "Build", 1), step(2, "Push", 3, status=Status.RUNNING))
    recorder.log(number, b"STEP_START:Build\nmaking\nSTEP_START:Push\nlayer 1")
    async with dashboard(home) as board:
        await board.until_text("layer 1", "✓ Build", "● Push")
        rows = board.rows(board.executions)
        assert rows[0].split()[:5] == ["2", "deploy", "●", "running", "1/2"]
        assert rows[1].split()[:5] == ["1", "lint", "✓", "completed", "2.5s"]
        assert board.log_rows == ["▾ ✓ Build  1.0s", "making", "▾ ● Push  1s", "layer 1"]
        assert "#2 deploy  ● running" in board.text
        assert "● 1 running" in board.text
        assert "following · 4 lines" in board.text


async def test_every_commit_comes_to_the_screen(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("no output yet")
        for line in range(1, 60):
            recorder.log(number, b"line %d\n" % line)
            await board.until_last(f"line {line}")
        recorder.steps(number, step(1, "Build", 1, status=Status.RUNNING, progress=0.42))
        await board.until_text("● Build", "42%")
        recorder.finish(number, Status.FAILED)
        await board.until_text("✗ failed", "● 0 running", "59 lines")
        assert "following" not in board.text


async def test_a_run_whose_artifacts_are_waited_for_says_so(home: Home, recorder: Recorder) -> None:
    number = recorder.execution("deploy")
    async with dashboard(home) as board:
        await board.until_text("#1 deploy  ● running")
        recorder.change(number, finished_at=START_MS + 1000, duration_ms=1000, exit_code=0)
        await board.until_text("#1 deploy  ● collecting", "● 1 running")
        assert board.rows(board.executions)[0].split()[2:4] == ["●", "collecti…"]
        recorder.finish(number)
        await board.until_text("#1 deploy  ✓ completed")


async def test_an_unfinished_line_is_drawn_as_it_grows(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    async with dashboard(home) as board:
        for part, shown in (("Pass", "Pass"), ("word", "Password"), (":", "Password:")):
            recorder.log(number, part.encode())
            await board.until_last(shown)


async def test_new_executions_come_in_at_the_top_and_move_nothing(
    home: Home, recorder: Recorder
) -> None:
    recorder.executions(3)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 3)
        await board.press("j")
        assert board.selected == 2
        recorder.executions(2, "newer")
        await board.until_text("newer")
        assert board.selected == 2
        assert board.executions.cursor == 3
        assert board.rows(board.executions)[3].split()[0] == "2"


async def test_a_scrolled_list_stays_where_it_is(home: Home, recorder: Recorder) -> None:
    recorder.executions(500)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 500)
        await board.press("G")
        await board.until(lambda: board.selected == 1)
        before = board.rows(board.executions)
        assert before[-1].split()[0] == "1"
        recorder.executions(7)
        await board.until(lambda: board.executions.count == 507)
        assert board.rows(board.executions) == before
        assert board.selected == 1


async def test_keys_move_through_a_long_list(home: Home, recorder: Recorder) -> None:
    recorder.executions(10_000)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 10_000)
        height = board.executions.height
        for keys, number in (
            (("j", "j", "k", "down"), 9_998),
            (("ctrl+d",), 9_998 - height // 2),
            (("ctrl+u",), 9_998),
            (("space",), 9_998 - (height - 1)),
            (("b",), 9_998),
            (("G",), 1),
            (("k",), 2),
            (("g",), 10_000),
            (("up",), 10_000),
        ):
            await board.press(*keys)
            await board.until(partial(lambda expected: board.selected == expected, number))
        await board.until(lambda: "…" not in "".join(board.rows(board.executions)))


async def test_another_execution_shows_its_own_log_and_steps(
    home: Home, recorder: Recorder
) -> None:
    for name in ("first", "second"):
        number = recorder.execution(name, status=Status.COMPLETED)
        recorder.log(number, f"STEP_START:step of {name}\nlog of {name}\n".encode())
        recorder.steps(number, step(1, f"step of {name}", 1))
    async with dashboard(home) as board:
        await board.until_text("log of second", "step of second")
        await board.press("j")
        await board.until_text("log of first", "step of first", "#1 first  ✓ completed")
        assert "log of second" not in board.text


async def test_mouse_wheel_and_click(home: Home, recorder: Recorder) -> None:
    recorder.executions(100)
    recorder.log(100, numbered(500))
    async with dashboard(home) as board:
        await board.until_last("line 500")
        await board.pilot.click(board.executions, offset=(5, 5))
        await board.until(lambda: board.selected == 97)
        await board.pilot.click(board.executions, offset=(5, 2))
        await board.until_last("line 500")
        await board.pilot._post_mouse_events([_wheel_up()], board.log, offset=(5, 5))
        await board.until_last("line 497")
        assert not board.log.follow


async def test_user_text_is_never_markup_nor_control(home: Home, recorder: Recorder) -> None:
    hostile = "a[red]b\x1b]52;c;aGk=\x07\x1b[2J[/]c"
    number = recorder.execution(hostile, error="[bold]no\x1b[H", status=Status.FAILED)
    recorder.steps(number, step(1, hostile, 1, status=Status.FAILED, error="[x]\x1b[1A"))
    recorder.log(number, b"STEP_START:x\n\x1b]0;title\x07[link]text[/link]\x9b2J\n")
    async with dashboard(home) as board:
        await board.until_text("[link]text[/link]")
        assert board.rows(board.executions)[0].split()[1] == "a[red]b[/]c"
        assert "a[red]b[/]c  [x]" in board.rows(board.steps)[0]
        await board.press("enter")
        await board.until_text("✗ failed  [bold]no")
        assert "\x1b" not in board.text


async def test_wide_characters_keep_the_columns(home: Home, recorder: Recorder) -> None:
    recorder.execution("日本語のとても長い名前です", status=Status.COMPLETED, duration_ms=1000)
    recorder.execution("plain", status=Status.COMPLETED, duration_ms=1000)
    async with dashboard(home) as board:
        await board.until_text("plain")
        rows = [board.executions.render_line(y) for y in (1, 2)]
        assert [row.cell_length for row in rows] == [board.executions.width] * 2
        assert rows[1].text.split()[1].endswith("…")


@pytest.mark.parametrize(
    ("size", "panes"),
    [
        ((120, 36), ["Executions", "Steps", "#1 build"]),
        ((80, 24), ["Executions", "Steps", "#1 build"]),
        ((40, 20), ["Executions"]),
        ((100, 12), ["Executions"]),
    ],
)
async def test_panes_collapse_with_the_room(
    home: Home, recorder: Recorder, size: tuple[int, int], panes: list[str]
) -> None:
    recorder.execution()
    async with dashboard(home, size) as board:
        await board.until_text("build")
        titles = [title for title in ("Executions", "Steps", "#1 build") if title in board.text]
        assert titles == panes
        assert all(len(line) <= size[0] for line in board.text.splitlines())


async def test_one_pane_at_a_time_turns_with_tab(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.steps(number, step(1, "Build", 1))
    recorder.log(number, numbered(100))
    async with dashboard(home, (40, 20)) as board:
        await board.until_text("Executions")
        await board.press("tab")
        await board.until_text("✓ Build", "Steps of #1 build")
        await board.press("tab")
        await board.until_last("line 100")
        assert board.log.follow
        await board.press("shift+tab")
        await board.until_text("✓ Build")
        await board.press("escape")
        await board.until_text("Executions")
        await board.pilot.resize_terminal(120, 36)
        await board.until_text("Executions", "Steps ─", "#1 build")


async def test_it_follows_resizes(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    recorder.log(number, numbered(300))
    async with dashboard(home) as board:
        await board.until_last("line 300")
        for size in ((80, 24), (200, 60), (60, 18), (120, 36)):
            await board.pilot.resize_terminal(*size)
            await board.until_last("line 300")
            assert len(board.log_rows) == board.log.height


async def test_without_executions_it_says_what_to_do(home: Home) -> None:
    async with dashboard(home) as board:
        await board.until_text("No executions yet", "stepflow run ./script.sh", str(home.root))
        recorder = Recorder(home)
        recorder.execution("the first one")
        await board.until_text("the first one")
        assert "No executions yet" not in board.text
        recorder.close()


async def test_without_a_runner_it_says_what_to_do(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home) as board:
        await board.until_text("runner up")
        board.orders.alive = False
        await board.until_text("no runner: stepflow runner start")
        recorder.finish(1)
        await board.until_text("runner at rest")


async def test_a_database_that_cannot_be_read_is_explained(home: Home, recorder: Recorder) -> None:
    recorder.execution("build")
    async with dashboard(home) as board:
        await board.until_text("build")
        with sqlite3.connect(home.database) as connection:
            connection.execute(f"PRAGMA user_version={VERSION + 1}")
        connection.close()
        home.database.rename(home.root / "newer.db")
        await board.until_text("No executions yet")
        (home.root / "newer.db").rename(home.database)
        await board.until_text("Cannot show executions", "schema")


async def test_damage_is_explained(home: Home, recorder: Recorder) -> None:
    recorder.close()
    home.database.write_bytes(b"x" * 5000)
    async with dashboard(home) as board:
        await board.until_text("Cannot show executions", "is damaged")
        await board.press("j", "enter", "f", "x", "r", "w", "y", "n", "escape", "tab")
        assert "Cannot show executions" in board.text
    recorder._writer._connection.close()


async def test_clocks_move_only_while_something_runs(home: Home, recorder: Recorder) -> None:
    number = recorder.execution(started_at=now().wall_ms)
    async with dashboard(home) as board:
        await board.until_text("● running")
        first = board.rows(board.executions)[0]
        await board.until(lambda: board.rows(board.executions)[0] != first)
        recorder.change(number, status=Status.COMPLETED, duration_ms=1234)
        await board.until_text("1.2s")


async def test_an_execution_that_is_deleted_leaves_the_list(home: Home, recorder: Recorder) -> None:
    recorder.executions(3)
    async with dashboard(home) as board:
        await board.until(lambda: board.selected == 3)
        with sqlite3.connect(home.database) as connection:
            connection.execute("DELETE FROM executions WHERE number = 3")
            connection.execute("UPDATE revision SET value = value + 1")
        connection.close()
        await board.until(lambda: board.selected == 2 and board.executions.count == 2)
        assert [row.split()[0] for row in board.rows(board.executions) if row] == ["2", "1"]


async def test_without_colours_the_cursor_is_seen(home: Home, recorder: Recorder) -> None:
    recorder.execution()
    async with dashboard(home, colours=False) as board:
        await board.until_text("build")
        styles = [part.style for part in board.executions.render_line(1)]
        assert all(style is not None and style.reverse for style in styles)


async def test_the_records_themselves_are_not_changed(home: Home, recorder: Recorder) -> None:
    number = recorder.execution()
    before = recorder.get(number)
    async with dashboard(home) as board:
        await board.until_text("build")
        await board.press("j", "tab", "k", "G", "g", "w", "t", "f", "slash", "x", "escape")
    assert recorder.get(number) == replace(before)


def _wheel_up() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp
