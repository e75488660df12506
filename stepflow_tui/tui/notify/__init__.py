"""Telling the user that a run has ended."""
