"""Draws instances of classes: made by their constructors, taken from earlier cases, completed or stubbed."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from .draft import Draft
from .kinds import ANY, INT, STR, Kind, by_name
from .library import Library

if TYPE_CHECKING:
    from .subjects import Parameter, Subject

_MARKS: "dict[Any, str]" = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}

VARIED_SHARE = 0.4
"""How often an instance that is known to work is made a little different."""


class Objects(Library):
    """Draws objects."""

    def _enum(self, kind: Kind, _draft: Draft, _role: str, _depth: int) -> str:
        named = self.names.of(kind.cls)
        members = list(kind.cls.__members__)
        return f"{named}.{self.rng.choice(members)}" if named and members else "None"

    def _object(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        return self.instance(kind.cls, draft, role, depth)

    def produced(self, cls_name: str, draft: Draft) -> "str | None":
        """The act of an earlier case that gave such an object, with its statements."""
        cases = self.producers.get(cls_name)
        if not cases:
            return None
        return self.replayed(self.rng.choice(cases[-40:]), draft)

    def varied(self, source: str, cls: type, draft: Draft, depth: int) -> str:
        """A constructor's call that is known to work, with an argument more or another value for one.

        What a constructor checks is hard to guess as a whole; one argument at a time, most checks still hold.
        """
        subject = self.program.class_subject(cls)
        call = ast.parse(source, mode="eval").body
        if subject is None or not isinstance(call, ast.Call) or any(isinstance(arg, ast.Starred) for arg in call.args):
            return source
        if self.names.objects.get(ast.unparse(call.func)) is not cls or any(word.arg is None for word in call.keywords):
            return source
        by_place = [p for p in subject.parameters if p.style in ("positional", "normal")]
        given = {p.name for p in by_place[: len(call.args)]} | {str(word.arg) for word in call.keywords}
        lacking = [p for p in subject.parameters if p.style in ("normal", "keyword") and p.name not in given]
        if lacking and self.rng.random() < 0.7:
            parameter = self.rng.choice(lacking)
            call.keywords.append(ast.keyword(parameter.name, self._value(parameter, subject, draft, depth)))
        elif call.args and len(call.args) <= len(by_place):
            index = self.rng.randrange(len(call.args))
            call.args[index] = self._value(by_place[index], subject, draft, depth)
        return ast.unparse(call)

    def _value(self, parameter: Parameter, subject: Subject, draft: Draft, depth: int) -> ast.expr:
        kind = parameter.pick(self.rng, draft, subject.qualname)
        return ast.parse(self.draw(kind, draft, parameter.name, depth + 1), mode="eval").body

    def call(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """An expression that calls a subject; who knows of calls makes it."""
        raise NotImplementedError

    def arguments(self, subject: Subject, draft: Draft, depth: int = 0) -> str:
        """Arguments of a call; who knows of calls makes them."""
        raise NotImplementedError

    def instance(self, cls: Any, draft: Draft, role: str = "", depth: int = 0) -> str:
        """An expression that makes an instance of a class."""
        rng = self.rng
        if not isinstance(cls, type):
            return "None"
        key = f"{cls.__module__}.{cls.__qualname__}"
        if key in self.producers and rng.random() < (0.5 if depth == 0 else 0.8):
            found = self.produced(key, draft)
            if found is not None:
                return self.varied(found, cls, draft, depth) if rng.random() < VARIED_SHARE else found
        subject = self.program.class_subject(cls)
        concrete = self.concrete(cls, draft)
        if concrete is None:
            return self._stub(cls, draft, depth)
        if subject is not None:
            factories = self.program.factories.get(cls, ())
            if factories and rng.random() < 0.3 and depth < 3:
                factory = rng.choice(factories)
                return self.call(factory, draft, depth + 1)
            return f"{concrete}({self.arguments(subject, draft, depth + 1)})"
        return f"{concrete}()"

    def concrete(self, cls: type, draft: Draft) -> "str | None":
        """A class that can be instantiated in the place of this one, by name."""
        lacking = self.program.lacking(cls)
        if lacking and not inspect.isabstract(cls):
            heirs = [sub for sub in self.program.subclasses(cls) if not self.program.lacking(sub)]
            if heirs and self.rng.random() < 0.3:
                return self.names.of(self.rng.choice(heirs))
            return self._completed(cls, lacking, draft)
        if inspect.isabstract(cls):
            options = [sub for sub in self.program.subclasses(cls) if not inspect.isabstract(sub)]
            if options and self.rng.random() < 0.7:
                return self.names.of(self.rng.choice(options))
            return self._subclass(cls, draft)
        return self.names.of(cls)

    def _completed(self, cls: type, lacking: "tuple[str, ...]", draft: Draft) -> "str | None":
        """A subclass that provides what the class wishes for."""
        base = self.names.of(cls)
        if base is None:
            return None
        name = draft.fresh("Sample" + cls.__name__.strip("_"))
        lines = [f"class {name}({base}):"]
        for attribute in lacking:
            kind = by_name(attribute) or self.rng.choice((INT, STR))
            value = self.draw(kind, draft, attribute, 3)
            if attribute in self.program.called_attributes:
                lines.append(f"    def {attribute}(self, *args, **kwargs):\n        return {value}")
            else:
                lines.append(f"    {attribute} = {value}")
        draft.statements.append("\n".join(lines))
        return name

    def _subclass(self, cls: type, draft: Draft) -> "str | None":
        base = self.names.of(cls)
        if base is None:
            return None
        name = draft.fresh("Concrete" + cls.__name__.strip("_"))
        lines = [f"class {name}({base}):"]
        for method in sorted(cls.__abstractmethods__):  # type: ignore[attr-defined]
            attribute = inspect.getattr_static(cls, method, None)
            function: Any = attribute
            decorator = ""
            if isinstance(attribute, property):
                decorator, function = "    @property\n", attribute.fget
            elif isinstance(attribute, classmethod):
                decorator, function = "    @classmethod\n", attribute.__func__
            elif isinstance(attribute, staticmethod):
                decorator, function = "    @staticmethod\n", attribute.__func__
            try:
                parameters = ", ".join(
                    _MARKS.get(parameter.kind, "")
                    + parameter.name
                    + ("=None" if parameter.default is not parameter.empty else "")
                    for parameter in inspect.signature(function).parameters.values()
                )
            except (TypeError, ValueError):
                parameters = "self, *args"
            kind = self.program.hints.kind(
                getattr(function, "__annotations__", {}).get("return", inspect.Parameter.empty), cls
            )
            value = self.draw(kind or self.rng.choice((INT, STR)), draft, "", 3)
            prefix = "async " if inspect.iscoroutinefunction(function) else ""
            lines.append(f"{decorator}    {prefix}def {method}({parameters}):\n        return {value}")
        if len(lines) == 1:
            lines.append("    pass")
        draft.statements.append("\n".join(lines))
        return name

    def _stub(self, cls: type, draft: Draft, depth: int) -> str:
        attributes = [name for name, value in vars(cls).items() if not name.startswith("_") and not callable(value)]
        return self._duck(Kind("duck", values=tuple(attributes[:6])), draft, "", depth)

    def _duck(self, kind: Kind, draft: Draft, role: str, depth: int) -> str:
        fitting = self.program.classes_with(kind.values)
        if fitting and self.rng.random() < 0.75 and depth < 4:
            return self.instance(self.rng.choice(fitting), draft, role, depth + 1)
        bound = self.names.bind("types", "SimpleNamespace")
        parts = []
        for index, attribute in enumerate(kind.values):
            if attribute.startswith("__"):
                continue
            if index < len(kind.args):
                known = kind.args[index]
                inner = known.args[0] if known.name == "method" else known
                value = self.draw(inner, draft, attribute, depth + 1)
                parts.append(f"{attribute}={'lambda *args, **kwargs: ' if known.name == 'method' else ''}{value}")
                continue
            suggested = by_name(attribute) or ANY
            if attribute in self.program.called_attributes:
                given = suggested if suggested.name != "callable" else ANY
                value = f"lambda *args, **kwargs: {self.draw(given, draft, attribute, depth + 2)}"
            else:
                value = self.draw(suggested, draft, attribute, depth + 2)
            parts.append(f"{attribute}={value}")
        return f"{bound}({', '.join(parts)})"
