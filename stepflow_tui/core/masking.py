"""Hiding secrets in a stream of output before any of it is stored.

Best effort, and no more: a secret is found as it is, line by line, and in the encodings of `_forms`
(base64, URL, JSON, shell). Whatever else a script makes of it (hexadecimal, compressed, reversed,
one character per line), and what it prints before the secret is known, stays visible.

What is hidden depends on the stream alone, never on how it is cut into chunks: every byte that
belongs to an occurrence is hidden, overlapping ones too, and each point up to which text came out
is one where a new masker can go on without knowing anything of the old one but its masks.
"""

from __future__ import annotations

import json
import re
import sys
from binascii import b2a_base64
from bisect import bisect_right
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, pairwise
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from stepflow_tui.core.errors import StepflowError
from stepflow_tui.core.lazy_pattern import lazy_pattern
from stepflow_tui.core.markers import MAX_LINE, Meta, parse_line
from stepflow_tui.core.text import clean, clean_path
from stepflow_tui.core.visible import raw_parts, visible_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STARS = b"***"
"""What stands in place of a secret, once for each of its lines."""

MIN_MASK = 4
"""A shorter secret, in characters, would hide half of the log and is refused."""

MAX_MASK = 64 * 1024
"""A longer secret, in bytes, is refused."""

MAX_MASKS = 1000
"""Masks that one masker takes."""

MAX_MASKS_BYTES = 1024 * 1024
"""Bytes of all masks that one masker takes."""

MAX_LEAD = 1024
"""Bytes that may stand on its line before `::add-mask::`."""

_BEFORE = MAX_LEAD + 1  # bytes that tell whether this is the start of a line
_DIRECTIVE = b"::add-mask::"
_MASK_LINE = lazy_pattern(rb"::add-mask::([^\n]{0,%d}+)(\n?)" % (MAX_LINE - len(_DIRECTIVE)))
_BEGUN_DIRECTIVES = tuple(_DIRECTIVE[:size] for size in range(len(_DIRECTIVE) - 1, 0, -1))
_COLOUR = lazy_pattern(rb"\x1b\[[0-9;:]*+m|\x1b\(B")
_OTHER_ROW = lazy_pattern(rb"\x1b(?:E|\[[0-9;]*+[EFHf])")
"""Goes to the beginning of another row, or to any place of the screen."""

_ESCAPED = lazy_pattern("%(25|0[AaDd])")
_TOO_LONG = "a line ::add-mask:: of more than 64 KB hides nothing, and it is in the log"

# Longer patterns are cut: so little is held back, and a part of a long secret is hidden as well.
_PIECE = 1024
_MIN_BASE64 = 6
_BASE64_WIDTHS = (64, 76)  # openssl and PEM; base64(1) and MIME
_URL_SAFE = str.maketrans("+/", "-_")
_JSON_IN_HTML = str.maketrans({"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"})

_WORD = 4
_MIN_INDEXED = 2 * _WORD - 1  # wherever such a pattern stands, it covers a whole aligned word
_FEW = 50  # patterns that are looked for faster one by one
_NOWHERE = (sys.maxsize, sys.maxsize)


class MaskRefused(StepflowError):
    """A secret that cannot be hidden; the sentence says why, without the secret."""


@dataclass(frozen=True, slots=True)
class Masked:
    """What came out of a masker.

    Attributes:
        text: may be stored.
        consumed: bytes of the stream that `text` stands for, those held back earlier included.
        added: masks that the script has asked for and that were not known before.
        warnings: why others are not hidden, in sentences without the secret.
    """

    text: bytes
    consumed: int
    added: tuple[str, ...] = field(default=(), repr=False)
    warnings: tuple[str, ...] = ()


