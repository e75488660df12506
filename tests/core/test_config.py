from __future__ import annotations

import pytest
from msgspec.structs import replace

from stepflow_tui.cli.config_template import TEMPLATE
from stepflow_tui.core.config import Config, Notify
from stepflow_tui.core.config_text import parse_config
from stepflow_tui.core.errors import UsageProblem


def parsed(text: str) -> Config:
    """What was chosen, wherever it was written."""
    return replace(parse_config(text, "f.toml"), origin=None)


def test_nothing_written_is_all_defaults() -> None:
    assert parsed("") == Config()


def test_everything_can_be_chosen() -> None:
    config = parsed(
        """
        theme = "nord"
        ascii = true
        columns = ["name", "status", "tags"]
        fps = 20
        remember = false
        [keys]
        cancel = "ctrl+x, X"
        "app.suspend_process" = ["f9", ","]
        [notify]
        bell = false
        desktop = "osc777"
        title = false
        progress = "on"
        tmux = true
        min_duration = "1m30s"
        command = ["notify-send", "done"]
        """
    )
    assert config == Config(
        theme="nord",
        ascii=True,
        columns=("name", "status", "tags"),
        fps=20,
        remember=False,
        keys={"cancel": ("ctrl+x", "X"), "app.suspend_process": ("f9", "comma")},
        notify=Notify(
            bell=False,
            desktop="osc777",
            title=False,
            progress="on",
            tmux=True,
            min_duration=90.0,
            command=("notify-send", "done"),
        ),
    )


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0.0), ("2.5", 2.5), ('"2.5s"', 2.5), ('"2m"', 120.0)]
)
def test_times_are_numbers_or_words(value: str, seconds: float) -> None:
    assert parsed(f"notify.min_duration = {value}").notify.min_duration == seconds


COLUMNS = "number, name, status, progress, time, age, tags"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("theme = 3", "line 1: theme must be a name in quotes"),
        ('theme = " "', "line 1: theme must be a name in quotes"),
        (
            'fps = 9\n\nthema = "x"',
            "line 3: there is no thema; allowed are theme, ascii, columns, fps, remember, keys",
        ),
        ("[colours]\nx = 1", "line 1: there is no colours; allowed are theme, ascii, columns"),
        ("ascii = 1", "line 1: ascii must be true or false"),
        ("fps = 121", "line 1: fps must be a number of frames per second from 1 to 120"),
        ("fps = true", "line 1: fps must be a number of frames per second from 1 to 120"),
        ("columns = 'name'", f"line 1: columns must be a list of one or more of {COLUMNS}, each"),
        ("columns = []", "line 1: columns must be a list of one or more of"),
        ("columns = ['name', 'name']", "line 1: columns must be a list of one or more of"),
        ("columns = ['colour']", "line 1: columns must be a list of one or more of"),
        ("# [keys]\nkeys = 3", "line 2: keys is a table: write [keys]"),
        ("[keys]\ncancel = 3", 'line 2: keys.cancel must be a key such as "ctrl+x", or a list'),
        ("[keys]\n'a.b' = ''", 'line 2: keys.a.b must be a key such as "ctrl+x", or a list'),
        ("[keys]\na = 'x,'", 'line 2: keys.a must be a key such as "ctrl+x", or a list of keys'),
        ("[keys]\na = []", 'line 2: keys.a must be a key such as "ctrl+x", or a list of keys'),
        ("[[notify]]\nbell = true", "line 1: notify is a table: write [notify]"),
        ("notify = {bell = 1}", "line 1: notify.bell must be true or false"),
        ("[notify.bell]\nx = 1", "line 1: notify.bell must be true or false"),
        (
            "[notify]\nbel = true",
            "line 2: there is no notify.bel; allowed are bell, desktop, title, progress, tmux",
        ),
        (
            "[keys]\ndesktop = 'x'\n[ notify ]\n  desktop = 'kde'",
            'line 4: notify.desktop must be one of "auto", "osc9", "osc777", "off"',
        ),
        ("notify.progress = true", 'line 1: notify.progress must be one of "auto", "on", "off"'),
        ("notify.min_duration = 'soon'", "line 1: notify.min_duration must be a time such as 30"),
        ("notify.min_duration = true", "line 1: notify.min_duration must be a time such as 30"),
        ("notify.command = 'x'", "line 1: notify.command must be a list of a command and its"),
        ("notify.command = ['x', 3]", "line 1: notify.command must be a list of a command and"),
        (r"notify.command = ['x', " + r'"\u0000"]', "line 1: notify.command must be a list of a"),
        ("a = 1\nb = ?\n", "line 2: this is no TOML: Invalid value"),
    ],
)
def test_what_is_wrong_is_told_in_one_sentence(text: str, told: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parsed(text)
    assert str(caught.value).startswith(f"f.toml, {told}")
    assert "\n" not in str(caught.value)


def test_an_end_too_early_has_no_line() -> None:
    with pytest.raises(UsageProblem, match=r"^f\.toml: this is no TOML: Invalid value"):
        parsed("theme =")


def test_later_problems_name_the_line_too() -> None:
    config = parse_config("fps = 5\ntheme = 'norwegian'", "f.toml")
    assert str(config.problem(("theme",), "no such theme")) == "f.toml, line 2: no such theme"
    assert str(Config().problem(("theme",), "no such theme")) == "configuration: no such theme"


def test_the_template_changes_nothing_and_shows_the_defaults() -> None:
    assert parsed(TEMPLATE) == Config()
    entries = "\n".join(
        line.removeprefix("#") for line in TEMPLATE.splitlines() if not line.startswith("# ")
    )
    assert parsed(entries) == Config(
        ascii=False, fps=60, keys={"cancel": ("x",), "rerun": ("r", "ctrl+r")}
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a = " + "[" * 100_000, "f.toml: this is nested too deeply to be a configuration"),
        ("theme = " + "[" * 5000 + "]" * 5000, "f.toml: this is nested too deeply to be"),
        ("a = " + "{b = " * 50_000, "f.toml: this is nested too deeply to be a configuration"),
        ("fps = " + "9" * 5000, "f.toml: a number in it is too long"),
        ("fps = 0x" + "f" * 5000, "f.toml"),
        (".".join("a" * 20_000) + " = 1", "f.toml"),
    ],
)
def test_toml_that_nobody_writes_is_a_sentence_too(text: str, said: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_config(text, "f.toml")
    assert str(caught.value).startswith(said)
    assert len(str(caught.value)) < 500
