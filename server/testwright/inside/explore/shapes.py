"""The shape of an object that code expects: the attributes and methods that it uses, and what they seem to give."""

from __future__ import annotations

import ast
from typing import Any

from . import usage
from .kinds import ANY, Kind, by_name

MAX_ATTRIBUTES = 8
MAX_DEPTH = 2


def shape_of(bodies: "list[tuple[list[ast.AST], str]]", resolve: Any, depth: int = 0) -> "Kind | None":
    """A ``duck`` for what is used under some names; None when no attribute of it is used.

    Args:
        bodies: Statements, and the name in them: ``msg`` in a constructor, ``self.msg`` in the class.
        resolve: Turns the source of a class into a kind or None.
        depth: How deep in attributes of attributes.
    """
    seen = [(body, name, usage.observe_usage(body, name, 1)) for body, name in bodies]
    read: "list[str]" = []
    called: "set[str]" = set()
    for _body, _name, found in seen:
        read.extend(attribute for attribute in (*found.attributes, *found.called) if not attribute.startswith("__"))
        called.update(found.called)
    attributes = list(dict.fromkeys(read))[:MAX_ATTRIBUTES]
    if not attributes:
        return None
    parts = []
    for attribute in attributes:
        ending = f".{attribute}()" if attribute in called else f".{attribute}"
        inner = _part([(body, name + ending) for body, name, _found in seen], attribute, resolve, depth)
        parts.append(Kind("method", (inner,)) if attribute in called else inner)
    return Kind("duck", tuple(parts), tuple(attributes))


def _part(bodies: "list[tuple[list[ast.AST], str]]", attribute: str, resolve: Any, depth: int) -> Kind:
    joined = usage.Usage()
    for body, name in bodies:
        usage.join(joined, usage.observe_usage(body, name, 1))
    weighted = usage.kinds_of(joined, attribute, resolve)
    best = weighted[0][0] if weighted else by_name(attribute) or ANY
    if best.name == "duck" and depth < MAX_DEPTH:
        return shape_of(bodies, resolve, depth + 1) or best
    return best
