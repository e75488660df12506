"""Paths in front of people: as they are where that tells all, else quoted as a shell reads them.

A path is bytes; in Python it is text in which a lone half of a surrogate pair stands for each byte
that is no UTF-8, as `os.fsdecode` makes it.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from stepflow_tui.core.text import clean_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_ESCAPES = {
    "\a": r"\a",
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\v": r"\v",
    "\f": r"\f",
    "\r": r"\r",
    "\x1b": r"\e",
    "\\": r"\\",
    "'": r"\'",
}
_LAST_ASCII, _FIRST_BYTE, _LAST_BYTE, _LAST_SHORT = 0x7F, 0xDC80, 0xDCFF, 0xFFFF


def shown_path(path: str) -> str:
    r"""The path for one cell or label; no two paths look the same.

    One of printable characters stays as it is. Another is quoted as bash, zsh and ksh read it:
    `$'caf\351'` for one with the byte E9, `' a'` for one that begins with a blank.
    """
    if not path.isprintable():
        return _quoted(path)
    is_plain = path == path.strip() and not path.startswith(("'", "$'"))
    return path if is_plain else shlex.quote(path)


def with_shown_bytes(text: str) -> str:
    """A sentence in which each byte that is no UTF-8 is written as in `shown_path`."""
    if text.isascii():
        return text
    return "".join(_escaped(one) if _is_byte(one) else one for one in text)


def _is_byte(character: str) -> bool:
    return _FIRST_BYTE <= ord(character) <= _LAST_BYTE


def shown_command(words: Sequence[str], *, lines: bool = False) -> str:
    """A command as one would type it; nothing of it is left out.

    It is one line, unless the line ends and tabs in its words may stay as they are (`lines`).
    """
    return " ".join(_shown_word(word, lines=lines) for word in words)


def _shown_word(word: str, *, lines: bool) -> str:
    is_plain = _on_one_line(word).isprintable() if lines else word.isprintable()
    return shlex.quote(word) if is_plain else _quoted(word)


def _on_one_line(text: str) -> str:
    return text.replace("\n", " ").replace("\t", " ")


def shown_shell(text: str) -> str:
    """A string for the shell on one line; nothing of it is left out but line ends and tabs."""
    if _on_one_line(text).isprintable():
        return clean_line(text)
    return _quoted(text)


def _quoted(text: str) -> str:
    return f"$'{''.join(map(_escaped, text))}'"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if _is_byte(character):
        return f"\\{code - 0xDC00:03o}"
    if code <= _LAST_ASCII:
        return f"\\{code:03o}"
    return f"\\u{code:04x}" if code <= _LAST_SHORT else f"\\U{code:08x}"
