"""The agent of this machine, as an editor sees it: whether it is set up, and setting it up by one click."""
