"""The parameters at the end of a marker: `[key=value]`, `{key:value}`, `--key=value`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from stepflow_tui.core.lazy_pattern import lazy_pattern

if TYPE_CHECKING:
    import re

    from stepflow_tui.core.models import Value

# Possessive quantifiers (`++`, `*+`) keep every match linear, whatever a script prints.
_KEY = r"[^\W\d][\w.-]*+"
_QUOTED = r""""[^"]*+"|'[^']*+'"""
_PAIRS = {
    "[": lazy_pattern(rf"\s*+({_KEY})\s*+=\s*+((?:{_QUOTED})(?=\s*+[],])|[^][,]*+)\s*+[],]"),
    # `{http://host}` is an address, not a key and its value.
    "{": lazy_pattern(
        rf"\s*+({_KEY})\s*+:(?!//)\s*+((?:{_QUOTED})(?=\s*+[}},])|[^}}{{,]*+)\s*+[}},]"
    ),
}
_OPENER = lazy_pattern(
    r"[\[{]|--(?P<key>duration|stop_on_error|timeout|type)="
    rf"(?P<value>{_QUOTED}|[^\s\[{{]*+)"
)
_INTEGER = lazy_pattern(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT = lazy_pattern(
    r"-?(?:(?:0|[1-9][0-9]*+)?\.[0-9]++(?:[eE][+-]?[0-9]{1,4})?|(?:0|[1-9][0-9]*+)[eE][+-][0-9]{1,4})"
)


def split(text: str) -> tuple[str, dict[str, str]]:
    """Divides a marker's text from the parameters at its end.

    A bracket that holds anything but `key=value` pairs belongs to the text, and so does one that
    text follows. Of a repeated key the last value counts.

    Returns:
        The text before the parameters, and each parameter's value as it was written, quotes
        included (see `typed` and `unquoted`).
    """
    run: dict[str, str] = {}  # the parameters that stand in text[run_start:run_end]
    run_start = run_end = position = 0
    while opener := _OPENER.search(text, position):
        pairs, position = _group(text, opener)
        if not pairs:
            continue
        if text[run_end : opener.start()].strip():
            run, run_start = {}, opener.start()
        run |= pairs
        run_end = position
    if not run or text[run_end:].strip():
        return text, {}
    return text[:run_start].rstrip(), run


def _group(text: str, opener: re.Match[str]) -> tuple[dict[str, str], int]:
    """The pairs of one group (none if it is no group) and where reading goes on."""
    position = opener.end()
    if key := opener["key"]:
        return {key: opener["value"]}, position
    pairs: dict[str, str] = {}
    pair = _PAIRS[opener[0]]
    while match := pair.match(text, position):
        pairs[match[1]] = match[2].strip()
        position = match.end()
        if text[position - 1] != ",":
            return pairs, position
    return {}, position


def unquoted(raw: str) -> str:
    """The value without the quotes around it, if there are any."""
    return raw[1:-1] if _is_quoted(raw) else raw


def typed(raw: str) -> Value:
    """The value as bool, int, float or string; what is quoted is a string.

    Numbers that would not come back as they were written (`007`, `12e5`, more than 64 bits) stay
    strings: they are versions, hashes and ids.
    """
    if _is_quoted(raw):
        return raw[1:-1]
    if raw.lower() in ("true", "false"):
        return raw.lower() == "true"
    if _INTEGER.fullmatch(raw):
        return int(raw)
    if _FLOAT.fullmatch(raw) and math.isfinite(number := float(raw)):
        return number
    return raw


def _is_quoted(raw: str) -> bool:
    return len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "\"'"
