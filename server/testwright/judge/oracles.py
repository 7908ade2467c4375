"""Whether a candidate asserts something about behaviour, or would pass whatever the code did."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import lru_cache

from testwright.judge.raw_oracles import (
    asserts_by_itself,
    cannot_fail,
    expectations,
    is_narrow,
    parsed_raw,
    reaches_outside,
)
from testwright.model import Candidate, RawTest

_TYPE_CHECKS = frozenset(
    {"isinstance", "issubclass", "callable", "hasattr", "iscoroutine", "isgenerator", "isawaitable"}
)
_BROAD = frozenset({"Exception", "BaseException"})


def weakness(candidate: Candidate, source: str = "") -> str | None:  # noqa: PLR0911 - one return per reason
    """Why a candidate proves nothing, as a part of a sentence; None when it holds a real assertion.

    No real assertions: a truth that holds for everything (``assert True``, ``x == x``, ``len(x) >= 0``), a type check,
    ``is not None``, the bare value, an exception of any kind. ``is None`` counts only for a callable that can return
    something else.

    Args:
        candidate: The candidate.
        source: The target's source, to see whether the callable returns anything; empty when it is not at hand.
    """
    if candidate.source is not None:
        return _weakness_of_function(candidate, candidate.source, source)
    if candidate.raises is not None:
        kind = candidate.raises.exception.rpartition(".")[2]
        if kind not in _BROAD or candidate.raises.match:
            return None
    if candidate.warns is not None and candidate.warns.rpartition(".")[2] != "Warning":
        return None
    known = _known(candidate)
    returns = not source or _returns_something(source, candidate.target)
    try:
        if any(_is_real(ast.parse(text, mode="eval").body, known, returns=returns) for text in candidate.asserts):
            return None
    except (SyntaxError, ValueError):
        return "it is no valid Python"
    if candidate.raises is not None:
        return f"it expects no more than {candidate.raises.exception}, which any mistake raises too"
    if not candidate.asserts:
        return "it asserts nothing"
    return "it asserts nothing about what the code does"


def _weakness_of_function(candidate: Candidate, raw: RawTest, source: str) -> str | None:
    """The same of a whole test function, which could moreover hide its failures or reach outside of itself."""
    try:
        trees = parsed_raw(raw)
    except (SyntaxError, ValueError):
        return "it is no valid Python"
    if problem := cannot_fail(trees) or reaches_outside(trees, candidate):
        return problem
    expected = list(expectations(trees))
    if any(is_narrow(call) for call in expected) or asserts_by_itself(trees):
        return None
    asserted = [node.test for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    known = frozenset({one.bound for one in candidate.imports} | set(candidate.fixtures) | _bound(trees))
    returns = not source or _returns_something(source, candidate.target)
    if any(_is_real(test, known, returns=returns) for test in asserted):
        return None
    if expected and not asserted:
        kinds = ast.unparse(expected[0].args[0]) if expected[0].args else "any exception"
        return f"it expects no more than {kinds}, which any mistake raises too"
    return "it asserts nothing about what the code does" if asserted else "it asserts nothing"


def _bound(trees: list[ast.Module]) -> set[str]:
    """Names that a test binds anywhere in it, arguments among them."""
    names: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    names.add(name)
                case ast.alias(name=name, asname=alias):
                    names.add(alias or name.partition(".")[0])
    return names


def is_vacuous(node: ast.expr) -> bool:  # noqa: PLR0911 - one return per form
    """Whether an asserted expression is true whatever the code under test does.

    That is a constant, a display that is not empty (``assert (x == 1, "why")``), ``x == 1 or 2``, and a length that is
    not negative.
    """
    match node:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Dict(keys=keys):
            return any(key is not None for key in keys)
        case ast.Lambda():
            return True
        case ast.BoolOp(op=ast.And(), values=values):
            return all(is_vacuous(value) for value in values)
        case ast.BoolOp(values=values):
            return any(is_vacuous(value) for value in values)
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            return _is_length_not_negative(left, operator, right)
    return False


def _known(candidate: Candidate) -> frozenset[str]:
    """Names that carry something of the run: results, objects made, fixtures, what is imported."""
    names = {one.bound for one in candidate.imports} | set(candidate.fixtures)
    if candidate.binds:
        names.add(candidate.binds)
    for statement in candidate.arrange:
        try:
            tree = ast.parse(statement)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    names.add(name)
                case ast.AsyncFunctionDef(name=name):
                    names.add(name)
    return frozenset(names)


def _is_real(node: ast.expr, known: frozenset[str], *, returns: bool) -> bool:  # noqa: PLR0911 - one return per form
    if not {name.id for name in ast.walk(node) if isinstance(name, ast.Name)} & known:
        return False
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            return any(_is_real(value, known, returns=returns) for value in values)
        case ast.BoolOp(values=values):
            return all(_is_real(value, known, returns=returns) for value in values)
        case ast.UnaryOp(op=ast.Not(), operand=ast.Name() | ast.Attribute() | ast.Subscript()):
            return True  # falsy is a narrow claim
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_real(operand, known, returns=returns)
        case ast.Compare():
            return any(_compares(*pair, returns=returns) for pair in _pairs(node))
        case ast.Call(func=function):
            return _last_name(function) not in _TYPE_CHECKS
    return isinstance(node, ast.Subscript)


def _pairs(node: ast.Compare) -> Iterator[tuple[ast.expr, ast.cmpop, ast.expr]]:
    sides = [node.left, *node.comparators]
    yield from zip(sides, node.ops, sides[1:], strict=False)


def _compares(left: ast.expr, operator: ast.cmpop, right: ast.expr, *, returns: bool) -> bool:
    if ast.dump(left) == ast.dump(right):
        return False
    if any(_is_type_of(side) for side in (left, right)):
        return False
    none = any(isinstance(side, ast.Constant) and side.value is None for side in (left, right))
    if none:
        return returns and isinstance(operator, ast.Is | ast.Eq)
    return not _is_length_not_negative(left, operator, right)


def _is_length_not_negative(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> bool:
    match left, operator, right:
        case ast.Call(func=ast.Name(id="len")), ast.GtE(), ast.Constant(value=0):
            return True
        case ast.Call(func=ast.Name(id="len")), ast.Gt() | ast.NotEq(), ast.Constant(value=int() as number):
            return number < 0
        case ast.Call(func=ast.Name(id="len")), ast.Gt() | ast.NotEq(), ast.UnaryOp(op=ast.USub()):
            return True
        case ast.Constant(value=0), ast.LtE(), ast.Call(func=ast.Name(id="len")):
            return True
    return False


def _is_type_of(node: ast.expr) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="type"), args=[_]):
            return True
        case ast.Attribute(attr="__class__"):
            return True
    return False


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _returns_something(source: str, qualname: str) -> bool:
    """Whether a callable can return anything but None; True when it is not found, as then nothing is known."""
    body: list[ast.stmt] = _body(source)
    node: ast.AST | None = None
    for part in qualname.split("."):
        found = [item for item in body if getattr(item, "name", None) == part]
        if not found:
            return True
        node = found[-1]
        body = getattr(node, "body", [])
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False  # a class: its constructor returns an instance, never None
    return any(_gives(part) for part in _own(node))


@lru_cache(maxsize=4)
def _body(source: str) -> list[ast.stmt]:
    """The statements of a module, which is asked about once for each candidate; nothing of what is no Python."""
    try:
        return ast.parse(source).body
    except (SyntaxError, ValueError):
        return []


def _gives(node: ast.AST) -> bool:
    match node:
        case ast.Return(value=ast.expr() as value):
            return not (isinstance(value, ast.Constant) and value.value is None)
        case ast.Yield() | ast.YieldFrom():
            return True
    return False


def _own(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """Nodes of a function without those of functions and classes inside it."""
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
