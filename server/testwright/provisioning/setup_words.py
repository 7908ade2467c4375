"""What pip and uv say when they fail, as a sentence and a next step."""

from __future__ import annotations

import re
from dataclasses import dataclass

from testwright.errors import SetupFailure

_CREDENTIALS = re.compile(r"(?<=://)[^/@\s]+@")
_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_LEADS = re.compile(r"^(?:error:|ERROR:|cause:|Caused by:|\W+|\d+: )\s*")
_MAX_CAUSE = 300

_AGAIN = "What was fetched is kept: run `testwright setup openhands` again to go on."


@dataclass(frozen=True, slots=True)
class _Case:
    pattern: re.Pattern[str]
    message: str
    next_step: str


def _case(pattern: str, message: str, next_step: str) -> _Case:
    return _Case(re.compile(pattern, re.IGNORECASE), message, next_step)


# The first that matches holds. The texts are those of uv 0.13 and pip 24 to 26.
_CASES = (
    _case(
        r"no space left on device|os error 28|disk quota exceeded|os error 122",
        "The disk is full.",
        f"Make room, or name a folder on another disk in TESTWRIGHT_CACHE_DIR. {_AGAIN}",
    ),
    _case(
        r"permission denied|os error 13|read-only file system|os error 30",
        "Testwright's cache folder could not be written.",
        "Name a folder that can be written in TESTWRIGHT_CACHE_DIR.",
    ),
    _case(
        r"hash mismatch|do not match the hashes|don't match the hashes",
        "A package of the index is not the one that was locked, so nothing was installed.",
        "Ask whoever runs the index; when it is the usual one, report this.",
    ),
    _case(
        r"certificate|self.signed|invalid peer|unknownissuer|\btls\b|\bssl\b",
        "The package index's certificate is not trusted here.",
        "Name your certificates in SSL_CERT_FILE, or set `cert` for pip.",
    ),
    _case(
        r"\b40[13]\b|unauthorized|forbidden|proxy authentication|\b407\b|credentials",
        "The package index, or the way to it, wants other credentials.",
        "Set the index and its credentials for pip or uv (pip config, UV_INDEX_…), then run it again.",
    ),
    _case(
        r"dns|name resolution|failed to resolve|error sending request|connect|timed? ?out|network|proxy|\b50[0234]\b|"
        r"client error|failed to fetch|failed to download|end of file|incomplete",
        "The package index could not be reached.",
        f"Check the network, and the index that pip or uv is set up for. {_AGAIN}",
    ),
    _case(
        r"no usable wheels|no matching distribution|no wheels|not found in the|no version of|no solution found|"
        r"platform",
        "The package index does not have a package that is needed, for this platform and Python.",
        "Check that the index that pip or uv is set up for has all that the usual one has, or take another Python.",
    ),
)


def setup_failure(
    program: str, code: int, output: str, *, undone: str = "The agent was not set up", again: str = _AGAIN
) -> SetupFailure:
    """The error about a program that has failed.

    Args:
        program: Its name.
        code: Exit code, or minus the signal's number.
        output: The end of what it has printed; passwords in addresses are taken out.
        undone: What was not done because of it.
        again: How the user goes on, where it may help to do it again.
    """
    clean = _CREDENTIALS.sub("****@", _ESCAPES.sub("", output))
    cause = _cause(clean)
    told = f" {program} says: {cause}" if cause else ""
    if code < 0:
        return SetupFailure(f"{program} was ended by signal {-code}.{told}", next_step=again)
    for case in _CASES:
        if case.pattern.search(clean):
            return SetupFailure(f"{undone}. {case.message}{told}", next_step=case.next_step.replace(_AGAIN, again))
    return SetupFailure(f"{undone}: {program} ended with code {code}.{told}", next_step=again)


def _cause(output: str) -> str:
    """The first error and what it is due to, on one line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    start = next((at for at, line in enumerate(lines) if line.lower().startswith("error")), None)
    if start is None:
        return ""
    words = [_LEADS.sub("", line) for line in lines[start : start + 4] if not line.startswith(("hint:", "WARNING"))]
    text = " ".join(" ".join(words).split())
    return text if len(text) <= _MAX_CAUSE else text[: _MAX_CAUSE - 1] + "…"
