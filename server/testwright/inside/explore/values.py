"""Draws values of any kind, and calls of subjects with them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from .draft import Draft
from .kinds import ANY, by_name
from .objects import Objects

if TYPE_CHECKING:
    from .subjects import Subject


class Values(Objects):
    """Draws values and calls."""

    def arguments(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """Source of the arguments for a call of a subject."""
        rng = self.rng
        parts: "list[str]" = []
        positional_open = True
        optional = [p for p in subject.parameters if not p.required]
        chance = 0.45 if len(optional) <= 3 else 0.25
        if rng.random() < 0.15:
            chance = 0.0
        if depth >= 3:
            chance = 0.05
        before, self.ranges = self.ranges, subject.ranges or self.ranges
        for parameter in subject.parameters:
            if parameter.style == "varargs":
                if positional_open:
                    count = rng.choice((0, 1, 2, 2, 3))
                    kind = parameter.pick(rng, draft, subject.qualname)
                    parts.extend(self.draw(kind, draft, parameter.name, depth) for _ in range(count))
                continue
            if parameter.style == "varkw":
                parts.extend(self._keywords(parameter, draft, depth))
                continue
            if not parameter.required and rng.random() >= chance:
                positional_open = False
                continue
            kind = parameter.pick(rng, draft, subject.qualname)
            value = self.draw(kind, draft, parameter.name, depth)
            by_keyword = parameter.style == "keyword" or (
                parameter.style != "positional" and (not positional_open or not parameter.required)
            )
            if parameter.style == "positional" and not positional_open:
                continue
            if by_keyword:
                positional_open = False
                parts.append(f"{parameter.name}={value}")
            else:
                parts.append(value)
        self.ranges = before
        return ", ".join(parts)

    def _keywords(self, parameter: Any, draft: Draft, depth: int) -> "list[str]":
        keys = [key for key in parameter.keys if key.isidentifier()]
        if not keys:
            if self.rng.random() < 0.3:
                return [f"name={self._any(ANY, draft, 'name', depth + 1)}"]
            return []
        chance = min(0.5, 2.0 / len(keys))
        chosen = [key for key in keys if key in parameter.required_keys or self.rng.random() < chance]
        return [
            f"{key}={self.draw(parameter.key_kinds.get(key) or by_name(key) or ANY, draft, key, depth + 1)}"
            for key in chosen
        ]

    def call(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """An expression that calls a subject, and the function that it returns."""
        made = self._call(subject, draft, depth)
        if subject.inner is None or depth or self.rng.random() < 0.2:
            return made
        if any(parameter.style == "varargs" for parameter in subject.inner):
            # A decorator's wrapper takes what the decorated function takes.
            count = _lambda_arity(made)
            return f"{made}({', '.join(self._any(ANY, draft, '', 1) for _ in range(count))})"
        wrapper = dataclasses.replace(subject, parameters=subject.inner)
        return f"{made}({self.arguments(wrapper, draft, 1)})"

    def _call(self, subject: Subject, draft: Draft, depth: int) -> str:
        owner = subject.owner
        if subject.style in ("class", "function"):
            head = self.names.of(subject.function if subject.style == "function" else owner)
            if subject.style == "class" and owner is not None and inspect.isabstract(owner):
                head = self.concrete(owner, draft)
            if head is None:
                head = self.names.own_name(subject.qualname) or subject.qualname
            return f"{head}({self.arguments(subject, draft, depth)})"
        if subject.name == "__subclasshook__":
            return f"issubclass({self._lookalike(owner, draft)}, {self.names.of(owner)})"
        if subject.style in ("classmethod", "staticmethod"):
            head = self.concrete(owner, draft) or "None"
            return f"{head}.{subject.name}({self.arguments(subject, draft, depth)})"
        receiver = self.receiver(subject, draft, depth)
        if subject.style == "property":
            return f"{receiver}.{subject.name}"
        if subject.style == "setter":
            value = (
                self.draw(subject.parameters[0].pick(self.rng, draft, subject.qualname), draft, subject.name, depth + 1)
                if subject.parameters
                else "1"
            )
            return f"setattr({receiver}, {subject.name!r}, {value})"
        return self.method(subject, receiver, draft, depth)

    def _lookalike(self, cls: Any, draft: Draft) -> str:
        """A class that is no subclass but has the methods of one, or some of them, or none."""
        methods = sorted(getattr(cls, "__abstractmethods__", ()))
        if self.rng.random() < 0.4 or not methods:
            return self.rng.choice(("int", "list", "dict"))
        name = draft.fresh("Lookalike")
        lines = [
            f"    def {method}(self, *args):\n        return None" for method in methods if self.rng.random() < 0.8
        ]
        draft.statements.append(f"class {name}:\n" + ("\n\n".join(lines) or "    pass"))
        return name

    def receiver(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """A variable that holds an instance to call a method on, with a few calls before now and then."""
        owner = subject.concrete_owner(self.rng)
        made = self.instance(owner, draft, "", depth + 1 if depth else 0)
        variable = draft.assign(_snake(owner.__name__), made) if not made.isidentifier() else made
        rng = self.rng
        if rng.random() < 0.35:
            methods = self.program.state_methods(owner)
            for _ in range(rng.choice((1, 1, 2, 3))):
                if not methods:
                    break
                method = rng.choice(methods)
                draft.statements.append(self.method(method, variable, draft, depth + 1))
        return variable

    def method(self, subject: Subject, receiver: str, draft: Draft, depth: int) -> str:
        """An expression that calls a method on a receiver, as an operator where it is one."""
        name = subject.name
        rng = self.rng
        operator = _BINARY.get(name)
        if operator is not None:
            other = self._other(subject, receiver, draft, depth)
            return f"{receiver} {operator} {other}"
        reflected = _REFLECTED.get(name)
        if reflected is not None:
            # Zero is what sum() begins with.
            other = "0" if rng.random() < 0.2 else self._any(ANY, draft, "", depth + 1)
            if subject.parameters and rng.random() < 0.4:
                other = self.draw(subject.parameters[0].pick(rng, draft, subject.qualname), draft, "", depth + 1)
            return f"{other} {reflected} {receiver}"
        if name == "__hash__":
            # A hash is no value to compare with; that equal objects have equal hashes is.
            made = next((s.partition(" = ")[2] for s in draft.statements if s.startswith(f"{receiver} = ")), None)
            return f"hash({receiver}) == hash({made})" if made else f"len({{{receiver}, {receiver}}})"
        if name in _UNARY:
            return _UNARY[name].format(receiver)
        if name == "__getitem__" and subject.parameters:
            return f"{receiver}[{self._index(subject, draft, depth)}]"
        if name in ("__reduce__", "__reduce_ex__", "__getstate__", "__copy__", "__deepcopy__"):
            bound = self.names.bind("copy")
            return f"{bound}.{'deepcopy' if name == '__deepcopy__' else 'copy'}({receiver})"
        if name == "__aiter__":
            return receiver
        if name in ("__enter__", "__aenter__"):
            helper = draft.fresh("enter")
            word = "async " if name == "__aenter__" else ""
            draft.statements.append(f"{word}def {helper}():\n    {word}with {receiver} as value:\n        return value")
            return f"{helper}()"
        if name == "__contains__" and subject.parameters:
            kind = subject.parameters[0].pick(rng, draft, subject.qualname)
            return f"{self.draw(kind, draft, '', depth + 1)} in {receiver}"
        if name == "__format__":
            return f"format({receiver}, {rng.choice((repr(''), repr('>10'), repr('d'), repr('s')))})"
        if name == "__call__":
            return f"{receiver}({self.arguments(subject, draft, depth)})"
        return f"{receiver}.{name}({self.arguments(subject, draft, depth)})"

    def _index(self, subject: Subject, draft: Draft, depth: int) -> str:
        roll = self.rng.random()
        if roll < 0.25:
            return self.rng.choice(("1:3", ":", "::-1", ":2", "1:", "-2:", "::2", "5:1", "3:1:-1"))
        if roll < 0.5:
            return self.rng.choice(("0", "-1", "1", "2", "10", "-3"))
        return self.draw(
            subject.parameters[0].pick(self.rng, draft, subject.qualname), draft, subject.parameters[0].name, depth + 1
        )

    def _other(self, subject: Subject, receiver: str, draft: Draft, depth: int) -> str:
        rng = self.rng
        roll = rng.random()
        if roll < 0.08:
            return receiver
        if roll < 0.2:
            return self._any(ANY, draft, "", depth + 1)
        if roll < 0.55 and subject.owner is not None and depth < 3:
            made = self.instance(subject.owner, draft, "", depth + 1)
            return draft.assign("other", made) if not made.isidentifier() else made
        if subject.parameters:
            return self.draw(
                subject.parameters[0].pick(rng, draft, subject.qualname), draft, subject.parameters[0].name, depth + 1
            )
        return "None"


def _lambda_arity(source: str) -> int:
    """How many arguments the first function written in a call takes."""
    for node in ast.walk(ast.parse(source, mode="eval")):
        if isinstance(node, ast.Lambda):
            return len(node.args.args)
    return 1


def _snake(name: str) -> str:
    text = ""
    plain = name.strip("_")
    for index, character in enumerate(plain):
        if character.isupper() and index and (not plain[index - 1].isupper()):
            text += "_"
        text += character.lower()
    return text or "value"


_BINARY = {
    "__add__": "+", "__sub__": "-", "__mul__": "*", "__truediv__": "/", "__floordiv__": "//", "__mod__": "%",
    "__pow__": "**", "__and__": "&", "__or__": "|", "__xor__": "^", "__lshift__": "<<", "__rshift__": ">>",
    "__eq__": "==", "__ne__": "!=", "__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">=", "__matmul__": "@",
}  # fmt: skip
_REFLECTED = {
    "__radd__": "+", "__rsub__": "-", "__rmul__": "*", "__rtruediv__": "/", "__rfloordiv__": "//", "__rmod__": "%",
    "__rpow__": "**", "__rand__": "&", "__ror__": "|", "__rxor__": "^",
}  # fmt: skip
_UNARY = {
    "__len__": "len({})", "__str__": "str({})", "__repr__": "repr({})", "__bool__": "bool({})",
    "__iter__": "list({})", "__reversed__": "list(reversed({}))", "__int__": "int({})", "__float__": "float({})",
    "__abs__": "abs({})", "__neg__": "-{}", "__pos__": "+{}", "__invert__": "~{}", "__next__": "next({})",
    "__bytes__": "bytes({})", "__index__": "__import__('operator').index({})",
    "__round__": "round({})", "__complex__": "complex({})", "__dir__": "dir({})",
}  # fmt: skip
