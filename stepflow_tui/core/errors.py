"""Errors that a user can meet: each is one sentence that says the way out."""

from __future__ import annotations

import errno
import os


class StepflowError(Exception):
    """Something the user can mend; printed as it is, without a traceback.

    Attributes:
        exit_code: what the command line exits with.
    """

    exit_code = 1


class UsageProblem(StepflowError):
    """The command was used in a way that cannot work: unknown id, missing directory."""

    exit_code = 2


class CommandNotFound(StepflowError):
    """The command to run does not exist (the shell's 127)."""

    exit_code = 127


class CommandNotExecutable(StepflowError):
    """The command to run exists but may not be executed (the shell's 126)."""

    exit_code = 126


class OutputProblem(StepflowError):
    """Standard output is there and cannot be written: a full disk, a file opened to be read."""


class HomeProblem(StepflowError):
    """The home directory cannot be used: not ours, not private, not readable."""


class StoreProblem(StepflowError):
    """The database cannot be read or written."""


class NoDatabase(StoreProblem):
    """Nothing was recorded in this home yet."""


class DatabaseTooNew(StoreProblem):
    """A newer version of the program wrote the database."""


class DatabaseTooOld(StoreProblem):
    """An older version of the program wrote the database; a runner brings it up to date."""


class NotADatabase(StoreProblem):
    """The file is something else than our database."""


class DatabaseDamaged(NotADatabase):
    """Our database cannot be read any more; a runner sets it aside and begins anew."""


NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
"""Errors of a disk that takes nothing now, and may again: full, over its quota, read-only."""


SCARCE = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO})
"""Errors that pass and say nothing of a file: too many are open, no memory, a disk that fails."""


def reason_of(error: Exception) -> str:
    """What went wrong, as it can stand in a sentence for a user."""
    return system_reason(error) if isinstance(error, OSError) else str(error)


def system_reason(error: OSError) -> str:
    """What the system said, in its words and with the file that it is about, without its number."""
    reason = error.strerror or str(error) or type(error).__name__
    named = isinstance(error.filename, str | bytes)  # or it is the number of a descriptor
    return f"{os.fsdecode(error.filename)}: {reason}" if named else reason
