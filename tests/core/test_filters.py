from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepflow_tui.core.filters import (
    ALL,
    Filter,
    FilterProblem,
    Key,
    Term,
    complete,
    filter_text,
    parse_filter,
    parse_typed,
    parse_words,
)
from stepflow_tui.core.models import Status

NOW_MS = 1_790_000_000_000
KNOWN = {
    Key.TAG: ["nightly", "web", "my tag"],
    Key.NAME: ["deploy api", "deploy", "build"],
    Key.USER: ["root"],
}


def terms(text: str) -> list[tuple[str, str]]:
    return [
        (f"{'-' if term.negated else ''}{term.key}{'=' if term.exact else ''}", term.value)
        for term in parse_filter(text).terms
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   ", []),
        ("deploy api", [("text", "deploy"), ("text", "api")]),
        ('"deploy api"', [("text", "deploy api")]),
        ("-api", [("-text", "api")]),
        ("-", [("text", "-")]),
        ("10:30", [("text", "10:30")]),
        ("status:failed", [("status", "failed")]),
        ("STATUS:Failed", [("status", "failed")]),
        ("status:failed,lost", [("status", "failed"), ("status", "lost")]),
        ("status:c", [("status", "completed"), ("status", "cancelled")]),
        ('status:"timed out"', [("status", "timed_out")]),
        ("-status:completed", [("-status", "completed")]),
        ("tag:a tag:b", [("tag", "a"), ("tag", "b")]),
        ("tag:a tag:a", [("tag", "a")]),
        ("name:=deploy", [("name=", "deploy")]),
        ('name:="a b"', [("name=", "a b")]),
        ('name:"a,b",c', [("name", "a,b"), ("name", "c")]),
        (r'name:"a\"b\\c"', [("name", 'a"b\\c')]),
        ('name:"open', [("name", "open")]),
        ("marked:y", [("marked", "yes")]),
        ("since:2h", [("since", "2h")]),
        ("since:=2h", [("since", "2h")]),
        ('"status:failed"', [("text", "status:failed")]),
        ("text:a", [("text", "a")]),
    ],
)
def test_words_become_terms(text: str, expected: list[tuple[str, str]]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("foo:bar", "there is no foo: to filter by (status, tag, "),
        ("status:", "status: what? for example status:running"),
        ("name:,", "name: what? for example name:deploy"),
        ("status:broken", "no status is called 'broken': pending, running, "),
        ("marked:maybe", "no marked is called 'maybe': yes, no"),
        ("since:tea", "since: takes an age such as 10m, 2h, 7d, or a date such as 2026-01-31"),
        ("until:2026-13-01", "until: takes an age such as 10m"),
    ],
)
def test_what_cannot_be_understood_is_told(text: str, sentence: str) -> None:
    with pytest.raises(FilterProblem) as told:
        parse_filter(text)
    assert str(told.value).startswith(sentence)


def test_words_that_a_shell_has_split_keep_their_blanks() -> None:
    assert parse_words(["name:a b", "status:failed"]) == Filter(
        (Term(Key.NAME, "a b"), Term(Key.STATUS, "failed"))
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2h", NOW_MS - 7_200_000),
        ("90", NOW_MS - 90_000),
        ("1e300", 0),
        ("2026-01-31", round(datetime(2026, 1, 31).astimezone().timestamp() * 1000)),
        ("2026-01-31T10:30", round(datetime(2026, 1, 31, 10, 30).astimezone().timestamp() * 1000)),
    ],
)
def test_ages_and_dates_are_moments(value: str, expected: int) -> None:
    assert Term(Key.SINCE, value).moment_ms(NOW_MS) == expected


def test_days_begin_at_midnight() -> None:
    today = Term(Key.SINCE, "today").moment_ms(NOW_MS)
    yesterday = Term(Key.SINCE, "yesterday").moment_ms(NOW_MS)
    assert yesterday < today <= NOW_MS
    assert datetime.fromtimestamp(today / 1000).astimezone().strftime("%H:%M:%S") == "00:00:00"
    assert datetime.fromtimestamp(yesterday / 1000).astimezone().hour == 0


