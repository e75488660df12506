"""Models, markers, steps and text: pure, no I/O."""
