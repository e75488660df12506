from __future__ import annotations

import pytest

from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.requests.labels import checked_note, checked_tags


def test_tags_are_kept_as_they_are_and_once() -> None:
    assert checked_tags(["b", "two words", "b", "日本", "x" * 256]) == [
        "b",
        "two words",
        "日本",
        "x" * 256,
    ]


@pytest.mark.parametrize(
    ("tag", "sentence"),
    [
        ("", "a tag cannot be empty"),
        ("\x1b[2J" + "x" * 253, f"the tag {'x' * 36}… is too long; 256 characters at most"),
        ("a\udcffb", "the tag ab is no text; tags are UTF-8"),
        ("a\0b", "the tag ab is no text; tags are UTF-8"),
    ],
)
def test_what_is_no_tag_is_a_sentence(tag: str, sentence: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        checked_tags(["good", tag])
    assert str(problem.value) == sentence


@pytest.mark.parametrize("note", ["", "x" * 4096, "é" * 2048, "two\nlines", "\x1b[2J\u202e"])
def test_a_note_is_any_text(note: str) -> None:
    assert checked_note(f"\n {note}  \n") == note


@pytest.mark.parametrize(
    ("note", "sentence"),
    [
        ("x" * 4097, "the note has 4,097 bytes; 4,096 at most"),
        ("é" * 2049, "the note has 4,098 bytes; 4,096 at most"),
        ("a\udcff", "the note is no text; notes are UTF-8"),
        ("a\0", "the note is no text; notes are UTF-8"),
    ],
)
def test_what_is_no_note_is_a_sentence(note: str, sentence: str) -> None:
    with pytest.raises(UsageProblem) as problem:
        checked_note(note)
    assert str(problem.value) == sentence
