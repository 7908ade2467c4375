"""From annotations, as live objects or as text, to kinds."""

from __future__ import annotations

import ast
import collections
import collections.abc
import datetime
import decimal
import enum
import fractions
import inspect
import io
import os
import pathlib
import re
import types
import typing
import uuid
from typing import Any

from .kinds import ANY, BOOL, BYTES, FLOAT, INT, NONE, PATH, STR, Kind, union

_SIMPLE: "dict[Any, Kind]" = {
    str: STR,
    int: INT,
    float: FLOAT,
    bool: BOOL,
    bytes: BYTES,
    bytearray: Kind("bytearray"),
    complex: Kind("complex"),
    object: ANY,
    type(None): NONE,
    None: NONE,
    Any: ANY,
    datetime.datetime: Kind("datetime"),
    datetime.date: Kind("date"),
    datetime.time: Kind("time"),
    datetime.timedelta: Kind("timedelta"),
    datetime.tzinfo: Kind("tzinfo"),
    datetime.timezone: Kind("tzinfo"),
    decimal.Decimal: Kind("decimal"),
    fractions.Fraction: Kind("fraction"),
    uuid.UUID: Kind("uuid"),
    pathlib.Path: PATH,
    pathlib.PurePath: PATH,
    os.PathLike: PATH,
    re.Pattern: Kind("regex"),
    range: Kind("range"),
    slice: Kind("slice"),
    type: Kind("type"),
    io.StringIO: Kind("stream"),
    io.TextIOBase: Kind("stream"),
    io.TextIOWrapper: Kind("stream"),
    io.BytesIO: Kind("binary-stream"),
    io.BufferedIOBase: Kind("binary-stream"),
    io.RawIOBase: Kind("binary-stream"),
    io.IOBase: Kind("stream"),
    typing.TextIO: Kind("stream"),
    typing.BinaryIO: Kind("binary-stream"),
    typing.Hashable: union(STR, INT),
    typing.SupportsInt: INT,
    typing.SupportsFloat: FLOAT,
    typing.SupportsIndex: INT,
    typing.SupportsAbs: INT,
}

_GENERIC: "dict[Any, str]" = {
    list: "list",
    collections.abc.Sequence: "list",
    collections.abc.MutableSequence: "list",
    collections.abc.Collection: "list",
    collections.abc.Container: "list",
    collections.abc.Iterable: "iterable",
    collections.abc.Reversible: "list",
    collections.abc.Sized: "list",
    collections.abc.Iterator: "iterator",
    collections.abc.Generator: "iterator",
    collections.abc.AsyncIterable: "async-iterator",
    collections.abc.AsyncIterator: "async-iterator",
    collections.abc.AsyncGenerator: "async-iterator",
    collections.abc.Awaitable: "awaitable",
    collections.abc.Coroutine: "awaitable",
    set: "set",
    collections.abc.Set: "set",
    collections.abc.MutableSet: "set",
    frozenset: "frozenset",
    dict: "dict",
    collections.abc.Mapping: "dict",
    collections.abc.MutableMapping: "dict",
    collections.OrderedDict: "ordered-dict",
    collections.defaultdict: "default-dict",
    collections.Counter: "counter",
    collections.deque: "deque",
}


