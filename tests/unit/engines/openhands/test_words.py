"""An agent's steps in a person's words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testwright.engines.openhands.messages import Step
from testwright.engines.openhands.words import plain, pytest_told, step_words


def step(words: str, tool: str = "terminal", **fields: Any) -> Step:
    return Step(type="step", number=7, tool=tool, words=words, **fields)


def ended(words: str, output: str = "", code: int | None = 0, tool: str = "terminal", *, wrong: bool = False) -> Step:
    return step(words, tool, output=output, exit_code=code, is_error=wrong)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (step("run pytest -q tests/test_x.py"), "step 7: running pytest"),
        (ended("run pytest -q", "...\n3 failed, 2 passed in 0.12s\n", 1), "step 7: running pytest, 3 failed"),
        (ended("run pytest", "==== 1 failed, 1 error in 0.1s ====", 1), "step 7: running pytest, 1 failed, 1 error"),
        (ended("run cd a && python -m pytest -x", "5 passed in 1.00s"), "step 7: running pytest, 5 passed"),
        (ended("run pytest", "=== no tests ran in 0.01s ===", 5), "step 7: running pytest, no tests ran"),
        (ended("run pytest", "1 skipped in 0.01s"), "step 7: running pytest, no tests ran"),
        (ended("run pytest", "bash: pytest: command not found", 127), "step 7: running pytest, exit code 127"),
        (ended("run /usr/bin/ls -la src"), "step 7: running ls -la src"),
        (ended("run cd src && ls"), "step 7: running ls"),
        (ended("run cat a.py | head"), "step 7: running cat a.py"),
        (ended("run it's"), "step 7: running it's"),
        (ended("run false", code=1), "step 7: running false, exit code 1"),
        (step("create tests/test_x.py", "file_editor"), "step 7: writing tests/test_x.py"),
        (ended("edit a.py", "No replacement", None, "file_editor", wrong=True), "step 7: editing a.py, failed"),
        (step("read src/x.py", "file_editor"), "step 7: reading src/x.py"),
        (step("think", "think"), "step 7: thinking"),
        (step("finish", "finish"), "step 7: finishing"),
        (step("use browser wrongly", "browser"), "step 7: using browser wrongly"),
        (step("dance"), "step 7: dance"),
        (step("run " + "x" * 2000), "step 7: running " + "x" * 59 + "…"),
    ],
)
def test_a_step_in_words(told: Step, words: str) -> None:
    assert step_words(told) == words


def test_the_last_summary_counts() -> None:
    assert pytest_told("1 failed in 0.1s\n...\n4 passed, 2 warnings in 0.2s\n") == "4 passed"


def test_text_that_only_speaks_of_failures_is_no_summary() -> None:
    assert pytest_told("assert '3 failed' in text\nI saw 3 failed tests") == ""


@given(st.text(max_size=400), st.text(max_size=2000), st.integers(-300, 300) | st.none())
def test_words_are_one_short_printable_line_whatever_comes(words: str, output: str, code: int | None) -> None:
    shown = step_words(ended("run " + words, output, code, wrong=True))
    assert shown.isprintable()
    assert len(shown) < 200
    assert plain(words).isprintable()
