"""`stepflow config`: the file that configures the dashboard."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import click

from stepflow_tui.cli.config_file import config_path, read_config
from stepflow_tui.cli.terminal import write
from stepflow_tui.core.config_text import ENTRIES, NOTIFY_ENTRIES
from stepflow_tui.core.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stepflow_tui.core.config import Config

_FALLBACK_EDITOR = "vi"


@click.group("config")
def command() -> None:
    """Configure the dashboard: theme, keys, columns, notifications."""


@command.command("path")
def path_command() -> None:
    """Print where the file is, or would be."""
    write(f"{config_path()}\n")


@command.command("show")
def show_command() -> None:
    """Print what is in use, defaults included, as TOML."""
    write("".join(f"{line}\n" for line in _toml(_checked())))


@command.command("edit")
def edit_command() -> None:
    """Open the file in $VISUAL or $EDITOR, and check it afterwards."""
    path = config_path()
    _make(path)
    _edit(path)
    _checked()


def _checked() -> Config:
    """What the file says, once all of it is known to be right."""
    from stepflow_tui.cli.dashboard import check

    config = read_config()
    check(config)
    return config


def _make(path: Path) -> None:
    """Write the file with all defaults as comments, unless there is one."""
    from stepflow_tui.cli.config_template import TEMPLATE

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        return
    except OSError as error:
        raise UsageProblem(f"cannot write {path}: {error.strerror}") from error


def _edit(path: Path) -> None:
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or _FALLBACK_EDITOR
    try:
        done = subprocess.run([*shlex.split(editor), path], check=False)
    except (OSError, ValueError) as error:
        raise UsageProblem(f"cannot start the editor {editor}; set $EDITOR to one") from error
    if done.returncode:
        raise UsageProblem(f"the editor {editor} failed (exit {done.returncode})")


def _toml(config: Config) -> Iterator[str]:
    """The configuration as it would be written; what the program decides itself as a comment."""
    for name in ENTRIES:
        value = getattr(config, name)
        if value is None:
            yield f"# {name}: decided by the terminal"
        else:
            yield f"{name} = {_value(value)}"
    yield from ("", "[notify]")
    yield from (f"{name} = {_value(getattr(config.notify, name))}" for name in NOTIFY_ENTRIES)
    if config.keys:
        yield from ("", "[keys]")
        yield from (f"{json.dumps(name)} = {_value(keys)}" for name, keys in config.keys.items())


def _value(value: object) -> str:
    """A value in TOML, which writes strings, numbers and lists of them as JSON does."""
    return json.dumps(value, ensure_ascii=False)
