"""Expressions that equal a value, and assertions that say what a value is."""

from __future__ import annotations

import ast
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import math
import pathlib
import re
import types
import uuid
from typing import Any

from .names import BUILTINS, Names

MAX_TEXT = 400
"""Characters of an expression; what is longer is asserted by its length and its beginning."""
MAX_ATTRIBUTES = 6
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
_LOCAL = re.compile(r"<lambda>|<locals>|<case>|test_case\.")
"""What a name looks like that is another one in a test function."""
_NUMBERED = re.compile(r"\b(?:datetime|timedelta|timezone|date|time)\b")


class Express:
    """Turns values into expressions.

    Attributes:
        names: Where names are bound.
        scratch: The folder that ``tmp_path`` stands for, None when the case has none.
        places: Folders of this machine: home, the folder worked in, the project.
    """

    def __init__(self, names: Names, scratch: "str | None", places: "tuple[str, ...]" = ()) -> None:
        self.names = names
        self.scratch = scratch
        self.places = places

    def __call__(self, value: Any, depth: int = 0) -> "str | None":
        """The expression, None when there is none."""
        if depth > 6:
            return None
        cls = type(value)
        method = _EXACT.get(cls)
        if method is not None:
            found: "str | None" = method(self, value, depth)
            return found
        if isinstance(value, enum.Enum):
            return self._enum(value)
        if isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType)):
            return self.names.of(value)
        if isinstance(value, pathlib.PurePath):
            return self._path(value)
        if isinstance(value, datetime.tzinfo) and value is datetime.timezone.utc:
            return self._named("datetime", "timezone", ".utc")
        if isinstance(value, re.Pattern):
            flags = value.flags & ~(re.UNICODE.value)
            bound = self.names.bind("re")
            if bound is None or not self.portable(str(value.pattern)):
                return None
            return f"{bound}.compile({value.pattern!r}{f', {flags}' if flags else ''})"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return self._fields(value, [(name, getattr(value, name)) for name in value._fields], depth)
        return self._object(value, depth)

    # -- parts ---------------------------------------------------------------------------------------------------

    def plain(self, value: Any, _depth: int) -> str:
        """What ``repr`` says."""
        return repr(value)

    def float_(self, value: float, _depth: int) -> "str | None":
        """A float; not a number has no expression."""
        if math.isnan(value):
            return None
        if math.isinf(value):
            return f"float({str(value)!r})"
        return repr(value)

    def text(self, value: str, _depth: int = 0) -> "str | None":
        """A string; the scratch folder in it becomes ``tmp_path``."""
        if any(0xD800 <= ord(character) <= 0xDFFF for character in value):
            return None
        if self.scratch and self.scratch in value:
            if value == self.scratch:
                return "str(tmp_path)"
            rest = value[len(self.scratch) + 1 :]
            if (
                value.startswith(self.scratch + "/")
                and self.scratch not in rest
                and "/" not in rest
                and "\n" not in rest
            ):
                return f"str(tmp_path / {rest!r})"
            quoted = repr(value.replace("{", "{{").replace("}", "}}"))
            return "f" + quoted.replace(self.scratch, "{tmp_path}")
        if not self.portable(value):
            return None
        return repr(value)

    def portable(self, value: str) -> bool:
        """Whether a text is the same on another machine and in a test: no address, no folder, no local name."""
        return not (_ADDRESS.search(value) or _LOCAL.search(value) or any(place in value for place in self.places))

    def bytes_(self, value: bytes, _depth: int) -> "str | None":
        """Bytes; those that hold the scratch folder have no expression."""
        if self.scratch and self.scratch.encode() in value:
            return None
        return repr(value)

    def _elements(self, values: Any, depth: int) -> "list[str] | None":
        """Expressions of all elements, None when one has none."""
        parts = []
        for value in values:
            part = self(value, depth + 1)
            if part is None:
                return None
            parts.append(part)
        return parts

    def sequence(self, value: Any, depth: int) -> "str | None":
        """A list, tuple or deque."""
        parts = self._elements(value, depth)
        if parts is None:
            return None
        inner = ", ".join(parts)
        if type(value) is list:
            return f"[{inner}]"
        if type(value) is tuple:
            return f"({inner}{',' if len(parts) == 1 else ''})"
        return self._named("collections", "deque", f"([{inner}])")

    def set_(self, value: Any, depth: int) -> "str | None":
        """A set, its elements in the order of their expressions."""
        parts = self._elements(value, depth)
        if parts is None:
            return None
        inner = "{" + ", ".join(sorted(parts)) + "}" if parts else ""
        if type(value) is frozenset:
            return f"frozenset({inner})"
        return inner or "set()"

    def dict_(self, value: Any, depth: int) -> "str | None":
        """A mapping, as a display."""
        parts = []
        for key, item in value.items():
            left, right = self(key, depth + 1), self(item, depth + 1)
            if left is None or right is None:
                return None
            parts.append(f"{left}: {right}")
        return "{" + ", ".join(parts) + "}"

    def counter(self, value: Any, depth: int) -> "str | None":
        """A counter."""
        inner = self.dict_(value, depth)
        return None if inner is None else self._named("collections", "Counter", f"({inner})")

    def _enum(self, value: enum.Enum) -> "str | None":
        named = self.names.of(type(value))
        if named is None or value.name not in type(value).__members__:
            return None
        return f"{named}.{value.name}"

    def _named(self, module: str, name: str, rest: str) -> "str | None":
        bound = self.names.bind(module, name)
        return None if bound is None else bound + rest

    def _path(self, value: pathlib.PurePath) -> "str | None":
        text = str(value)
        if self.scratch and text == self.scratch:
            return "tmp_path"
        if self.scratch and text.startswith(self.scratch + "/"):
            return f"tmp_path / {text[len(self.scratch) + 1 :]!r}"
        if not self.portable(text):
            return None
        name = "Path" if isinstance(value, pathlib.Path) else "PurePath"
        return self._named("pathlib", name, f"({text!r})")

    def moment(self, value: Any, _depth: int) -> "str | None":
        """A value of ``datetime``."""
        text = repr(value).replace("datetime.", "")
        if "<" in text or "zoneinfo" in text:
            return None
        mapping = {}
        for name in set(_NUMBERED.findall(text)):
            bound = self.names.bind("datetime", name)
            if bound is None:
                return None
            mapping[name] = bound
        return _NUMBERED.sub(lambda match: mapping[match.group()], text)

    def number(self, value: Any, _depth: int) -> "str | None":
        """A decimal, a fraction or an identifier."""
        module = {"Decimal": "decimal", "Fraction": "fractions", "UUID": "uuid"}[type(value).__name__]
        inner = repr(value).partition("(")[2]
        if "nan" in inner.lower():
            return None
        return self._named(module, type(value).__name__, "(" + inner)

    def namespace(self, value: Any, depth: int) -> "str | None":
        """A simple namespace."""
        return self._fields(value, list(vars(value).items()), depth)

    def _fields(self, value: Any, fields: "list[tuple[str, Any]]", depth: int) -> "str | None":
        named = self.names.of(type(value))
        if named is None:
            return None
        parts = []
        for name, item in fields:
            part = self(item, depth + 1)
            if part is None:
                return None
            parts.append(f"{name}={part}")
        return f"{named}({', '.join(parts)})"

    # -- objects of the project ------------------------------------------------------------------------------------

    def _object(self, value: Any, depth: int) -> "str | None":
        cls = type(value)
        if depth > 3 or not overrides(cls, "__eq__"):
            return None
        for made in (self._dataclass, self._by_repr, self._by_constructor):
            try:
                source = made(value, depth)
            except Exception:
                continue
            if source is not None and len(source) <= MAX_TEXT and self._equal(source, value):
                return source
        return None

    def _equal(self, source: str, value: Any) -> bool:
        space = {**self.names.objects}
        if self.scratch:
            space["tmp_path"] = pathlib.Path(self.scratch)
        try:
            other = eval(source, space)
            return type(other) is type(value) and bool(other == value) and bool(value == other)
        except Exception:
            return False

    def _dataclass(self, value: Any, depth: int) -> "str | None":
        if not dataclasses.is_dataclass(value):
            return None
        fields = []
        for item in dataclasses.fields(value):
            if not item.init:
                continue
            current = getattr(value, item.name)
            try:
                if (
                    item.default is not dataclasses.MISSING
                    and type(current) is type(item.default)
                    and bool(current == item.default)
                ):
                    continue
                if item.default_factory is not dataclasses.MISSING and current == item.default_factory():
                    continue
            except Exception:
                return None
            fields.append((item.name, current))
        return self._fields(value, fields, depth)

    def _by_repr(self, value: Any, _depth: int) -> "str | None":
        if not overrides(type(value), "__repr__"):
            return None
        text = repr(value)
        if len(text) > MAX_TEXT or _ADDRESS.search(text):
            return None
        if text.startswith("<") and text.endswith(">"):
            match = re.fullmatch(r"<(\w+)\((.*)\)>", text)
            if match is None:
                return None
            text = f"{match.group(1)}({match.group(2)})"
        tree = ast.parse(text, mode="eval")
        mapping: "dict[str, str]" = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and node.id not in mapping:
                found = self._known(node.id, value)
                if found is None:
                    return None
                mapping[node.id] = found
        return re.sub(
            r"(?<![\w.'\"])(" + "|".join(map(re.escape, mapping)) + r")\b(?=[(.,)\]])",
            lambda m: mapping[m.group(1)],
            text,
        )

    def _known(self, name: str, value: Any) -> "str | None":
        if name == type(value).__name__:
            return self.names.of(type(value))
        if name in ("True", "False", "None", "inf") or name in BUILTINS:
            return name
        current = vars(self.names.module).get(name)
        if current is not None:
            return self.names.of(current)
        return None

    def _by_constructor(self, value: Any, depth: int) -> "str | None":
        cls = type(value)
        named = self.names.of(cls)
        if named is None:
            return None
        options = [f"{named}({text!r})" for text in _texts(value)]
        for source in options:
            if self._equal(source, value):
                return source
        parts = []
        for parameter in inspect.signature(cls).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if not hasattr(value, parameter.name):
                if parameter.default is parameter.empty:
                    if hasattr(value, "__iter__") and hasattr(value, "__len__"):
                        inner = self(list(value), depth + 1)
                        return None if inner is None else f"{named}({inner})"
                    return None
                continue
            current = getattr(value, parameter.name)
            if (
                parameter.default is not parameter.empty
                and type(current) is type(parameter.default)
                and bool(current == parameter.default)
            ):
                continue
            part = self(current, depth + 1)
            if part is None:
                return None
            positional = parameter.kind is not parameter.KEYWORD_ONLY and parameter.default is parameter.empty
            parts.append(part if positional else f"{parameter.name}={part}")
        if not parts and hasattr(value, "__iter__") and hasattr(value, "__len__") and len(value):
            inner = self(list(value), depth + 1)
            return None if inner is None else f"{named}({inner})"
        return f"{named}({', '.join(parts)})"