class Hints:
    """Turns annotations of one module into kinds."""

    def __init__(self, module: types.ModuleType, tree: ast.Module) -> None:
        self.module = module
        self.space: "dict[str, Any]" = dict(vars(typing))
        self.space.update(vars(module))
        self._import_for_checking(tree)

    def _import_for_checking(self, tree: ast.Module) -> None:
        """Names that are imported only for type checkers; what cannot be imported stays unknown."""
        for node in ast.walk(tree):
            if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
                continue
            for statement in node.body:
                if isinstance(statement, (ast.Import, ast.ImportFrom)):
                    copied = ast.Module([statement], [])
                    space: "dict[str, Any]" = {
                        "__name__": self.module.__name__,
                        "__package__": getattr(self.module, "__package__", None),
                    }
                    try:
                        exec(compile(copied, "<type checking>", "exec"), space)
                    except BaseException:
                        continue
                    for name, value in space.items():
                        self.space.setdefault(name, value)
                elif isinstance(statement, (ast.Assign, ast.AnnAssign)):
                    try:
                        exec(compile(ast.Module([statement], []), "<type checking>", "exec"), self.space)
                    except BaseException:
                        continue

    def resolve(self, annotation: Any, owner: Any = None) -> Any:
        """An annotation as a live object, or None."""
        for _ in range(3):
            if isinstance(annotation, typing.ForwardRef):
                annotation = annotation.__forward_arg__
            if not isinstance(annotation, str):
                return annotation
            space = dict(self.space)
            if owner is not None:
                space.setdefault(owner.__name__, owner)
            annotation = _evaluate(annotation, space)
            if annotation is None:
                return None
        return annotation

    def kind(self, annotation: Any, owner: Any = None, depth: int = 0) -> "Kind | None":
        """The kind of an annotation; None when it says nothing."""
        if annotation is inspect.Parameter.empty or depth > 6:
            return None
        if annotation is None:
            return NONE
        live = self.resolve(annotation, owner)
        if live is None:
            return None
        try:
            simple = _SIMPLE.get(live)
        except TypeError:
            simple = None
        if simple is not None:
            return simple
        return self._composed(live, owner, depth)

    def _composed(self, live: Any, owner: Any, depth: int) -> "Kind | None":
        origin = typing.get_origin(live)
        args = typing.get_args(live)

        def sub(argument: Any) -> Kind:
            return self.kind(argument, owner, depth + 1) or ANY

        if origin is typing.Union or (hasattr(types, "UnionType") and isinstance(live, types.UnionType)):
            return union(*(sub(argument) for argument in args))
        if origin is typing.Literal:
            return Kind("literal", values=tuple(_literal(value) for value in args))
        if str(origin) == "typing.Annotated" or hasattr(live, "__metadata__"):
            return sub(args[0] if args else live.__origin__)
        if str(origin) in ("typing.Final", "typing.ClassVar", "typing.Required", "typing.NotRequired", "typing.Unpack"):
            return sub(args[0])
        if live is collections.abc.Callable or origin is collections.abc.Callable:
            return self._callable(args, sub)
        if isinstance(live, typing.TypeVar):
            if live.__constraints__:
                return union(*(sub(argument) for argument in live.__constraints__))
            if live.__bound__ is not None:
                return sub(live.__bound__)
            return ANY
        if hasattr(live, "__supertype__"):
            return sub(live.__supertype__)
        if hasattr(live, "__value__") and type(live).__name__ == "TypeAliasType":
            return sub(live.__value__)
        if getattr(live, "_name", None) == "Self" or str(live).endswith(".Self"):
            return Kind("object", cls=owner) if owner is not None else ANY
        if str(live).rpartition(".")[2] == "LiteralString":
            return STR
        base = origin if origin is not None else live
        if base is tuple:
            if len(args) == 2 and args[1] is Ellipsis:
                return Kind("tuple", (sub(args[0]),))
            if args == ((),):
                return Kind("literal", values=("()",))
            return Kind("fixed-tuple", tuple(sub(argument) for argument in args)) if args else Kind("tuple", (ANY,))
        if base is type:
            return Kind("type", cls=self.resolve(args[0], owner) if args else None)
        if base in (os.PathLike, typing.IO, re.Pattern):
            if base is typing.IO:
                return Kind("binary-stream") if args and args[0] is bytes else Kind("stream")
            return PATH if base is os.PathLike else Kind("regex")
        try:
            generic = _GENERIC.get(base)
        except TypeError:
            generic = None
        if generic is not None:
            return Kind(generic, tuple(sub(argument) for argument in args) or (ANY,))
        if isinstance(base, type):
            return self._class(base, owner, depth)
        return None

    def _callable(self, args: Any, sub: Any) -> Kind:
        if len(args) == 2 and isinstance(args[0], list):
            return Kind("callable", (*(sub(argument) for argument in args[0]), sub(args[1])), values=("typed",))
        if len(args) == 2:
            return Kind("callable", (sub(args[1]),), values=("any",))
        return Kind("callable")

    def _class(self, cls: type, owner: Any, depth: int) -> Kind:
        if issubclass(cls, enum.Enum):
            return Kind("enum", cls=cls)
        if typing.is_typeddict(cls):
            keys = []
            kinds = []
            for key, annotation in cls.__annotations__.items():
                keys.append(key)
                kinds.append(self.kind(annotation, owner, depth + 1) or ANY)
            return Kind("record", tuple(kinds), values=tuple(keys))
        if getattr(cls, "_is_protocol", False):
            members = sorted(
                name
                for base in cls.__mro__
                if getattr(base, "_is_protocol", False)
                for name in (*vars(base), *getattr(base, "__annotations__", {}))
                if not name.startswith("_") or name in ("__call__", "__len__", "__iter__", "__getitem__", "__lt__")
            )
            if members == ["__call__"]:
                return Kind("callable")
            if "__lt__" in members:
                return union(INT, STR)
            return Kind("duck", values=tuple(members))
        return Kind("object", cls=cls)


def _literal(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__qualname__}.{value.name}"
    return repr(value)


class _OldUnion(ast.NodeTransformer):
    """``X | Y`` in text, which 3.10's runtime types do not always take, becomes ``Union[X, Y]``."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node.op, ast.BitOr):
            return node
        pair = ast.Tuple([node.left, node.right], ast.Load())
        return ast.Subscript(ast.Name("__Union", ast.Load()), pair, ast.Load())


def _evaluate(text: str, space: "dict[str, Any]") -> Any:
    try:
        tree = ast.fix_missing_locations(_OldUnion().visit(ast.parse(text.strip(), mode="eval")))
        return eval(compile(tree, "<annotation>", "eval"), {"__Union": typing.Union, **space})
    except BaseException:
        return None
