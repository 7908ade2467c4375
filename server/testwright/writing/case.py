"""A candidate as syntax trees: the form in which it is renamed, compared, put into tables and rendered (pure)."""

from __future__ import annotations

import ast
import copy
import keyword
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from testwright.model import Candidate, Import

_Node = TypeVar("_Node", bound=ast.AST)
_PRINT = ast.dump(ast.Name("print", ast.Load()))  # that it returns None says nothing beside what it prints
_DEEPEST = 100  # levels of a tree; copying and printing take several frames for each
_IDLE_FIXTURES = frozenset(
    {"tmp_path", "tmp_path_factory", "monkeypatch", "capsys", "capfd", "capsysbinary", "caplog", "request"}
)


class UnusableCandidate(ValueError):
    """The parts of a candidate do not make a test; the message is a sentence for the report."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test as trees. The nodes are shared and never changed in place.

    Attributes:
        candidates: Ids of the candidates that it stands for.
        target: Qualified name that it is about.
        scenario: Words for its name, or empty.
        arrange: Statements before the call.
        act: The call.
        binds: Name that takes the result, None when no assertion uses it.
        asserts: Expressions that must hold.
        exception: Type that must be raised, with ``match`` a plain text that its message holds.
        warns: Category of the expected warning.
        imports: Those that are used.
        fixtures: Those that are used, and those that work by being there.
    """

    candidates: tuple[str, ...]
    target: str
    scenario: str
    arrange: tuple[ast.stmt, ...]
    act: ast.expr
    binds: str | None
    asserts: tuple[ast.expr, ...]
    exception: ast.expr | None
    match: str | None
    warns: ast.expr | None
    imports: tuple[Import, ...]
    fixtures: tuple[str, ...]

    @classmethod
    def of(cls, candidate: Candidate) -> Case:
        """Parse a candidate.

        Raises:
            UnusableCandidate: A part is no Python of its kind.
        """
        for fixture in candidate.fixtures:
            if not fixture.isidentifier() or keyword.iskeyword(fixture):
                raise UnusableCandidate(f"The fixture name {fixture!r} is no identifier.")
        arrange = tuple(node for part in candidate.arrange for node in _statements(part))
        asserts = tuple(_expression(part, "An assertion") for part in candidate.asserts)
        raises = candidate.raises
        case = cls(
            candidates=(candidate.id,),
            target=candidate.target,
            scenario=candidate.scenario,
            arrange=arrange,
            act=_expression(candidate.act, "The call"),
            binds=candidate.binds,
            asserts=asserts,
            exception=_expression(raises.exception, "The exception") if raises else None,
            match=raises.match if raises else None,
            warns=_expression(candidate.warns, "The warning") if candidate.warns else None,
            imports=candidate.imports,
            fixtures=candidate.fixtures,
        )
        if any(_deeper_than(node, _DEEPEST) for node in case.nodes()):
            raise UnusableCandidate("It is nested too deeply to be read.")
        return case._tidied()

    def nodes(self) -> Iterator[ast.AST]:
        """The trees, in the order in which they are rendered."""
        yield from self.arrange
        for node in (self.warns, self.exception, self.act):
            if node is not None:
                yield node
        yield from self.asserts

    def names(self) -> set[str]:
        """All names that are read or bound anywhere in it."""
        found = names_in(self.nodes())
        if self.binds is not None:
            found.add(self.binds)
        return found

    def local_names(self) -> set[str]:
        """Names that the test function itself binds."""
        found = bound_names(self.arrange) | set(self.fixtures)
        if self.binds is not None:
            found.add(self.binds)
        return found | bound_names((self.act, *self.asserts))

    def free_names(self) -> set[str]:
        """Names that are neither bound in it nor imported by it: builtins."""
        return self.names() - self.local_names() - {wanted.bound for wanted in self.imports}

    def renamed(self, names: Mapping[str, ast.expr]) -> Case:
        """With free names replaced; names that the test itself binds are left alone."""
        mapping = {name: node for name, node in names.items() if name not in self.local_names()}
        return self.transformed(lambda: _Substitution(mapping)) if mapping else self

    def transformed(self, transformer: Callable[[], ast.NodeTransformer]) -> Case:
        """With a transformer applied to a copy of each tree."""
        return replace(
            self,
            arrange=tuple(_changed(node, transformer) for node in self.arrange),
            act=_changed(self.act, transformer),
            asserts=tuple(_changed(node, transformer) for node in self.asserts),
            exception=None if self.exception is None else _changed(self.exception, transformer),
            warns=None if self.warns is None else _changed(self.warns, transformer),
        )

    def key(self) -> str:
        """Equal for cases that do the same; ids and scenario do not count."""
        parts = [ast.dump(node) for node in self.nodes()]
        return repr((parts, len(self.arrange), len(self.asserts), self.binds, self.match, sorted(self.fixtures)))

    def _tidied(self) -> Case:
        """Without what is not used: the name of an unused result, imports, fixtures that only work when used."""
        asserts = self.asserts
        if len(asserts) > 1 and isinstance(self.act, ast.Call) and ast.dump(self.act.func) == _PRINT:
            asserts = tuple(one for one in asserts if ast.unparse(one) != f"{self.binds} is None")
        read = names_in(asserts)
        binds = self.binds if self.binds in read and self.exception is None else None
        used = names_in(self.nodes())
        imports = dict.fromkeys(wanted for wanted in self.imports if wanted.bound in used)
        if "pytest" in used and "pytest" not in {wanted.bound for wanted in imports}:
            imports[Import("pytest")] = None
        return replace(
            self,
            asserts=asserts,
            binds=binds,
            imports=tuple(imports),
            fixtures=tuple(dict.fromkeys(name for name in self.fixtures if name in used or name not in _IDLE_FIXTURES)),
        )


