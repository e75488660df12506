"""`scripts/bench`: runs sections and reports their figures."""

from __future__ import annotations

import argparse
import importlib
import json
import pkgutil
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import document, report, sections
from benchmarks.figure import Figure
from benchmarks.machine import machine
from benchmarks.section import SECTIONS
from benchmarks.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.section import Section


def main() -> int:
    """Run what was asked for; 1 if a figure is out of its bounds or a section failed."""
    load_sections()
    options = _options()
    if options.list:
        for name, found in sorted(SECTIONS.items()):
            print(f"{name:14} {found.about}")
        return 0
    wanted = [SECTIONS[name] for name in options.sections or sorted(SECTIONS)]
    figures = {found.name: list(_run(found, quick=options.quick)) for found in wanted}
    told = {"machine": machine(), "quick": options.quick, "sections": report.as_json(figures)}
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if options.write:
        document.write(options.write, figures, quick=options.quick)
    missed = [figure for found in figures.values() for figure in found if figure.passed is False]
    print(f"\n{len(missed)} missed" if missed else "\nall in bounds")
    return 1 if missed else 0


def load_sections() -> None:
    """Import every module of sections: each makes itself known."""
    for module in pkgutil.iter_modules(sections.__path__):
        importlib.import_module(f"benchmarks.sections.{module.name}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[[], *SECTIONS])
    parser.add_argument("--list", action="store_true", help="name the sections")
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything there")
    parser.add_argument("--write", type=Path, metavar="DIRECTORY", help="write BENCHMARKS.md there")
    return parser.parse_args()


def _run(found: Section, *, quick: bool) -> Iterator[Figure]:
    began = time.monotonic()
    print(f"\n{found.name}: {found.about}", flush=True)
    figures: list[Figure] = []
    try:
        with Workshop(quick, say=_progress) as workshop:
            for figure in found.measure(workshop):
                figures.append(figure)
                _progress(figure.name)
    except Exception:  # noqa: BLE001 - the other sections are worth having all the same
        traceback.print_exc()
        figures.append(Figure("the section failed", 1.0, "", most=0.0))
    _progress("")
    print(report.text_table(figures))
    print(f"{time.monotonic() - began:.0f} s", flush=True)
    yield from figures


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text[:70]}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
