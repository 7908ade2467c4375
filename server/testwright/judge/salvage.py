"""Saves the good candidates of a file that cannot be collected: an import that fails costs only those who use it."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable


def without_imports(text: str, lines: Collection[int]) -> tuple[str, frozenset[str]]:
    """Take import statements out of a candidates' file.

    Args:
        text: The file.
        lines: First lines of the top-level import statements to take out.

    Returns:
        The file without them (all other lines keep their numbers), and the functions that used what they bind.
    """
    tree = ast.parse(text)
    rows = text.splitlines(keepends=True)
    lost: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom) and node.lineno in lines:
            lost.update(alias.asname or alias.name.partition(".")[0] for alias in node.names)
            for index in range(node.lineno - 1, node.end_lineno or node.lineno):
                rows[index] = "\n"
    # The same name may still be bound by an import that works: "import pkg" beside "import pkg.missing".
    touched = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lost & set(_names(node))
    }
    return "".join(rows), frozenset(touched)


def unsafe_at_collection(text: str) -> str | None:
    """Why a candidates' file may not be collected: collecting must run nothing but imports.

    Returns:
        A sentence, or None when the file holds only imports and plain functions.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError) as error:
        return f"the file of candidates is no Python: {error}"
    for node in tree.body:
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
                pass
            case (
                ast.FunctionDef(decorator_list=[], args=arguments)
                | ast.AsyncFunctionDef(decorator_list=[], args=arguments)
            ) if not arguments.defaults and not any(arguments.kw_defaults) and not _annotated(node):
                pass
            case _:
                return f"line {node.lineno} of the candidates' file would run when it is collected"
    return None


def _annotated(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it has annotations other than constants: those run when the function is defined."""
    arguments = node.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    annotations = [node.returns, *(argument.annotation for argument in every if argument is not None)]
    return any(annotation is not None and not isinstance(annotation, ast.Constant) for annotation in annotations)


def _names(node: ast.AST) -> Iterable[str]:
    return (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
