"""Scenarios that are played by tests of another kind, so that the table has them too."""
