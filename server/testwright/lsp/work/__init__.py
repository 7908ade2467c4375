"""Runs: their queue, what each does, how it is shown while it goes on, and how it ends."""
