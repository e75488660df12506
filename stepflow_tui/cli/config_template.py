"""What a new configuration file begins with: every entry with its default, as a comment."""

from __future__ import annotations

TEMPLATE = """\
# The dashboard of StepFlow. All of it is optional; these are the defaults.
# What each means: docs/CONFIG.md. What is in use: stepflow config show

# "stepflow", "stepflow-light", "ansi-dark" and "ansi-light" (the terminal's own colours),
# or one of Textual's: "nord", "gruvbox", "dracula", "tokyo-night", "solarized-light", ...
#theme = "stepflow"

# Draw nothing outside ASCII. Without this line your locale decides.
#ascii = false

# Of the list of executions, from left to right; what does not fit is left out.
#columns = ["number", "name", "status", "progress", "time", "age", "tags"]

# Frames per second at most, 1 to 120. Without this line: fewer over SSH.
#fps = 60

# Come back to the selection, the filters and the layout of last time.
#remember = true

# When a run that you watch has ended.
[notify]
#bell = true
#desktop = "auto"        # "osc9", "osc777", "off"
#title = true
#progress = "auto"       # "on", "off": the taskbar or tab shows how far it is
#tmux = false            # true with: set -g allow-passthrough on
#min_duration = "10s"    # nothing is told of shorter runs
#command = []            # such as ["notify-send", "a run has ended"]

# Other keys for an action, by its id.
[keys]
#cancel = "x"
#rerun = ["r", "ctrl+r"]
"""
