"""What is typed into forms and into the palette, and how it may go on."""
