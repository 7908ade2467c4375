"""The plain Python function or class behind what a module holds."""

from __future__ import annotations

import functools
import types
from typing import Any


def nested_classes(cls: type) -> "list[type]":
    """Classes defined in a class, and in those."""
    found = []
    for value in vars(cls).values():
        if (
            isinstance(value, type)
            and value.__module__ == cls.__module__
            and value.__qualname__.startswith(cls.__qualname__ + ".")
        ):
            found.append(value)
            found.extend(nested_classes(value))
    return found


def unwrapped(value: Any) -> Any:
    """The Python function under decorators, None when there is none."""
    for _ in range(10):
        if isinstance(value, (staticmethod, classmethod)):
            value = value.__func__
        elif isinstance(value, functools.partial):
            value = value.func
        elif isinstance(value, types.MethodType):
            value = value.__func__
        elif isinstance(value, types.FunctionType):
            inner = value.__dict__.get("__wrapped__")
            if inner is None:
                return value
            value = inner
        else:
            inner = getattr(value, "__wrapped__", None) if not isinstance(value, type) else None
            if inner is None:
                return None
            value = inner
    return None


def method_style(value: Any) -> "tuple[str, Any]":
    """How an attribute of a class is called, and the function behind it."""
    if isinstance(value, classmethod):
        return "classmethod", value.__func__
    if isinstance(value, staticmethod):
        return "staticmethod", value.__func__
    if isinstance(value, property):
        return "property", value.fget
    if isinstance(value, functools.cached_property):
        return "property", value.func
    return "method", value
