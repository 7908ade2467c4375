"""Names in sentences."""

from __future__ import annotations


def printable(name: object) -> str:
    """A name or a path with its control characters written out: one that holds a line break adds no line of its own."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in str(name)
    )
