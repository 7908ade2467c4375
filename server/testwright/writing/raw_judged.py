"""A whole test function as the judge runs it: with all that it needs inside one plain function (pure).

So it is with other candidates: collecting the file runs nothing, and none can reach another. Fixtures of the test's own
file are called as pytest would call them, each once, and what stands after their ``yield`` runs at the end whatever
happened.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from testwright.model import Candidate, RawTest
from testwright.writing.case import UnusableCandidate
from testwright.writing.imports import statement_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_MAKE, _STEPS, _VALUE = "make_fixture_", "steps_of_", "value_of_"


@dataclass(frozen=True, slots=True)
class RawParts:
    """A test function as trees.

    Attributes:
        function: The test.
        support: Definitions that are no fixtures.
        fixtures: Fixtures of its file, by name.
        arguments: Arguments that pytest gives: fixtures and parameters, not mocks of patches.
        row: Values of its parameters.
    """

    function: ast.FunctionDef
    support: tuple[ast.stmt, ...]
    fixtures: Mapping[str, ast.FunctionDef]
    arguments: tuple[str, ...]
    row: Mapping[str, ast.expr]

    @classmethod
    def of(cls, raw: RawTest, outside: Iterable[str]) -> RawParts:
        """Parse it.

        Args:
            raw: The test.
            outside: Fixtures that its file does not define.

        Raises:
            UnusableCandidate: A part is no Python of its kind.
        """
        try:
            (function,) = ast.parse(raw.function).body
            support = [node for part in raw.support for node in ast.parse(part).body]
            row = {
                name: ast.parse(value, mode="eval").body for name, value in zip(raw.parameters, raw.row, strict=True)
            }
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise UnusableCandidate(f"It is no valid Python: {error}.") from error
        if not isinstance(function, ast.FunctionDef):
            raise UnusableCandidate("It is no plain function.")
        fixtures = {node.name: node for node in support if isinstance(node, ast.FunctionDef) and is_fixture(node)}
        given = [one.arg for one in function.args.args]
        named = {*fixtures, *outside, *row}
        arguments = tuple(name for name in [*given, *(one.arg for one in function.args.kwonlyargs)] if name in named)
        plain = tuple(node for node in support if node not in fixtures.values())
        return cls(function, plain, fixtures, arguments, row)


def is_fixture(node: ast.stmt) -> bool:
    """Whether a definition is a fixture."""
    return isinstance(node, _Function) and any(
        ast.unparse(mark).partition("(")[0] in ("pytest.fixture", "fixture") for mark in node.decorator_list
    )


def judged_text(name: str, candidate: Candidate, raw: RawTest) -> str:
    """The function that the judge runs.

    Args:
        name: Its name.
        candidate: Whose imports and fixtures it has.
        raw: The test.

    Raises:
        UnusableCandidate: It cannot be told as one function.
    """
    parts = RawParts.of(raw, candidate.fixtures)
    bound = {wanted.bound for wanted in candidate.imports} | {getattr(node, "name", "") for node in parts.support}
    if hidden := bound & set(candidate.fixtures):
        raise UnusableCandidate(f"The fixture {min(hidden)} has the name of something else that it uses.")
    imports = [node for wanted in candidate.imports for node in ast.parse(statement_of(wanted)).body]
    makers = [_maker(node) for node in parts.fixtures.values()]
    body = [*imports, *parts.support, *makers, copy.deepcopy(parts.function)]
    order: dict[str, None] = {}
    for wanted in (*raw.uses, *parts.arguments):
        _order(wanted, parts, order, ())
    call = _call(parts.function.name, parts.arguments, parts)
    inner: list[ast.stmt] = [ast.Expr(call)]
    for fixture in reversed(order):
        inner = _with_fixture(fixture, parts, inner)
    arguments = ast.arguments([], [ast.arg(one) for one in candidate.fixtures], None, [], [], None, [])
    whole = ast.FunctionDef(name=name, args=arguments, body=[*body, *inner], decorator_list=[])
    return ast.unparse(ast.fix_missing_locations(whole)) + "\n"


def _maker(node: ast.FunctionDef) -> ast.FunctionDef:
    new = copy.deepcopy(node)
    new.name, new.decorator_list = _MAKE + node.name, []
    return new


def _order(name: str, parts: RawParts, order: dict[str, None], above: tuple[str, ...]) -> None:
    """Fixtures before those that need them."""
    node = parts.fixtures.get(name)
    if node is None or name in order or name in parts.row:
        return
    if name in above:
        raise UnusableCandidate(f"The fixture {name} needs itself.")
    for argument in _arguments(node):
        if argument in parts.row:
            raise UnusableCandidate(f"The fixture {name} needs the parameter {argument}, which changes with the row.")
        _order(argument, parts, order, (*above, name))
    order[name] = None


def _with_fixture(name: str, parts: RawParts, inner: list[ast.stmt]) -> list[ast.stmt]:
    node = parts.fixtures[name]
    made = _call(_MAKE + name, _arguments(node), parts)
    if not _yields(node):
        return [_assign(_VALUE + name, made), *inner]
    steps = ast.Name(_STEPS + name, ast.Load())
    value = ast.Call(ast.Name("next", ast.Load()), [steps], [])
    end = ast.Call(ast.Name("next", ast.Load()), [steps, ast.Constant(None)], [])
    guarded = ast.Try(body=inner, handlers=[], orelse=[], finalbody=[ast.Expr(end)])
    return [_assign(_STEPS + name, made), _assign(_VALUE + name, value), guarded]


def _call(function: str, arguments: Iterable[str], parts: RawParts) -> ast.Call:
    keywords = []
    for name in arguments:
        value = parts.row.get(name)
        if value is None:
            value = ast.Name(_VALUE + name if name in parts.fixtures else name, ast.Load())
        keywords.append(ast.keyword(name, value))
    return ast.Call(ast.Name(function, ast.Load()), [], keywords)


def _assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[ast.Name(name, ast.Store())], value=value)


def _arguments(node: ast.FunctionDef) -> tuple[str, ...]:
    return tuple(one.arg for one in (*node.args.args, *node.args.kwonlyargs))


def _yields(node: ast.FunctionDef) -> bool:
    stack: list[ast.AST] = list(node.body)
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(part, _Function | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(part))
    return False
