r"""An agent's steps in a person's words: ``step 7: running pytest, 3 failed``. Pure.

What comes from the box is text of strangers: no control character of it reaches a terminal, and none of it is long.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from testwright.engines.openhands.messages import Step

MAX_PLAIN = 300
MAX_SHOWN = 60
"""Characters of a command or a path in a step's words."""

_VERBS = {
    "run": "running",
    "create": "writing",
    "edit": "editing",
    "read": "reading",
    "use": "using",
    "type": "typing",
    "wait": "waiting",
    "restart": "restarting",
    "undo": "undoing",
}
_BY_NAME = {"think": "thinking", "finish": "finishing"}
_PYTEST = re.compile(r"\b(?:pytest|py\.test)\b")
# pytest's last line: "=== 1 failed, 3 passed in 0.12s ===", or without the rules with -q.
_SUMMARY = re.compile(
    r"^=*\s*((?:\d{1,6} (?:failed|passed|skipped|deselected|xfailed|xpassed|warnings?|errors?|rerun)(?:, )?)+)"
    r" in \d[\d.]*s",
    re.MULTILINE,
)
_COUNTED = re.compile(r"(\d+) (failed|passed|errors?)")
_NOTHING_RAN = re.compile(r"^=*\s*no tests ran\b", re.MULTILINE)


def plain(text: str, size: int = MAX_PLAIN) -> str:
    """One line of printable characters, at most ``size`` of them."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: size * 8])
    joined = " ".join(shown.split())
    return joined if len(joined) <= size else joined[: size - 1] + "…"


def step_words(step: Step) -> str:
    """What a step does, and what came of it when it has ended."""
    words = f"step {step.number}: {_doing(step)}"
    outcome = _outcome(step) if step.is_error is not None else ""
    return f"{words}, {outcome}" if outcome else words


def _doing(step: Step) -> str:
    verb, _, rest = plain(step.words).partition(" ")
    if step.tool in _BY_NAME:
        return _BY_NAME[step.tool]
    if verb not in _VERBS:
        return plain(step.words, MAX_SHOWN)
    if verb == "run":
        rest = _program(rest)
    return f"{_VERBS[verb]} {plain(rest, MAX_SHOWN)}".rstrip()


def _program(command: str) -> str:
    """The part of a command that says what runs."""
    if _PYTEST.search(command):
        return "pytest"
    last = re.split(r"&&|\|\||[;|]", command)[0] if not command.startswith("cd ") else command.partition("&&")[2]
    try:
        parts = shlex.split(last or command)
    except ValueError:
        return command
    return " ".join([PurePosixPath(parts[0]).name, *parts[1:]]) if parts else command


def _outcome(step: Step) -> str:
    output = step.output or ""
    if _PYTEST.search(step.words):
        told = pytest_told(output)
        if told:
            return told
    if step.exit_code not in (None, 0):
        return f"exit code {step.exit_code}"
    return "failed" if step.is_error else ""


def pytest_told(output: str) -> str:
    """What pytest's last line says: ``3 failed``, ``1 error``, ``5 passed``; empty when it says nothing."""
    found = _SUMMARY.findall(output)
    if not found:
        return "no tests ran" if _NOTHING_RAN.search(output) else ""
    counted = {name.rstrip("s"): f"{int(number)} {name}" for number, name in _COUNTED.findall(found[-1])}
    bad = [counted[name] for name in ("failed", "error") if name in counted]
    return ", ".join(bad) if bad else counted.get("passed", "no tests ran")
