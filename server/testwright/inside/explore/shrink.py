"""Smaller and plainer neighbours of a case."""

from __future__ import annotations

import ast
import dataclasses

from .cases import Case, pruned, valid


def proposals(case: Case) -> "list[Case]":
    """Simpler cases, the boldest first; each parses and is cheaper than the case."""
    found: "list[Case]" = []
    written = case.origin in ("doctest", "example")

    def add(arrange: "tuple[str, ...]", act: str) -> None:
        made = dataclasses.replace(case, arrange=pruned(arrange, act), act=act)
        if (
            made.key != case.key
            and made.cost() < case.cost()
            and valid(made)
            and all(made.key != other.key for other in found)
        ):
            found.append(made)

    add(case.arrange, case.act)
    for index in range(len(case.arrange) - 1, -1, -1):
        statement = ast.parse(case.arrange[index]).body[0]
        if case.arrange[index].startswith("random.seed("):
            continue  # what it holds still is not seen in one run
        if isinstance(statement, ast.Expr) or not written:
            add(case.arrange[:index] + case.arrange[index + 1 :], case.act)
    if written:
        return found
    sources = [*case.arrange, case.act]
    for index in range(len(sources) - 1, -1, -1):
        for smaller in _smaller(sources[index]):
            changed = [*sources]
            changed[index] = smaller
            add(tuple(changed[:-1]), changed[-1])
    return found


def _smaller(source: str) -> "list[str]":
    """The source with one part left out or made plainer."""
    found: "list[str]" = []
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    for position, node in enumerate(nodes):
        if isinstance(node, ast.Call):
            for index in range(len(node.keywords)):
                found.append(_edit(source, position, "keywords", index))
        elif isinstance(node, (ast.List, ast.Set)) and not isinstance(getattr(node, "ctx", None), ast.Store):
            if len(node.elts) > 1 or isinstance(node, ast.List):
                for index in range(min(6, len(node.elts))):
                    found.append(_edit(source, position, "elts", index))
        elif isinstance(node, ast.Dict):
            for index in range(len(node.keys)):
                found.append(_edit(source, position, "keys", index))
        elif isinstance(node, ast.Constant):
            for value in _plainer(node.value):
                found.append(_replace(source, position, value))
    return [text for text in dict.fromkeys(found) if text and len(text) < len(source)]


def _edit(source: str, position: int, field: str, index: int) -> str:
    tree = ast.parse(source)
    node = list(ast.walk(tree))[position]
    parts = getattr(node, field)
    del parts[index]
    if field == "keys":
        del node.values[index]  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _replace(source: str, position: int, value: object) -> str:
    tree = ast.parse(source)
    node = list(ast.walk(tree))[position]
    node.value = value  # type: ignore[attr-defined]
    return ast.unparse(tree)


def _plainer(value: object) -> "list[object]":
    if isinstance(value, str) and len(value) > 1:
        half = len(value) // 2
        options: "list[object]" = [value[:half], value[half:]]
        if len(value) <= 24:
            options += [value[:index] + value[index + 1 :] for index in range(len(value))]
        else:
            step = max(1, len(value) // 8)
            options += [value[:index] + value[index + step :] for index in range(0, len(value), step)]
        return options
    if isinstance(value, bytes) and len(value) > 1:
        return [value[: len(value) // 2], value[len(value) // 2 :]]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 9:
        return [1, 2, 5, value // 10]
    if isinstance(value, float) and len(repr(value)) > 4:
        return [1.5, 2.0]
    return []
