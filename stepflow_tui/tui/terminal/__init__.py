"""What goes to the terminal: cells, the bytes that change them, and what else it understands."""
