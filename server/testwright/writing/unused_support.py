"""Definitions that came along with tests and that nothing in a file uses any more (pure)."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

from testwright.writing.unused_imports import used_names


def unused_support(
    support: Collection[str], rest: Sequence[ast.stmt], text_without: Callable[[Iterable[ast.stmt]], str]
) -> list[ast.stmt]:
    """The statements at the top level that define nothing but what nobody else uses: helpers, fixtures, constants.

    What is used only by another of them goes with it, and so does what uses only itself.

    Args:
        support: Names of what may go. One that the file binds a second time is somebody else's too, and stays.
        rest: The file's statements.
        text_without: The file's text without some of them.

    Returns:
        The statements, in the order of the file.
    """
    bound = {node: bound_names(node) for node in rest}
    times = Counter(name for names in bound.values() for name in names)
    ours = {name for name in support if times[name] == 1}
    going = [node for node in rest if bound[node] and ours.issuperset(bound[node])]
    while going:
        left = [node for node in rest if node not in going]
        used = used_names(left, text_without(going), ours)
        kept = [node for node in going if not used.isdisjoint(bound[node])]
        if not kept:
            break
        going = [node for node in going if node not in kept]
    return going


def bound_names(node: ast.stmt) -> frozenset[str]:
    """Names that a definition binds in the module: a function, a class, an assignment of names; none of others."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return frozenset({node.name})
        case ast.Assign(targets=targets):
            return frozenset(name for target in targets for name in _names(target))
        case ast.AnnAssign(target=target):
            return frozenset(_names(target))
    return frozenset()


def _names(target: ast.expr) -> list[str]:
    """Names of an assignment's target; none when something else is assigned to as well, as ``x.a``."""
    parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
    names = [part.id for part in parts if isinstance(part, ast.Name)]
    return names if len(names) == len(parts) else []
