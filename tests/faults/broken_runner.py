"""A runner broken on purpose, for the tests of the tests: `broken_runner.py HOW --home DIR`.

`two-transactions` stores how far a spool was read in a transaction behind that of the text.
`slow-launcher` takes its time before it takes the start lock, and is right otherwise;
`no-lock` is slow as well, and starts the script whether or not it was started before.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stepflow_tui.runner import __main__, launch, recording
from stepflow_tui.store import writer
from stepflow_tui.store.transaction import Transaction

if TYPE_CHECKING:
    from stepflow_tui.store.queries import Stream

SLOW_S = 1.5

_LOCK, _TRUE_LOCK = "def take_lock(", "def take_true_lock("
_EXCLUSIVE, _SHARED = "os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW", "os.O_CREAT | os.O_NOFOLLOW"
_CHANGED = f"""
import time


def take_lock(*order):
    time.sleep({SLOW_S})
    return take_true_lock(*order)%s


"""


def split_transactions() -> None:
    """Let streams be saved once the chunks are committed, in a transaction of their own."""
    held_back: dict[int, Stream] = {}
    writers: list[writer.Writer] = []
    save_stream, saved = Transaction.save_stream, recording.Recording.saved
    open_writer = writer.Writer._open

    def remember(self: writer.Writer) -> None:
        writers.append(self)
        open_writer(self)

    def hold_back(_: Transaction, stream: Stream) -> None:
        held_back[stream.execution] = stream

    def save_late(self: recording.Recording) -> None:
        saved(self)
        stream = held_back.pop(self.execution.number, None)
        if stream is not None:
            with writers[-1].transaction(durable=False) as transaction:
                save_stream(transaction, stream)

    writer.Writer._open = remember  # type: ignore[method-assign]
    Transaction.save_stream = hold_back  # type: ignore[method-assign, assignment]
    recording.Recording.saved = save_late  # type: ignore[method-assign]


def replace_launcher(directory: Path, *, locked: bool) -> None:
    """Start shims from a changed copy of the launcher."""
    source = launch._PROGRAM
    package = source.parents[1]
    for path in (*package.glob("*.py"), *package.glob("re*/*.py"), *package.glob("runner/*.*")):
        copy = directory / path.relative_to(package.parent)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)
    text = source.read_text(encoding="utf-8")
    assert text.count(_LOCK) == text.count(_EXCLUSIVE) == 1
    changed = _CHANGED % ("" if locked else " or True")
    text = text.replace(_LOCK, changed + _TRUE_LOCK)
    if not locked:
        text = text.replace(_EXCLUSIVE, _SHARED)
    launch._PROGRAM = directory / source.relative_to(package.parent)
    launch._PROGRAM.write_text(text, encoding="utf-8")


def main() -> int:
    """Break it as the first argument says, and run it."""
    how = sys.argv.pop(1)
    if how == "two-transactions":
        split_transactions()
        return __main__.main()
    with tempfile.TemporaryDirectory() as directory:
        replace_launcher(Path(directory), locked=how == "slow-launcher")
        return __main__.main()


if __name__ == "__main__":
    sys.exit(main())
