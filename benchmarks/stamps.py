"""Lines that carry the time of their printing, and how late they are seen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.workshop import Workshop

_STAMP = re.compile(r"tick (\d{7}) at (\d{19}) check (\d{4})")
_MODULUS = 9973


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a line says of itself.

    Attributes:
        number: counted from 0 by the program that printed it.
        printed_ns: on the monotonic clock, which all processes share.
    """

    number: int
    printed_ns: int

    @property
    def line(self) -> str:
        """As `ticker` prints it, without the newline."""
        check = (self.printed_ns + self.number) % _MODULUS
        return f"tick {self.number:07} at {self.printed_ns:019} check {check:04}"


def build(workshop: Workshop) -> Path:
    """Compile the program that prints them; its arguments: a file to live by, lines per second.

    Raises:
        FileNotFoundError: there is no C compiler.
    """
    return workshop.compiled("ticker")


def find(text: str) -> Iterator[Stamp]:
    """The stamps in a text, but for one that was half written over by another."""
    for number, printed_ns, check in _STAMP.findall(text):
        if (int(printed_ns) + int(number)) % _MODULUS == int(check):
            yield Stamp(int(number), int(printed_ns))


class Arrivals:
    """When lines that were printed in some stretch of time were first seen."""

    def __init__(self, since_ns: int, until_ns: int) -> None:
        self._since_ns = since_ns
        self._until_ns = until_ns
        self._delays_ms: dict[Stamp, float] = {}

    def note(self, text: str, seen_ns: int) -> None:
        """This text is seen at this moment."""
        for stamp in find(text):
            if self._since_ns <= stamp.printed_ns < self._until_ns:
                self._delays_ms.setdefault(stamp, (seen_ns - stamp.printed_ns) / 1e6)

    @property
    def delays_ms(self) -> list[float]:
        """From printing to being seen, one for each line."""
        return list(self._delays_ms.values())
