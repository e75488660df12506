"""Colours: our own theme, dark and light, made legible."""
