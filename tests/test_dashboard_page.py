"""What the page about the dashboard says is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stepflow_tui.core.filters import Key, parse_filter
from stepflow_tui.core.places import parse_place
from stepflow_tui.tui import keymap
from stepflow_tui.tui.choices import theme_names

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "DASHBOARD.md").read_text(encoding="utf-8")
KEYS = TEXT.split("## Keys")[1].split("## Filter words")[0]
ROW = re.compile(r"^\| ((?:`[^`]+` ?)+)\| (.+) \|$", re.MULTILINE)
KEY = re.compile(r"`(ctrl\+\w|shift\+\w+|\w|[^\w\s]|tab|enter|esc|space)`")

BINDINGS = [binding for group in keymap.HELP for binding in group.bindings]
UNTOLD = {"stepflow.open_group", "stepflow.choose", "stepflow.interrupt"}
"""What enter and ctrl+c do as a matter of course."""


def in_prose(text: str) -> list[str]:
    """Keys that are named outside the tables."""
    return KEY.findall("\n".join(line for line in text.split("\n") if not line.startswith("|")))


def test_every_key_in_a_table_does_what_is_said() -> None:
    meant = {(key, one.description) for one in BINDINGS for key in (one.key_display or "").split()}
    told = [(key, does) for keys, does in ROW.findall(KEYS) for key in re.findall("`(.+?)`", keys)]
    assert len(told) > 50
    assert set(told) - meant == set()
    assert len(set(told)) == len(told)


def test_every_key_is_told() -> None:
    told = {does for _, does in ROW.findall(KEYS)}
    named = set(in_prose(TEXT))
    for binding in BINDINGS:
        if binding.id not in UNTOLD:
            assert binding.description in told or binding.key_display in named, binding.id


def test_every_key_in_the_prose_is_bound() -> None:
    shown = {key for one in BINDINGS for key in (one.key_display or "").split()}
    places = {"$"}
    assert len(in_prose(TEXT)) > 10
    assert set(in_prose(TEXT)) - shown - places == set()


def test_every_filter_word_is_one() -> None:
    table = TEXT.split("## Filter words")[1].split("##")[0]
    words = re.findall("`([^`]+)`", "".join(re.findall(r"^\| (`.+?) \|", table, re.MULTILINE)))
    terms = [term for word in words for term in parse_filter(word).terms]
    assert {term.key for term in terms} == set(Key)
    for age in re.findall("`([^`]+)`", table.split("also ")[1].split("|")[0]):
        parse_filter(f"since:{age}")


@pytest.mark.parametrize("place", ["1200", "1,200", "50%", "$", "+1m30s", "0:01:30", "14:05"])
def test_every_place_is_one(place: str) -> None:
    assert f"`{place}`" in TEXT
    parse_place(place)


def test_themes_and_pictures_are_there() -> None:
    looks = TEXT.split("## Looks")[1].split("##")[0]
    assert {"stepflow", "stepflow-light", "ansi-dark", "ansi-light"} <= set(theme_names())
    assert all(f"`{name}`" in looks for name in ("stepflow-light", "ansi-dark", "ansi-light"))
    links = re.findall(r"\]\(([^)#]+)", TEXT)
    pictures = {link for link in links if link.endswith(".svg")}
    assert all((ROOT / "docs" / link).is_file() for link in links)
    assert pictures == {path.name for path in (ROOT / "docs").glob("dashboard*.svg")}
    drawn = set(re.findall(r'"(dashboard[\w-]*)"', (ROOT / "scripts" / "pictures").read_text()))
    assert {f"{name}.svg" for name in drawn} == pictures