def _texts(value: Any) -> "list[str]":
    if not overrides(type(value), "__str__"):
        return []
    try:
        text = str(value)
    except Exception:
        return []
    return [text] if len(text) < 100 else []


_EXACT: "dict[type, Any]" = {
    type(None): Express.plain,
    bool: Express.plain,
    int: Express.plain,
    complex: Express.plain,
    type(Ellipsis): Express.plain,
    type(NotImplemented): Express.plain,
    range: Express.plain,
    slice: Express.plain,
    bytearray: Express.plain,
    float: Express.float_,
    str: Express.text,
    bytes: Express.bytes_,
    list: Express.sequence,
    tuple: Express.sequence,
    collections.deque: Express.sequence,
    set: Express.set_,
    frozenset: Express.set_,
    dict: Express.dict_,
    collections.OrderedDict: Express.dict_,
    collections.defaultdict: Express.dict_,
    collections.Counter: Express.counter,
    types.MappingProxyType: Express.dict_,
    datetime.datetime: Express.moment,
    datetime.date: Express.moment,
    datetime.time: Express.moment,
    datetime.timedelta: Express.moment,
    decimal.Decimal: Express.number,
    fractions.Fraction: Express.number,
    uuid.UUID: Express.number,
    types.SimpleNamespace: Express.namespace,
}


