"""What a program wrote to a terminal, taken apart without any tolerance."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What no text on a terminal may hold, once known sequences and carriage returns are gone."""

_SEQUENCE = re.compile(
    r"(?P<colour>\x1b\[[0-9;:]*m)"
    r"|(?P<place>\x1b\[[0-9]+;[0-9]+H)"
    r"|\x1b\[[0-?]*[ -/]*[@-~]"
    r"|\x1b[PX\]^_][^\x07\x1b]*(?:\x07|\x1b\\|$|(?=\x1b))"
    r"|\x1b[ -/]*[0-~]?"
)
COLOUR, PLACE = "a colour", "a place"


@dataclass(frozen=True, slots=True)
class Output:
    """The parts of an output.

    Attributes:
        text: all that is in no sequence, carriage returns left out.
        sequences: how often each sequence stands in it; colours and cursor positions are counted
            together, each other sequence as it is.
    """

    text: str
    sequences: Counter[str]

    @property
    def forbidden(self) -> list[str]:
        """What must not stand in the text, each with some text around it."""
        return [
            self.text[max(0, match.start() - 20) : match.end() + 20]
            for match in FORBIDDEN.finditer(self.text)
        ]


def take_apart(data: bytes) -> Output:
    """The parts of what was written.

    Raises:
        UnicodeDecodeError: a byte of it is no UTF-8, such as a C1 control.
    """
    written = data.decode()
    sequences = Counter(map(_shape, _SEQUENCE.finditer(written)))
    return Output(_SEQUENCE.sub("", written).replace("\r", ""), sequences)


def _shape(match: re.Match[str]) -> str:
    if match["colour"]:
        return COLOUR
    return PLACE if match["place"] else match[0]
