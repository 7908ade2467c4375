"""From proven candidates to the bytes of the test file: rendered, formatted, merged."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from testwright.model import Candidate, Style, Target
from testwright.writing.encoding import SourceFile
from testwright.writing.existing import parsed
from testwright.writing.format import format_source
from testwright.writing.imports import statement_of
from testwright.writing.merge import merge_tests
from testwright.writing.render import RenderedSuite, render_suite


@dataclass(frozen=True, slots=True)
class ComposedFile:
    """What is to be written.

    Attributes:
        data: The whole file.
        suite: Which tests were added, and which candidates stand behind them.
    """

    data: bytes
    suite: RenderedSuite


def compose_test_file(
    kept: Sequence[Candidate], target: Target, style: Style, original: bytes | None = None
) -> ComposedFile:
    """Write a new test file, or put what is missing into the one that is there.

    Blocks for some 50 ms, in which ruff formats; call it in a thread where that matters.

    Raises:
        TargetError: The existing file cannot be decoded or has a syntax error.
        WriteFailure: ruff is missing or failed, or the existing file cannot take the tests.
        UnusableCandidate: A candidate is no valid Python.
    """
    if original is None:
        suite = render_suite(kept, target, style)
        text = format_source(suite.text, style, first_party=suite.first_party)
        return ComposedFile(text.replace("\n", style.newline).encode(), suite)
    file = SourceFile.of(original, default_newline=style.newline)
    parsed(file.text)
    width, indent_style = _indent(file.text, style.indent)
    style = replace(style, indent=width)
    suite = render_suite(kept, target, style, existing=file.text)
    if not suite.tests:
        return ComposedFile(original, suite)
    statements = "".join(statement_of(wanted) + "\n" for wanted in suite.imports)
    imports = format_source(statements, style, first_party=suite.first_party) if statements else ""
    tests = format_source(
        suite.text, style, first_party=suite.first_party, sort_imports=False, indent_style=indent_style
    )
    return ComposedFile(merge_tests(file, imports, tests, first_party=suite.first_party), suite)


def _indent(text: str, default: int) -> tuple[int, Literal["space", "tab"]]:
    """How the existing file indents: by its first indented line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            return (default, "tab") if "\t" in token.string else (len(token.string), "space")
    return default, "space"
