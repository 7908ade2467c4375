"""One set-up at a time: a lock on a file, which the programs that were started for it hold as well."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from testwright.errors import WriteFailure

_LOCK = ".lock"
_AGAIN_SECONDS = 0.2


@asynccontextmanager
async def held(folder: Path, waiting: Callable[[], None]) -> AsyncIterator[int]:
    """Hold a folder, when nobody else does any longer.

    The descriptor that is yielded is handed to each program that changes the folder, so that the lock lasts until such
    a program has ended, even when this process was killed before.

    Args:
        folder: It is made when it is not there.
        waiting: Is called once when somebody else holds it.

    Raises:
        WriteFailure: The folder cannot be written.
    """
    descriptor = _opened(folder)
    try:
        if not _taken(descriptor):
            waiting()
            while not _taken(descriptor):  # noqa: ASYNC110 - what is waited for happens in another process
                await asyncio.sleep(_AGAIN_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a set-up is going on in a folder."""
    try:
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


def _opened(folder: Path) -> int:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WriteFailure(
            f"{folder} cannot be written: {error.strerror or error}.",
            next_step="Name a folder that can be written in TESTWRIGHT_CACHE_DIR.",
        ) from error


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
