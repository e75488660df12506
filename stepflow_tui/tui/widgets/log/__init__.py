"""The view of a log, in parts: each adds one thing to the one before it."""
