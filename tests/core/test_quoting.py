from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.quoting import shown_command, shown_path, shown_shell, with_shown_bytes


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/srv/app", "/srv/app"),
        ("/srv/two words/é漢", "/srv/two words/é漢"),
        (os.fsdecode(b"/srv/caf\xe9"), r"$'/srv/caf\351'"),
        ("a\tb", r"$'a\tb'"),
        ("a\x1b[2Jb\x07\x7f", r"$'a\e[2Jb\a\177'"),
        ("it's\n", r"$'it\'s\n'"),
        ("\u202egnp.exe", r"$'\u202egnp.exe'"),
        ("\U000e0001", r"$'\U000e0001'"),
        (" a", "' a'"),
        ("a ", "'a '"),
        (r"$'a'", r"""'$'"'"'a'"'"''"""),
        ("\ufffd", "\ufffd"),
        ("", ""),
    ],
)
def test_a_path_is_shown_as_it_is_or_quoted(path: str, shown: str) -> None:
    assert shown_path(path) == shown


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_what_is_shown_is_printable_and_means_the_path(name: bytes) -> None:
    shown = shown_path(os.fsdecode(name))
    assert shown.isprintable()
    if shown.startswith(("'", "$'")):
        echo = ["bash", "-c", f"printf %s {shown}"]
        env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
        assert subprocess.run(echo, check=True, capture_output=True, env=env).stdout == name
    else:
        assert os.fsencode(shown) == name


def test_a_command_is_quoted_word_by_word() -> None:
    assert shown_command(["cat", "a b", "\udce9", "x"]) == r"cat 'a b' $'\351' x"
    assert shown_command(["sh", "-c", "a\nb"]) == r"sh -c $'a\nb'"
    assert shown_command(["sh", "-c", "a\nb"], lines=True) == "sh -c 'a\nb'"


def test_a_string_for_the_shell_is_quoted_only_where_something_would_be_left_out() -> None:
    assert shown_shell("a |\n\tb") == "a |  b"
    assert shown_shell("cat \udce9*") == r"$'cat \351*'"


def test_bytes_in_a_sentence_are_seen() -> None:
    assert with_shown_bytes("no é here: caf\udce9") == r"no é here: caf\351"