def test_only_ages_change_as_time_goes_by() -> None:
    assert parse_filter("since:2h").is_relative
    assert not parse_filter("status:failed text").is_relative
    assert not ALL.is_relative


WORDS = st.lists(
    st.sampled_from([
        "status:", "tag:", "name:", "since:", "until:", "marked:", "user:", "text:", "x:", "-", "=",
        '"', "\\", ",", " ", ":", "failed", "2h", "2026-01-31", "0001-01-01", "9999-12-31", "today",
        "9e999", "日本", "\n", "\x1b", "''",
    ]),
    max_size=12,
).map("".join)  # fmt: skip


@given(st.one_of(WORDS, st.text()))
def test_any_text_is_a_filter_or_a_sentence(text: str) -> None:
    try:
        wanted = parse_filter(text)
    except FilterProblem:
        return
    for term in wanted.terms:
        if term.key in (Key.SINCE, Key.UNTIL):
            assert 0 <= term.moment_ms(NOW_MS) <= 253_402_300_800_000
    assert parse_filter(filter_text(wanted)) == wanted


@given(st.one_of(WORDS, st.text()))
def test_any_text_can_be_typed(text: str) -> None:
    try:
        wanted = parse_typed(text, KNOWN)
    except FilterProblem:
        with pytest.raises(FilterProblem):
            parse_filter(text)
        return
    assert all(isinstance(term, Term) for term in wanted.terms)


@given(st.one_of(WORDS, st.text()), st.integers(0, 40))
def test_a_completion_stands_before_the_cursor(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    found = complete(text, cursor, KNOWN)
    assert 0 <= found.start <= found.stop == cursor
    for choice in range(len(found.candidates)):
        changed, place = found.apply(text, choice)
        assert changed[place:] == text[cursor:]
        assert changed[: found.start] == text[: found.start]


@pytest.mark.parametrize(
    ("text", "candidates", "completed"),
    [
        ("st", ("status:",), "status:"),
        ("-st", ("status:",), "-status:"),
        ("u", ("user:", "until:"), "user:"),
        ("status:fa", ("failed",), "status:failed"),
        ("status:failed,l", ("lost", "completed", "failed", "cancelled"), "status:failed,lost"),
        ("tag:=n", ("nightly",), "tag:=nightly"),
        ("tag:m", ('"my tag"',), 'tag:"my tag"'),
        ('tag:"my', ('"my tag"',), 'tag:"my tag"'),
        ("name:api", ('"deploy api"',), 'name:"deploy api"'),
        ("x since:", ("10m", "2h", "1d", "7d", "today"), "x since:10m"),
        ("marked:", ("yes", "no"), "marked:yes"),
        ("foo:b", (), None),
        ("some text ", ("status:", "tag:", "name:", "user:", "since:", "until:", "marked:"),
         "some text status:"),
    ],
)  # fmt: skip
def test_candidates(text: str, candidates: tuple[str, ...], completed: str | None) -> None:
    found = complete(text, len(text), KNOWN)
    assert found.candidates == candidates
    if completed is not None:
        assert found.apply(text, 0) == (completed, len(completed))


@pytest.mark.parametrize(
    ("text", "finished"),
    [
        ("tag:a st", "tag:a"),
        ("tag:a -st", "tag:a"),
        ("tag:a status:", "tag:a"),
        ("since:to", ""),
        ("status", ""),
        ("status ", "status"),
        ("stat!", "stat!"),
        ("status:fa", "status:failed"),
        ("-", "-"),
    ],
)
def test_what_is_typed_says_nothing_until_it_can_be_understood(text: str, finished: str) -> None:
    assert parse_typed(text, KNOWN) == parse_filter(finished)


@pytest.mark.parametrize("text", ["foo:", "status:x", "foo:bar sta", "since:2026-0"])
def test_what_never_can_be_understood_is_told_while_it_is_typed(text: str) -> None:
    with pytest.raises(FilterProblem):
        parse_typed(text, KNOWN)


def test_every_status_can_be_named() -> None:
    for status in Status:
        assert terms(f"status:{status.value}") == [("status", status.value)]
        assert terms(f'status:"{status.word}"') == [("status", status.value)]
