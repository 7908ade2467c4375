"""Data for a program that is started, passed by a descriptor: arguments can be read by every user of the host."""

from __future__ import annotations

import os


def memory_file(data: bytes) -> int:
    """A file in memory at its beginning; returns its descriptor, which is the caller's to close."""
    descriptor = os.memfd_create("testwright")
    written = 0
    while written < len(data):
        written += os.write(descriptor, data[written:])
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
