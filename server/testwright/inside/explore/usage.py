"""What a function's body does with a parameter that has no annotation, and the kinds that this suggests."""

from __future__ import annotations

import ast
import datetime
import io
import pathlib
import re
from dataclasses import dataclass, field
from typing import Any

from .kinds import ANY, BOOL, BYTES, FLOAT, INT, NONE, PATH, STR, Kind, by_name, list_of, of_value, union

_TYPES: "tuple[tuple[str, Any, Kind], ...]" = (
    ("str", str, STR),
    ("list", list, Kind("list", (ANY,))),
    ("dict", dict, Kind("dict", (STR, ANY))),
    ("set", set, Kind("set", (ANY,))),
    ("bytes", bytes, BYTES),
    ("int", int, INT),
    ("float", float, FLOAT),
    ("path", pathlib.Path, PATH),
    ("stream", io.StringIO, Kind("stream")),
    ("datetime", datetime.datetime, Kind("datetime")),
    ("date", datetime.date, Kind("date")),
    ("time", datetime.time, Kind("time")),
    ("timedelta", datetime.timedelta, Kind("timedelta")),
    ("regex", re.compile(""), Kind("regex")),
    ("tuple", tuple, Kind("tuple", (ANY,))),
)
_CALLED_WITH: "dict[str, Kind]" = {
    "int": STR,
    "float": FLOAT,
    "ord": Kind("literal", values=("'a'", "'Z'", "'0'")),
    "chr": INT,
    "abs": INT,
    "round": FLOAT,
    "divmod": INT,
    "range": INT,
    "open": PATH,
    "len": list_of(ANY),
    "sum": list_of(INT),
    "sorted": list_of(INT),
    "list": Kind("iterable", (ANY,)),
    "tuple": Kind("iterable", (ANY,)),
    "set": Kind("iterable", (ANY,)),
    "dict": Kind("dict", (STR, ANY)),
    "iter": Kind("iterable", (ANY,)),
    "next": Kind("iterator", (ANY,)),
    "enumerate": Kind("iterable", (ANY,)),
    "zip": Kind("iterable", (ANY,)),
    "map": Kind("iterable", (ANY,)),
    "filter": Kind("iterable", (ANY,)),
    "max": list_of(INT),
    "min": list_of(INT),
    "any": list_of(ANY),
    "all": list_of(ANY),
    "reversed": list_of(ANY),
    "Path": PATH,
    "Decimal": STR,
    "getattr": Kind("object-like"),
    "callable": Kind("callable"),
    "issubclass": Kind("type"),
}
_PATH_MODULES = ("os.path.", "os.", "shutil.", "pathlib.", "io.open", "codecs.open")
_STRING_FUNCTIONS = ("re.", "json.loads", "ast.", "textwrap.", "unicodedata.", "html.", "urllib.", "shlex.", "string.")


@dataclass
class Usage:
    """What was seen.

    Attributes:
        attributes: Names read from it.
        called: Methods called on it.
        kinds: Kinds with the strength of the evidence.
        literals: Source of the constants it is compared with.
        element: What is seen of its elements.
        parts: What is seen of the parts that it is unpacked into.
        calls: Numbers of arguments it is called with.
        keys: Constant keys it is subscripted with.
        forwarded: ``(callee, position or keyword)``: where it is passed on to.
        awaited: Whether it is awaited or iterated asynchronously.
    """

    attributes: "list[str]" = field(default_factory=list)
    called: "list[str]" = field(default_factory=list)
    kinds: "list[tuple[Kind, float]]" = field(default_factory=list)
    literals: "list[str]" = field(default_factory=list)
    element: "Usage | None" = None
    parts: "list[Usage]" = field(default_factory=list)
    calls: "list[int]" = field(default_factory=list)
    keys: "list[str]" = field(default_factory=list)
    forwarded: "list[tuple[str, int | str]]" = field(default_factory=list)
    stored: "list[str]" = field(default_factory=list)
    isinstance_of: "list[str]" = field(default_factory=list)
    awaited: bool = False
    async_iterated: bool = False
    none_checked: bool = False

    def add(self, kind: Kind, strength: float) -> None:
        """Note evidence."""
        self.kinds.append((kind, strength))


