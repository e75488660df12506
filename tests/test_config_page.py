"""What the page about the configuration says is so."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from msgspec.structs import replace

from stepflow_tui.core.config import COLUMNS, Config, Notify
from stepflow_tui.core.config_text import ENTRIES, NOTIFY_ENTRIES, parse_config
from stepflow_tui.core.models import Execution, Status
from stepflow_tui.tui.choices import check_choices
from stepflow_tui.tui.notify.notifications import hook_variables

PAGE = (Path(__file__).parents[1] / "docs" / "CONFIG.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([a-z_.]+)` \| (?:`(.+?)`|by \w+) \| (.+) \|$", re.MULTILINE)


def test_every_entry_is_told_with_its_default() -> None:
    told = {name: value for name, value, _ in ROW.findall(PAGE)}
    assert told.keys() == ENTRIES.keys() | {f"notify.{name}" for name in NOTIFY_ENTRIES}
    text = "\n".join(f"{name} = {value}" for name, value in told.items() if value)
    assert replace(parse_config(text, "page"), origin=None) == Config()
    assert {name for name, value in told.items() if not value} == {"ascii", "fps"}


def test_every_word_that_can_be_chosen_is_told() -> None:
    meanings = {name: value + meaning for name, value, meaning in ROW.findall(PAGE)}
    for name in ("desktop", "progress"):
        words = set(re.findall(r'"(\w+)"', meanings[f"notify.{name}"]))
        assert len(words) == (4 if name == "desktop" else 3)
        for word in words:
            parse_config(f"notify.{name} = '{word}'", "page")
    assert set(re.findall(r'"(\w+)"', meanings["columns"])) == set(COLUMNS)
    for theme in re.findall(r'"([\w-]+)"', meanings["theme"]):
        check_choices(Config(theme=theme))


def test_the_examples_are_right() -> None:
    examples = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        assert tomllib.loads(example)
        check_choices(parse_config(example, "page"))


def test_every_variable_of_the_command_is_told() -> None:
    run = Execution(1, "id", "name", [], "/", Status.COMPLETED, 0)
    assert set(re.findall(r"`(STEPFLOW_RUN_\w+)`", PAGE)) == hook_variables(run).keys()


def test_everything_that_is_configured_can_be_written() -> None:
    names = set(Config.__struct_fields__) - {"keys", "notify", "origin"}
    assert (names, set(Notify.__struct_fields__)) == (set(ENTRIES), set(NOTIFY_ENTRIES))
