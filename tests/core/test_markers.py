from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from stepflow_tui.core.markers import (
    MARKER_HINT,
    MAX_LINE,
    ArtifactMarker,
    Malformed,
    Marker,
    Meta,
    StepComplete,
    StepError,
    StepStart,
    is_marker_line,
    parse_line,
    parse_progress,
    parse_seconds,
)

BUILD = StepStart("Build")
KEYWORDS = (b"STEP_START", b"STEP_COMPLETE", b"STEP_ERROR", b"ARTIFACT", b"META")


@pytest.mark.parametrize(
    "prefix",
    [
        b"",
        b" ",
        b"\t",
        b"    \t ",
        b"\x1b[32m",
        b"\x1b[1;38:5:3m",
        b"\x1b[m",
        b"\x1b(B\x1b[m",
        b"  \x1b[1m \x1b[32m ",
        b"#12 3.456 ",
        b"#1 0.1   ",
        b"2024-05-06T12:33:44Z ",
        b"2024-05-06T12:33:44.1234567Z ",
        b"2024-05-06T12:33:44.123456789Z\t",
        b"2024-05-06T12:33:44+02:00 ",
        b"2024-05-06T12:33:44-0700 ",
        b"2024-05-06 12:33:44,123 ",
        b"2024-05-06 12:33 ",
        b"2024-05-06T12:33:44Z\x1b[32m",
        b"\x1b[90m2024-05-06T12:33:44Z\x1b[0m ",
        b"2024-05-06T12:33:44Z #12 3.456 ",
        b"#12 3.456 2024-05-06T12:33:44Z \x1b[32m",
        b"2024-05-06T12:33:44Z 2024-05-06T12:33:45Z ",
        b" " * 60_000,
    ],
)
def test_what_may_stand_before_a_marker(prefix: bytes) -> None:
    assert parse_line(prefix + b"STEP_START:Build") == BUILD


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\r",
        b"Build",
        b"+ echo STEP_START:Build",
        b"++ echo STEP_START:Build",
        b"+STEP_START:Build",
        b"echo STEP_START:Build",
        b"'STEP_START:Build'",
        b"print STEP_START:Build to begin a step",
        b"[INFO] STEP_START:Build",
        b"INFO: META:a:b",
        b"> STEP_START:Build",
        b"# STEP_START:Build",
        b"step_start:Build",
        b"Step_Start:Build",
        b"STEP_START",
        b"STEP_START Build",
        b"STEP_START :Build",
        b"STEP START:Build",
        b"STEP_STARTED:Build",
        b"STEP_END:Build",
        b"STEP:Build",
        b"XSTEP_START:Build",
        b"METADATA:a:b",
        b"ARTIFACTS:a",
        b"STEP_\x00START:Build",
        b"\xffSTEP_START:Build",
        b"50%\x1b[2CSTEP_START:Build",
        b"50%\b\bSTEP_START:Build",
        b"STEP_\rSTART:Build",
        b"\x1b]0;STEP_START:Build\x07",
        b"STEP_START\x1b[0m:Build",
        b"#12 STEP_START:Build",
        b"#12 3.456STEP_START:Build",
        b"#12 [2/3] STEP_START:Build",
        b"#x 3.456 STEP_START:Build",
        b"2024-05-06 STEP_START:Build",
        b"2024-05-06T12:33:44ZSTEP_START:Build",
        b"12:33:44 STEP_START:Build",
    ],
)
def test_ordinary_lines(line: bytes) -> None:
    assert parse_line(line) is None
    assert not is_marker_line(line)


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        (b"STEP_START:Build", BUILD),
        (b"STEP_START:Build\r", BUILD),
        (b"STEP_START: Build \r", BUILD),
        (b"STEP_START:Build\x1b[0m", BUILD),
        (b"STEP_START:Build\x1b[0m\x1b[K\r", BUILD),
        (b"STEP_START:\x1b[1mBu\x1b[32mild\x1b[0m", BUILD),
        (b"STEP_START:Bu\x00il\x07d\x7f", BUILD),
        (b"STEP_START:Bu\xc2\x9b1mild\xc2\x85", BUILD),
        (b"STEP_START:Bu\xe2\x80\xaeild", BUILD),
        (b"STEP_START:Build\x1b]52;c;aGk=\x07", BUILD),
        (b"STEP_START:a\tb", StepStart("a b")),
        (b"STEP_START:a\rb", StepStart("a b")),
        (b"STEP_START:caf\xe9", StepStart("caf\ufffd")),
        ("STEP_START:Größe 漢字 🚀".encode(), StepStart("Größe 漢字 🚀")),
        (b"STEP_START:a:b:c", StepStart("a:b:c")),
        (b"STEP_START:STEP_START:x", StepStart("STEP_START:x")),
        (b"STEP_START:build[x86]", StepStart("build[x86]")),
        (b"STEP_START:deploy {prod}", StepStart("deploy {prod}")),
        (b"STEP_START:Run pytest --cov=src", StepStart("Run pytest --cov=src")),
        (b"STEP_START:Build [duration=90]", StepStart("Build", estimated_s=90.0)),
        (b"STEP_START:Build[duration=1.5]", StepStart("Build", estimated_s=1.5)),
        (b"STEP_START:Build {duration:5m}", StepStart("Build", estimated_s=300.0)),
        (b"STEP_START:Build --duration=1h30m", StepStart("Build", estimated_s=5400.0)),
        (b"STEP_START:Build [duration='2h']", StepStart("Build", estimated_s=7200.0)),
        (b"STEP_START:Build [duration=0]", StepStart("Build", estimated_s=0.0)),
        (b"STEP_START:Build [timeout=90s]", StepStart("Build", timeout_s=90.0)),
        (b"STEP_START:Build --timeout=5", StepStart("Build", timeout_s=5.0)),
        (b"STEP_START:Build [stop_on_error=true]", StepStart("Build", stop_on_error=True)),
        (b"STEP_START:Build [stop_on_error=TRUE]", StepStart("Build", stop_on_error=True)),
        (b'STEP_START:Build [stop_on_error="true"]', StepStart("Build", stop_on_error=True)),
        (b"STEP_START:Build --stop_on_error=false", BUILD),
        (
            b"STEP_START:x [duration=90,stop_on_error=true][timeout=5m] {env:prod, n:3}\x1b[0m\r",
            StepStart("x", 90.0, 300.0, True, {"env": "prod", "n": 3}),
        ),
        (
            b'STEP_START:x [a=true,b=1,c=1.5,d="1",e=two words,f=]',
            StepStart(
                "x", metadata={"a": True, "b": 1, "c": 1.5, "d": "1", "e": "two words", "f": ""}
            ),
        ),
        (b"STEP_START:x [type=docker]", StepStart("x", metadata={"type": "docker"})),
        (b"STEP_START:x {url:http://x}", StepStart("x", metadata={"url": "http://x"})),
        (b"STEP_COMPLETE:Build", StepComplete("Build")),
        (b"STEP_COMPLETE:build[x86]\r", StepComplete("build[x86]")),
        (b"STEP_COMPLETE:Build [tests=12]", StepComplete("Build", {"tests": 12})),
        (b"STEP_COMPLETE:Build [duration=abc]", StepComplete("Build", {"duration": "abc"})),
        (b"STEP_ERROR:exit code 2", StepError("exit code 2")),
        (b"STEP_ERROR:", StepError("step failed")),
        (b"STEP_ERROR: \x1b[0m", StepError("step failed")),
        (b"STEP_ERROR:[stop_on_error=true]", StepError("step failed", True)),
        (b"STEP_ERROR:a: b [stop_on_error=false]", StepError("a: b", False)),
        (b"STEP_ERROR:a {code:2}", StepError("a", None, {"code": 2})),
        (b"ARTIFACT:dist/app.tar.gz", ArtifactMarker("dist/app.tar.gz")),
        (b"ARTIFACT: a b.txt : the list ", ArtifactMarker("a b.txt", "the list")),
        (b"ARTIFACT:a:b:c", ArtifactMarker("a", "b:c")),
        (b"ARTIFACT:a:", ArtifactMarker("a")),
        (b"ARTIFACT:logs/*.[ch]", ArtifactMarker("logs/*.[ch]")),
        (b"ARTIFACT:{a,b}.txt", ArtifactMarker("{a,b}.txt")),
        (b"ARTIFACT:a.xml [type=report]", ArtifactMarker("a.xml", type="report")),
        (b'ARTIFACT:a.xml --type="test report"', ArtifactMarker("a.xml", type="test report")),
        (b"ARTIFACT:a.xml [type=]", ArtifactMarker("a.xml")),
        (b"ARTIFACT:a.xml [type=1.50]", ArtifactMarker("a.xml", type="1.50")),
        (
            b"ARTIFACT:a.xml:all tests [type=report,n=3]",
            ArtifactMarker("a.xml", "all tests", "report", {"n": 3}),
        ),
        (b"META:VERSION:1.20", Meta("VERSION", "1.20")),
        (b"META: a b : c d ", Meta("a b", "c d")),
        (b"META:url:http://x:80/", Meta("url", "http://x:80/")),
        (b"META:a:", Meta("a", "")),
        (b"META:a:b [c=1]", Meta("a", "b [c=1]")),
        (b"META:a:b --type=c\x1b[0m\r", Meta("a", "b --type=c")),
        (b"META:PROGRESS:42%", Meta("PROGRESS", "42%")),
        (b"META:PROGRESS: 3/10 ", Meta("PROGRESS", "3/10")),
        (b"META:progress:soon", Meta("progress", "soon")),
        (b"META:ESTIMATED_DURATION:5m", Meta("ESTIMATED_DURATION", "5m")),
    ],
)
def test_markers(line: bytes, marker: Marker) -> None:
    parsed = parse_line(line)
    if isinstance(parsed, ArtifactMarker):
        assert parsed.given.encode() == line.partition(b":")[2]
        parsed = replace(parsed, given="")
    assert parsed == marker
    assert is_marker_line(line)
    assert MARKER_HINT.search(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"STEP_START:", 'the marker lacks a name: "STEP_START:"'),
        (b"STEP_START: \x00\x1b[0m\r", 'the marker lacks a name: "STEP_START:"'),
        (b"STEP_START:[a=1]", 'the marker lacks a name: "STEP_START:[a=1]"'),
        (b"STEP_COMPLETE: ", 'the marker lacks a name: "STEP_COMPLETE:"'),
        (b"ARTIFACT:", 'the marker lacks a path: "ARTIFACT:"'),
        (b"ARTIFACT: :log", 'the marker lacks a path: "ARTIFACT::log"'),
        (b"META:", 'META needs a key and a value, META:key:value: "META:"'),
        (b"META:a", 'META needs a key and a value, META:key:value: "META:a"'),
        (b"META::a", 'the marker lacks a key: "META::a"'),
        (
            b"#1 0.1 STEP_START:\x1b[1mx [duration=abc]",
            (
                "duration must be a number of seconds, or like 90s, 5m, 2h: "
                '"STEP_START:x [duration=abc]"'
            ),
        ),
    ],
)
def test_malformed_markers(line: bytes, reason: str) -> None:
    assert parse_line(line) == Malformed(reason)
    assert not is_marker_line(line)


