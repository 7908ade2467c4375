"""Digests by which is told whether a text is still what it was, in an editor or on the disk."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from testwright.analysis.targets import decode_source
from testwright.errors import TestwrightError

_LINE_END = re.compile(r"\r\n?")


def digest_of(text: str) -> str:
    """SHA-256 of a text, whatever its line ends are, and whether a byte order mark is before it or not."""
    plain = _LINE_END.sub("\n", text.removeprefix("\ufeff"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def digest_of_data(data: bytes) -> str:
    """The digest of a Python file's text, by its bytes; of the bytes themselves when they are no text."""
    try:
        return digest_of(decode_source(data, Path("file")))
    except TestwrightError:
        return hashlib.sha256(data).hexdigest()
