"""No rule against loops and tool calls in the text hits what people have written, wherever it is cut off."""

from __future__ import annotations

import sysconfig
from functools import cache
from pathlib import Path
from random import Random

import pytest

from testwright.models.repetition import loop_in
from testwright.models.tool_text import call_in_text

OFFERED = {"terminal", "file_editor", "finish", "think", "read", "write", "run", "search", "get"}
WINDOWS = (600, 3000, 12_000, 100_000)
"""Characters that a model may have written before it was cut off."""


@cache
def texts() -> list[tuple[str, str]]:
    """Sources of the standard library, its tables and its long ones among them, and of this repository."""
    library = Path(sysconfig.get_path("stdlib"))
    own = Path(__file__).parents[3]
    paths = [*library.glob("*.py"), *library.glob("*/*.py")]
    paths += [*own.glob("*.md"), *own.glob("docs/*.md"), *own.glob("server/**/*.py"), *own.glob("tests/unit/**/*.py")]
    paths = [path for path in paths if "site-packages" not in path.parts]
    assert len(paths) > 500
    return [(str(path), path.read_text(encoding="utf-8", errors="replace")) for path in sorted(paths)]


@pytest.mark.parametrize("window", WINDOWS)
def test_no_source_is_a_loop_wherever_it_is_cut_off(window: int) -> None:
    random = Random(window)
    hit = []
    for name, text in texts():
        end = random.randrange(len(text) + 1)
        if loop_in(text[max(0, end - window) : end], is_cut=True) is not None:
            hit.append((name, end))
    assert hit == []


def test_no_whole_source_is_a_loop() -> None:
    assert [name for name, text in texts() if loop_in(text, is_cut=False) is not None] == []


def test_no_source_calls_a_tool_except_those_that_are_about_it() -> None:
    about = ("test_answers.py", "test_answers_honest.py")
    assert [name for name, text in texts() if not name.endswith(about) and call_in_text(text, OFFERED)] == []