@pytest.mark.parametrize("key", ["duration", "timeout"])
@pytest.mark.parametrize("value", ["", "abc", "-1", "nan", "inf", "1e999", "true", "5 m", '""'])
def test_impossible_durations(key: str, value: str) -> None:
    marker = parse_line(f"STEP_START:x [{key}={value}]".encode())
    assert isinstance(marker, Malformed)
    assert marker.reason.startswith(f"{key} must be a number of seconds")


def test_a_timeout_of_nothing_is_impossible() -> None:
    marker = parse_line(b"STEP_START:x [timeout=0]")
    assert marker == Malformed('timeout must be more than 0 seconds: "STEP_START:x [timeout=0]"')


@pytest.mark.parametrize("keyword", ["STEP_START", "STEP_ERROR"])
@pytest.mark.parametrize("value", ["", "yes", "1", "0", "maybe"])
def test_impossible_switches(keyword: str, value: str) -> None:
    line = f"{keyword}:x [stop_on_error={value}]"
    assert parse_line(line.encode()) == Malformed(f'stop_on_error must be true or false: "{line}"')


@pytest.mark.parametrize("value", ["", "soon", "101%", "-1", "11/10", "1/0", "nan"])
def test_impossible_progress(value: str) -> None:
    assert parse_line(f"META:PROGRESS:{value}".encode()) == Malformed(
        f'PROGRESS must be a percentage like 42% or a share like 3/10: "META:PROGRESS:{value}"'
    )


