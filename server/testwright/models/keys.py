"""Keys of providers: where they are found, where they may be sent, and that nobody reads them on the way.

A key comes from the environment (an editor hands it over there, too) or from the keyring of the system, never from a
file, so that no repository can bring one or take one away.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import NoReturn

HIDDEN = "…"
"""What is written where a key was."""


class Secret:
    """A key that shows itself to nobody who does not ask for it by name.

    ``repr``, ``str`` and ``format`` hide it, it cannot be pickled or made JSON of, and it is compared in constant time.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for the header it is sent in; bind it to no variable, since tracebacks show those."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({HIDDEN})"

    def __format__(self, format_spec: str) -> str:
        return format(repr(self), format_spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text.encode(), other._text.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled: it would stand in a file or a pipe.")


def cleaned(text: str, secrets: Iterable[Secret]) -> str:
    """The text with each key in it replaced by an ellipsis; for what others have written and we tell."""
    for key in sorted((secret.reveal() for secret in secrets), key=len, reverse=True):
        if key:
            text = text.replace(key, HIDDEN)
    return text
