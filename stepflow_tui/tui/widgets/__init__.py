"""Widgets of the dashboard; a module is a region of the screen."""
