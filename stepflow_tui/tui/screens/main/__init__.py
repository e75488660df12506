"""The main screen, in parts: each knows one kind of thing that one can do there."""
