"""The sections of the benchmark, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.figure import Figure
    from benchmarks.workshop import Workshop

    Measure = Callable[[Workshop], Iterator[Figure]]


@dataclass(frozen=True, slots=True)
class Section:
    """One question, and what measures the answer.

    Attributes:
        name: by which it is asked for.
        about: what it measures, for people.
        measure: yields figures, one after the other, as soon as each is known.
    """

    name: str
    about: str
    measure: Measure


SECTIONS: dict[str, Section] = {}


def section(name: str, about: str) -> Callable[[Measure], Measure]:
    """Makes a section of a function that measures."""

    def register(measure: Measure) -> Measure:
        SECTIONS[name] = Section(name, about, measure)
        return measure

    return register
