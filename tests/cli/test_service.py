from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import stepflow_tui
from stepflow_tui.cli import service
from stepflow_tui.cli.service import ServiceProblem, install, uninstall, unit_name, unit_text
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
ESCAPE = re.compile(rb'\\(x[0-9a-f]{2}|["\\])')
WORST = "/srv/a b/%h $HOME ${x} \"q\" 's' \\n \\x41 tab\t line\n end\\ é ☃ \udcff # ; -"


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory of a user's own."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "ann"))
    return tmp_path / "ann"


@pytest.fixture
def home(user: Path) -> Home:
    return Home(user / ".local/state/stepflow")


def words(line: str, *, variables: bool = False) -> Iterator[str]:
    """The words of a setting as systemd reads them: quotes, escapes, specifiers, variables."""
    for quoted, plain in WORD.findall(line):
        word = ESCAPE.sub(
            lambda match: bytes([int(match[1][1:], 16)]) if match[1][:1] == b"x" else match[1],
            os.fsencode(quoted or plain),
        )
        text = os.fsdecode(word)
        assert not re.search(r"(?<!%)(%%)*%(?!%)", text)
        text = text.replace("%%", "%")
        if variables:
            assert not re.search(r"(?<!\$)(\$\$)*\$(?!\$)", text)
            text = text.replace("$$", "$")
        yield text


