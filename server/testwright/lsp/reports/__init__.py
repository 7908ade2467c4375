"""Accounts of runs: kept for this session and the next, and shown as Markdown."""
