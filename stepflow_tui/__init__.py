"""StepFlow TUI: run any script in the background and watch its steps and log live."""

__version__ = "0.1.0"
