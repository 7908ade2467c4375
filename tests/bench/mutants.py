"""A fixed sample of mutants of a module: the bench's own operators, so that no test was selected by the same sample.

A mutant is the module's text with one place in a function's body changed; line numbers stay. Left alone are docstrings,
annotations, default values, decorators, what stands under ``if TYPE_CHECKING``, and the inside of an f-string (its
positions are wrong before Python 3.12; the f-string is changed as a whole instead). No function is left out.
"""

from __future__ import annotations

import ast
import copy
import math
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType

SAMPLE_SIZE = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
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
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.MatMult: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_MARK = "XX"


@dataclass(frozen=True, slots=True)
class Mutant:
    """The module with one change.

    Attributes:
        operator: Name of the operator that made it.
        function: Qualified name of the innermost function that it lies in.
        line: Where, 1-based.
        change: The old and the new code.
        source: The whole module's text.
    """

    operator: str
    function: str
    line: int
    change: str
    source: str


@dataclass(frozen=True, slots=True)
class _Edit:
    operator: str
    node: ast.expr | ast.stmt
    new: str


class _Text:
    """The module's text by the positions that syntax trees have: lines, and columns in bytes of UTF-8."""

    def __init__(self, source: str) -> None:
        self.data = source.encode()
        self.starts = [0, *(match.end() for match in re.finditer(rb"\r\n|\r|\n", self.data))]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        last_line, last_column = node.end_lineno, node.end_col_offset
        assert last_line is not None
        assert last_column is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[last_line - 1] + last_column

    def of(self, node: ast.expr | ast.stmt) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()

    def replaced(self, node: ast.expr | ast.stmt, new: str) -> str:
        """The text with a node replaced, and as many lines as before."""
        start, end = self.span(node)
        lost = self.data[start:end].count(b"\n") - new.count("\n")
        padding = "\n" * max(lost, 0)
        # Inside the brackets an expression may be continued; a statement is followed by empty lines.
        text = f"({new}{padding})" if isinstance(node, ast.expr) else new + padding
        return (self.data[:start] + text.encode() + self.data[end:]).decode()


def sample_mutants(source: str, module: str, *, seed: int = 0, limit: int = SAMPLE_SIZE) -> list[Mutant]:
    """Return at most ``limit`` mutants, spread evenly over the functions; the same for the same arguments.

    Mutants that compile to the byte code of the original, or of one another, are left out.

    Args:
        source: The module's text.
        module: Its name, which goes into the seed.
        seed: Another number gives another sample.
        limit: How many at most.
    """
    # A string as seed gives the same numbers on every version of Python and under every hash seed.
    chance = random.Random(f"{seed}:{module}")
    text = _Text(source)
    queues = []
    for name, function in _functions(ast.parse(source)):
        edits = list(_edits(function, text))
        chance.shuffle(edits)
        queues.append((name, edits))
    chance.shuffle(queues)
    seen = {signature(source)}
    taken: list[Mutant] = []
    while queues and len(taken) < limit:
        for name, edits in queues:
            mutant = _next_mutant(name, edits, text, seen)
            if mutant is not None and len(taken) < limit:
                taken.append(mutant)
        queues = [(name, edits) for name, edits in queues if edits]
    return sorted(taken, key=lambda mutant: (mutant.line, mutant.operator, mutant.change))


def _next_mutant(function: str, edits: list[_Edit], text: _Text, seen: set[object]) -> Mutant | None:
    """Take the next edit of a function that gives a program of its own."""
    while edits:
        edit = edits.pop()
        source = text.replaced(edit.node, edit.new)
        try:
            made = signature(source)
        except (SyntaxError, ValueError):
            continue
        if made in seen:
            continue
        seen.add(made)
        change = f"{_short(text.of(edit.node))} -> {_short(edit.new)}"
        return Mutant(edit.operator, function, edit.node.lineno, change, source)
    return None


