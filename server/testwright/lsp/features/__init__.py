"""One module for each thing that a client can ask for; each registers itself and holds no state."""
