"""Which callable of the module a test is about, read from what it names (pure)."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection
from dataclasses import dataclass, field

from testwright.analysis.outline import read_outline
from testwright.model import Target

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@dataclass(frozen=True, slots=True)
class Subjects:
    """The callables of a module.

    Attributes:
        module: Its dotted name.
        names: Qualified names of its callables, a class before what is in it.
        top: Names that it binds at its top level.
    """

    module: str
    names: tuple[str, ...] = ()
    top: frozenset[str] = field(default_factory=frozenset)

    @classmethod
    def of(cls, target: Target) -> Subjects:
        """Read the module."""
        try:
            tree = ast.parse(target.source)
            names = tuple(scope.qualname for scope in read_outline(target.source).scopes if scope.is_defining)
        except (SyntaxError, ValueError, RecursionError):
            return cls(target.module)
        stored = {
            part.id
            for node in tree.body
            for part in ast.walk(node)
            if isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(part, ast.Name)
            and isinstance(part.ctx, ast.Store)
        }
        return cls(target.module, names, frozenset({name.partition(".")[0] for name in names} | stored))

    def home_of(self, name: str, stars: Collection[str]) -> str | None:
        """The module that a name comes from by a star import, when that can be told."""
        return self.module if self.module in stars and name in self.top else None

    def of_test(self, name: str, source: str) -> str:
        """The callable that a test is about; empty when it names none.

        The one whose name the test's own name holds; of several the longest; else the last that it calls.
        """
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            return ""
        called = [one for node in ast.walk(tree) if (one := _called(node))]
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | set(called)
        known = [one for one in self.names if one.rpartition(".")[2] in used and "<locals>" not in one]
        words = f"_{name.lower()}_"
        named = [one for one in known if f"_{_snake(one)}_" in words or f"_{_snake(one.rpartition('.')[2])}_" in words]
        if named:
            return max(named, key=lambda one: (len(_snake(one.rpartition(".")[2])), -self.names.index(one)))
        return max(
            (one for one in known if one.rpartition(".")[2] in called),
            key=lambda one: called.index(one.rpartition(".")[2]) * -1,
            default=known[0] if known else "",
        )


def _called(node: ast.AST) -> str:
    match node:
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name)):
            return name
    return ""


def _snake(name: str) -> str:
    return re.sub(r"\W+", "_", _CAMEL.sub("_", name).lower()).strip("_")
