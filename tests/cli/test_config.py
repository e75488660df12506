from __future__ import annotations

import json
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from stepflow_tui.cli.config_file import config_path, read_config
from stepflow_tui.cli.config_template import TEMPLATE
from stepflow_tui.core.config import COLUMNS, Config
from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Stepflow


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration is looked for; nothing is there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config" / "stepflow" / "config.toml"


def set_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    """Have a Python program be the editor: it finds the file in `path`."""
    program = tmp_path / "editor.py"
    program.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[-1])\n{code}\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {program}")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_the_file_is_in_the_directory_of_the_platform(
    file: Path, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert config_path() == file
    assert stepflow("config", "path").out == f"{file}\n"
    monkeypatch.setenv("STEPFLOW_CONFIG", str(tmp_path / "mine.toml"))
    assert stepflow("config", "path").out == f"{tmp_path}/mine.toml\n"


@pytest.mark.usefixtures("file")
def test_without_a_file_there_are_defaults(stepflow: Stepflow) -> None:
    assert read_config() == Config()
    done = stepflow("config", "show")
    assert (done.code, done.err) == (0, "")
    shown = tomllib.loads(done.out)
    assert shown["theme"] == "stepflow"
    assert shown["columns"] == list(COLUMNS)
    assert shown["notify"]["min_duration"] == 10.0
    assert "# ascii: decided by the terminal\n# " not in done.out
    assert "# fps: decided by the terminal\n" in done.out


def test_what_is_shown_can_be_written_back(file: Path, stepflow: Stepflow) -> None:
    write(
        file,
        'theme = "nord"\nfps = 7\n[keys]\n"app.suspend_process" = "f9"\n'
        '[notify]\nbell = false\ncommand = ["sh", "-c", "é \\" \\\\"]\n',
    )
    config = read_config()
    write(file, stepflow("config", "show").out)
    assert replace(read_config(), origin=config.origin) == config
    assert config.notify.command == ("sh", "-c", 'é " \\')


def test_a_file_that_is_named_must_be_there(
    stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STEPFLOW_CONFIG", str(tmp_path / "gone.toml"))
    done = stepflow("config", "show")
    assert done.err == (
        f"stepflow: STEPFLOW_CONFIG names {tmp_path}/gone.toml, which is not there; "
        "make it with: stepflow config edit\n"
    )
    assert (done.code, done.out) == (2, "")


def test_what_cannot_be_read_is_told(file: Path, stepflow: Stepflow) -> None:
    file.mkdir(parents=True)
    assert stepflow("config", "show").err == f"stepflow: cannot read {file}: Is a directory\n"
    file.rmdir()
    file.write_bytes(b'theme = "\xff"')
    assert stepflow("config", "show").err == f"stepflow: {file} is not UTF-8; save it as that\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('\ntheme = "norwegian"', 'line 2: there is no theme "norwegian"; allowed are stepflow, '),
        ('[keys]\ncancle = "x"', 'line 2: there is no action "cancle"; allowed are cancel'),
        ("[keys]\n'stepflow.cancle' = 'x'", 'line 2: there is no action "stepflow.cancle"; '),
        ("bell = true", "line 1: there is no bell; allowed are theme, ascii, columns, fps, "),
        ("\nascii = 'no\x1b[2J'", "line 2: this is no TOML: "),
    ],
)
def test_mistakes_are_told_by_show_and_by_edit(
    file: Path, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    file.parent.mkdir(parents=True)
    set_editor(monkeypatch, file.parent, f"path.write_text({text!r})")
    for command in ("edit", "show"):
        done = stepflow("config", command)
        assert done.err.startswith(f"stepflow: {file}, {told}")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)


def test_every_theme_and_every_action_can_be_named(file: Path, stepflow: Stepflow) -> None:
    from stepflow_tui.tui.choices import binding_ids, theme_names

    assert {"cancel", "rerun", "sideways(8)", "app.suspend_process"} <= binding_ids()
    assert {"stepflow", "stepflow-light", "nord", "ansi-dark", "ansi-light"} <= set(theme_names())
    keys = "".join(f'{json.dumps(name)} = "f9"\n' for name in sorted(binding_ids()))
    write(file, f"[keys]\n{keys}")
    assert stepflow("config", "show").err == ""


def test_edit_begins_with_a_template(
    file: Path, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_editor(monkeypatch, tmp_path, 'open(path, "a").write("# mine\\n")')
    for times in (1, 2):
        done = stepflow("config", "edit")
        assert (done.code, done.out, done.err) == (0, "", "")
        assert file.read_text() == TEMPLATE + "# mine\n" * times


def test_an_editor_that_fails(
    file: Path, stepflow: Stepflow, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", "/no/such")
    done = stepflow("config", "edit")
    assert done.err == "stepflow: cannot start the editor /no/such; set $EDITOR to one\n"
    set_editor(monkeypatch, tmp_path, "sys.exit(3)")
    assert stepflow("config", "edit").err.endswith("editor.py failed (exit 3)\n")
    monkeypatch.setenv("STEPFLOW_CONFIG", "/proc/no/config.toml")
    done = stepflow("config", "edit")
    assert done.err.startswith("stepflow: cannot write /proc/no/config.toml: ")
    assert file.read_text() == TEMPLATE


@pytest.mark.parametrize("value", ["a\nb", "x" * 300])
def test_odd_names_of_files(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEPFLOW_CONFIG", value)
    with pytest.raises(UsageProblem):
        read_config()
