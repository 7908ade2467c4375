"""Bring what the agent needs to this machine: its own Python environment, and images for Docker."""
