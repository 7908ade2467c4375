"""What of a module an editor asks for while it is edited: its classes and functions, and whether it is a test file.

A text is cut where a definition begins at the left margin, and each piece is parsed by itself. After an edit only the
pieces are parsed that the text before did not have, which is a matter of a millisecond; and when all are new, other
threads come to their turn between two of them, since Python's parser lets none in while it is at work.

This gives what parsing the whole gives: where a piece parses by itself, no bracket, string or block is open at its
end, so what follows is parsed as if it stood alone. A piece that does not parse by itself (a cut inside a string, an
``else`` after a definition) is taken together with those after it.
"""

from __future__ import annotations

import ast
import itertools
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from testwright.analysis.symbols import DefinedAt, definition_lines, export_statements, exported_names, is_public
from testwright.analysis.targets import has_tests

ScopeKind = Literal["class", "function"]

_CUT = re.compile(r"^(?=@|def\b|class\b|async\b)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scope:
    """A class, function or method that can be asked for by name.

    Attributes:
        qualname: Name inside the module: ``Cart.total``.
        kind: What it is; methods are functions.
        first_line, last_line: Its lines, 1-based and inclusive, decorators included.
        name_line: The line of ``def`` or ``class`` (1-based).
        public: Whether it is one of the module's public callables, or a class with such.
        is_defining: Whether the name stands for this definition. Not so for the stub of an overload, for what is
            defined again elsewhere, and for a property's setter.
    """

    qualname: str
    kind: ScopeKind
    first_line: int
    last_line: int
    name_line: int
    public: bool
    is_defining: bool = True


@dataclass(frozen=True, slots=True)
class Outline:
    """A module as an editor sees it.

    Attributes:
        text: The text that was read.
        scopes: Its classes, functions and methods in the order of the source, a class before what is in it.
        functions: First and last line of each function and method, whatever its name, in the order of the source;
            those inside a function belong to it.
        headers: Lines of their decorators, down to ``def``; they run when the module is imported.
        statements: Lines outside of functions on which a statement, a decorator, an ``except`` or a ``case`` begins,
            sorted.
        has_public: Whether it has a public callable.
        has_tests: Whether it holds what pytest collects.
        is_empty: Whether it has no statement.
        pieces: What was read of each piece, by its text, for the outline of the next text.
    """

    text: str
    scopes: tuple[Scope, ...]
    functions: tuple[tuple[int, int], ...]
    headers: tuple[int, ...]
    statements: tuple[int, ...]
    has_public: bool
    has_tests: bool
    is_empty: bool
    pieces: Mapping[str, Piece] = field(default_factory=dict, repr=False, compare=False)

    def at(self, first_line: int, last_line: int) -> tuple[Scope, ...]:
        """The scopes that hold all of these lines (1-based, inclusive), the innermost first."""
        found = [scope for scope in self.scopes if scope.first_line <= first_line and last_line <= scope.last_line]
        return tuple(reversed(found))


def read_outline(text: str, before: Outline | None = None) -> Outline:
    """Read a module's text.

    Args:
        text: The text.
        before: Outline of an earlier text, from which is taken what has not changed.

    Raises:
        SyntaxError: It is no Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pieces = list(_read_pieces(text, before.pieces if before is not None else {}))
    starts = list(itertools.accumulate((piece.lines for _, piece in pieces), initial=0))
    exports = [statement for _, piece in pieces for statement in piece.exports]
    exported = exported_names(ast.Module(exports, []))
    defined: dict[str, int] = {}
    for start, (_, piece) in zip(starts, pieces, strict=False):
        for name, at in piece.defined.items():
            if not at.is_second_choice or name not in defined:
                defined[name] = start + at.first_line
    public = {name for name in defined if is_public(name, exported)}
    owners = {name.rpartition(".")[0] for name in public}

    def placed(scope: Scope, start: int) -> Scope:
        name, line = scope.qualname, start + scope.first_line
        is_class = scope.kind == "class"
        return Scope(
            name,
            scope.kind,
            line,
            start + scope.last_line,
            start + scope.name_line,
            name in public or (is_class and name in owners),
            defined.get(name, line if is_class else 0) == line,
        )

    return Outline(
        text,
        tuple(
            placed(scope, start)
            for start, (_, piece) in zip(starts, pieces, strict=False)
            for scope in piece.scopes
            if scope.qualname in defined or scope.kind == "class"
        ),
        tuple(
            (start + first, start + last)
            for start, (_, piece) in zip(starts, pieces, strict=False)
            for first, last in piece.functions
        ),
        tuple(start + line for start, (_, piece) in zip(starts, pieces, strict=False) for line in piece.headers),
        tuple(start + line for start, (_, piece) in zip(starts, pieces, strict=False) for line in piece.statements),
        bool(public),
        any(piece.has_tests for _, piece in pieces),
        all(piece.is_empty for _, piece in pieces),
        dict(pieces),
    )


# ------------------------------------------------------------------------------------------------ pieces


@dataclass(frozen=True, slots=True)
class Piece:
    """What was read of a piece; lines count from its own first line, 1.

    Attributes:
        lines: How many lines it has.
        scopes: Its classes and functions, all of them.
        functions: First and last line of each function.
        headers: Lines of their decorators, down to ``def``.
        statements: Lines outside of functions on which something begins that can run, sorted.
        defined: Where its callables are defined.
        exports: Statements about ``__all__``.
        has_tests: Whether it holds what pytest collects.
        is_empty: Whether it has no statement.
    """

    lines: int
    scopes: tuple[Scope, ...]
    functions: tuple[tuple[int, int], ...]
    headers: tuple[int, ...]
    statements: tuple[int, ...]
    defined: Mapping[str, DefinedAt]
    exports: tuple[ast.stmt, ...]
    has_tests: bool
    is_empty: bool


def _read_pieces(text: str, known: Mapping[str, Piece]) -> Iterator[tuple[str, Piece]]:
    """The pieces of a text in their order, each with its own text.

    Raises:
        SyntaxError: It is no Python; the line is one of the whole text.
    """
    cuts = _cuts(text)
    at, lines = 0, 0
    while at < len(cuts) - 1:
        count = 1
        while True:
            own = text[cuts[at] : cuts[min(at + count, len(cuts) - 1)]]
            try:
                piece = known.get(own) or _read_piece(own)
                break
            except SyntaxError as error:
                if at + count >= len(cuts) - 1:
                    _move(error, lines)
                    raise
                count *= 2
        yield own, piece
        at += count
        lines += piece.lines


def _cuts(text: str) -> list[int]:
    """Where to cut, the beginning and the end included; never between a decorator and what it decorates."""
    cuts = [0]
    is_decorated = False
    for match in _CUT.finditer(text):
        if not is_decorated:
            cuts.append(match.start())
        is_decorated = text[match.start()] == "@"
    cuts.append(len(text))
    return cuts


def _move(error: SyntaxError, lines: int) -> None:
    if error.lineno is not None:
        error.lineno += lines
    if error.end_lineno is not None:
        error.end_lineno += lines


def _read_piece(text: str) -> Piece:
    """Parse a piece.

    Raises:
        SyntaxError: It does not parse by itself.
    """
    try:
        tree = ast.parse(text)
    except (ValueError, RecursionError, MemoryError) as error:
        raise SyntaxError(f"too complex to parse ({type(error).__name__})") from error
    statements = list(_statements(tree.body, ""))
    scopes = tuple(_scope(node, qualname) for node, qualname in statements if isinstance(node, _Definition))
    functions = [scope for scope in scopes if scope.kind == "function"]
    return Piece(
        text.count("\n") + text.count("\r") - text.count("\r\n"),
        scopes,
        tuple((scope.first_line, scope.last_line) for scope in functions),
        tuple(line for scope in functions for line in range(scope.first_line, scope.name_line + 1)),
        tuple(sorted({line for node, _ in statements for line in _first_lines(node)})),
        definition_lines(tree.body),
        tuple(export_statements(tree.body)),
        has_tests(tree),
        not tree.body,
    )


_Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _statements(body: Sequence[ast.stmt], owner: str) -> Iterator[tuple[ast.stmt, str]]:
    """Statements of a block and of the blocks in it, never those inside functions, each with the name it may define."""
    for node in body:
        yield node, owner + getattr(node, "name", "")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inner = f"{owner}{node.name}." if isinstance(node, ast.ClassDef) else owner
        for block in _blocks(node):
            yield from _statements(block, inner)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    """The blocks of a statement, in their order."""
    yield getattr(node, "body", [])
    for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        yield part.body
    yield getattr(node, "orelse", [])
    yield getattr(node, "finalbody", [])


def _first_lines(node: ast.stmt) -> Iterator[int]:
    """Lines of a statement on which something begins that can run, those of its blocks left out."""
    yield node.lineno
    for part in (*getattr(node, "decorator_list", ()), *getattr(node, "handlers", ())):
        yield part.lineno
    for case in getattr(node, "cases", ()):
        yield case.pattern.lineno


def _scope(node: _Definition, qualname: str) -> Scope:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    kind: ScopeKind = "class" if isinstance(node, ast.ClassDef) else "function"
    return Scope(qualname, kind, first, node.end_lineno or node.lineno, node.lineno, public=False)