def _matches(node: "ast.AST | None", name: str) -> bool:
    """Whether a node is what ``name`` names: a variable, a dotted attribute, or (``name()``) the result of a call."""
    if name.endswith("()"):
        return isinstance(node, ast.Call) and _matches(node.func, name[:-2])
    if isinstance(node, ast.Name):
        return node.id == name
    if isinstance(node, ast.Attribute) and "." in name:
        return ast.unparse(node) == name
    return False


def observe_usage(body: "list[ast.AST]", name: str, depth: int = 0) -> Usage:
    """Collect what is done with a variable (``text``) or an attribute (``self.text``) in some statements."""
    usage = Usage()
    for statement in body:
        for node in ast.walk(statement):
            _look(node, name, usage, body, depth)
    return usage


def _look(node: ast.AST, name: str, usage: Usage, body: "list[ast.AST]", depth: int) -> None:
    if isinstance(node, ast.Attribute) and _matches(node.value, name):
        if node.attr not in usage.attributes:
            usage.attributes.append(node.attr)
    elif isinstance(node, ast.Call):
        _look_call(node, name, usage)
    elif isinstance(node, ast.Subscript) and _matches(node.value, name):
        if isinstance(node.slice, ast.Constant):
            if isinstance(node.slice.value, str):
                usage.keys.append(node.slice.value)
                usage.add(Kind("dict", (STR, ANY)), 3)
            elif isinstance(node.slice.value, int):
                usage.add(list_of(ANY), 2)
                usage.add(STR, 0.5)
        elif isinstance(node.slice, ast.Slice):
            usage.add(list_of(ANY), 1.5)
            usage.add(STR, 1.5)
        else:
            usage.add(list_of(ANY), 1)
            usage.add(Kind("dict", (STR, ANY)), 1)
            usage.add(STR, 0.5)
    elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)) and _matches(node.iter, name):
        asynchronous = isinstance(node, ast.AsyncFor) or bool(getattr(node, "is_async", 0))
        usage.async_iterated = usage.async_iterated or asynchronous
        usage.add(Kind("iterable", (ANY,)), 2)
        if isinstance(node.target, ast.Name) and depth < 2:
            usage.element = observe_usage(body, node.target.id, depth + 1)
        elif isinstance(node.target, ast.Tuple):
            usage.element = Usage(kinds=[(Kind("fixed-tuple", tuple(ANY for _ in node.target.elts)), 3)])
            usage.element.parts = [
                observe_usage(body, element.id, depth + 1) if isinstance(element, ast.Name) and depth < 2 else Usage()
                for element in node.target.elts
            ]
    elif (isinstance(node, ast.YieldFrom) and _matches(node.value, name)) or (
        isinstance(node, ast.Starred) and _matches(node.value, name)
    ):
        usage.add(list_of(ANY), 2)
    elif isinstance(node, ast.Await) and _matches(node.value, name):
        usage.awaited = True
    elif isinstance(node, ast.Compare):
        _look_compare(node, name, usage)
    elif isinstance(node, ast.BinOp):
        _look_operator(node, name, usage)
    elif isinstance(node, ast.UnaryOp) and _matches(node.operand, name):
        if isinstance(node.op, ast.USub):
            usage.add(INT, 1.5)
        elif isinstance(node.op, ast.Not):
            usage.add(BOOL, 0.3)
    elif isinstance(node, (ast.If, ast.IfExp)) and _matches(node.test, name):
        usage.add(BOOL, 0.3)
    elif isinstance(node, (ast.With, ast.AsyncWith)):
        if any(_matches(item.context_expr, name) for item in node.items):
            usage.add(Kind("stream"), 1.5)
    elif isinstance(node, ast.Assign) and _matches(node.value, name):
        for target in node.targets:
            if isinstance(target, ast.Attribute):
                usage.stored.append(ast.unparse(target))
            elif isinstance(target, ast.Tuple):
                usage.add(Kind("fixed-tuple", tuple(ANY for _ in target.elts)), 2)
            elif isinstance(target, ast.Name) and depth < 2 and target.id != name:
                join(usage, observe_usage(body, target.id, depth + 1))
    elif isinstance(node, ast.AnnAssign) and _matches(node.value, name) and isinstance(node.target, ast.Attribute):
        usage.stored.append(ast.unparse(node.target))
    elif isinstance(node, ast.Raise) and (_matches(node.exc, name) or _matches(node.cause, name)):
        usage.add(Kind("exception"), 2)
    elif isinstance(node, ast.FormattedValue) and _matches(node.value, name):
        usage.add(STR, 0.4)


