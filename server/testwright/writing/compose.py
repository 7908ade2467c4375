"""From proven candidates to the bytes of the test file: rendered, formatted, merged."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from testwright.model import Candidate, Style, Target
from testwright.writing.encoding import SourceFile
from testwright.writing.existing import parsed
from testwright.writing.format import NotFormatted, format_source
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

    def lines(self) -> dict[str, int]:
        """The line, from 1, on which each test's ``def`` stands, by its name. It parses the file."""
        tree = parsed(SourceFile.of(self.data, default_newline="\n").text)
        functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
        found = {node.name: node.lineno for node in functions}
        return {test.name: found[test.name] for test in self.suite.tests if test.name in found}


class UnusableTests(Exception):
    """Some of the tests are no Python of the project's version.

    Attributes:
        candidates: Id of each candidate behind them, and why, as a sentence.
    """

    def __init__(self, candidates: dict[str, str]) -> None:
        super().__init__(f"{len(candidates)} candidates cannot be formatted")
        self.candidates = candidates


def compose_test_file(
    kept: Sequence[Candidate],
    target: Target,
    style: Style,
    original: bytes | None = None,
    *,
    python_version: str = "",
) -> ComposedFile:
    """Write a new test file, or put what is missing into the one that is there.

    Blocks for some 50 ms, in which ruff formats; call it in a thread where that matters.

    Args:
        kept: Candidates that were proven.
        target: What they are about.
        style: How the project writes.
        original: The existing test file.
        python_version: Of the project's interpreter, ``3.12.1``; the oldest that is supported when empty.

    Raises:
        UnusableTests: Some candidates are no Python of that version; the others are.
        TargetError: The existing file cannot be decoded or has a syntax error.
        WriteFailure: ruff is missing or failed, or the existing file cannot take the tests.
        UnusableCandidate: A candidate is no valid Python.
    """
    if original is None:
        suite = render_suite(kept, target, style)
        write = partial(format_source, style=style, first_party=suite.first_party, python_version=python_version)
        text = _formatted(suite.text, suite, write)
        return ComposedFile(text.replace("\n", style.newline).encode(), suite)
    file = SourceFile.of(original, default_newline=style.newline)
    parsed(file.text)
    width, indent_style = _indent(file.text, style.indent)
    style = replace(style, indent=width)
    suite = render_suite(kept, target, style, existing=file.text)
    if not suite.tests:
        return ComposedFile(original, suite)
    statements = "".join(statement_of(wanted) + "\n" for wanted in suite.imports)
    write = partial(format_source, style=style, first_party=suite.first_party, python_version=python_version)
    imports = write(statements) if statements else ""
    tests = _formatted(suite.text, suite, partial(write, sort_imports=False, indent_style=indent_style))
    return ComposedFile(merge_tests(file, imports, tests, first_party=suite.first_party), suite)


def _formatted(text: str, suite: RenderedSuite, write: Callable[[str], str]) -> str:
    """Format the tests; when that fails, find out which of them it fails on.

    Raises:
        UnusableTests: It fails on these.
    """
    try:
        return write(text)
    except NotFormatted:
        refused: dict[str, str] = {}
        for test in suite.tests:
            try:
                write(test.source)
                for name in test.support:
                    write(suite.support.get(name, ""))
            except NotFormatted as error:
                refused.update(dict.fromkeys(test.candidates, error.message))
        if not refused:
            raise
        raise UnusableTests(refused) from None


def _indent(text: str, default: int) -> tuple[int, Literal["space", "tab"]]:
    """How the existing file indents: by its first indented line."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.INDENT:
            return (default, "tab") if "\t" in token.string else (len(token.string), "space")
    return default, "space"