def overrides(cls: type, method: str) -> bool:
    """Whether a class has a method of its own where ``object`` has a default."""
    return getattr(cls, method, None) is not getattr(object, method)


def equality(subject: str, value: Any, express: Express) -> "list[str]":
    """Assertions that a value, reachable by an expression, is what it is; empty when it cannot be said."""
    source = express(value)
    if source is None:
        return []
    if value is None or value is True or value is False or value is NotImplemented:
        return [f"{subject} is {source}"]
    if isinstance(value, type) or inspect.isfunction(value):
        return [f"{subject} is {source}"]
    if len(source) > MAX_TEXT:
        return _long(subject, value, express)
    if _inexact(value):
        bound = express.names.bind("pytest")
        return [f"{subject} == {bound}.approx({source})"]
    return [f"{subject} == {source}"]


def _inexact(value: Any) -> bool:
    if isinstance(value, float):
        return not value.is_integer() and not _short(value)
    if type(value) in (list, tuple) and value:
        return all(type(element) in (int, float) for element in value) and any(_inexact(element) for element in value)
    return False


def _short(value: float) -> bool:
    """Whether a fraction is exact in binary, so that plain equality is honest."""
    return (value * 1024).is_integer() if abs(value) < 1e12 else True


def _long(subject: str, value: Any, express: Express) -> "list[str]":
    if isinstance(value, (str, bytes)):
        start = express(value[:60])
        end = express(value[-40:])
        if start is None or end is None or "tmp_path" in start + end:
            return []
        return [f"len({subject}) == {len(value)}", f"{subject}.startswith({start})", f"{subject}.endswith({end})"]
    if isinstance(value, (list, tuple)):
        first, last = express(value[0]), express(value[-1])
        if first is None or last is None or len(first) > MAX_TEXT or len(last) > MAX_TEXT:
            return [f"len({subject}) == {len(value)}"]
        return [f"len({subject}) == {len(value)}", f"{subject}[0] == {first}", f"{subject}[-1] == {last}"]
    if isinstance(value, (dict, set)):
        return [f"len({subject}) == {len(value)}"]
    return []


