"""What comes through the line that is no key, and what is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual import constants, events

from stepflow_tui.tui.keyboard import Parser

ESC = "\x1b"
NUMBER = st.sampled_from(["", "0", "1", "97", "55296", "1114112", "9" * 25, "9" * 400, "97:65:1"])
PARAMETERS = st.lists(NUMBER, max_size=6).map(";".join)
NOISE = st.one_of(
    st.builds(lambda body, end: f"{ESC}[{body}{end}", PARAMETERS, st.characters()),
    st.builds(lambda body, end: f"{ESC}[<{body}{end}", PARAMETERS, st.sampled_from("mM")),
    st.builds(lambda body: f"{ESC}[48;{body}t", PARAMETERS),
    st.builds(lambda body: f"{ESC}[?{body}$y", PARAMETERS),
    st.builds(lambda text: f"{ESC}]{text}{ESC}\\", st.text(max_size=50)),
    st.builds(lambda text: f"{ESC}[M{text}", st.text(max_size=3)),
    st.builds(lambda text: f"{ESC}[200~{text}{ESC}[201~", st.text(max_size=50)),
    st.text(),
)


def told(parser: Parser, *parts: str) -> list[str]:
    """The keys, and the kinds of all else, that these parts bring."""
    messages = [message for part in parts for message in parser.feed(part)]
    return [
        message.key if isinstance(message, events.Key) else type(message).__name__
        for message in messages
    ]


@given(st.lists(NOISE, max_size=5).map("".join), st.integers(0, 200))
def test_no_noise_ends_it_and_keys_work_afterwards(noise: str, cut: int) -> None:
    parser = Parser()
    for part in (noise[:cut], noise[cut:]):
        for message in [*parser.feed(part)] if part else []:
            if isinstance(message, events.Key) and message.character is not None:
                message.character.encode()
            if isinstance(message, events.MouseEvent):
                assert max(message.x, message.y) < 10_000
    parser._fed_at -= 10
    list(parser.tick())
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
    list(parser.tick())
    assert told(parser, "q") == ["q"]


@pytest.mark.parametrize(
    ("typed", "keys"),
    [
        ("q", ["q"]),
        ("\x1b[A", ["up"]),
        ("\x1bOP", ["f1"]),
        ("\x1b[3~", ["delete"]),
        ("\x1b[3$", ["shift+delete"]),  # rxvt
        ("\x1b[[A", ["f1"]),  # the console of Linux
        ("\x1b[97u", ["a"]),
        ("\x1b[97;5u", ["ctrl+a"]),
        ("\x1b[97:65;1:1u", ["a"]),  # with alternatives, and pressed
        ("\x1b[97;5:2u", ["ctrl+a"]),  # repeated
        ("\x1b[97;1;97:98u", ["a", "b"]),
        ("\x1b[<0;5;5M", ["MouseDown"]),
        ("\x1b[?2026;2$y", ["TerminalSupportsSynchronizedOutput"]),
        ("\x1b[200~text\x1b[201~q", ["Paste", "q"]),
    ],
)
def test_what_means_something_is_taken(typed: str, keys: list[str]) -> None:
    assert told(Parser(), typed) == keys
    if not typed.startswith("\x1b[<") and len(typed) > 2:  # split anywhere behind its beginning
        for cut in range(3, len(typed)):
            assert told(Parser(), typed[:cut], typed[cut:]) == keys


@pytest.mark.parametrize(
    "noise",
    [
        "\x1b[1114112u",
        "\x1b[99999999999999999999u",
        "\x1b[55296u",
        "\x1b[97;1;1114112u",
        "\x1b[97;1:3u",  # let go
        "\x1b[97;99999999999999999999;x",
        "\x1b[1q",
        "\x1b[q",
        "\x1b[>0;1;2q",
        "\x1b[?62;22c",
        "\x1bOZ",
        "\x1b[<0;99999999999999999999;1M",
        f"\x1b[<0;{'9' * 400};1M",
        f"\x1b[{'1;' * 40}q",
        f"\x1b[{'1;' * 4000}q",
        "\x1b]11;rgb:0000/0000/0000\x1b\\",
        "\x1b]0;quit\x07",
        "\x1bP>|xterm(1)q\x1b\\",
        "\x1b_Gi=1;quit\x1b\\",
        "\x1b[48;999999999;999999999;1;1t",
    ],
)
def test_what_means_nothing_is_no_key(noise: str) -> None:
    assert told(Parser(), noise) == []
    parser = Parser()
    assert told(parser, noise, "k") == ["k"]
    for cut in range(4, min(len(noise), 60)):
        assert told(Parser(), noise[:cut], noise[cut:], "k") == ["k"]


def test_a_size_that_nobody_asked_for_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "SMOOTH_SCROLL", False)
    parser = Parser()
    assert told(parser, "\x1b[48;24;80;0;0t", "\x1b[<0;5;6M") == ["MouseDown"]


@pytest.mark.parametrize("noise", ["\x1b[1;2", "\x1b]11;rgb:q", "\x1bP>|q", "\x1b[97;"])
def test_what_breaks_off_is_no_key(noise: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser()
    assert told(parser, noise, "\x1b[A" if "[" in noise else "\x07", "k")[-1] == "k"
    parser = Parser()
    assert told(parser, noise) == []
    fed_at = parser._fed_at
    monkeypatch.setattr(time, "monotonic", lambda: fed_at + 2)
    assert list(parser.tick()) == []
    assert told(parser, "qk") == ["q", "k"]


def test_a_paste_without_an_end_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = Parser()
    assert told(parser, "\x1b[200~some\x1b[31m text", " and more\x1b[20") == []
    fed_at = parser._fed_at
    monkeypatch.setattr(time, "monotonic", lambda: fed_at + 2)
    [paste] = parser.tick()
    assert isinstance(paste, events.Paste)
    assert paste.text == "some[31m text and more"
    assert told(parser, "q") == ["q"]


def test_nothing_in_a_paste_is_a_key() -> None:
    text = f"quit \x1bq \x1b[1q \x1b]0;{'x' * 100} \x1b[A"
    for cut in range(len(text)):
        parser = Parser()
        messages = [*parser.feed(f"\x1b[200~{text[:cut]}"), *parser.feed(f"{text[cut:]}\x1b[201~")]
        [paste] = messages
        assert isinstance(paste, events.Paste)
        assert paste.text == text.replace(ESC, "")