class Masker:
    """Replaces secrets in a stream of bytes, wherever its chunks are cut.

    Learns more of them from lines `::add-mask::VALUE`, which may stand after the same things as a
    marker. Such a line comes out empty, or with what stood before: its newline is kept, as the
    beginning of the line may be stored already. So text and stream have the same lines.
    """

    def __init__(self, masks: Iterable[str] = (), *, partial: bytes = b"") -> None:
        """Starts anew, or goes on in the middle of a stream.

        Args:
            masks: the secrets to hide.
            partial: all text after the last newline; it tells whether a mask line can begin here.

        Raises:
            MaskRefused: one of the masks is too short or too long, or there are too many.
        """
        self._masks: set[str] = set()
        self._size = 0
        self._patterns = _Patterns()
        self._before = partial[-_BEFORE:]
        self._held = b""
        for mask in masks:
            self.add(mask)

    @property
    def held(self) -> int:
        """Bytes that were fed and did not come out yet."""
        return len(self._held)

    @property
    def has_masks(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._masks)

    def add(self, secret: str) -> bool:
        """Hides a secret from here on; blanks around it do not belong to it.

        Returns:
            Whether it is a new one.

        Raises:
            MaskRefused: it is too short or too long, or there are too many.
        """
        mask = secret.strip()
        if mask in self._masks:
            return False
        size = _checked_size(mask)
        if len(self._masks) >= MAX_MASKS or self._size + size > MAX_MASKS_BYTES:
            raise MaskRefused(f"an execution may have at most {MAX_MASKS} masks, 1 MB in all")
        self._masks.add(mask)
        self._size += size
        self._patterns.add({_encoded(piece) for form in _forms(mask) for piece in _pieces(form)})
        return True

    def feed(self, data: bytes, *, final: bool = False) -> Masked:
        """Takes the next chunk and returns what can be stored now.

        Held back is the longest end that may be the beginning of a secret, a secret that overlaps
        this end, and a mask line that is not ended yet.

        Args:
            data: follows directly after what was fed before.
            final: nothing will follow, so nothing is held back.
        """
        raw = self._held + data
        texts: list[bytes] = []
        added: list[str] = []
        warnings: list[str] = []
        position, end = 0, len(raw) if final else self._begun_directive(raw)
        for line in self._mask_lines(raw):
            if not line[2] and line.end() < len(raw):
                warnings.append(_TOO_LONG)
            elif not line[2] and not final:
                end = line.start()
            else:
                texts += (self.mask(raw[position : line.start()]), line[2])
                position = line.end()
                self._learn(line[1], added, warnings)
        rest = raw[position:end]
        settled = len(rest) if final else self._patterns.settled(rest)
        text, size = self._patterns.mask(rest, settled)
        self._settle(raw, position + size)
        return Masked(b"".join([*texts, text]), position + size, tuple(added), tuple(warnings))

    def mask(self, data: bytes) -> bytes:
        """The bytes, which are whole, without secrets; mask lines mean nothing here."""
        return self._patterns.mask(data, len(data))[0]

    def mask_text(self, text: str) -> str:
        """A whole text, such as a name or a command, without secrets."""
        if not self._masks:
            return text
        return self.mask(_encoded(text)).decode("utf-8", "surrogateescape")

    def _settle(self, raw: bytes, consumed: int) -> None:
        before = self._before + raw[max(0, consumed - _BEFORE) : consumed]
        self._before = before[-_BEFORE:]
        self._held = raw[consumed:]

    def _mask_lines(self, raw: bytes) -> Iterator[re.Match[bytes]]:
        """Each match's first group is the value, the second the newline, if there is one."""
        if b":" in raw and _DIRECTIVE in raw:  # many times faster than the expression
            for match in _MASK_LINE.finditer(raw):
                if self._is_line_start(raw, match.start()):
                    yield match

    def _begun_directive(self, raw: bytes) -> int:
        """Where the end may be the beginning of a mask line; else the end itself."""
        if raw.endswith(_BEGUN_DIRECTIVES):
            begun = next(begun for begun in _BEGUN_DIRECTIVES if raw.endswith(begun))
            start = len(raw) - len(begun)
            if self._is_line_start(raw, start):
                return start
        return len(raw)

    def _is_line_start(self, raw: bytes, position: int) -> bool:
        """Whether a marker could stand here: at the start of the line or after a known prefix."""
        first = max(0, position - _BEFORE)
        lead = raw[first:position] if first else self._before + raw[:position]
        lead = lead[lead.rfind(b"\n") + 1 :]
        if len(lead) <= MAX_LEAD and _may_stand_behind(lead):
            return True
        part = _parts(lead)[-1]  # wherever it begins anew, whether or not that stays visible
        return len(part) <= MAX_LEAD and part != lead and _may_stand_behind(part)

    def _learn(self, line: bytes, added: list[str], warnings: list[str]) -> None:
        for mask in dict.fromkeys(_asked_for(line)):
            try:
                if self.add(mask):
                    added.append(mask)
            except MaskRefused as reason:
                warnings.append(f"a line ::add-mask:: hides nothing: {reason}")


def _parts(line: bytes) -> list[bytes]:
    """The raw parts of a line, cut where another row begins, too; together they are the line."""
    found = []
    for part in raw_parts(line):
        cuts = [0, *(move.end() for move in _OTHER_ROW.finditer(part)), len(part)]
        found += [part[start:end] for start, end in pairwise(cuts)]
    return found


