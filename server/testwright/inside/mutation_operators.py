"""Mutation operators: what a syntax node may become."""

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .mutant_code import Path

OPERATORS = {
    "AOD": "arithmetic operator deletion",
    "AOR": "arithmetic operator replacement",
    "ARS": "argument swap",
    "ASR": "assignment operator replacement",
    "BCR": "break and continue replacement",
    "COD": "conditional operator deletion",
    "COI": "conditional operator insertion",
    "CRP": "constant replacement",
    "LCR": "logical connector replacement",
    "MCR": "method call replacement",
    "ROR": "relational operator replacement",
    "RVR": "return value replacement",
    "SDL": "statement deletion",
    "SIR": "slice index removal",
}
"""Abbreviation of each operator and what it stands for."""


class Variant(NamedTuple):
    """A replacement of the node itself, or of the node that ``below`` leads to from it."""

    operator: str
    new: Any
    below: Path = ()


_RELATIONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),  # boundary, negation
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
}
_CALLS = {
    one: other
    for pair in (
        ("lower", "upper"),
        ("lstrip", "rstrip"),
        ("startswith", "endswith"),
        ("find", "rfind"),
        ("index", "rindex"),
        ("split", "rsplit"),
        ("partition", "rpartition"),
        ("ljust", "rjust"),
        ("min", "max"),
        ("any", "all"),
    )
    for one, other in (pair, pair[::-1])
}
_UNSWAPPED = frozenset(("isinstance", "issubclass", "hasattr", "getattr", "setattr", "delattr"))


def _is_text(node: ast.AST) -> bool:
    """Whether it is surely a string or a display: arithmetic other than its own is a certain ``TypeError``."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    return isinstance(node, (ast.JoinedStr, ast.List, ast.Tuple, ast.ListComp))


def expression_variants(node: ast.expr) -> Iterator[Variant]:
    """What an expression may become."""
    making = _BY_TYPE.get(type(node))
    return making(node) if making is not None else iter(())


def _compare(node: ast.Compare) -> Iterator[Variant]:
    for position, operator in enumerate(node.ops):
        for other in _RELATIONS[type(operator)]:
            operators: list[ast.cmpop] = list(node.ops)
            operators[position] = other()
            yield Variant("ROR", ast.Compare(node.left, operators, node.comparators))


def _binary(node: ast.BinOp) -> Iterator[Variant]:
    if type(node.op) in _ARITHMETIC and not _is_text(node.left) and not _is_text(node.right):
        yield Variant("AOR", ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right))


def _connector(node: ast.BoolOp) -> Iterator[Variant]:
    yield Variant("LCR", ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))


def _unary(node: ast.UnaryOp) -> Iterator[Variant]:
    if not isinstance(node.op, ast.UAdd):
        yield Variant("COD" if isinstance(node.op, ast.Not) else "AOD", copy.copy(node.operand))


def _constant(node: ast.Constant) -> Iterator[Variant]:
    for value in _constants(node.value):
        yield Variant("CRP", ast.Constant(value))


def _slice(node: ast.Slice) -> Iterator[Variant]:
    for name in ("lower", "upper", "step"):
        if getattr(node, name) is not None:
            changed = copy.copy(node)
            setattr(changed, name, None)
            yield Variant("SIR", changed)


def _yield(node: ast.Yield) -> Iterator[Variant]:
    if node.value is not None and not _is_none(node.value):
        yield Variant("RVR", ast.Yield(ast.Constant(None)))


def _constants(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1] if value > 0 else [value + 1]
    if isinstance(value, float):
        return [value + 1.0] if value + 1.0 != value else [value / 2.0]
    if isinstance(value, str):
        return ["XX" + value + "XX"] if value else ["XX"]
    if isinstance(value, bytes):
        return [b"XX" + value + b"XX"] if value else [b"XX"]
    return []


def _call(node: ast.Call) -> Iterator[Variant]:
    name = last_name(node)
    if name in _CALLS:
        function = copy.copy(node.func)
        if isinstance(function, ast.Attribute):
            function.attr = _CALLS[name]
        elif isinstance(function, ast.Name):
            function.id = _CALLS[name]
        yield Variant("MCR", ast.Call(function, node.args, node.keywords))
    if len(node.args) >= 2 and name not in _UNSWAPPED:
        first, second, *rest = node.args
        if not isinstance(first, ast.Starred) and not isinstance(second, ast.Starred):
            yield Variant("ARS", ast.Call(node.func, [second, first, *rest], node.keywords))


def last_name(node: Any) -> str | None:
    """``b`` of ``b``, ``a.b`` and ``a.b(...)``; None of anything else."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _negated(test: ast.expr, below: Path) -> Iterator[Variant]:
    # The negation of a single comparison is among its replacements, and that of a `not` is its deletion.
    single = isinstance(test, ast.Compare) and len(test.ops) == 1
    negation = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    if not single and not negation and not isinstance(test, ast.Constant):
        yield Variant("COI", ast.UnaryOp(ast.Not(), test), below)


def condition_variants(node: ast.AST) -> Iterator[Variant]:
    """What the condition of a statement, a conditional expression or a case may become."""
    for name in ("test", "guard"):
        test = getattr(node, name, None)
        if isinstance(test, ast.expr):
            yield from _negated(test, ((name, -1),))


def comprehension_variants(node: ast.comprehension) -> Iterator[Variant]:
    """What the conditions of a comprehension may become."""
    for position, test in enumerate(node.ifs):
        yield from _negated(test, (("ifs", position),))


def statement_variants(node: ast.stmt, bound_twice: frozenset[str]) -> Iterator[Variant]:
    """What a statement may become, beside what its expressions may.

    Args:
        node: The statement.
        bound_twice: Names that its function binds more than once: without one of their bindings it still runs.
    """
    if isinstance(node, (ast.If, ast.While, ast.Assert)):
        yield from condition_variants(node)
    elif isinstance(node, ast.Return):
        if node.value is not None and not _is_none(node.value):
            yield Variant("RVR", ast.Return(ast.Constant(None)))
    elif isinstance(node, ast.AugAssign):
        other = _ARITHMETIC.get(type(node.op))
        if other is not None and not _is_text(node.value):
            yield Variant("ASR", ast.AugAssign(node.target, other(), node.value))
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield Variant("BCR", ast.Continue() if isinstance(node, ast.Break) else ast.Break())
    if _may_go(node, bound_twice):
        yield Variant("SDL", ast.Pass())


def _may_go(node: ast.stmt, bound_twice: frozenset[str]) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, (ast.Call, ast.Await))
    if isinstance(node, ast.Assign):
        return all(
            target.id in bound_twice if isinstance(target, ast.Name) else isinstance(target, _PLACES)
            for target in node.targets
        )
    return isinstance(node, (ast.AugAssign, ast.Break, ast.Continue, ast.Raise, ast.Delete))


_PLACES = (ast.Attribute, ast.Subscript)
_BY_TYPE: dict[type[ast.expr], Callable[[Any], Iterator[Variant]]] = {
    ast.Compare: _compare,
    ast.BinOp: _binary,
    ast.BoolOp: _connector,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Call: _call,
    ast.Slice: _slice,
    ast.Yield: _yield,
    ast.IfExp: condition_variants,
}
