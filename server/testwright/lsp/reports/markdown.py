"""Markdown of which no text can break out: words, code, blocks of code and links (pure).

What is shown comes from modules, from tests and from messages of exceptions. It is shown as it is; none of it becomes
a heading, a link, a formula or HTML.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote

_ALWAYS = re.compile(r"[\\`*\[\]<>&|~$#]")
"""Punctuation that means something anywhere in a line: code, emphasis, a link, HTML, a cell, a formula."""
_EDGE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
"""Underscores at the edge of a word; those within words are letters like others."""
_NUMBERED = re.compile(r"^(\d+)([.)])")
_MARKED = re.compile(r"^[+=-]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_LINE = re.compile(r"\r\n|\r|\n")
_TICKS = re.compile(r"`+")


def words(text: str) -> str:
    """Text in one line that reads as it is, in a paragraph, an entry of a list or a cell of a table."""
    line = _CONTROL.sub(" ", text).strip()
    escaped = _EDGE.sub(r"\\_", _ALWAYS.sub(r"\\\g<0>", line))
    return _MARKED.sub(r"\\\g<0>", _NUMBERED.sub(r"\1\\\2", escaped))


def code(text: str) -> str:
    """Text in one line as a code span. Not for a cell of a table, which a bar ends even in code."""
    line = _CONTROL.sub(" ", text).strip() or " "
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(source: str, language: str = "python") -> str:
    """Source as a block of code, with its lines as they are."""
    fence = "`" * max(3, _longest_run(source) + 1)
    lines = _LINE.sub("\n", source).rstrip("\n")
    return f"{fence}{language}\n{lines}\n{fence}"


def link(text: str, uri: str, line: int | None = None) -> str:
    """A link to a document, or to a line of it (from 1), as editors understand it."""
    address = quote(uri, safe="/:%~") + (f"#L{line}" if line is not None else "")
    return f"[{words(text)}](<{address}>)"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already; only what ``words`` or ``link`` give may hold foreign text."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def bar(percent: float, width: int = 20) -> str:
    """A percentage as a bar of blocks; full only when it is all, empty only when it is nothing."""
    filled = min(width, max(0, int(percent / 100 * width)))
    if percent > 0:
        filled = max(1, filled)
    return "█" * filled + "░" * (width - filled)


def _longest_run(text: str) -> int:
    """How many backticks stand in a row at most."""
    return max((len(run) for run in _TICKS.findall(text)), default=0)
