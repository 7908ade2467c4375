"""What the program says to the host: one function for each kind of line. Standard library only.

``testwright.engines.openhands.messages`` parses them; a test holds the two against one another. Texts are shortened
here, so that no line is refused for its length.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

VERSION = 1
MAX_LINE = 8 * 1024 * 1024
"""Bytes of one line, in both directions."""

MAX_SAID = 2000
MAX_WORDS = 300
MAX_OUTPUT = 2000
"""Of the end of a tool's output: pytest sums up there."""


def ready(sdk: str, python: str, seconds: float) -> dict[str, Any]:
    """The SDK is imported and the workspace unpacked; ``seconds`` since the start."""
    return {"type": "ready", "version": VERSION, "sdk": sdk, "python": python, "seconds": round(seconds, 3)}


def ask(number: int, body: dict[str, Any]) -> dict[str, Any]:
    """A request to a model: the body of OpenAI's chat completions."""
    return {"type": "ask", "id": number, "body": body}


def step_begins(number: int, tool: str, words: str) -> dict[str, Any]:
    """The agent uses a tool; ``words`` say what for: "run pytest -q"."""
    return {"type": "step", "number": number, "tool": shortened(tool, MAX_WORDS), "words": shortened(words, MAX_WORDS)}


def step_ended(begun: dict[str, Any], *, output: str, is_error: bool, exit_code: int | None) -> dict[str, Any]:
    """The tool has answered what a step ``begun``; ``output`` is the end of its text."""
    return {
        **begun,
        "output": _whole(output[-MAX_OUTPUT:]),
        "is_error": is_error,
        "exit_code": exit_code,
    }


def said(text: str) -> dict[str, Any]:
    """Prose of the agent."""
    return {"type": "said", "text": shortened(text, MAX_SAID)}


def file(data: bytes | None, problem: str | None = None) -> dict[str, Any]:
    """The agreed file at the end of a round: as text where it is UTF-8, else as base64; None with what is wrong."""
    if data is None:
        return {"type": "file", "text": None, "base64": None, "sha": None, "problem": problem}
    try:
        text, encoded = data.decode("utf-8"), None
    except UnicodeDecodeError:
        text, encoded = None, base64.b64encode(data).decode("ascii")
    sha = hashlib.sha256(data).hexdigest()
    return {"type": "file", "text": text, "base64": encoded, "sha": sha, "problem": None}


def round_end(status: str, detail: str, steps: int) -> dict[str, Any]:
    """How a round ended: ``finished``, ``stuck``, ``max-steps``, ``refused`` or ``error``; ``steps`` of this round."""
    return {"type": "round_end", "status": status, "detail": shortened(detail, MAX_SAID), "steps": steps}


def failed(code: str, words: str) -> dict[str, Any]:
    """The program cannot go on, and ends."""
    return {"type": "failed", "code": code, "words": shortened(words, MAX_SAID)}


def encoded(line: dict[str, Any]) -> bytes:
    """The bytes of a line; what is no character (a lone surrogate) is escaped."""
    return json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"


def shortened(text: str, size: int) -> str:
    """At most ``size`` characters."""
    return _whole(text if len(text) <= size else text[: size - 1] + "…")


def _whole(text: str) -> str:
    """Without lone surrogates, which the host does not take for text."""
    return text.encode("utf-8", "replace").decode("utf-8")
