"""The form that starts a run."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import pytest
from textual.widgets import Checkbox, Input

from stepflow_tui.core.errors import NoDatabase
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.requests.draft import Draft
from stepflow_tui.requests.secrets import HIDDEN_IN_COMMAND
from stepflow_tui.tui.orders import Orders
from stepflow_tui.tui.screens.new_run import NewRun
from stepflow_tui.tui.widgets.completing import Completing
from stepflow_tui.tui.widgets.field import Field, Text
from tests.tui.forms import Shown, shown

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from stepflow_tui.core.home import Home
    from stepflow_tui.requests.request import RunRequest
    from stepflow_tui.store.queries import Query
    from tests.tui.conftest import CountingSource
    from tests.tui.record import Recorder

    Form = Shown[RunRequest | None]

T = TypeVar("T")

SHELL = {"shell": True}


class NothingYet:
    """Reads where nothing was run yet."""

    async def all(self, query: Query[T]) -> list[T]:
        raise NoDatabase(query.sql)

    async def first(self, query: Query[T]) -> T | None:
        raise NoDatabase(query.sql)


@pytest.fixture
def src(tmp_path: Path) -> Path:
    """A directory with two scripts and a directory."""
    src = tmp_path / "src"
    (src / "data sets").mkdir(parents=True)
    for name in ("deploy.sh", "destroy.sh"):
        (src / name).write_text("#!/bin/sh\n")
        (src / name).chmod(0o755)
    return src


@pytest.fixture
def orders(home: Home) -> Orders:
    return Orders(home, {"PATH": os.environ["PATH"], "INHERITED": "yes"})


def form(
    orders: Orders, draft: Draft, source: CountingSource | NothingYet | None = None
) -> AbstractAsyncContextManager[Form]:
    return shown(NewRun(draft, source or NothingYet(), orders, title="Start a run"))


def line(form: Form, name: str) -> Input:
    return form.app.screen.query_one(f"#{name}", Input)


def command(form: Form) -> Completing:
    return form.app.screen.query_one("#command", Completing)


def ticked(form: Form) -> bool:
    """Whether a shell is to run it."""
    return form.app.screen.query_one(Checkbox).value


def said(form: Form) -> dict[str, str]:
    """What is said to be wrong with which field."""
    fields = form.app.screen.query(Field)
    return {field._control.id or "": field.problem for field in fields if field.problem}


async def started(form: Form) -> RunRequest:
    """What the form gives on ctrl+s."""
    await form.press("ctrl+s")
    await form.until(lambda: form.given or said(form))
    assert said(form) == {}
    [request] = form.given
    assert request is not None
    return request


async def test_what_is_typed_becomes_a_request(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src))) as shown_form:
        await shown_form.type("./deploy.sh 'to prod' now")
        line(shown_form, "name").value = " release "
        line(shown_form, "tags").value = "nightly 'two words'"
        line(shown_form, "timeout").value = "1h30m"
        shown_form.app.screen.query_one(Text).text = "A=1\n\nB=x = y\nC="
        request = await started(shown_form)
    assert request.command == ["./deploy.sh", "to prod", "now"]
    assert (request.shell, request.cwd, request.name) == (False, str(src), "release")
    assert (request.tags, request.timeout_s) == (["nightly", "two words"], 5400.0)
    assert request.env == {"A": "1", "B": "x = y", "C": ""}
    assert request.environment["INHERITED"] == "yes"
    assert request.environment["B"] == "x = y"
    assert request.rerun_of is None


async def test_shell_syntax_goes_to_a_shell(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src))) as shown_form:
        await shown_form.type("cat x")
        assert not ticked(shown_form)
        await shown_form.type(" | wc -l")
        assert ticked(shown_form)
        assert "[x] run by a shell" in shown_form.text
        request = await started(shown_form)
    assert (request.command, request.shell) == (["cat x | wc -l"], True)


async def test_the_user_says_whether_a_shell_runs_it(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src))) as shown_form:
        box = shown_form.app.screen.query_one(Checkbox)
        await shown_form.type("exit 3")
        box.value = True
        await shown_form.pilot.pause()
        await shown_form.type("4")
        assert box.value
        request = await started(shown_form)
    assert (request.command, request.shell) == (["exit 34"], True)


async def test_ctrl_enter_and_the_button_start_too_and_enter_does_not(
    orders: Orders, src: Path
) -> None:
    draft = Draft(command=("true",), cwd=str(src))
    async with form(orders, draft) as shown_form:
        await shown_form.press("enter")
        await shown_form.until(lambda: shown_form.focus == "shell")
        await shown_form.press("tab", "enter")
        await shown_form.until(lambda: shown_form.focus == "name")
        assert shown_form.given == []
        await shown_form.press("ctrl+enter")
        await shown_form.until(lambda: shown_form.given)
    async with form(orders, draft) as shown_form:
        await shown_form.pilot.click("#start")
        await shown_form.until(lambda: shown_form.given)
        assert shown_form.given[0] is not None


@pytest.mark.parametrize("way", ["escape", "button"])
async def test_leaving_gives_nothing(orders: Orders, src: Path, way: str) -> None:
    async with form(orders, Draft(command=("true",), cwd=str(src))) as shown_form:
        await (shown_form.press("escape") if way == "escape" else shown_form.pilot.click("#cancel"))
        await shown_form.until(lambda: shown_form.given == [None])


async def test_what_is_wrong_is_said_beside_the_field(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src / "gone"), timeout_s=0.5)) as shown_form:
        line(shown_form, "tags").value = "'open"
        line(shown_form, "timeout").value = "soon"
        shown_form.app.screen.query_one(Text).text = "A=1\nB"
        await shown_form.press("ctrl+s")
        await shown_form.until(lambda: len(said(shown_form)) == 5)
        assert said(shown_form) == {
            "command": "the command is empty",
            "cwd": "there is no such directory to work in",
            "tags": "a quote is not closed, or a last \\ has nothing behind it",
            "timeout": "a duration is a number of seconds, or like 90s, 5m, 2h, 1h30m",
            "env": "line 2 is not of the form NAME=value",
        }
        assert "! there is no such directory to work in" in shown_form.text
        assert shown_form.focus == "command"
        await shown_form.type("./nothing.sh")
        line(shown_form, "cwd").value = str(src)
        line(shown_form, "tags").value = ""
        line(shown_form, "timeout").value = "0"
        shown_form.app.screen.query_one(Text).text = ""
        await shown_form.press("ctrl+s")
        await shown_form.until(lambda: list(said(shown_form)) == ["timeout"])
        assert said(shown_form)["timeout"].startswith("a timeout must be longer than nothing")
        line(shown_form, "timeout").value = ""
        await shown_form.press("ctrl+s")
        await shown_form.until(
            lambda: said(shown_form) == {"command": "./nothing.sh: command not found"}
        )
        assert shown_form.given == []


async def test_tab_completes_as_far_as_is_certain(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src))) as shown_form:
        await shown_form.type("./de")
        await shown_form.press("tab")
        await shown_form.until(lambda: command(shown_form)._offers)
        assert command(shown_form).value == "./de"
        await shown_form.type("p")
        await shown_form.press("tab")
        await shown_form.until(lambda: command(shown_form).value == "./deploy.sh")
        await shown_form.type(" --on dat")
        await shown_form.press("tab")
        await shown_form.until(lambda: command(shown_form).value.endswith("\\ sets/"))
        assert command(shown_form).value == "./deploy.sh --on data\\ sets/"
        await shown_form.type(" nothing")
        await shown_form.press("tab")
        await shown_form.until(lambda: shown_form.focus == "shell")


async def test_a_directory_is_completed_with_directories(orders: Orders, src: Path) -> None:
    async with form(orders, Draft(cwd=str(src))) as shown_form:
        cwd = line(shown_form, "cwd")
        cwd.focus()
        await shown_form.type("/d")
        await shown_form.press("tab")
        await shown_form.until(lambda: cwd.value == f"{src}/data sets/")


async def test_earlier_commands_are_offered_with_their_directories(
    orders: Orders, src: Path, recorder: Recorder, source: CountingSource
) -> None:
    for words, cwd in (
        (["make", "all"], "/"),
        (["./deploy.sh", "to prod"], str(src)),
        (["./destroy.sh\x1b[2J"], str(src)),
    ):
        recorder.execution(command=words, cwd=cwd)
    async with form(orders, Draft(cwd="/tmp"), source) as shown_form:
        await shown_form.press("down")
        await shown_form.until_text("./deploy.sh 'to prod'", "make all")
        assert "destroy" not in shown_form.text
        await shown_form.press("down", "down", "up", "enter")
        assert command(shown_form).value == "./deploy.sh 'to prod'"
        assert not command(shown_form).is_offering
        assert line(shown_form, "cwd").value == str(src)
        assert (await started(shown_form)).command == ["./deploy.sh", "to prod"]


async def test_typing_finds_what_was_run_and_escape_closes_the_offers_first(
    orders: Orders, recorder: Recorder, source: CountingSource
) -> None:
    recorder.execution(command=["run-all", "make"])
    recorder.execution(command=["make", "docs"])
    async with form(orders, Draft(cwd="/"), source) as shown_form:
        await shown_form.type("mak")
        await shown_form.until(lambda: command(shown_form).is_offering)
        texts = [offer.text for offer in command(shown_form)._offers]
        assert texts[:2] == ["make docs", "run-all make"]
        await shown_form.press("escape")
        assert not command(shown_form).is_offering
        assert shown_form.given == []
        await shown_form.press("escape")
        assert shown_form.given == [None]


def past(src: Path, **fields: object) -> Execution:
    plain = {"command": ["./deploy.sh", "a b"], "cwd": str(src), "name": "deploy", **fields}
    return Execution(7, "x", status=Status.FAILED, created_at=1, **plain)  # type: ignore[arg-type]


async def test_a_rerun_with_edits_begins_with_all_there_was(orders: Orders, src: Path) -> None:
    execution = past(
        src,
        tags=["nightly", "two words"],
        env={"A": "1"},
        timeout_s=90.0,
        tty=True,
        tty_size=[120, 40],
        added_env=False,
        limits={"nice": 5},
        kill_leftovers=True,
        metadata={"commit": "4b2b", "PROGRESS": "3"},
    )
    async with form(orders, Draft.of(execution)) as shown_form:
        shown_text = shown_form.text
        for text in ("./deploy.sh 'a b'", "nightly 'two words'", "90s", "A=1"):
            assert text in shown_text
        await shown_form.press(*"  --dry")
        request = await started(shown_form)
    assert request.command == ["./deploy.sh", "a b", "--dry"]
    assert (request.tags, request.env, request.timeout_s) == (execution.tags, {"A": "1"}, 90.0)
    assert (request.tty, request.limits, request.kill_leftovers) == (True, {"nice": 5}, True)
    assert (request.tty_size, request.added_env) == ([120, 40], False)
    assert (request.metadata, request.rerun_of) == ({"commit": "4b2b"}, 7)


async def test_what_cannot_be_shown_is_kept_to_the_byte(orders: Orders, src: Path) -> None:
    odd = "a\x1b[2J\udcff\n b"
    execution = past(src, command=["./deploy.sh", odd], name="n\x1b[31m", env={"E": odd})
    async with form(orders, Draft.of(execution)) as shown_form:
        assert "\x1b" not in shown_form.text
        line(shown_form, "tags").value = "x"
        request = await started(shown_form)
    assert request.command == ["./deploy.sh", odd]
    assert (request.name, request.env, request.tags) == ("n\x1b[31m", {"E": odd}, ["x"])


@pytest.fixture
def odd(src: Path) -> Path:
    """A directory of a name that is no UTF-8, and `current`, which leads there."""
    odd = src.rename(src.with_name("caf\udce9"))
    src.with_name("caf\N{REPLACEMENT CHARACTER}").mkdir()
    src.with_name("current").symlink_to(odd)
    return odd


@pytest.mark.parametrize(
    ("name", "written"), [("caf\udce9", "$'{}/caf\\351'"), ("current", "{}/current")]
)
async def test_a_directory_is_shown_quoted_and_kept_to_the_byte(
    orders: Orders, odd: Path, name: str, written: str
) -> None:
    cwd = odd.with_name(name)
    async with form(orders, Draft.of(past(cwd))) as shown_form:
        assert line(shown_form, "cwd").value == written.format(odd.parent)
        line(shown_form, "tags").value = "x"
        request = await started(shown_form)
    assert request.cwd == str(cwd)


async def test_secrets_have_to_be_typed_again(orders: Orders, src: Path) -> None:
    execution = past(src, env={"PIN": "***", "API_TOKEN": "***", "A": "***x"})
    async with form(orders, Draft.of(execution)) as shown_form:
        await shown_form.press("ctrl+s")
        await shown_form.until(lambda: said(shown_form))
        assert said(shown_form) == {"env": "the value of PIN was not stored; type it again"}
        shown_form.app.screen.query_one(Text).text = "PIN=123456\nA=***x"
        request = await started(shown_form)
    assert request.env == {"PIN": "***", "A": "***x"}
    assert request.environment["PIN"] == "123456"
    assert request.secrets == ["123456"]


async def test_a_hidden_command_has_to_be_typed_again(orders: Orders, src: Path) -> None:
    execution = past(src, command=["./deploy.sh", "***"], warnings=[HIDDEN_IN_COMMAND])
    async with form(orders, Draft.of(execution)) as shown_form:
        await shown_form.press("ctrl+s")
        await shown_form.until(lambda: said(shown_form))
        sentence = "a secret stood here and was not stored; write it anew"
        assert said(shown_form) == {"command": sentence}
        command(shown_form).value = "./deploy.sh other"
        assert (await started(shown_form)).command == ["./deploy.sh", "other"]


async def test_a_shell_command_stays_one(orders: Orders, src: Path) -> None:
    execution = past(src, command=["exit 3\nexit 4"], **SHELL)
    async with form(orders, Draft.of(execution)) as shown_form:
        assert shown_form.app.screen.query_one(Checkbox).value
        request = await started(shown_form)
    assert (request.command, request.shell) == (["exit 3\nexit 4"], True)


@pytest.mark.parametrize("size", [(300, 60), (120, 36), (80, 24), (40, 20)])
async def test_every_field_can_be_reached(orders: Orders, src: Path, size: tuple[int, int]) -> None:
    dialog = NewRun(Draft(cwd=str(src)), NothingYet(), orders, title="Start a run")
    async with shown(dialog, size) as shown_form:
        assert "Start a run" in shown_form.text
        assert "Cancel" in shown_form.text
        for name in ("command", "shell", "cwd", "name", "tags", "timeout", "env", "cancel"):
            assert shown_form.focus == name
            focused = shown_form.app.screen.focused
            assert focused is not None
            visible = focused.region.intersection(shown_form.app.screen.region)
            assert visible == focused.region
            shown_form.app.screen.focus_next()
            await shown_form.pilot.pause()
        assert shown_form.focus == "start"
