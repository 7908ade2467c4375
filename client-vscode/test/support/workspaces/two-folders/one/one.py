"""The first folder."""


def one() -> int:
    return 1
