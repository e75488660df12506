"""Where all state lives if nobody says so on the command line."""

from __future__ import annotations

import os
from pathlib import Path

from stepflow_tui.core.errors import HomeProblem
from stepflow_tui.core.home import Home
from stepflow_tui.core.paths import absolute


def default_home() -> Home:
    """The home of the environment, else the platform's.

    Raises:
        HomeProblem: nobody says where the user's home directory is.
        UsageProblem: it is named by a path in a working directory that is gone.
    """
    if directory := os.environ.get("STEPFLOW_HOME"):
        return Home(absolute(Path(directory)))
    return Home(state_directory() / "stepflow")


def state_directory() -> Path:
    """Where the platform has programs keep what they remember."""
    if os.uname().sysname == "Linux":
        # What platformdirs says too; its import takes half as long as all of `stepflow list`.
        directory = Path(os.environ.get("XDG_STATE_HOME", ""))
        return directory if directory.is_absolute() else user_directory() / ".local" / "state"
    import platformdirs

    return Path(platformdirs.user_state_dir())


def user_directory() -> Path:
    """The user's home directory.

    Raises:
        HomeProblem: nobody says where it is.
    """
    try:
        return Path.home()
    except RuntimeError as error:
        raise HomeProblem(
            "nobody says where your home directory is; set HOME, or name a directory with --home"
        ) from error