def _short(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= 60 else line[:57] + "..."


def signature(program: str | ast.Module) -> object:
    """What a module does, without where in it: two texts with the same signature are the same program.

    Raises:
        SyntaxError: It is no program.
        ValueError: The same.
    """
    return _signature(compile(program, "<module>", "exec", dont_inherit=True))


def _signature(code: CodeType) -> object:
    constants = tuple(_constant_signature(constant) for constant in code.co_consts)
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    arguments = (code.co_argcount, code.co_kwonlyargcount, code.co_posonlyargcount, code.co_flags)
    return code.co_name, code.co_code, code.co_exceptiontable, constants, names, arguments


def _constant_signature(constant: object) -> object:
    """Tell constants apart by type too, since ``1 == True``; the order in which a set shows itself is chance."""
    if isinstance(constant, CodeType):
        return _signature(constant)
    if isinstance(constant, frozenset):
        return "frozenset", frozenset(_constant_signature(item) for item in constant)
    if isinstance(constant, tuple):
        return "tuple", tuple(_constant_signature(item) for item in constant)
    return type(constant).__name__, repr(constant)


def _functions(module: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield each function with its qualified name, nested ones and methods included."""

    def visit(nodes: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield prefix + node.name, node
                yield from visit(node.body, f"{prefix}{node.name}.<locals>.")
            elif isinstance(node, ast.ClassDef):
                yield from visit(node.body, f"{prefix}{node.name}.")
            elif not _is_type_checking(node):
                yield from visit(_inner_statements(node), prefix)

    yield from visit(module.body, "")


def _inner_statements(node: ast.stmt) -> list[ast.stmt]:
    inner: list[ast.stmt] = []
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            inner.append(child)
        elif isinstance(child, ast.ExceptHandler | ast.match_case):
            inner.extend(child.body)
    return inner


def _is_type_checking(node: ast.AST) -> bool:
    if not isinstance(node, ast.If):
        return False
    return ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING", "t.TYPE_CHECKING")


def _edits(function: Function, text: _Text) -> Iterator[_Edit]:
    """Yield all edits that lie in a function, and not in one nested in it."""
    body = function.body
    if _is_docstring(body[0]):
        body = body[1:]
    for statement in body:
        yield from _walk(statement, text)


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _walk(node: ast.AST, text: _Text) -> Iterator[_Edit]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return  # a function of its own; a class's functions are too
    if isinstance(node, ast.arguments) or _is_type_checking(node) or _is_docstring(node):
        return
    if isinstance(node, ast.stmt):
        yield from _statement_edits(node)
    yield from _condition_edits(node, text)
    if isinstance(node, ast.expr):
        yield from _expression_edits(node, text)
    if isinstance(node, ast.JoinedStr):
        return
    annotation = node.annotation if isinstance(node, ast.AnnAssign) else None
    for child in ast.iter_child_nodes(node):
        if child is not annotation:
            yield from _walk(child, text)


def _statement_edits(node: ast.stmt) -> Iterator[_Edit]:
    match node:
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield _Edit("return-none", node, "return None")
        case ast.Assign(targets=[ast.Name(id=name)], value=value) if not _is_none(value):
            yield _Edit("assign-none", node, f"{name} = None")
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield _Edit("delete-statement", node, "pass")
        case ast.Expr() | ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Assert():
            yield _Edit("delete-statement", node, "pass")
        case ast.Break():
            yield _Edit("loop-control", node, "continue")
        case ast.Continue():
            yield _Edit("loop-control", node, "break")
        case _:
            pass
    if isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        changed = copy.deepcopy(node)
        changed.op = _ARITHMETIC[type(node.op)]()
        yield _Edit("arithmetic", node, ast.unparse(changed))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _condition_edits(node: ast.AST, text: _Text) -> Iterator[_Edit]:
    match node:
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test) | ast.Assert(test=test):
            conditions = [test]
        case ast.comprehension(ifs=ifs):
            conditions = ifs
        case _:
            conditions = []
    for condition in conditions:
        yield _Edit("negate-condition", condition, f"not ({text.of(condition)})")


def _expression_edits(node: ast.expr, text: _Text) -> Iterator[_Edit]:
    match node:
        case ast.Compare():
            yield from _comparison_edits(node)
        case ast.BinOp():
            computed = copy.deepcopy(node)
            computed.op = _ARITHMETIC[type(node.op)]()
            yield _Edit("arithmetic", node, ast.unparse(computed))
        case ast.BoolOp():
            joined = copy.deepcopy(node)
            joined.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield _Edit("boolean", node, ast.unparse(joined))
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield _Edit("drop-unary", node, text.of(operand))
        case ast.Call(args=[first, second, *_]) if not isinstance(first, ast.Starred):
            if not isinstance(second, ast.Starred):
                swapped = copy.deepcopy(node)
                swapped.args[:2] = reversed(swapped.args[:2])
                yield _Edit("swap-arguments", node, ast.unparse(swapped))
        case ast.JoinedStr():
            yield _Edit("string", node, f"{_MARK!r} {text.of(node)}")
        case ast.Constant(value=value):
            operator = "string" if isinstance(value, str | bytes) else "constant"
            yield from (_Edit(operator, node, repr(new)) for new in _other_constants(value))
        case _:
            pass


def _comparison_edits(node: ast.Compare) -> Iterator[_Edit]:
    for index, operator in enumerate(node.ops):
        for replacement in _COMPARISONS[type(operator)]:
            changed = copy.deepcopy(node)
            changed.ops[index] = replacement()
            yield _Edit("comparison", node, ast.unparse(changed))


def _other_constants(value: object) -> list[object]:
    match value:
        case bool():
            return [not value]
        case int():
            return [value + 1, value - 1]
        case float() if math.isfinite(value):
            return [value + 1.0]
        case str():
            return [_MARK + value + _MARK] if value else [_MARK]
        case bytes():
            return [_MARK.encode() + value + _MARK.encode()] if value else [_MARK.encode()]
        case _:
            return []
