"""What a person reads of an error of a provider: one line, short, without keys and without what a terminal obeys."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from testwright.models.keys import HIDDEN, Secret, cleaned

MAX_WORDS = 300
_MAX_READ = 20_000
"""Characters of a message that are looked at."""
_DEPTH = 8
"""How deep a message is looked for in what providers have wrapped in one another."""

_KEY_LIKE = re.compile(r"\b(?:sk|gsk|hf|pplx|xai)[-_][A-Za-z0-9_-]{8,}|\bBearer\s+\S+", re.IGNORECASE)
"""What looks like a key of a well-known provider, whole or a part of one, whosever it is."""
_HTML = re.compile(r"\s*(?:<!doctype\s+html|<html|<\?xml|<head|<body)", re.IGNORECASE)
_MEANINGS: Mapping[int, str] = {
    400: "the provider takes the request for wrong",
    401: "the key is missing, wrong or revoked",
    402: "the account has no credits",
    403: "the provider refuses this model or this text",
    404: "the model is not there",
    408: "it took too long",
    429: "too many requests",
    502: "the model is down",
    503: "no provider is free for this model",
    504: "it took too long",
}


def words_of(said: Any, status: int | None, secrets: Sequence[Secret]) -> str:
    """A sentence from what a provider has said, with the status before it where there is one.

    Args:
        said: A JSON value, or the bytes or the text of a body that is none.
        status: The status, or the code of an error in a 200.
        secrets: Keys that must not stand in it.
    """
    text = _line(_message(said, _DEPTH), secrets)
    if status is None:
        return text
    return f"{status}: {text or meaning(status)}"


def meaning(status: int) -> str:
    """What a status says by itself."""
    if status in _MEANINGS:
        return _MEANINGS[status]
    try:
        return HTTPStatus(status).phrase.lower()
    except ValueError:
        return "the provider failed" if status >= 500 else "the provider refuses"


def parsed(body: bytes) -> Any:
    """The JSON value of a body; None when it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _message(said: Any, depth: int) -> str:
    """The words in what was said. OpenRouter's "Provider returned error" is followed by what that provider said."""
    if isinstance(said, bytes):
        said = said[: 4 * _MAX_READ].decode("utf-8", "replace")
    if isinstance(said, str):
        if _HTML.match(said):
            return "an HTML page instead of an answer"
        inner = parsed(said.encode(errors="replace")) if said.lstrip()[:1] in {"{", "["} else None
        return _message(inner, depth - 1) if isinstance(inner, dict | list) and depth else said[:_MAX_READ]
    if isinstance(said, list):
        return _message(said[0], depth - 1) if said and depth else ""
    if not isinstance(said, Mapping) or not depth:
        return ""
    metadata = said.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, Mapping) else None
    for field in ("error", "message", "detail", "msg"):
        found = _message(said.get(field), depth - 1)
        if found:
            behind = _message(raw, depth - 1)
            return f"{found}: {behind}" if behind and behind != found else found
    return _message(raw, depth - 1)


def _line(text: str, secrets: Sequence[Secret]) -> str:
    """One line of characters that are seen, keys hidden before it is cut."""
    seen = "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text)
    line = _KEY_LIKE.sub(HIDDEN, cleaned(" ".join(seen.split()), secrets))
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1].rstrip() + "…"
