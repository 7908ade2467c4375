"""Imports that nothing in a file uses any more, and import statements without them (pure)."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence

from testwright.analysis.function_text import global_names
from testwright.model import Import

ImportStatement = ast.Import | ast.ImportFrom


def unused_imports(
    imports: Collection[Import], rest: Sequence[ast.stmt], text: str
) -> Iterator[tuple[ImportStatement, list[ast.alias]]]:
    """The statements that hold imports which nothing uses, and which of their names these are.

    Args:
        imports: Those that are looked at.
        rest: The file's statements.
        text: Their text.
    """
    wanted = {_key(one.module, one.name, one.alias): one for one in imports}
    statements = [node for node in rest if isinstance(node, ImportStatement)]
    found: dict[tuple[str, str, str], tuple[ImportStatement, ast.alias]] = {}
    bound_by_others: set[str] = set()
    for node in statements:
        for alias in node.names:
            key = _key_of(node, alias)
            if key in wanted and key not in found:
                found[key] = (node, alias)
            else:
                bound_by_others.add(alias.asname or alias.name.partition(".")[0])
    used = used_names(rest, text, {one.bound for one in wanted.values()})
    unused: dict[ImportStatement, list[ast.alias]] = {}
    for key, (node, alias) in found.items():
        bound = wanted[key].bound
        is_submodule = "." in alias.name and alias.asname is None
        name = alias.name if is_submodule and bound in bound_by_others else bound
        if name not in used:
            unused.setdefault(node, []).append(alias)
    yield from unused.items()


def _key(module: str, name: str | None, alias: str | None) -> tuple[str, str, str]:
    own = name or module
    return module, name or "", "" if alias in {None, own} else str(alias)


def _key_of(node: ImportStatement, alias: ast.alias) -> tuple[str, str, str]:
    if isinstance(node, ast.Import):
        return _key(alias.name, None, alias.asname)
    return _key("." * node.level + (node.module or ""), alias.name, alias.asname)


def used_names(statements: Iterable[ast.stmt], text: str, looked_for: Collection[str]) -> set[str]:
    """Names that statements use, and ``a.b`` of ``a.b.c``: in code, as fixtures, and in strings that may be code.

    Args:
        statements: Of a file.
        text: Their text.
        looked_for: Strings are read as code only where they hold one of these names.
    """
    used = global_names(text)
    pending: list[ast.AST] = [*statements]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # a docstring
        pending.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Attribute):
            used.update(_dotted(node))
        elif isinstance(node, ast.arg):
            used |= {node.arg, *_names_in(node.annotation)}
        elif isinstance(node, ast.Global):
            used.update(node.names)
        elif isinstance(node, ast.AnnAssign):
            used |= _names_in(node.annotation)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            used |= _names_in(node.returns)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            used |= _names_in(_expression(node.value, looked_for))
    return used


def _names_in(node: ast.AST | None) -> set[str]:
    nodes = [] if node is None else list(ast.walk(node))
    names = {inner.id for inner in nodes if isinstance(inner, ast.Name)}
    return names.union(*(_dotted(inner) for inner in nodes if isinstance(inner, ast.Attribute)))


def _dotted(node: ast.Attribute) -> Iterator[str]:
    """``a.b`` when that is what an expression is."""
    parts = [node.attr]
    base = node.value
    while isinstance(base, ast.Attribute):
        parts.append(base.attr)
        base = base.value
    if isinstance(base, ast.Name):
        yield ".".join([base.id, *reversed(parts)])


def _expression(text: str, looked_for: Collection[str]) -> ast.AST | None:
    """What a string says as an expression: an annotation, a name of ``__all__``, a fixture; None when it is none."""
    if not set(re.findall(r"\w+", text)) & set(looked_for):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def without_names(statement: str, indexes: Sequence[int]) -> str:
    """An import statement without some of its names."""
    for index in sorted(indexes, reverse=True):
        start, end = _ImportParts(statement).span(index)
        statement = statement[:start] + statement[end:]
    return statement


class _ImportParts:
    """Where the names of an import statement stand in its text."""

    def __init__(self, statement: str) -> None:
        (node,) = ast.parse(statement).body
        assert isinstance(node, ImportStatement)  # noqa: S101 - tells the type checker
        self.names = node.names
        self._text = statement
        self._starts = [0, *(match.end() for match in re.finditer("\n", statement))]
        tokens = tokenize.generate_tokens(io.StringIO(statement).readline)
        self._commas = [self._starts[token.start[0] - 1] + token.start[1] for token in tokens if token.string == ","]

    def span(self, index: int) -> tuple[int, int]:
        """From where to where to cut, so that the name at an index goes and the rest reads well."""
        start, end = self._bounds(index)
        first, last = self._text.rfind("\n", 0, start) + 1, self._text.find("\n", end)
        own_comma = next((at for at in self._commas if at >= end), end - 1)
        if own_comma < last and not self._text[first:start].strip():
            rest = self._text[max(end, own_comma + 1) : last].strip()
            if not rest or rest.startswith("#"):
                return first, last + 1  # it has its lines for itself
        above = self._bounds(index - 1)[1] if index else start
        below = self._bounds(index + 1)[0] if index + 1 < len(self.names) else end
        is_first_of_line = "\n" in self._text[above:start] and "\n" not in self._text[end:below] and below > end
        if not index or is_first_of_line or "#" in self._text[above:start]:
            return start, below
        return above, end

    def _bounds(self, index: int) -> tuple[int, int]:
        alias = self.names[index]
        return self._offset(alias.lineno, alias.col_offset), self._offset(alias.end_lineno, alias.end_col_offset)

    def _offset(self, line: int | None, column: int | None) -> int:
        """Offset in characters of a position that ``ast`` gives in UTF-8 bytes."""
        start = self._starts[(line or 1) - 1]
        return start + len(self._text[start:].encode()[: column or 0].decode())