@pytest.mark.parametrize("value", ["", "soon", "-1", "inf"])
def test_impossible_estimates(value: str) -> None:
    marker = parse_line(f"META:ESTIMATED_DURATION:{value}".encode())
    assert isinstance(marker, Malformed)
    assert marker.reason.startswith("ESTIMATED_DURATION must be a number of seconds")


def test_a_reason_quotes_little_of_the_line() -> None:
    marker = parse_line(b"META:" + b"a" * 1000)
    quoted = "META:" + "a" * 74 + "…"
    assert marker == Malformed(f'META needs a key and a value, META:key:value: "{quoted}"')


def test_long_names_are_cut() -> None:
    assert parse_line(b"STEP_START:" + b"a" * 256) == StepStart("a" * 256)
    assert parse_line(b"STEP_START:" + b"a" * 257) == StepStart("a" * 255 + "…")
    assert parse_line(b"STEP_COMPLETE:" + b"a" * 900 + b" [n=1]") == StepComplete(
        "a" * 255 + "…", {"n": 1}
    )


def test_a_line_beyond_the_limit_is_no_marker() -> None:
    longest = b"STEP_ERROR:".ljust(MAX_LINE, b"a")
    assert parse_line(longest) == StepError("a" * (MAX_LINE - 11))
    assert parse_line(longest + b"a") is None


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("0", 0.0),
        ("0%", 0.0),
        ("42%", 0.42),
        ("42", 0.42),
        ("42.5%", 0.425),
        (".5%", 0.005),
        ("100%", 1.0),
        ("42 %", 0.42),
        (" 42% ", 0.42),
        ("3/10", 0.3),
        ("3 / 10", 0.3),
        ("0/5", 0.0),
        ("10/10", 1.0),
        ("1.5/3", 0.5),
        ("", None),
        ("%", None),
        ("abc", None),
        ("-1%", None),
        ("100.1%", None),
        ("11/10", None),
        ("0/0", None),
        ("3/0", None),
        ("3/", None),
        ("/3", None),
        ("3/10%", None),
        ("1/2/3", None),
        ("1e1", None),
        ("nan", None),
        ("9" * 400 + "/" + "9" * 400, None),
        ("\u0664%", None),
    ],
)
def test_progress(text: str, share: float | None) -> None:
    assert parse_progress(text) == share


@pytest.mark.parametrize(
    ("text", "seconds"), [("300", 300.0), ("5m", 300.0), ("", None), ("-1", None), ("nan", None)]
)
def test_seconds(text: str, seconds: float | None) -> None:
    assert parse_seconds(text) == seconds


@given(
    st.lists(
        st.sampled_from([*KEYWORDS, b":", b" ", b"x", b"\x1b[1m", b"[a=1]", b"#1 1.1 ", b"\r"])
        | st.binary(max_size=4),
        max_size=8,
    ).map(b"".join)
)
def test_no_line_without_the_hint_is_a_marker(line: bytes) -> None:
    if not MARKER_HINT.search(line):
        assert parse_line(line) is None


@given(st.sampled_from(KEYWORDS), st.binary(max_size=80))
def test_a_keyword_at_the_start_always_makes_a_marker(keyword: bytes, rest: bytes) -> None:
    assert parse_line(keyword + b":" + rest) is not None


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=256))
def test_an_ordinary_name_is_kept(name: str) -> None:
    assert parse_line(f"STEP_START:{name} [duration=1]".encode()) == StepStart(name, 1.0)