def public_state(value: Any) -> "dict[str, Any]":
    """What can be read of an object from outside: suffix of an expression (``.total``, or a template) to the value."""
    cls = type(value)
    found: "dict[str, Any]" = {}
    if cls.__module__ == "builtins" and not isinstance(value, BaseException):
        return found
    try:
        if isinstance(value, BaseException):
            return {"str({})": str(value)}
        sized = hasattr(cls, "__len__") and hasattr(cls, "__iter__")
        if sized and len(value) <= 60:
            if hasattr(cls, "keys") and hasattr(cls, "__getitem__"):
                found["dict({})"] = dict(value)
            else:
                found["list({})"] = list(value)
    except Exception:
        found = {}
    names = [name for name in getattr(value, "__dict__", {}) if not name.startswith("_")]
    for base in cls.__mro__:
        if base.__module__ in ("builtins", "typing", "abc"):
            continue
        slots = base.__dict__.get("__slots__", ())
        names.extend(name for name in ((slots,) if isinstance(slots, str) else slots) if not name.startswith("_"))
        names.extend(
            name for name, attribute in vars(base).items()
            if isinstance(attribute, property) and not name.startswith("_")
        )  # fmt: skip
    for name in dict.fromkeys(names):
        try:
            found["{}." + name] = getattr(value, name)
        except Exception:
            continue
    if (
        overrides(cls, "__str__")
        and cls.__module__ not in ("builtins", "io", "_io")
        and not dataclasses.is_dataclass(cls)
    ):
        try:
            found["str({})"] = str(value)
        except Exception:
            return found
    elif not found and overrides(cls, "__repr__"):
        try:
            found["repr({})"] = repr(value)
        except Exception:
            return found
    return found


def described(subject: str, value: Any, express: Express, limit: int = MAX_ATTRIBUTES) -> "list[str]":
    """Assertions on what can be read of an object that has no useful equality."""
    found: "list[str]" = []
    for template, part in public_state(value).items():
        lines = equality(template.format(subject), part, express)
        if not lines and not template.startswith(("list", "dict", "str", "repr")):
            # One level deeper: ``result.token.kind``.
            inner: "list[str]" = []
            for deeper, leaf in public_state(part).items():
                inner.extend(equality(deeper.format(template.format(subject)), leaf, express))
                if len(inner) >= 2:
                    break
            lines = inner
        found.extend(line for line in lines if len(line) <= MAX_TEXT)
        if len(found) >= limit:
            break
    return found[:limit]
