"""The boxes: the one door through which foreign code is run."""
