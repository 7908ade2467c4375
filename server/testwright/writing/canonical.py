"""A form in which two tests that do the same are equal, however they are written (pure).

Names of imports are replaced by what they stand for, local names by their order, variables that hold a value by the
value, a result that is looked at once by its call, and the pattern of a ``match`` by its text.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence

from testwright.writing.body import inline_result
from testwright.writing.case import Case, bound_names, substituted
from testwright.writing.imports import UNKNOWN, Meaning
from testwright.writing.patterns import unescaped
from testwright.writing.values import is_value

_PYTEST = "§pytest"
_TEXT = "§text"


def canonical_case(case: Case, bound: Mapping[str, Meaning]) -> str:
    """The form of a case whose names are those of a file."""
    names = {name: meaning for name, meaning in bound.items() if name not in case.local_names()}
    act: ast.stmt = ast.Expr(case.act)
    if case.binds is not None:
        act = ast.Assign(targets=[ast.Name(case.binds, ast.Store())], value=case.act)
    contexts: list[ast.expr] = []
    if case.warns is not None:
        contexts.append(_pytest_call("warns", case.warns, []))
    if case.exception is not None:
        match = [] if case.match is None else [ast.keyword("match", _text(case.match))]
        contexts.append(_pytest_call("raises", case.exception, match))
    if contexts:
        items = [ast.withitem(context_expr=context, optional_vars=None) for context in contexts]
        act = ast.With(items=items, body=[act])
    asserts = [ast.Assert(test=assertion, msg=None) for assertion in case.asserts]
    return canonical_body([*case.arrange, act, *asserts], case.fixtures, names)


def canonical_body(body: Sequence[ast.stmt], fixtures: Sequence[str], bound: Mapping[str, Meaning]) -> str:
    """The form of a test function's body; ``bound`` says what the names of its file stand for."""
    local = bound_names(body) | set(fixtures)
    visible = {name: meaning for name, meaning in bound.items() if name not in local and meaning != UNKNOWN}
    statements = [_Meanings(visible).visit(copy.deepcopy(node)) for node in body]
    statements = _without_last_result(_without_values(statements))
    order = {name: f"§{index}" for index, name in enumerate(_in_order(statements, local - set(fixtures)))}
    renamed = [
        substituted(node, {name: ast.Name(new, ast.Load()) for name, new in order.items()}) for node in statements
    ]
    return repr(([ast.dump(node) for node in renamed], sorted(fixtures)))


class _Meanings(ast.NodeTransformer):
    """Replaces names of imports by what they stand for, and patterns by their text."""

    def __init__(self, bound: Mapping[str, Meaning]) -> None:
        self.bound = bound

    def visit_Name(self, node: ast.Name) -> ast.expr:
        meaning = self.bound.get(node.id)
        return node if meaning is None else ast.Name("§" + ".".join(filter(None, meaning)), ast.Load())

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        value = self.visit(node.value)
        if isinstance(value, ast.Name) and value.id.startswith("§") and isinstance(node.ctx, ast.Load):
            return ast.Name(f"{value.id}.{node.attr}", ast.Load())
        return ast.Attribute(value, node.attr, node.ctx)

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        value = self.visit(node.value)
        if node.arg == "match":
            if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "§re.escape":
                inner = value.args[0] if value.args else None
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                    return ast.keyword("match", _text(inner.value))
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                if value.value == "^$":
                    return ast.keyword("match", _text(""))
                text = unescaped(value.value)
                if text is not None:
                    return ast.keyword("match", _text(text))
        return ast.keyword(node.arg, value)


def _without_values(statements: list[ast.stmt]) -> list[ast.stmt]:
    """Put values in the place of the variables that hold them."""
    stores: dict[str, int] = {}
    for root in statements:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                stores[node.id] = stores.get(node.id, 0) + 1
    kept: list[ast.stmt] = []
    known: dict[str, ast.expr] = {}
    for statement in statements:
        current = substituted(statement, known) if known else statement
        if isinstance(current, ast.Assign) and len(current.targets) == 1:
            target = current.targets[0]
            if isinstance(target, ast.Name) and stores[target.id] == 1 and is_value(current.value, _meaning):
                known[target.id] = current.value
                continue
        kept.append(current)
    return kept


def _meaning(node: ast.expr) -> str | None:
    return node.id[1:] if isinstance(node, ast.Name) and node.id.startswith("§") else None


def _without_last_result(statements: list[ast.stmt]) -> list[ast.stmt]:
    if len(statements) < 2:
        return statements
    act, last = statements[-2:]
    if isinstance(act, ast.Assign) and len(act.targets) == 1 and isinstance(last, ast.Assert) and last.msg is None:
        target = act.targets[0]
        if isinstance(target, ast.Name):
            inlined = inline_result(target.id, act.value, last.test)
            if inlined is not None:
                return [*statements[:-2], ast.Assert(test=inlined, msg=None)]
    return statements


def _in_order(statements: list[ast.stmt], local: set[str]) -> list[str]:
    seen: dict[str, None] = {}
    for root in statements:
        for node in ast.walk(root):
            if isinstance(node, ast.Name) and node.id in local:
                seen[node.id] = None
    return list(seen)


def _text(text: str) -> ast.Tuple:
    return ast.Tuple([ast.Name(_TEXT, ast.Load()), ast.Constant(text)], ast.Load())


def _pytest_call(function: str, argument: ast.expr, keywords: list[ast.keyword]) -> ast.Call:
    return ast.Call(ast.Name(f"{_PYTEST}.{function}", ast.Load()), [argument], keywords)
