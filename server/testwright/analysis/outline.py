"""What of a module an editor asks for while it is edited: the symbol at a line, and whether it is a test file.

Everything is read in one pass over the tree and kept as plain values, so that the tree itself need not be kept.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from testwright.analysis.symbols import ModuleSymbols, find_symbols
from testwright.analysis.targets import has_tests, parse_source

ScopeKind = Literal["class", "function"]


@dataclass(frozen=True, slots=True)
class Scope:
    """A class, function or method that can be asked for by name.

    Attributes:
        qualname: Name inside the module: ``Cart.total``.
        kind: What it is; methods are functions.
        first_line, last_line: Its lines, 1-based and inclusive, decorators included.
        name_line: The line of ``def`` or ``class`` (1-based).
        public: Whether it is one of the module's public callables, or a class with such.
    """

    qualname: str
    kind: ScopeKind
    first_line: int
    last_line: int
    name_line: int
    public: bool


@dataclass(frozen=True, slots=True)
class Outline:
    """A module as an editor sees it.

    Attributes:
        text: The text that was read.
        symbols: Its callables.
        scopes: Its classes, functions and methods in the order of the source, a class before what is in it.
        has_tests: Whether it holds what pytest collects.
        is_empty: Whether it has no statement.
    """

    text: str
    symbols: ModuleSymbols
    scopes: tuple[Scope, ...]
    has_tests: bool
    is_empty: bool

    def at(self, first_line: int, last_line: int) -> tuple[Scope, ...]:
        """The scopes that hold all of these lines (1-based, inclusive), the innermost first."""
        found = [scope for scope in self.scopes if scope.first_line <= first_line and last_line <= scope.last_line]
        return tuple(reversed(found))


def read_outline(text: str) -> Outline:
    """Read a module's text.

    Raises:
        SyntaxError: It is no Python.
    """
    tree = parse_source(text)
    symbols = find_symbols(tree)
    public = {item.qualname for item in symbols.public}
    owners = {name.rpartition(".")[0] for name in public}
    names = {item.qualname for item in symbols.callables}
    scopes = [scope for scope in _scopes(tree.body, "") if scope.qualname in names or scope.kind == "class"]
    scopes = [
        Scope(
            scope.qualname,
            scope.kind,
            scope.first_line,
            scope.last_line,
            scope.name_line,
            scope.qualname in public or (scope.kind == "class" and scope.qualname in owners),
        )
        for scope in scopes
    ]
    return Outline(text, symbols, tuple(scopes), has_tests(tree), not tree.body)


def _scopes(body: Sequence[ast.stmt], owner: str) -> Iterator[Scope]:
    """Classes and functions of a block and of the classes and conditions in it; never those inside functions."""
    for node in body:
        match node:
            case ast.ClassDef(name=name):
                yield _scope(node, owner + name, "class")
                yield from _scopes(node.body, f"{owner}{name}.")
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield _scope(node, owner + name, "function")
            case (
                ast.If(body=inner, orelse=other)
                | ast.For(body=inner, orelse=other)
                | ast.While(body=inner, orelse=other)
            ):
                yield from _scopes(inner, owner)
                yield from _scopes(other, owner)
            case ast.With(body=inner):
                yield from _scopes(inner, owner)
            case ast.Try() | ast.TryStar():
                yield from _scopes(node.body, owner)
                for handler in node.handlers:
                    yield from _scopes(handler.body, owner)
                yield from _scopes(node.orelse, owner)
                yield from _scopes(node.finalbody, owner)


def _scope(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, qualname: str, kind: ScopeKind) -> Scope:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Scope(qualname, kind, first, node.end_lineno or node.lineno, node.lineno, public=False)