def _look_call(node: ast.Call, name: str, usage: Usage) -> None:
    if _matches(node.func, name):
        usage.calls.append(len(node.args) + len(node.keywords))
        return
    if isinstance(node.func, ast.Attribute) and _matches(node.func.value, name):
        if node.func.attr not in usage.called:
            usage.called.append(node.func.attr)
        key = node.args[0] if node.args and node.func.attr in ("get", "pop", "setdefault") else None
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            usage.keys.append(key.value)
        return
    callee = ast.unparse(node.func)
    for index, argument in enumerate(node.args):
        if not _matches(argument, name):
            continue
        if callee == "isinstance" and index == 0 and len(node.args) == 2:
            second = node.args[1]
            for part in second.elts if isinstance(second, ast.Tuple) else [second]:
                usage.isinstance_of.append(ast.unparse(part))
        elif callee in ("isinstance", "issubclass") and index == 1:
            usage.add(Kind("type"), 2)
        elif callee in ("hasattr", "getattr") and index == 0 and len(node.args) > 1:
            if isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str):
                usage.attributes.append(node.args[1].value)
        elif (
            callee in ("map", "filter", "sorted", "reduce", "functools.reduce", "partial", "functools.partial")
            and index == 0
        ):
            usage.add(list_of(ANY) if callee == "sorted" else Kind("callable"), 2)
            if callee in ("map", "filter"):
                usage.calls.append(len(node.args) - 1)
            elif callee.endswith("reduce"):
                usage.calls.append(2)
        elif callee in _CALLED_WITH:
            usage.add(_CALLED_WITH[callee], 1.5)
        elif callee.startswith(_STRING_FUNCTIONS):
            usage.add(STR, 2 if index else 1)
        elif callee.startswith(_PATH_MODULES) and not callee.startswith("os.environ"):
            usage.add(PATH, 1.5)
        else:
            if callee.endswith((".match", ".search", ".sub", ".fullmatch", ".findall", ".split", ".join", ".finditer")):
                usage.add(list_of(STR) if callee.endswith(".join") else STR, 1.5)
            usage.forwarded.append((callee, index))
    for keyword in node.keywords:
        if keyword.arg and _matches(keyword.value, name):
            if keyword.arg == "key" and callee in ("sorted", "max", "min"):
                usage.add(Kind("callable"), 3)
                usage.calls.append(1)
                usage.add(NONE, 1)
            else:
                usage.forwarded.append((callee, keyword.arg))


def _look_compare(node: ast.Compare, name: str, usage: Usage) -> None:
    sides = [node.left, *node.comparators]
    for position, side in enumerate(sides):
        direct = _matches(side, name)
        measured = (
            isinstance(side, ast.Call)
            and isinstance(side.func, ast.Name)
            and side.func.id == "len"
            and bool(side.args)
            and _matches(side.args[0], name)
        )
        lowered = (
            isinstance(side, ast.Call) and isinstance(side.func, ast.Attribute) and _matches(side.func.value, name)
        )
        if not (direct or measured or lowered):
            continue
        for other_position, other in enumerate(sides):
            if other_position == position:
                continue
            operator = node.ops[max(position, other_position) - 1]
            if isinstance(other, ast.Constant):
                if other.value is None:
                    usage.none_checked = True
                elif not measured:
                    usage.literals.append(repr(other.value))
                    kind = of_value(other.value)
                    if kind is not None and direct and not isinstance(operator, (ast.In, ast.NotIn)):
                        usage.add(kind, 1.5)
            elif isinstance(other, (ast.Tuple, ast.List, ast.Set)) and isinstance(operator, (ast.In, ast.NotIn)):
                for element in other.elts:
                    if isinstance(element, ast.Constant):
                        usage.literals.append(repr(element.value))
                        kind = of_value(element.value)
                        if kind is not None and direct:
                            usage.add(kind, 1)
            elif direct and isinstance(operator, (ast.Lt, ast.Gt, ast.LtE, ast.GtE)):
                usage.add(INT, 0.7)
            if isinstance(operator, (ast.In, ast.NotIn)) and position == 1 and direct:
                usage.add(list_of(ANY), 0.8)
                usage.add(STR, 0.8)
                usage.add(Kind("dict", (STR, ANY)), 0.6)
                if isinstance(other, ast.Constant) and isinstance(other.value, str):
                    usage.keys.append(other.value)


