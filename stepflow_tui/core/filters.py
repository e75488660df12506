"""What a filter of executions says: `status:failed tag:nightly name:deploy since:2h words`."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

from stepflow_tui.core.clock import wall_ms
from stepflow_tui.core.durations import parse_duration
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.models import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*"?'
_WORD = lazy_pattern(rf'(?:{_QUOTED}|[^\s"])+', re.DOTALL)
_ALTERNATIVE = lazy_pattern(rf'(?:{_QUOTED}|[^,"])+', re.DOTALL)
_IN_QUOTES = lazy_pattern(r'"([^"\\]*+(?:\\.[^"\\]*+)*)"?', re.DOTALL)
_ESCAPED = lazy_pattern(r"\\(.)", re.DOTALL)
_KEY = lazy_pattern(r"(?P<sign>-?)(?P<key>[A-Za-z_]+):")
_BARE = lazy_pattern(r'[^\s",:=-][^\s",:]*+')

_EARLIEST_MS, _LATEST_MS = 0, 253_402_300_800_000


MAX_TERMS = 2_000
"""Terms that a filter may have: SQLite takes no longer statement."""


class FilterProblem(UsageProblem):
    """A word of a filter that cannot be understood."""


class Key(StrEnum):
    """What a word of a filter looks at."""

    STATUS = "status"
    TAG = "tag"
    NAME = "name"
    USER = "user"
    SINCE = "since"
    UNTIL = "until"
    MARKED = "marked"
    TEXT = "text"


_EXAMPLES: dict[Key, tuple[str, ...]] = {
    Key.STATUS: tuple(status.value for status in Status),
    Key.SINCE: ("10m", "2h", "1d", "7d", "today"),
    Key.UNTIL: ("10m", "2h", "1d", "7d", "today"),
    Key.MARKED: ("yes", "no"),
}


class Term(Struct, frozen=True):
    """One thing asked of an execution.

    Attributes:
        value: a status; `yes` or `no`; an age such as `2h`, or a date; else a text.
        exact: the text is the whole of what is looked at; else a part of it, in any case.
        negated: what it says must not hold.
    """

    key: Key
    value: str
    exact: bool = False
    negated: bool = False

    def moment_ms(self, now_ms: int) -> int:
        """The moment that `since` and `until` name, in milliseconds since the epoch.

        Raises:
            ValueError: the value names none.
        """
        return _moment_ms(self.value, now_ms)


class Filter(Struct, frozen=True):
    """Which executions to list: those of which every term holds.

    Terms of one key are alternatives, but for texts and for those that are negated: of these
    each must hold. Without terms all executions pass.
    """

    terms: tuple[Term, ...] = ()

    @property
    def is_relative(self) -> bool:
        """Whether what passes changes as time goes by."""
        return any(term.key in (Key.SINCE, Key.UNTIL) for term in self.terms)


ALL = Filter()
"""Lets all pass."""


def parse_filter(text: str) -> Filter:
    """Reads words with blanks between them.

    Raises:
        FilterProblem: a word that cannot be understood.
    """
    return parse_words(match[0] for match in _WORD.finditer(text))


def parse_words(words: Iterable[str]) -> Filter:
    """Reads words that were split already, as a shell does it.

    Raises:
        FilterProblem: a word that cannot be understood.
    """
    terms = dict.fromkeys(term for word in words for term in _terms(word))
    if len(terms) > MAX_TERMS:
        raise FilterProblem(f"a filter takes at most {MAX_TERMS:,} words, not {len(terms):,}")
    return Filter(tuple(terms))


def filter_text(wanted: Filter) -> str:
    """The words that say this, with quotes where they are needed."""
    return " ".join(map(_word_of, wanted.terms))


def _word_of(term: Term) -> str:
    sign = "-" if term.negated else ""
    if term.key is Key.TEXT and not term.exact:
        return sign + _in_quotes(term.value)
    return f"{sign}{term.key}:{'=' if term.exact else ''}{_in_quotes(term.value)}"


def _in_quotes(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _terms(word: str) -> Iterator[Term]:
    match = _KEY.match(word)
    if match is None:
        negated = len(word) > 1 and word.startswith("-")
        text = _without_quotes(word[negated:])
        if text:
            yield Term(Key.TEXT, text, negated=negated)
        return
    key = _key(match["key"])
    alternatives = _ALTERNATIVE.findall(word[match.end() :])
    if not alternatives:
        raise FilterProblem(f"{key}: what? for example {key}:{_example(key)}")
    for alternative in alternatives:
        exact = alternative.startswith("=")
        value = _without_quotes(alternative[exact:])
        for known in _values(key, value):
            yield Term(
                key, known, exact=exact and key not in _EXAMPLES, negated=bool(match["sign"])
            )


def _key(text: str) -> Key:
    try:
        return Key(text.lower())
    except ValueError:
        known = ", ".join(Key)
        raise FilterProblem(
            f"there is no {text}: to filter by ({known}); in quotes it is a text"
        ) from None


def _example(key: Key) -> str:
    return _EXAMPLES[key][1] if key in _EXAMPLES else {Key.TAG: "nightly"}.get(key, "deploy")


def _without_quotes(text: str) -> str:
    return _IN_QUOTES.sub(lambda match: _ESCAPED.sub(r"\1", match[1]), text)


def _values(key: Key, value: str) -> Sequence[str]:
    """What a value means: a beginning of several statuses is all of them."""
    if key in (Key.SINCE, Key.UNTIL):
        return (_checked_moment(key, value),)
    if key not in _EXAMPLES:
        return (value,) if value else ()
    wanted = value.lower().replace(" ", "_").replace("-", "_")
    known = [word for word in _EXAMPLES[key] if word.startswith(wanted)]
    if not known or not wanted:
        raise FilterProblem(f"no {key} is called {value!r}: {', '.join(_EXAMPLES[key])}")
    return (wanted,) if wanted in known else known


def _checked_moment(key: Key, value: str) -> str:
    try:
        _moment_ms(value, 0)
    except ValueError:
        raise FilterProblem(
            f"{key}: takes an age such as 10m, 2h, 7d, or a date such as 2026-01-31"
        ) from None
    return value.lower() if not value[:1].isdigit() else value


def _moment_ms(value: str, now_ms: int) -> int:
    if value.lower() in ("today", "yesterday"):
        moment = _midnight_ms(now_ms, days_ago=int(value.lower() == "yesterday"))
    elif "-" in value:
        moment = _date_ms(value)
    else:
        moment = now_ms - round(min(parse_duration(value), 1e12) * 1000)
    return max(_EARLIEST_MS, min(moment, _LATEST_MS))


def _midnight_ms(now_ms: int, *, days_ago: int) -> int:
    return wall_ms(now_ms, days=-days_ago)


def _date_ms(value: str) -> int:
    try:
        return round(datetime.fromisoformat(value).timestamp() * 1000)
    except (OverflowError, OSError) as error:
        raise ValueError(str(error)) from error


class Completion(Struct, frozen=True):
    """What may stand in a part of a text.

    Attributes:
        start, stop: the part, as offsets.
        candidates: what may stand there, the likeliest first.
    """

    start: int
    stop: int
    candidates: tuple[str, ...]

    def apply(self, text: str, choice: int) -> tuple[str, int]:
        """The text with a candidate in its place, and where the cursor then stands."""
        candidate = self.candidates[choice % len(self.candidates)]
        return text[: self.start] + candidate + text[self.stop :], self.start + len(candidate)


def complete(text: str, cursor: int, known: Mapping[Key, Sequence[str]]) -> Completion:
    """What may stand at the cursor: a key, or a value of the key before it.

    Args:
        text: the whole filter.
        cursor: an offset in it.
        known: tags, names and users that there are.
    """
    word, start = _word_before(text, cursor)
    match = _KEY.match(word)
    if match is None:
        sign = word[:1] if word.startswith("-") else ""
        typed = word[len(sign) :].lower()
        keys = [f"{key}:" for key in Key if key is not Key.TEXT and key.value.startswith(typed)]
        return Completion(start + len(sign), cursor, tuple(keys))
    try:
        key = _key(match["key"])
    except FilterProblem:
        return Completion(cursor, cursor, ())
    begin = match.end()
    for alternative in _ALTERNATIVE.finditer(word, begin):
        begin = alternative.start()
    if word.endswith(","):
        begin = len(word)
    begin += word.startswith("=", begin)
    values = _EXAMPLES.get(key) or known.get(key, ())
    return Completion(start + begin, cursor, _beginning_with(word[begin:], values))


def parse_typed(text: str, known: Mapping[Key, Sequence[str]]) -> Filter:
    """Reads a filter that is being typed: a last word that may become a key says nothing yet.

    Neither does one that cannot be understood yet, but begins like something that is known.

    Raises:
        FilterProblem: a word that cannot be understood, and will not be.
    """
    word, start = _word_before(text, len(text))
    may_be_key = word.removeprefix("-").lower()
    if may_be_key and any(key.value.startswith(may_be_key) for key in Key):
        return parse_filter(text[:start])
    try:
        return parse_filter(text)
    except FilterProblem:
        if not complete(text, len(text), known).candidates:
            raise
        return parse_filter(text[:start])


def _word_before(text: str, cursor: int) -> tuple[str, int]:
    """The part of a word from its beginning to the cursor, and where it begins."""
    for match in _WORD.finditer(text, 0, cursor):
        if match.end() == cursor:
            return match[0], match.start()
    return "", cursor


def _beginning_with(typed: str, values: Sequence[str]) -> tuple[str, ...]:
    """Values that begin with what was typed, then those that hold it, in any case."""
    wanted = _without_quotes(typed).lower()
    first = [value for value in values if value.lower().startswith(wanted)]
    others = [value for value in values if wanted in value.lower() and value not in first]
    return tuple(_in_quotes(value) for value in (*first, *others))
