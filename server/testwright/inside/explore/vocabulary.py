"""Words and numbers that a module itself speaks of."""

from __future__ import annotations

import ast
import random
import re
from typing import Any

from . import regexes

WORDS = (
    "hello",
    "world",
    "Alice",
    "apple",
    "example",
    "sample text",
    "Hello World",
    "foo_bar",
    "a",
    "",
    "abc",
    "x y z",
)
NUMBERS = (0, 1, 2, 3, 5, 10, -1, 7, 100, 1000)
_BY_ROLE: "dict[str, tuple[str, ...]]" = {
    "url": ("https://example.com/path?q=1", "http://localhost:8080/", "ftp://example.org"),
    "uri": ("https://example.com/path?q=1", "urn:isbn:123"),
    "email": ("alice@example.com", "bob@example"),
    "version": ("1.2.3", "1.0", "2.0.0rc1", "1.2.3-alpha.1+build.5"),
    "date": ("2024-01-15", "2023-12-31", "15/01/2024"),
    "time": ("10:30:00", "23:59"),
    "datetime": ("2024-01-15T10:30:00", "2024-01-15 10:30:00", "2024-01-15T10:30:00Z"),
    "timestamp": ("2024-01-15T10:30:00", "2024-01-15T10:30:00+00:00"),
    "encoding": ("utf-8", "latin-1", "ascii"),
    "json": ('{"a": 1, "b": [1, 2]}', "[]", "{"),
    "html": ("<p>Hello</p>", "<a href='x'>y</a>"),
    "locale": ("en_US", "de_DE"),
    "lang": ("en", "de"),
    "language": ("en", "de"),
    "color": ("red", "#ff0000"),
    "host": ("localhost", "example.com"),
    "separator": ("-", "_", ", "),
    "sep": ("-", "_", ", "),
    "delimiter": (",", ";"),
    "code": ("x = 1", "def f(a):\n    return a\n"),
    "source": ("x = 1", "def f(a):\n    return a\n"),
    "format": ("%d", "{}", "%Y-%m-%d"),
    "mode": ("r", "w"),
    "price": ("9.99",),
    "number": ("42", "3.14", "-7", "1,000"),
}


_DOCUMENTS: "tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]" = (
    (("json",), (
        '{"a": 1, "b": [1, 2.5, true, null]}', '{"name": "Alice", "tags": ["x", "y"]}', "[1, 2, 3]",
        '{"a": {"b": "c"}}', '{"a": ', "{}", '"text"')),
    (("toml",), ('title = "x"\n[owner]\nname = "Tom"\n', "a = [1, 2]\n")),
    (("yaml",), ("a: 1\nb:\n  - x\n  - y\n", "key: value\n")),
    (("configparser", "ini"), ("[main]\nkey = value\n", "[a]\nx=1\n")),
    (("csv",), ("a,b\n1,2\n", "name;age\nAlice;30\n")),
    (("xml", "elementtree", "html"), ("<root><item id='1'>text</item></root>", "<p>Hello <b>world</b></p>")),
    (("markdown",), ("# Title\n\nSome *text* with `code`.\n", "- one\n- two\n")),
    (("urllib", "url"), ("https://user@example.com:8080/path?q=1#top", "http://example.com")),
    (("headers", "http"), ("Content-Type: application/json\r\nX-Name: value", "text/html; charset=utf-8")),
    (("docstring",), (
        "Short description.\n\nLong description.\n\nArgs:\n    x (int): The x.\n\nReturns:\n    str: Text.\n",)),
)  # fmt: skip
"""Small documents of the formats that a module may speak of, by words in its source."""


class Vocabulary:
    """Literals of a module, by line, and strings that match its regular expressions.

    Attributes:
        strings: ``(line, text)``.
        numbers: ``(line, value)``.
        patterns: Samples for the module's regular expressions.
        documents: Small documents of the formats that the module speaks of.
        seen: Sources of arguments seen for a parameter's name in documentation, tests and successful cases.
    """

    def __init__(self, tree: ast.Module, values: "list[Any]", rng: random.Random) -> None:
        self.strings: "list[tuple[int, str]]" = []
        self.numbers: "list[tuple[int, float]]" = []
        self.seen: "dict[str, list[str]]" = {}
        self._near_strings: "dict[Any, list[str]]" = {}
        self._near_numbers: "dict[Any, list[float]]" = {}
        lowered = ast.unparse(tree).lower()
        self.documents = [
            text for words, texts in _DOCUMENTS if any(word in lowered for word in words) for text in texts
        ]
        self._collect(tree)
        found = regexes.constant_patterns(values)
        self.compiled = found[:120]
        per = 12 if len(found) < 20 else 3
        self.samples: "list[str]" = []
        for pattern in self.compiled:
            self.samples.extend(regexes.samples(pattern, rng, per))
        self.tokens = sorted({text for _line, text in self.strings if 0 < len(text) <= 12 and "%" not in text})

    def _collect(self, tree: ast.Module) -> None:
        docstrings = set()
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.body:
                first = node.body[0]
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    docstrings.add(id(first.value))
            elif isinstance(node, ast.JoinedStr):
                docstrings.update(id(value) for value in node.values)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or id(node) in docstrings:
                continue
            value = node.value
            if isinstance(value, str) and len(value) <= 80:
                self.strings.append((node.lineno, value))
                if len(value) > 8 and ("(?" in value or "[" in value):
                    self._regex_literal(value)
            elif isinstance(value, bytes) and len(value) <= 40:
                self.strings.append((node.lineno, value.decode("latin-1")))
            elif isinstance(value, (int, float)) and not isinstance(value, bool):
                self.numbers.append((node.lineno, value))

    def _regex_literal(self, text: str) -> None:
        try:
            re.compile(text)
        except (re.error, RecursionError, OverflowError):
            return

    def near_strings(self, ranges: "tuple[tuple[int, int], ...]") -> "list[str]":
        """Literals in some ranges of lines; all when there are none."""
        found = self._near_strings.get(ranges)
        if found is None:
            found = self._near_strings[ranges] = list(
                dict.fromkeys(text for line, text in self.strings if not ranges or _within(line, ranges))
            )
        return found

    def near_numbers(self, ranges: "tuple[tuple[int, int], ...]") -> "list[float]":
        """Numbers in some ranges of lines; all when there are none."""
        found = self._near_numbers.get(ranges)
        if found is None:
            found = self._near_numbers[ranges] = list(
                dict.fromkeys(value for line, value in self.numbers if not ranges or _within(line, ranges))
            )
        return found

    def note(self, role: str, source: str) -> None:
        """Remember an argument that was seen for a parameter's name."""
        if len(source) > 300:
            return
        sources = self.seen.setdefault(role, [])
        if source not in sources and len(sources) < 60:
            sources.append(source)

    def words_for(self, role: str) -> "tuple[str, ...]":
        """Plausible words for what a parameter is called."""
        plain = role.lower().strip("_")
        for name, words in _BY_ROLE.items():
            if name in plain:
                return words
        return ()


def _within(line: int, ranges: "tuple[tuple[int, int], ...]") -> bool:
    return any(first <= line <= last for first, last in ranges)
