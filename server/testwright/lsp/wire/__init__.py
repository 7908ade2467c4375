"""Bytes to messages and back, an answer to each request whatever goes wrong, and what is written down meanwhile."""
