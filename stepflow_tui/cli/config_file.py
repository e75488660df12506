"""The file in which a user configures the dashboard."""

from __future__ import annotations

import os
from pathlib import Path

from stepflow_tui.core.config import Config
from stepflow_tui.core.errors import UsageProblem
from stepflow_tui.core.paths import absolute

VARIABLE = "STEPFLOW_CONFIG"


def config_path() -> Path:
    """Where the file is, or would be: `$STEPFLOW_CONFIG`, else the platform's directory."""
    if named := os.environ.get(VARIABLE):
        return absolute(Path(named))
    import platformdirs

    return platformdirs.user_config_path("stepflow", appauthor=False) / "config.toml"


def read_config() -> Config:
    """What the file says; defaults where there is none.

    Raises:
        UsageProblem: it cannot be read, or something in it is wrong.
    """
    path = config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if os.environ.get(VARIABLE):
            raise UsageProblem(
                f"{VARIABLE} names {path}, which is not there; make it with: stepflow config edit"
            ) from error
        return Config()
    except OSError as error:
        raise UsageProblem(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageProblem(f"{path} is not UTF-8; save it as that") from error
    from stepflow_tui.core.config_text import parse_config

    return parse_config(text, str(path))
