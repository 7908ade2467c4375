"""Formats text that we wrote, with the ruff binary that comes with us.

This is the only process that is started outside a box: our own tool, on standard input, without the project's
settings (they are read by ``analysis`` and arrive as a ``Style``).
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import tokenize
from functools import cache
from pathlib import Path
from typing import Literal

import ruff  # type: ignore[import-untyped]  # it has no types

from testwright.errors import WriteFailure
from testwright.model import Style

_TIME_LIMIT = 30.0  # seconds; it takes some 20 ms
_OLDEST, _NEWEST = 10, 14  # minor versions that a project's Python may have and this ruff knows
_SAID = 3
_REINSTALL = "Install Testwright again, with its dependency ruff: python -m pip install --force-reinstall ruff"


class NotFormatted(WriteFailure):
    """ruff takes the text for no Python of the project's version."""


def format_source(  # noqa: PLR0913 - each is a word of the project on how it writes
    text: str,
    style: Style,
    *,
    first_party: str,
    sort_imports: bool = True,
    indent_style: Literal["space", "tab"] = "space",
    python_version: str = "",
) -> str:
    r"""Format a file: imports sorted, quotes and line length as the project has them, long texts broken.

    Args:
        text: Valid Python with ``\n`` as newline.
        style: How the project writes.
        first_party: Top package of the module under test.
        sort_imports: Sort the block of imports.
        indent_style: ``tab`` where an existing file has tabs.
        python_version: Of the project's interpreter (``3.12.1``), whose syntax is allowed; the oldest when empty.

    Raises:
        NotFormatted: ruff takes the text for no Python of that version.
        WriteFailure: ruff is missing or could not be run.
    """
    configuration = _configuration(style, indent_style, python_version)
    if sort_imports:
        text = _ruff(
            [
                "check",
                "--select=I",
                "--fix",
                "--quiet",
                *configuration,
                f"--config=lint.isort.known-first-party = ['{first_party}']",
            ],
            text,
        )
    arguments = ["format", "--quiet", *configuration]
    formatted = _ruff(arguments, text)
    broken = break_long_texts(formatted, style.line_length)
    return formatted if broken == formatted else _ruff(arguments, broken)


def _configuration(style: Style, indent_style: str, python_version: str) -> list[str]:
    minor = re.match(r"3\.(\d+)", python_version)
    target = min(max(int(minor[1]) if minor else _OLDEST, _OLDEST), _NEWEST)
    return [
        "--isolated",
        "--no-cache",
        f"--target-version=py3{target}",
        f"--config=line-length = {min(max(style.line_length, 1), 320)}",  # what ruff accepts
        f"--config=indent-width = {min(max(style.indent, 1), 16)}",
        f"--config=format.quote-style = '{style.quote}'",
        f"--config=format.indent-style = '{indent_style}'",
        "--stdin-filename=test_module.py",
        "-",
    ]


def _ruff(arguments: list[str], text: str) -> str:
    try:
        done = subprocess.run(  # our own tool on our own text; see the module's docstring
            [str(_binary()), *arguments],
            input=text.encode(),
            capture_output=True,
            timeout=_TIME_LIMIT,
            check=False,
            cwd="/",  # no configuration of any folder is looked for
            env={},
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeEncodeError) as error:
        raise WriteFailure(f"The formatter ruff could not be run: {error}.", next_step=_REINSTALL) from error
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = " ".join(line.strip() for line in said[:_SAID]) or f"exit code {done.returncode}"
        raise NotFormatted(
            f"The formatter ruff did not format the tests: {why}.",
            next_step="This is a fault of Testwright: report the module that it happened with.",
        )
    return done.stdout.decode()


@cache
def _binary() -> Path:
    try:
        return Path(ruff.find_ruff_bin())
    except FileNotFoundError as error:
        raise WriteFailure("The formatter ruff is not installed.", next_step=_REINSTALL) from error


def break_long_texts(text: str, line_length: int) -> str:
    """Split plain string literals on lines that are too long, at their newlines and between words.

    The tree of the file stays the same; where it would not, the text is returned as it is.
    """
    lines = text.split("\n")
    edits: list[tuple[tuple[int, int], tuple[int, int], str]] = []
    depth = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        depth += {"FSTRING_START": 1, "FSTRING_END": -1}.get(name, 0)
        if token.type != tokenize.STRING or depth or token.start[0] != token.end[0]:
            continue
        if len(lines[token.start[0] - 1]) > line_length:
            broken = _broken(token.string, line_length - 2 * (len(token.line) - len(token.line.lstrip()) + 4))
            if broken is not None:
                edits.append((token.start, token.end, broken))
    for start, end, broken in reversed(edits):
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + broken + line[end[1] :]
    changed = "\n".join(lines)
    return changed if edits and ast.dump(ast.parse(changed)) == ast.dump(ast.parse(text)) else text


def _broken(literal: str, width: int) -> str | None:
    """A literal as several in parentheses; None when there is no good place to break."""
    found = re.fullmatch(r"([bB]?)(['\"])(.*)\2", literal)
    if found is None or literal[len(found[1]) :].startswith(found[2] * 3):
        return None
    prefix, quote, inner = found[1], found[2], found[3]
    pieces: list[str] = []
    for line in re.findall(r"(?:[^\\]|\\.)*?(?:\\n|$)", inner):
        current = ""
        for word in re.findall(r"(?:[^\\\s]|\\.)*\s*", line):
            if current and len(current) + len(word) > max(width, 40):
                pieces.append(current)
                current = ""
            current += word
        if current:
            pieces.append(current)
    if len(pieces) < 2:
        return None
    return "(" + "\n".join(f"{prefix}{quote}{piece}{quote}" for piece in pieces) + ")"
