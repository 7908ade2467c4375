"""Open documents: their text, positions in it, what is where in it, and whether it can be tested."""
