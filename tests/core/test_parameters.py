from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stepflow_tui.core.parameters import split, typed, unquoted

if TYPE_CHECKING:
    from stepflow_tui.core.models import Value


@pytest.mark.parametrize(
    ("text", "name", "given"),
    [
        ("", "", {}),
        ("Build", "Build", {}),
        ("Build [a=1]", "Build", {"a": "1"}),
        ("Build[a=1]", "Build", {"a": "1"}),
        ("Build   [a=1]  ", "Build", {"a": "1"}),
        ("[a=1]", "", {"a": "1"}),
        ("Build [a=1,b=2]", "Build", {"a": "1", "b": "2"}),
        ("Build [ a = 1 , b = 2 ]", "Build", {"a": "1", "b": "2"}),
        ("Build [a=1][b=2] {c:3}", "Build", {"a": "1", "b": "2", "c": "3"}),
        ("Build {a:1,b:2}", "Build", {"a": "1", "b": "2"}),
        ("Build{a: 1, b: two words}", "Build", {"a": "1", "b": "two words"}),
        ("Build [a=1] [a=2]", "Build", {"a": "2"}),
        ("Build [a=1,a=2]", "Build", {"a": "2"}),
        ("Build [a=]", "Build", {"a": ""}),
        ("Build [a=b=c]", "Build", {"a": "b=c"}),
        ("Build [a.b-c_d=1]", "Build", {"a.b-c_d": "1"}),
        ("Build [größe=3]", "Build", {"größe": "3"}),
        ("Build [msg=two words]", "Build", {"msg": "two words"}),
        ('Build [msg="a, b", c=1]', "Build", {"msg": '"a, b"', "c": "1"}),
        ("Build [msg='a, b']", "Build", {"msg": "'a, b'"}),
        ('Build [msg="a]b"]', "Build", {"msg": '"a]b"'}),
        ('Build [msg="see [docs=1]"]', "Build", {"msg": '"see [docs=1]"'}),
        ('Build {msg:"a}, {b:c"}', "Build", {"msg": '"a}, {b:c"'}),
        ("Build [msg=don't, b=1]", "Build", {"msg": "don't", "b": "1"}),
        ("Don't [msg=don't]", "Don't", {"msg": "don't"}),
        ('Build [msg="open]', "Build", {"msg": '"open'}),
        ('Build [msg="a" b]', "Build", {"msg": '"a" b'}),
        ("Fetch {url:http://x}", "Fetch", {"url": "http://x"}),
        ("Fetch {url:http://x:80/y?a=1}", "Fetch", {"url": "http://x:80/y?a=1"}),
        ("Fetch [url=http://x/{id}]", "Fetch", {"url": "http://x/{id}"}),
        ("Build --duration=90", "Build", {"duration": "90"}),
        ("Build --duration=90 --type=a", "Build", {"duration": "90", "type": "a"}),
        ("Build --duration=90[a=1]", "Build", {"duration": "90", "a": "1"}),
        ("Build[a=1]--duration=90 {b:2}", "Build", {"a": "1", "duration": "90", "b": "2"}),
        ('Build --type="two words"', "Build", {"type": '"two words"'}),
        ("Build --type='x y' --timeout=5m", "Build", {"type": "'x y'", "timeout": "5m"}),
        ("Build --stop_on_error=true", "Build", {"stop_on_error": "true"}),
        ("Run pytest --cov=src --timeout=5", "Run pytest --cov=src", {"timeout": "5"}),
        ("build[x86][a=1]", "build[x86]", {"a": "1"}),
        ("build[x86 [a=1]", "build[x86", {"a": "1"}),
        ("a [b=1] c [d=2]", "a [b=1] c", {"d": "2"}),
        ('a [b="x", oops] [c=2]', 'a [b="x", oops]', {"c": "2"}),
    ],
)
def test_parameters_stand_at_the_end(text: str, name: str, given: dict[str, str]) -> None:
    assert split(text) == (name, given)


@pytest.mark.parametrize(
    "text",
    [
        "build[x86]",
        "deploy {prod}",
        "Run pytest --cov=src",
        "Run --verbose",
        "Run --duration",
        "wait [a=1] for it",
        "wait --duration=3 for it",
        "Build [a=1",
        "Build a=1]",
        "Build []",
        "Build {}",
        "Build [=1]",
        "Build [a=1,]",
        "Build [a=1,b]",
        "Build [b,a=1]",
        "Build [a:1]",
        "Build {a=1}",
        "Build [a=1}",
        "Backup {12:30}",
        "Fetch {http://x}",
        "Build [[a=1]]",
        "Build [a=[1]]",
    ],
)
def test_other_brackets_belong_to_the_name(text: str) -> None:
    assert split(text) == (text, {})


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "unit",
    [
        "[a=1]",
        "[a=1,",
        '[a="',
        "[a='\"",
        '[a="",b=\'',
        "[a=     ",
        "{a:{",
        "[a={b:",
        "--type='",
        " ",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + " x"
    assert split(text) == (text, {})


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("yes", "yes"),
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("+7", "+7"),
        ("007", "007"),
        ("999999999999999999", 999_999_999_999_999_999),
        ("9999999999999999999", "9999999999999999999"),
        ("1" * 5000, "1" * 5000),
        ("1.5", 1.5),
        ("-0.25", -0.25),
        (".5", 0.5),
        ("1e-05", 1e-05),
        ("1.5e3", 1500.0),
        ("12345e7", "12345e7"),
        ("1e+999", "1e+999"),
        ("1.2.3", "1.2.3"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("", ""),
        ("two words", "two words"),
        ('"42"', "42"),
        ("'true'", "true"),
        ('""', ""),
        ('"', '"'),
        ("\"mixed'", "\"mixed'"),
    ],
)
def test_values_are_typed(raw: str, value: Value) -> None:
    result = typed(raw)
    assert (type(result), result) == (type(value), value)


def test_quotes_are_taken_off() -> None:
    assert [unquoted(raw) for raw in ('"a"', "'a'", "a", "", '"')] == ["a", "a", "a", "", '"']
