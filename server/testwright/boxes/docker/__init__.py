"""The box of a Docker engine: one hardened container for each start, without network and without mounts of the host."""
