"""`python -m stepflow_tui` is the same as `stepflow`."""

from __future__ import annotations

from stepflow_tui.cli import main

if __name__ == "__main__":
    main()
