"""What clients ask of the runner, as files, and who is there to read them."""
