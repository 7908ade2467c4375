"""What a test file's source says of itself: its functions, and which names stand for what."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

Function = ast.FunctionDef | ast.AsyncFunctionDef

ASSERTING_LIBRARY = frozenset({"unittest", "doctest", "test"})
"""Modules of the standard library that hold assertions."""


@dataclass(frozen=True, slots=True)
class TestSource:
    """A test file.

    Attributes:
        tree: All of it.
        functions: Functions at its top level, by name.
        ours: Names that stand for the module under test, for something of it, or for a package on the way to it.
        known: These, built-in names, and names from the standard library but for its assertions.
    """

    __test__ = False

    tree: ast.Module
    functions: dict[str, Function]
    ours: frozenset[str]
    known: frozenset[str]

    @classmethod
    def read(cls, source: str, module: str) -> TestSource:
        """Read it.

        Args:
            source: Its text.
            module: Dotted name of the module under test.

        Raises:
            SyntaxError: The text is no Python.
        """
        tree = ast.parse(source)
        ours: set[str] = set()
        library: set[str] = set()
        for node in ast.walk(tree):
            for origin, bound in _imports(node):
                if _is_of(origin, module):
                    ours.add(bound)
                elif origin.partition(".")[0] in sys.stdlib_module_names - ASSERTING_LIBRARY:
                    library.add(bound)
        functions = {node.name: node for node in tree.body if isinstance(node, Function)}
        return cls(tree, functions, frozenset(ours), frozenset({*ours, *library, *dir(builtins)}))

    def body(self, owners: Sequence[str]) -> tuple[Sequence[ast.stmt], ast.ClassDef | None]:
        """Statements of a class, named with the classes around it, and the class; of the file when none is named."""
        body: Sequence[ast.stmt] = self.tree.body
        owner: ast.ClassDef | None = None
        for name in owners:
            owner = next((node for node in body if isinstance(node, ast.ClassDef) and node.name == name), None)
            if owner is None:
                return (), None
            body = owner.body
        return body, owner


def methods(owner: ast.ClassDef | None) -> dict[str, Function]:
    """The methods that a class itself defines, by name."""
    return {} if owner is None else {node.name: node for node in owner.body if isinstance(node, Function)}


def arguments(function: Function) -> list[str]:
    """Names of a function's arguments, but for the instance and the class."""
    given = function.args
    names = [argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [name for name in names if name not in ("self", "cls")]


def bound_names(function: Function) -> set[str]:
    """Names that a function binds in its body."""
    found = set()
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.AsyncFunctionDef(name=name):
                found.add(name)
    return found


def last_name(node: ast.expr) -> str:
    """``b`` of ``b``, ``a.b`` and ``a.b()``; empty for anything else."""
    match node:
        case ast.Call(func=function):
            return last_name(function)
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
    return ""


def is_mark(decorator: ast.expr) -> bool:
    """Whether a decorator is one of pytest's marks."""
    return ast.unparse(decorator).startswith(("pytest.mark.", "mark."))


def is_fixture(function: Function) -> bool:
    """Whether a function is a fixture of pytest."""
    return any(is_fixture_decorator(decorator) for decorator in function.decorator_list)


def is_fixture_decorator(decorator: ast.expr) -> bool:
    """Whether a decorator makes a fixture."""
    return ast.unparse(decorator).partition("(")[0] in ("pytest.fixture", "fixture")


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    """What an import statement takes, by its full name, and the name that it binds."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name, alias.asname or alias.name.partition(".")[0]
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            yield f"{node.module}.{alias.name}" if node.module else alias.name, alias.asname or alias.name


def _is_of(origin: str, module: str) -> bool:
    parts, wanted = origin.split("."), module.split(".")
    shorter = min(len(parts), len(wanted))
    # Under another root, or relative, it is known by its last name.
    return parts[:shorter] == wanted[:shorter] or wanted[-1] in parts[-2:]
