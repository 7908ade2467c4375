"""A case: a scenario as Python source, before it is known what it shows."""

from __future__ import annotations

import ast
import dataclasses
import re
from dataclasses import dataclass, field

from .names import free_names

_NUMBERS = re.compile(r"\d+")


@dataclass(frozen=True)
class Case:
    """Arrange statements and one act expression.

    Attributes:
        target: Qualified name that it is about.
        arrange: Statements, as source.
        act: Expression, as source.
        origin: ``doctest``, ``example``, ``search``, ``mutation``.
        picks: Which kind was picked for which parameter: ``(target, parameter, index)``, for learning from the outcome.
    """

    target: str
    arrange: "tuple[str, ...]"
    act: str
    origin: str = "search"
    picks: "tuple[tuple[str, str, int], ...]" = field(default=(), compare=False)

    @property
    def key(self) -> "tuple[tuple[str, ...], str]":
        """What makes two cases the same."""
        return self.arrange, self.act

    @property
    def source(self) -> str:
        """All of it."""
        return "\n".join((*self.arrange, self.act))

    @property
    def used(self) -> "frozenset[str]":
        """Free names."""
        return free_names(self.source)

    def cost(self) -> float:
        """How ugly it is to read; smaller is nicer."""
        return len(self.source) + 12 * len(self.arrange)


def valid(case: Case) -> bool:
    """Whether it parses as it should."""
    try:
        for statement in case.arrange:
            if len(ast.parse(statement).body) != 1:
                return False
        ast.parse(case.act, mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def local_names(statements: "tuple[str, ...]") -> "list[str]":
    """Variables that the statements bind at their top level, in order."""
    found: "list[str]" = []

    def add(target: ast.expr) -> None:
        if isinstance(target, ast.Name):
            if target.id not in found:
                found.append(target.id)
        elif isinstance(target, (ast.Tuple, ast.List)):
            for element in target.elts:
                add(element)

    for source in statements:
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    add(target)
            elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
                add(node.target)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                if node.name not in found:
                    found.append(node.name)
            elif isinstance(node, (ast.With, ast.AsyncWith)):
                for item in node.items:
                    if item.optional_vars is not None:
                        add(item.optional_vars)
                for inner in node.body:
                    if isinstance(inner, ast.Assign):
                        for target in inner.targets:
                            add(target)
    return found


class _Renamer(ast.NodeTransformer):
    def __init__(self, mapping: "dict[str, str]") -> None:
        self.mapping = mapping

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Rename a variable."""
        return ast.copy_location(ast.Name(self.mapping.get(node.id, node.id), node.ctx), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """Rename a function that is one of the locals."""
        self.generic_visit(node)
        node.name = self.mapping.get(node.name, node.name)
        return node

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        """Rename a function that is one of the locals."""
        self.generic_visit(node)
        node.name = self.mapping.get(node.name, node.name)
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Rename a class that is one of the locals."""
        self.generic_visit(node)
        node.name = self.mapping.get(node.name, node.name)
        return node


def rename(source: str, mapping: "dict[str, str]") -> str:
    """Rename variables in a piece of source."""
    if not mapping:
        return source
    return ast.unparse(_Renamer(mapping).visit(ast.parse(source)))


def pruned(arrange: "tuple[str, ...]", act: str) -> "tuple[str, ...]":
    """Leave out arrange statements that only bind variables nobody reads (pure assignments of displays and names)."""
    kept = list(arrange)
    changed = True
    while changed:
        changed = False
        for index in range(len(kept) - 1, -1, -1):
            node = ast.parse(kept[index]).body[0]
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                bound = [node.name]
            elif isinstance(node, ast.Assign) and all(isinstance(target, ast.Name) for target in node.targets):
                bound = [target.id for target in node.targets if isinstance(target, ast.Name)]
            else:
                continue
            rest = "\n".join((*kept[:index], *kept[index + 1 :], act))
            if not any(name in free_or_used(rest) for name in bound):
                del kept[index]
                changed = True
                break
    return tuple(kept)


def free_or_used(source: str) -> "set[str]":
    """Names that are read anywhere in the source."""
    return {
        node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


HEAVY = 10_000
"""A factor or a range beyond this makes a slow test and shows nothing more."""


class _Tamer(ast.NodeTransformer):
    def __init__(self) -> None:
        self.changed = False

    def _small(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) > HEAVY:
            self.changed = True
            return ast.copy_location(ast.Constant(20 if node.value > 0 else -20), node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        """A factor or an exponent; numbers alone are harmless to multiply."""
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Pow, ast.LShift)) and not (
            isinstance(node.op, ast.Mult)
            and isinstance(node.left, ast.Constant)
            and type(node.left.value) in (int, float)
        ):
            node.right = self._small(node.right)  # type: ignore[assignment]
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """A factor."""
        self.generic_visit(node)
        if isinstance(node.op, (ast.Mult, ast.Pow, ast.LShift)):
            node.value = self._small(node.value)  # type: ignore[assignment]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The end of a range."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "range":
            node.args = [self._small(argument) for argument in node.args]  # type: ignore[misc]
        return node


def tamed(case: Case) -> Case:
    """The same case with factors and ranges of a size that a test can have."""
    if not any(len(word) > 4 for word in _NUMBERS.findall(case.source)):
        return case
    sources = []
    changed = False
    for source in (*case.arrange, case.act):
        tamer = _Tamer()
        tree = tamer.visit(ast.parse(source))
        changed = changed or tamer.changed
        sources.append(ast.unparse(tree) if tamer.changed else source)
    if not changed:
        return case
    return dataclasses.replace(case, arrange=tuple(sources[:-1]), act=sources[-1])
