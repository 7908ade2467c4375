"""The second folder."""


def two() -> int:
    return 2
