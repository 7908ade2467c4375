"""Other names for what a text looks up at the top level of its file, with the rest of the text as it is (pure)."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping

from testwright.analysis.function_text import with_header
from testwright.writing.case import bound_names

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_KNOWS_PLACES_IN_F_STRINGS = sys.version_info >= (3, 12)


def renamed(text: str, names: Mapping[str, str], fixtures: Collection[str] = ()) -> str:
    """A text with other names.

    Args:
        text: One definition at the left margin.
        names: Old name to new: of imports, of definitions of the file, and of fixtures.
        fixtures: Those of them that are renamed as arguments of the function too, since pytest goes by these.
    """
    wanted = {old: new for old, new in names.items() if old != new}
    if not wanted:
        return text
    (definition,) = ast.parse(text).body
    found = list(_top(definition, wanted, fixtures))
    if _KNOWS_PLACES_IN_F_STRINGS or not _in_f_strings(definition, found):
        new = _replaced(text, [(node, wanted[node.id]) for node in found])
    else:
        for node in found:
            node.id = wanted[node.id]
        new = ast.unparse(definition)
    return _with_own_name(new, wanted, fixtures)


def _with_own_name(text: str, wanted: Mapping[str, str], fixtures: Collection[str]) -> str:
    (node,) = ast.parse(text).body
    if isinstance(node, ast.ClassDef) and node.name in wanted:
        lines = text.split("\n")
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line.replace(f"class {node.name}", f"class {wanted[node.name]}", 1)
        return "\n".join(lines)
    if not isinstance(node, _Function):
        return text
    name = wanted.get(node.name, node.name)
    changed = [one for one in (*node.args.args, *node.args.kwonlyargs) if one.arg in wanted and one.arg in fixtures]
    for one in changed:
        one.arg = wanted[one.arg]
    return with_header(text, name, node.args) if changed or name != node.name else text


def _top(node: ast.stmt, names: Mapping[str, str], fixtures: Collection[str]) -> Iterator[ast.Name]:
    """Names in a definition; an argument that is a fixture has one name in all of its function."""
    if not isinstance(node, _Function):
        yield from _inside(node, names)
        return
    given = _arguments(node)
    kept = {old: new for old, new in names.items() if old in fixtures and old in given}
    hidden = (bound_names(node.body) | given) - kept.keys()
    yield from _outside(node, names)
    for statement in node.body:
        yield from _inside(statement, _without(names, hidden))


def _inside(node: ast.AST, names: Mapping[str, str]) -> Iterator[ast.Name]:
    if not names:
        return
    if isinstance(node, ast.Name):
        if node.id in names:
            yield node
    elif isinstance(node, _Function | ast.Lambda):
        yield from _outside(node, names)
        body = node.body if isinstance(node, _Function) else [node.body]
        yield from _all(body, _without(names, bound_names(body) | _arguments(node)))
    elif isinstance(node, ast.ClassDef):
        yield from _all([*node.decorator_list, *node.bases, *node.keywords], names)
        own = _without(names, bound_names(node.body))
        for statement in node.body:
            if isinstance(statement, _Function):  # what a class binds is not seen by its methods
                yield from _inside(statement, names)
            else:
                yield from _inside(statement, own)
    elif isinstance(node, _Comprehension):
        bound = bound_names(part.target for part in node.generators)
        yield from _all(ast.iter_child_nodes(node), _without(names, bound))
    else:
        yield from _all(ast.iter_child_nodes(node), names)


def _all(nodes: Iterable[ast.AST], names: Mapping[str, str]) -> Iterator[ast.Name]:
    for node in nodes:
        yield from _inside(node, names)


def _outside(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, names: Mapping[str, str]) -> Iterator[ast.Name]:
    """Decorators, defaults and annotations, which are looked up around the function."""
    yield from _inside(node.args, names)
    if isinstance(node, _Function):
        yield from _all(node.decorator_list, names)
        if node.returns is not None:
            yield from _inside(node.returns, names)


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    return {one.arg for one in every if one is not None}


def _without(names: Mapping[str, str], hidden: Collection[str]) -> Mapping[str, str]:
    return {old: new for old, new in names.items() if old not in hidden}


def _in_f_strings(root: ast.AST, found: Collection[ast.Name]) -> bool:
    inside = {id(part) for node in ast.walk(root) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    return any(id(node) in inside for node in found)


def _replaced(text: str, found: Iterable[tuple[ast.Name, str]]) -> str:
    lines = [line.encode() for line in text.split("\n")]
    for node, new in sorted(found, key=lambda one: (one[0].lineno, one[0].col_offset), reverse=True):
        line = lines[node.lineno - 1]
        lines[node.lineno - 1] = line[: node.col_offset] + new.encode() + line[node.end_col_offset :]
    return b"\n".join(lines).decode()