def sections(text: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(text)
    return parser


def environment(text: str) -> dict[str, str]:
    lines = re.findall("^Environment=(.*)$", text, re.MULTILINE)
    pairs = [word.partition("=") for line in lines for word in words(line)]
    return {name: value for name, _, value in pairs}


def test_the_unit_keeps_the_runner_and_spares_the_scripts(home: Home) -> None:
    unit = sections(unit_text(home, {}))
    assert unit.sections() == ["Unit", "Service", "Install"]
    expected = {
        "Type": "exec",
        "KillMode": "process",
        "OOMPolicy": "continue",
        "TasksMax": "infinity",
        "UMask": "0077",
        "WorkingDirectory": "/",
        "Restart": "on-failure",
        "RestartPreventExitStatus": "2",
        "SuccessExitStatus": "143",
    }
    assert {name: unit["Service"][name] for name in expected} == expected
    assert unit["Install"]["WantedBy"] == "default.target"
    assert unit["Unit"]["StartLimitIntervalSec"] == "60"


@pytest.mark.parametrize("root", ["/home/ann/.local/state/stepflow", WORST])
def test_its_commands_survive_the_quoting(root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    python = "/opt/my venv/50%/bin/python3"
    monkeypatch.setattr(sys, "executable", python)
    unit = sections(unit_text(Home(Path(root)), {}))
    started = list(words(unit["Service"]["ExecStart"], variables=True))
    assert started == [
        python, "-m", "stepflow_tui", "--home", root, "runner", "run"
    ]  # fmt: skip
    stops, line = unit["Service"]["ExecStartPre"][:1], unit["Service"]["ExecStartPre"][1:]
    assert stops == "-"
    assert list(words(line, variables=True)) == [
        python, "-m", "stepflow_tui", "--home", root, "runner", "stop"
    ]  # fmt: skip


def test_it_takes_the_settings_along_and_never_leaves_for_want_of_work(home: Home) -> None:
    given = {
        "STEPFLOW_GRACE": "5s",
        "STEPFLOW_NETWORK_HOME": "1",
        "STEPFLOW_ODD": WORST,
        "STEPFLOW_IDLE_EXIT": "10s",
        "STEPFLOW_HOME": "/elsewhere",
        "STEPFLOW": "1",
        "STEPFLOW_EXECUTION_ID": "01jd",
        "STEPFLOW_RUNNER": "1",
        "STEPFLOW_API_TOKEN": "hush",
        "PATH": "/bin",
    }
    told = environment(unit_text(home, given))
    assert told.pop("PYTHONPATH") == str(Path(__file__).parents[2])
    assert told == {
        "STEPFLOW_IDLE_EXIT": "3650d",
        "STEPFLOW_GRACE": "5s",
        "STEPFLOW_NETWORK_HOME": "1",
        "STEPFLOW_ODD": WORST,
    }
    assert Settings.from_environment(told).idle_exit == 3650 * 86_400


def test_an_installed_package_needs_no_path(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "/venv/lib/python3.11/site-packages/stepflow_tui/__init__.py"
    monkeypatch.setattr(stepflow_tui, "__file__", module)
    assert "PYTHONPATH" not in unit_text(home, {})


def test_a_setting_that_cannot_be_read_is_refused_at_once(home: Home) -> None:
    with pytest.raises(UsageProblem, match="STEPFLOW_GRACE=soon"):
        unit_text(home, {"STEPFLOW_GRACE": "soon"})


def test_every_home_has_a_unit_of_its_own(home: Home, user: Path) -> None:
    assert unit_name(home) == "stepflow.service"
    assert unit_name(Home(home.root / ".." / "stepflow")) == "stepflow.service"
    other = unit_name(Home(user / "my home %h"))
    assert re.fullmatch(r"stepflow-my-home-h-[0-9a-f]{8}\.service", other)
    assert unit_name(Home(user / "x" / ".." / "my home %h")) == other
    assert unit_name(Home(user / "b" / "my home %h")) != other
    assert re.fullmatch(r"stepflow-[0-9a-f]{8}\.service", unit_name(Home(Path("/é"))))
    assert len(unit_name(Home(Path("/", "x" * 255)))) <= 64


def test_the_unit_lies_where_systemd_looks(
    home: Home, user: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert service.unit_path(home) == user / ".config/systemd/user/stepflow.service"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert service.unit_path(home) == user / ".config/systemd/user/stepflow.service"
    monkeypatch.setenv("XDG_CONFIG_HOME", "/etc/ann")
    assert service.unit_path(home) == Path("/etc/ann/systemd/user/stepflow.service")


def test_install_writes_once_and_again_what_is_the_same(home: Home) -> None:
    before = os.umask(0)
    try:
        path = install(home, force=False)
    finally:
        os.umask(before)
    assert install(home, force=False) == path
    assert path.read_text(encoding="utf-8") == unit_text(home, os.environ)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    assert not path.parent.stat().st_mode & 0o022


def test_another_unit_is_replaced_by_force_alone(home: Home) -> None:
    path = install(home, force=False)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    with pytest.raises(ServiceProblem, match=r"is there and differs .* add --force"):
        install(home, force=False)
    assert "ExecStart=/bin/true" in path.read_text()
    install(home, force=True)
    assert path.read_text(encoding="utf-8") == unit_text(home, os.environ)


def test_a_masked_unit_is_not_written_through(home: Home) -> None:
    path = service.unit_path(home)
    path.parent.mkdir(parents=True)
    path.symlink_to(os.devnull)
    with pytest.raises(ServiceProblem, match="differs"):
        install(home, force=False)
    install(home, force=True)
    assert not path.is_symlink()


def test_where_nothing_can_be_written_it_says_what_to_do(home: Home, user: Path) -> None:
    user.mkdir()
    (user / ".config").touch()
    with pytest.raises(ServiceProblem, match=r"cannot (read|write) .*: Not a directory"):
        install(home, force=False)


def test_uninstall_takes_it_and_its_link_away(home: Home) -> None:
    assert uninstall(home) is None
    path = install(home, force=False)
    link = path.parent / "default.target.wants" / path.name
    link.parent.mkdir()
    link.symlink_to(path)
    assert uninstall(home) == path
    assert not path.exists()
    assert not link.is_symlink()
    assert uninstall(home) is None


def test_uninstall_leaves_what_others_wrote(home: Home) -> None:
    path = install(home, force=False)
    path.write_text("[Service]\nExecStart=/bin/true\n")
    with pytest.raises(ServiceProblem, match="not written by us; remove it by hand"):
        uninstall(home)
    assert path.exists()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
@pytest.mark.parametrize("root", ["", WORST.replace("\udcff", "")])
def test_systemd_has_nothing_against_it(
    user: Path, home: Home, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime = user / "run"
    runtime.mkdir(parents=True)
    monkeypatch.setenv("STEPFLOW_ODD", '50% "of" it\'s \\ $HOME')
    path = install(Home(Path(root)) if root else home, force=False)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", str(path)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Failed to initialize manager" in done.stderr:
        pytest.skip("systemd cannot look at units here")
    assert path.name not in done.stderr
    assert done.returncode == 0
