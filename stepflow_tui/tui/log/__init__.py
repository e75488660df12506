"""A log of any length: its lines, where they stand, what is looked for and marked in them."""
