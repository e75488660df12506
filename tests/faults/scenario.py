"""Scenarios: a fault, what must hold after it, and how often it is tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import lateness
from tests.faults.driver import Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.faults.driver import Tally


@dataclass(frozen=True, slots=True)
class Scenario:
    """One fault, applied in trials with a seed and a house of their own.

    Attributes:
        fault: what is done, for the table.
        passes: what must hold, for the table.
        play: does it, given a trial and the figures of the form.
        quick, full: the figures of both forms; `rounds` is how many trials there are.
    """

    name: str
    fault: str
    passes: str
    play: Callable[..., None]
    quick: Mapping[str, Any]
    full: Mapping[str, Any]

    def seeds(self, seed: int, *, full: bool) -> Iterator[int]:
        """The seed of each round."""
        figures = self.full if full else self.quick
        return iter(range(seed, seed + figures.get("rounds", 1)))

    def round(self, seed: int, root: Path, *, full: bool) -> Tally:
        """Play one trial in the new directory `root`."""
        figures = {**(self.full if full else self.quick)}
        figures.pop("rounds", None)
        root.mkdir()
        with Trial(root, seed) as trial:
            self.play(trial, **figures)
        return trial.tally


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    *, fault: str, passes: str, quick: Mapping[str, Any], full: Mapping[str, Any]
) -> Callable[[Callable[..., None]], Callable[[Path], None]]:
    """Makes a test of a function that plays a scenario: its short form, run by pytest.

    The name of the scenario is that of the function.
    """

    def register(play: Callable[..., None]) -> Callable[[Path], None]:
        name = play.__name__.removeprefix("test_").replace("_", "-")
        found = Scenario(name, fault, passes, play, quick, full)
        SCENARIOS[name] = found

        def test(tmp_path: Path) -> None:
            for seed in found.seeds(lateness.seed(), full=False):
                print(f"SEED={seed}")  # noqa: T201 - shown with a failure, to run it again
                tally = found.round(seed, tmp_path / str(seed), full=False)
                assert not tally.failures, "\n".join(tally.failures)
                if tally.late:
                    raise lateness.Late("; ".join(tally.late))

        test.__name__, test.__module__, test.__doc__ = play.__name__, play.__module__, fault
        return test

    return register
