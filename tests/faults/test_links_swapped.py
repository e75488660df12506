"""A script that swaps files for symbolic links while they are collected as artifacts."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from stepflow_tui.runner.beneath import Beneath, Refused
from tests.faults.scenario import scenario

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.driver import Trial

_MOST_READ = 64


@scenario(
    fault="a file, or a directory above it, becomes a symbolic link while it is opened",
    passes="nothing but what lies beneath the working directory is ever read",
    quick={"times": 500},
    full={"times": 10_000},
)
def test_links_swapped(trial: Trial, times: int) -> None:
    work, outside = trial.house.root / "work", trial.house.root / "outside"
    for directory in (work / "dir", outside):
        directory.mkdir(parents=True)
    for place, text in ((work / "file", "inside"), (work / "dir/file", "inside")):
        place.write_text(text)
    (outside / "file").write_text("outside")
    with _swapping(work, outside):
        for number in range(times):
            trial.tally.tries += 1
            found = _read(work, ("file", "dir/file")[number % 2])
            trial.tally.counts["files read"] += found is not None
            trial.expect(found in (None, b"inside", b""), True, f"{found!r} lies beneath")
    trial.expect(trial.tally.counts["files read"] > times // 20, True, "some were read")


def _read(work: Path, name: str) -> bytes | None:
    """What is collected; None where that is refused, or not there at this moment."""
    with suppress(Refused, OSError), Beneath(str(work), ()) as tree:
        descriptor = tree.open(tree.resolve(tree.relative(name)))
        with os.fdopen(descriptor, "rb") as file:
            return file.read(_MOST_READ)
    return None


@contextmanager
def _swapping(work: Path, outside: Path) -> Iterator[None]:
    swapper = multiprocessing.get_context("fork").Process(target=_swap, args=(work, outside))
    swapper.start()
    try:
        yield
    finally:
        swapper.kill()
        swapper.join()


def _swap(work: Path, outside: Path) -> None:
    file, directory, spare = work / "file", work / "dir", work / "spare"
    while True:
        spare.symlink_to(outside / "file")
        spare.replace(file)
        spare.write_text("inside")
        spare.replace(file)
        directory.rename(spare)
        directory.symlink_to(outside)
        directory.unlink()
        spare.rename(directory)
