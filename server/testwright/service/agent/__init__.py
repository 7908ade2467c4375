"""The agent's part in a run: whether there is one, getting it ready, and the rounds that it works."""