def _may_stand_behind(lead: bytes) -> bool:
    marker = parse_line(lead + b"META:?:a")  # something of the lead may be left behind it
    return isinstance(marker, Meta) and marker.key == "?" and marker.value.startswith("a")


def _asked_for(line: bytes) -> Iterator[str]:
    """The secrets that stand behind `::add-mask::`, in all the ways in which they may be meant."""
    value = _COLOUR.sub(b"", line).decode("utf-8", "surrogateescape").strip()
    # As it is, too: a script that knows nothing of escapes may print a secret with a percent.
    yield from (_unescaped(value).strip(), value)
    if value.isprintable():
        return
    shown = clean(visible_rows(_DIRECTIVE + line)[0]).partition(_DIRECTIVE.decode())[2].strip()
    if len(shown) >= MIN_MASK and "\ufffd" not in shown:
        yield from (_unescaped(shown).strip(), shown)
    first, *others = _parts(line)
    for part in (first, *(part for part in others if _DIRECTIVE in part)):
        lead, _, rest = part.rpartition(_DIRECTIVE)
        text = clean_path(rest.decode("utf-8", "surrogateescape")).strip()
        if len(text) >= MIN_MASK and (part is first or _may_stand_behind(lead)):
            yield from (_unescaped(text).strip(), text)


class _Patterns:
    """The byte strings to hide, all of at least `MIN_MASK` bytes."""

    def __init__(self) -> None:
        self._sorted: list[bytes] = []
        self._short: list[bytes] = []
        self._by_word: dict[int, list[bytes]] = {}
        self._heads: dict[int, bytes] = {}
        self._longest = 0

    def add(self, patterns: set[bytes]) -> None:
        """Hides these as well."""
        new = patterns.difference(self._sorted)
        self._sorted = sorted([*self._sorted, *new])
        self._longest = max([self._longest, *map(len, new)])
        for pattern in new:
            self._heads[_number(pattern[:_WORD])] = pattern[:_WORD]
            if len(pattern) < _MIN_INDEXED:
                self._short.append(pattern)
            else:
                for word in {pattern[start : start + _WORD] for start in range(_WORD)}:
                    self._by_word.setdefault(_number(word), []).append(pattern)

    def settled(self, text: bytes) -> int:
        """Where the longest end of the text starts that a pattern begins with; else its end."""
        size = len(text)
        if not self._sorted:
            return size
        first = max(0, size - self._longest + 1)
        for start in self._begun(text[first:]):
            if self._may_become(text[first + start :]):
                return first + start
        return size

    def _begun(self, text: bytes) -> list[int]:
        """In order, the places where a head of a pattern is, and where one may begin."""
        words = chain.from_iterable(_words(text[shift:]) for shift in range(_WORD))
        heads = [self._heads[word] for word in self._heads.keys() & words]
        places = [start for head in heads for start, _ in _places(text, head)]
        size = len(text)
        return sorted([*places, *range(max(0, size - _WORD + 1), size)])

    def _may_become(self, end: bytes) -> bool:
        """Whether a pattern begins with this and is longer."""
        place = bisect_right(self._sorted, end)
        return place < len(self._sorted) and self._sorted[place].startswith(end)

    def mask(self, text: bytes, settled: int) -> tuple[bytes, int]:
        """Masks the text as far as it is settled.

        Args:
            text: has no occurrence across its start.
            settled: all occurrences that begin before this point are in the text.

        Returns:
            The masked text, and the bytes that it stands for: up to `settled`, or up to the
            occurrence that overlaps this point.
        """
        if not self._sorted:
            return text[:settled], settled
        pieces: list[bytes] = []
        position = 0
        for start, end, reach in _hidden(self._occurrences(text)):
            if reach > settled:
                settled = min(start, settled)
                break
            lines = text.count(b"\n", start, end) + 1
            pieces += (text[position:start], b"\n".join([STARS] * lines))
            position = end
        if not pieces:
            return text[:settled], settled
        pieces.append(text[position:settled])
        return b"".join(pieces), settled

    def _occurrences(self, text: bytes) -> Iterator[tuple[int, int]]:
        """Starts and ends in order, overlapping ones too, and of those at one start the longest."""
        found = merge(*(_places(text, pattern) for pattern in self._candidates(text)))
        return ((start, -end) for start, end in found)

    def _candidates(self, text: bytes) -> Iterable[bytes]:
        """All patterns that may be in the text, and few that are not."""
        if len(self._sorted) <= _FEW:
            return [pattern for pattern in self._sorted if pattern in text]
        found = (self._by_word[word] for word in self._by_word.keys() & _words(text))
        return set(self._short).union(*found)


