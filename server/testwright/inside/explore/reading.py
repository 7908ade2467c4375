"""Facts that are read off a module's syntax tree."""

from __future__ import annotations

import ast
from typing import Any

from . import usage


def node_first(node: Any) -> int:
    """First line, decorators included."""
    lines: "list[int]" = [node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))]
    return min(lines)


def functions_by_line(tree: ast.Module) -> "dict[int, Any]":
    """Functions by the first line of their code object, which is that of the first decorator."""
    found: "dict[int, Any]" = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found[node_first(node)] = node
    return found


def defined_names(tree: ast.Module) -> "list[str]":
    """Names that the module's own statements define, imports excepted."""
    found: "list[str]" = []

    def statements(body: "list[ast.stmt]") -> None:
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.append(node.name)
            elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    for inner in ast.walk(target):
                        if isinstance(inner, ast.Name):
                            found.append(inner.id)
            elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
                for name in ("body", "orelse", "finalbody"):
                    statements(getattr(node, name, []))
                for handler in getattr(node, "handlers", []):
                    statements(handler.body)

    statements(tree.body)
    return list(dict.fromkeys(found))


def assigned_lines(tree: ast.Module) -> "dict[str, list[tuple[int, int]]]":
    """Lines of the assignments at the top of the module and of its classes, by name."""
    found: "dict[str, list[tuple[int, int]]]" = {}
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    for body in bodies:
        for node in body:
            if not isinstance(node, (ast.Assign, ast.AnnAssign)):
                continue
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append((node.lineno, node.end_lineno or node.lineno))
    return found


def called_names(node: Any) -> "frozenset[str]":
    """Names that a piece of code calls or reads, attributes by their last part."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            if isinstance(inner.func, ast.Name):
                found.add(inner.func.id)
            elif isinstance(inner.func, ast.Attribute):
                found.add(inner.func.attr)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
        elif isinstance(inner, ast.Name):
            found.add(inner.id)
    return frozenset(found)


def keyword_keys(node: Any, name: str) -> "list[str]":
    """Keys that a function asks of its ``**kwargs``."""
    if node is None:
        return []
    seen = usage.observe_usage(list(node.body), name)
    return list(dict.fromkeys(seen.keys))


def file_suffix(source: str) -> str:
    """The suffix of the files that a module speaks of; ``.txt`` when it speaks of none."""
    for suffix in (".json", ".toml", ".yaml", ".yml", ".csv", ".ini", ".cfg", ".xml", ".html", ".md", ".env", ".py"):
        if f"{suffix}'" in source or f'{suffix}"' in source:
            return suffix
    return ".txt"