def names_in(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that occur in trees, read or bound."""
    return {node.id for root in nodes for node in ast.walk(root) if isinstance(node, ast.Name)}


def bound_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that trees bind in the scope in which they stand."""
    found: set[str] = set()
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
            stack.extend(node.decorator_list)
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            stack.extend(inner.target for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        else:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
            elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
                found.add(node.name)
            elif isinstance(node, ast.MatchMapping) and node.rest:
                found.add(node.rest)
            stack.extend(ast.iter_child_nodes(node))
    return found


def substituted(node: _Node, mapping: Mapping[str, ast.expr]) -> _Node:
    """A copy with free names replaced by expressions."""
    return _changed(node, lambda: _Substitution(mapping))


def _changed(node: _Node, transformer: Callable[[], ast.NodeTransformer]) -> _Node:
    return cast("_Node", transformer().visit(copy.deepcopy(node)))


class _Substitution(ast.NodeTransformer):
    """Replaces names, except where a nested scope binds them anew."""

    def __init__(self, mapping: Mapping[str, ast.expr]) -> None:
        self.mapping = mapping

    def visit_Name(self, node: ast.Name) -> ast.expr:
        replacement = self.mapping.get(node.id)
        if replacement is None:
            return node
        if isinstance(replacement, ast.Name):
            return ast.copy_location(ast.Name(replacement.id, node.ctx), node)
        return copy.deepcopy(replacement) if isinstance(node.ctx, ast.Load) else node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._scope(node, bound_names(node.body) | _parameters(node.args))

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._scope(node, bound_names(node.body) | _parameters(node.args))

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._scope(node, _parameters(node.args))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._scope(node, bound_names(node.body))

    def visit_ListComp(self, node: ast.ListComp) -> ast.AST:
        return self._scope(node, bound_names(part.target for part in node.generators))

    def visit_SetComp(self, node: ast.SetComp) -> ast.AST:
        return self._scope(node, bound_names(part.target for part in node.generators))

    def visit_DictComp(self, node: ast.DictComp) -> ast.AST:
        return self._scope(node, bound_names(part.target for part in node.generators))

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> ast.AST:
        return self._scope(node, bound_names(part.target for part in node.generators))

    def _scope(self, node: ast.AST, bound: set[str]) -> ast.AST:
        inner = {name: value for name, value in self.mapping.items() if name not in bound}
        return _Substitution(inner).generic_visit(node) if inner else node


def _deeper_than(root: ast.AST, limit: int) -> bool:
    level: list[ast.AST] = [root]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


def _parameters(arguments: ast.arguments) -> set[str]:
    names = {argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
    return names | {argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None}


def _statements(source: str) -> list[ast.stmt]:
    return _parsed(source, "A statement").body


def _expression(source: str, what: str) -> ast.expr:
    body = _parsed(source.strip(), what).body
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise UnusableCandidate(f"{what} is no single expression: {_short(source)}")
    return body[0].value


def _parsed(source: str, what: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnusableCandidate(f"{what} is no valid Python ({error}): {_short(source)}") from error


def _short(source: str) -> str:
    line = " ".join(source.split())
    return line if len(line) <= 80 else line[:77] + "..."
