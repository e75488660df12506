from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.command_line import needs_shell, read_words, typed

SHELL = {"shell": True}


@pytest.mark.parametrize(
    "text",
    [
        "a | b",
        "a && b",
        "a; b",
        "a > out",
        "a < in",
        "echo $HOME",
        'echo "$HOME"',
        'echo "`date`"',
        "echo `date`",
        "(cd x)",
        "ls *.py",
        "ls a?",
        "ls [ab]",
        "~/bin/run",
        "cat ~/x",
        "true # why",
        "a\nb",
        "a &",
        "A=1 b",
        "! a",
        "if a",
        " for",
        "{ a",
        "'x' | b",
    ],
)
def test_what_only_a_shell_understands(text: str) -> None:
    assert needs_shell(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "make -j8 all",
        "echo 'a | b' \"c; d\" e\\|f",
        'echo "a\\$b"',
        "run --level=3",
        "x a#b c~",
        "ifconfig",
        "echo it's",
        "'$x",
        '"x',
        "x\\",
        "日本 é",
    ],
)
def test_what_needs_no_shell(text: str) -> None:
    assert not needs_shell(text)


def test_words_are_split_as_a_shell_does_it() -> None:
    assert read_words("echo 'a  b' \"c\" d\\ e #f") == ["echo", "a  b", "c", "d e", "#f"]
    for text in ("echo 'a", 'echo "a', "a\\"):
        with pytest.raises(ValueError, match="No"):
            read_words(text)


@given(st.lists(st.text(st.characters(exclude_characters="\0")), min_size=1))
def test_a_command_comes_back_from_what_is_shown(words: list[str]) -> None:
    assert read_words(typed(words, shell=False)) == words
    assert not needs_shell(typed(["run", *words], shell=False))


def test_a_shell_command_is_shown_as_it_is() -> None:
    assert typed(["a | b"], **SHELL) == "a | b"
