"""Previews of artifacts; a module is a kind of file."""