def _look_operator(node: ast.BinOp, name: str, usage: Usage) -> None:
    for side, other in ((node.left, node.right), (node.right, node.left)):
        if not _matches(side, name):
            continue
        if isinstance(node.op, ast.Mod) and side is node.left:
            usage.add(INT, 1)
        elif isinstance(node.op, ast.Mod) and isinstance(other, ast.Constant) and isinstance(other.value, str):
            usage.add(STR, 0.5)
            usage.add(INT, 0.5)
        elif isinstance(other, (ast.Constant, ast.JoinedStr)):
            value = other.value if isinstance(other, ast.Constant) else ""
            kind = of_value(value)
            if kind is not None:
                usage.add(kind, 1.5)
        elif isinstance(node.op, ast.Add):
            usage.add(INT, 0.7)
            usage.add(STR, 0.4)
            usage.add(list_of(ANY), 0.3)
        else:
            usage.add(INT, 1)
            usage.add(FLOAT, 0.5)


def join(into: Usage, other: Usage) -> None:
    """Add what was seen of one thing to what was seen of another."""
    for name in ("attributes", "called", "kinds", "literals", "calls", "keys", "forwarded", "stored", "isinstance_of"):
        getattr(into, name).extend(getattr(other, name))
    into.element = into.element or other.element
    into.awaited = into.awaited or other.awaited
    into.async_iterated = into.async_iterated or other.async_iterated


def kinds_of(usage: Usage, name: str, resolve: Any, depth: int = 0) -> "list[tuple[Kind, float]]":
    """Kinds with weights, best first, for a parameter called ``name``.

    Args:
        usage: What was seen.
        name: The parameter.
        resolve: Turns the source of a class (from an ``isinstance`` test) into a kind or None.
        depth: How deep in the elements.
    """
    found: "dict[Kind, float]" = {}

    def add(kind: Kind, weight: float) -> None:
        found[kind] = found.get(kind, 0.0) + weight

    element: "Kind | None" = None
    if usage.element is not None and usage.element.parts and depth < 2:
        alternatives = [kinds_of(part, "", resolve, depth + 1)[:2] for part in usage.element.parts]
        element = Kind("fixed-tuple", tuple(union(*(k for k, _w in kinds)) if kinds else ANY for kinds in alternatives))
    elif usage.element is not None and depth < 2:
        inner = kinds_of(usage.element, "", resolve, depth + 1)
        if inner and inner[0][0] != ANY:
            element = inner[0][0]
    for kind, weight in usage.kinds:
        refined = Kind(kind.name, (element,)) if element is not None and kind.name in ("list", "iterable") else kind
        if refined.name == "dict" and usage.keys:
            refined = Kind("record", tuple(ANY for _ in dict.fromkeys(usage.keys)), tuple(dict.fromkeys(usage.keys)))
        add(refined, weight)
    for source in usage.isinstance_of:
        kind = resolve(source)
        if kind is not None:
            add(kind, 2)
            add(ANY, 0.3)
    touched = list(dict.fromkeys((*usage.called, *usage.attributes)))
    if touched:
        fitting = [
            (kind, sum(hasattr(cls, attribute) for attribute in touched) / len(touched)) for _n, cls, kind in _TYPES
        ]
        best = max(score for _kind, score in fitting)
        if best >= 0.99:
            for position, (kind, _score) in enumerate(item for item in fitting if item[1] == best):
                refined = Kind("list", (element,)) if element is not None and kind.name == "list" else kind
                if kind.name == "dict" and usage.keys:
                    keys = tuple(dict.fromkeys(usage.keys))
                    refined = Kind("record", tuple(ANY for _ in keys), keys)
                add(refined, 3.0 / (1 + position))
        else:
            add(Kind("duck", values=tuple(touched)), 3)
    if usage.calls:
        add(Kind("callable", values=(str(usage.calls[0]),)), 3)
    if usage.async_iterated:
        add(Kind("async-iterator", (element or ANY,)), 3)
    if usage.awaited:
        add(Kind("awaitable", (ANY,)), 3)
    if usage.literals:
        add(Kind("literal", values=tuple(dict.fromkeys(usage.literals))), 1.5)
    if usage.none_checked:
        add(NONE, 0.6)
    suggested = by_name(name) if name else None
    if suggested is not None:
        strength = 1.5
        if suggested == list_of(ANY) and element is not None:
            suggested = list_of(element)
        if found and suggested not in found and max(found.values()) >= 2:
            strength = 0.5
        add(suggested, strength)
    return sorted(found.items(), key=lambda item: -item[1])
