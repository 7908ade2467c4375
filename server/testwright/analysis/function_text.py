"""The text of test functions: cut out of a file, given another header, and what it looks up (pure)."""

from __future__ import annotations

import ast
import io
import symtable
import textwrap
import tokenize
import warnings
from collections.abc import Sequence

TestFunction = ast.FunctionDef | ast.AsyncFunctionDef
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")


def global_names(text: str) -> set[str]:
    """Names that a file looks up at its top level, from wherever in it."""
    found: set[str] = set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scopes = [symtable.symtable(text, "<test file>", "exec")]
    while scopes:
        scope = scopes.pop()
        top = scope.get_type() == "module"
        found |= {one.get_name() for one in scope.get_symbols() if one.is_referenced() and (top or one.is_global())}
        scopes.extend(scope.get_children())
    return found


def segment(lines: Sequence[str], node: ast.stmt, first: int | None = None) -> str:
    """The text of a statement at the left margin, with its comments where they can be kept.

    Args:
        lines: Those of the file.
        node: The statement.
        first: Its first line, from 1, when its decorators are to be left out or taken in.
    """
    start = node.lineno if first is None else first
    text = textwrap.dedent("\n".join(lines[start - 1 : node.end_lineno]))
    bare = node
    if isinstance(node, TestFunction | ast.ClassDef) and start >= node.lineno:
        bare = without_decorators(node)
    return text if _is(text, bare) else ast.unparse(bare)


def without_decorators(node: ast.stmt) -> ast.stmt:
    """A definition without its decorators; the original stays as it is."""
    fields = dict(ast.iter_fields(node))
    return type(node)(**{**fields, "decorator_list": []}, lineno=node.lineno, col_offset=node.col_offset)


def with_header(text: str, name: str, arguments: ast.arguments) -> str:
    """A function with another name and other arguments; the rest of its text stays.

    Args:
        text: One function definition at the left margin.
        name: Its new name.
        arguments: Its new arguments.
    """
    node = ast.parse(text).body[0]
    if not isinstance(node, TestFunction):
        return text
    lines = text.split("\n")
    line, column = _header_end(lines, node)
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    header = f"{word} {name}({ast.unparse(arguments)}){returns}:"
    return "\n".join([*lines[: node.lineno - 1], header + lines[line - 1][column:], *lines[line:]])


def _header_end(lines: Sequence[str], node: TestFunction) -> tuple[int, int]:
    """Line, from 1, and column after the colon that ends a function's header."""
    depth = 0
    rest = "\n".join(lines[node.lineno - 1 :])
    for token in tokenize.generate_tokens(io.StringIO(rest).readline):
        if token.type != tokenize.OP:
            continue
        depth += (token.string in _OPENING) - (token.string in _CLOSING)
        if token.string == ":" and depth == 0:
            return token.end[0] + node.lineno - 1, token.end[1]
    return node.lineno, len(lines[node.lineno - 1])


def _is(text: str, node: ast.stmt) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError):
        return False
    return len(body) == 1 and ast.dump(body[0]) == ast.dump(node)
