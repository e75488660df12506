"""The background process: starts scripts, tails their spools, commits what they say."""
