"""File addresses as editors write them, paths, and what a module is called by its path.

pygls takes everything after a semicolon in an address for a parameter and drops it from the path, so it is not used.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit


def path_of(uri: str) -> Path | None:
    """The path of a ``file:`` address; None for any other kind (an unsaved document, a notebook's cell)."""
    try:
        parts = urlsplit(uri)
    except ValueError:  # brackets that are no address of a host
        return None
    if parts.scheme != "file" or not parts.path:
        return None
    path = unquote(parts.path, errors="surrogateescape")
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return None
    if "\0" in path:
        return None
    return Path(f"//{parts.netloc}{path}") if parts.netloc not in ("", "localhost") else Path(path)


def uri_of(path: Path) -> str:
    """The address of an absolute path, quoted as RFC 3986 has it."""
    return "file://" + quote(str(path).encode("utf-8", "surrogateescape"), safe="/~")


def module_name(path: Path) -> str:
    """A module's last name, for a person: ``pricing``; a package goes by its folder."""
    return path.parent.name if path.stem == "__init__" else path.stem
