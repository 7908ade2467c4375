"""A keyring in memory: a real back end of the ``keyring`` package, which can fail and hang."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import keyring
from keyring.backend import KeyringBackend


class MemoryKeyring(KeyringBackend):
    """Passwords by service and user.

    Attributes:
        failure: Raised when it is asked.
        hangs: Waited for when it is asked.
    """

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.passwords: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None
        self.hangs: threading.Event | None = None

    @classmethod
    @contextmanager
    def in_use(cls) -> Iterator[Self]:
        """A new one in the place of the system's."""
        before = keyring.get_keyring()
        ring = cls()
        keyring.set_keyring(ring)
        try:
            yield ring
        finally:
            keyring.set_keyring(before)

    def set_password(self, service: str, username: str, password: str) -> None:
        self.passwords[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.hangs is not None:
            self.hangs.wait()
        if self.failure is not None:
            raise self.failure
        return self.passwords.get((service, username))