def _words(text: bytes) -> memoryview[int]:
    """Each four bytes as a number: many of them are looked up faster than many patterns."""
    return memoryview(text)[: len(text) // _WORD * _WORD].cast("I")


def _number(word: bytes) -> int:
    return int.from_bytes(word, sys.byteorder)


def _places(text: bytes, pattern: bytes) -> Iterator[tuple[int, int]]:
    """Starts and negative ends of one pattern, so that a longer one sorts before a shorter one."""
    start = text.find(pattern)
    while start >= 0:
        yield start, -start - len(pattern)
        start = text.find(pattern, start + 1)


def _hidden(occurrences: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int, int]]:
    """What to replace: from where, up to where, and the end of the occurrence that begins there.

    Goes on at the end of each occurrence; or, if others overlap it there, at the start of the one
    that reaches furthest. So what follows from each of these points does not depend on how it was
    reached.
    """
    current = next(occurrences, None)
    if current is None:
        return
    follower: tuple[int, int] | None = None
    for place in chain(occurrences, [_NOWHERE]):
        while place[0] >= current[1]:  # nothing more overlaps the current one
            yield current[0], follower[0] if follower else current[1], current[1]
            if follower is None:
                current = place
                break
            current, follower = follower, None
        else:
            if place[1] > (follower or current)[1]:
                follower = place


def _checked_size(mask: str) -> int:
    if len(mask) < MIN_MASK:
        raise MaskRefused(f"a mask needs at least {MIN_MASK} characters")
    try:
        size = len(_encoded(mask))
    except UnicodeEncodeError:
        raise MaskRefused("a mask must be text") from None
    if size > MAX_MASK:
        raise MaskRefused("a mask may have at most 64 KB")
    return size


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _unescaped(text: str) -> str:
    """Decodes what GitHub's runner decodes in commands, and nothing else."""
    return _ESCAPED.sub(lambda escape: chr(int(escape[1], 16)), text)


def _pieces(form: str) -> Iterator[str]:
    """The form, cut if it is long; the last piece is as long as the others."""
    yield from (form[start : start + _PIECE] for start in range(0, len(form) - _PIECE, _PIECE))
    yield form[-_PIECE:]


def _forms(mask: str) -> Iterator[str]:
    """The mask in all the forms in which it is looked for."""
    yield mask
    lines = (line.strip() for line in re.split(r"[\r\n]", mask))
    yield from (line for line in lines if len(line) >= MIN_MASK)
    yield from _base64_forms(_encoded(mask))
    yield from _url_forms(_encoded(mask))
    yield from _json_forms(mask)
    yield from _shell_forms(mask)


def _base64_forms(mask: bytes) -> Iterator[str]:
    """Of a longer text's base64, the characters in which nothing but the mask is encoded."""
    cores = []
    for shift in range(3):
        text = b2a_base64(bytes(shift) + mask, newline=False).decode("ascii")
        cores.append(text[-(-8 * shift // 6) : 8 * (shift + len(mask)) // 6])
    for width in _BASE64_WIDTHS:
        cores += (cores[0][start : start + width] for start in range(0, len(cores[0]), width))
    for core in cores:
        if len(core) >= _MIN_BASE64:
            yield core
            yield core.translate(_URL_SAFE)


def _url_forms(mask: bytes) -> Iterator[str]:
    """Differ in what is quoted (the third is JavaScript's), and in the case of the digits."""
    for form in (quote(mask), quote(mask, safe=""), quote(mask, safe="!'()*"), quote_plus(mask)):
        yield form
        yield re.sub("%..", lambda escape: escape[0].lower(), form)


def _json_forms(mask: str) -> Iterator[str]:
    """Differ in what is escaped: all but ASCII, only what must be, and as Go and PHP do it."""
    escaped, plain = (json.dumps(mask, ensure_ascii=ascii_)[1:-1] for ascii_ in (True, False))
    yield escaped
    yield plain
    yield plain.translate(_JSON_IN_HTML)
    yield escaped.replace("/", r"\/")


def _shell_forms(mask: str) -> Iterator[str]:
    """In single quotes (by Python and by bash), in double ones, in none; in `$'...'` and repr."""
    yield mask.replace("'", "'\"'\"'")
    yield mask.replace("'", r"'\''")
    yield re.sub(r'([$`"\\])', r"\\\1", mask)
    yield re.sub(r"([^\w@%+=:,./-])", r"\\\1", mask)
    yield repr("\"'" + mask)[4:-1]  # so that repr has to escape single quotes
