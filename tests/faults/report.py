"""Runs scenarios one after the other and puts what came of them into a table: `scripts/faults`."""

from __future__ import annotations

import argparse
import importlib
import random
import shutil
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.driver import Tally
from tests.faults.scenario import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.faults.scenario import Scenario

HERE = Path(__file__).parent


@dataclass(slots=True)
class Row:
    """What a scenario came to.

    Attributes:
        skipped: why it could not be played here.
        seconds: how long it took.
    """

    scenario: Scenario
    tally: Tally = field(default_factory=Tally)
    skipped: str | None = None
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """The outcome in a word."""
        if self.tally.failures or self.tally.late:
            return "FAILED"
        return "skipped" if self.skipped else "passed"

    def figures(self) -> str:
        """What was counted and measured."""
        counts = [f"{count:,} {name}" for name, count in sorted(self.tally.counts.items())]
        most = [f"{figure:.3g} {name}" for name, figure in sorted(self.tally.most.items())]
        return self.skipped or "; ".join([*counts, *most])


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what the command line asks for; 1 if anything failed."""
    options = _options(arguments)
    load()
    if options.list:
        print("\n".join(f"{name:28} {found.fault}" for name, found in SCENARIOS.items()))
        return 0
    seed = random.SystemRandom().randrange(2**32) if options.seed is None else options.seed
    form = "full" if options.full else "quick"
    print(f"{form} form, seed {seed}", flush=True)
    rows = []
    for name in options.scenarios or SCENARIOS:
        rows.append(play(SCENARIOS[name], seed, full=options.full, rounds=options.rounds))
        if options.write:
            text = f"Seed {seed}, {form} form, {time.strftime('%Y-%m-%d')}.\n\n{table(rows)}\n"
            options.write.write_text(text, encoding="utf-8")
    print(f"\n{table(rows)}")
    return int(any(row.word == "FAILED" for row in rows))


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help="all, if none is named")
    parser.add_argument("--list", action="store_true", help="name the scenarios and leave")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--quick", action="store_true", help="the short form, a minute or three")
    form.add_argument("--full", action="store_true", help="the full figures, which take hours")
    parser.add_argument("--seed", type=int, help="of the first round; the next have the next ones")
    parser.add_argument("--rounds", type=int, help="how many rounds, such as 1 to play one again")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep the table as markdown")
    options = parser.parse_args(arguments)
    load()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown:
        parser.error(f"no such scenario: {', '.join(unknown)}; --list names them")
    return options


def load() -> None:
    """Import every module that has scenarios."""
    importlib.import_module("tests.faults.elsewhere")
    for path in sorted(HERE.glob("test_*.py")):
        if "@scenario(" in path.read_text(encoding="utf-8"):
            importlib.import_module(f"tests.faults.{path.stem}")


def play(found: Scenario, seed: int, *, full: bool, rounds: int | None) -> Row:
    """Play the rounds of a scenario, with a line that tells how far it is."""
    row = Row(found)
    began = time.monotonic()
    seeds = list(found.seeds(seed, full=full))[:rounds]
    for number, round_seed in enumerate(seeds, 1):
        _say(f"{found.name}: round {number} of {len(seeds)}, {row.tally.tries} tries so far")
        try:
            _play_round(row, round_seed, full=full)
        except pytest.skip.Exception as reason:
            row.skipped = str(reason)
            break
    row.seconds = time.monotonic() - began
    _say(f"{row.word:7} {found.name} ({row.seconds:.0f} s): {row.figures()}", last=True)
    return row


def _play_round(row: Row, seed: int, *, full: bool) -> None:
    base = Path(tempfile.mkdtemp(prefix="stepflow-faults-"))
    try:
        tally = row.scenario.round(seed, base / "house", full=full)
    except Exception:  # noqa: BLE001 - one that breaks must not end the others
        tally = Tally(failures=[traceback.format_exc()])
    row.tally.add(tally)
    failures = [*tally.failures, *(f"late: {sentence}" for sentence in tally.late)]
    if not failures:
        shutil.rmtree(base)
        return
    form = "--full" if full else "--quick"
    print(f"\nFAILED {row.scenario.name}; the house is kept in {base}; play it again with")
    print(f"  scripts/faults {row.scenario.name} {form} --rounds 1 --seed {seed}")
    print("\n".join(f"  {line}" for failure in failures for line in failure.splitlines()))
    sys.stdout.flush()


def _say(text: str, *, last: bool = False) -> None:
    if sys.stdout.isatty():
        print(f"\r\x1b[K{text[:200]}", end="\n" if last else "", flush=True)
    elif last:
        print(text, flush=True)


def table(rows: Iterable[Row]) -> str:
    """The rows as a table in markdown."""
    lines = [
        "| fault | tries | must hold | found | | time |",
        "|---|--:|---|---|---|--:|",
    ]
    for row in rows:
        cells = [
            f"{row.scenario.fault} (`{row.scenario.name}`)",
            f"{row.tally.tries:,}",
            row.scenario.passes,
            row.figures(),
            row.word,
            f"{row.seconds:,.0f} s",
        ]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
