"""The target module as the search sees it: what can be called, with what, and which lines belong to it."""

from __future__ import annotations

import ast
import enum
import functools
import inspect
import random
import types
import typing
from typing import Any

from . import usage
from .hints import Hints
from .kinds import ANY, BYTES, NONE, PATH, STR, Kind, by_name, of_value, union
from .names import Names
from .reading import (
    assigned_lines,
    called_names,
    defined_names,
    file_suffix,
    functions_by_line,
    keyword_keys,
    node_first,
)
from .shapes import shape_of
from .subjects import Parameter, Subject, enum_parameters, is_public, parameter_at
from .unwrapping import method_style, nested_classes, unwrapped
from .vocabulary import Vocabulary

_SKIPPED_DUNDERS = frozenset(
    {
        "__new__",
        "__init__",
        "__init_subclass__",
        "__class_getitem__",
        "__del__",
        "__instancecheck__",
        "__subclasscheck__",
        "__set_name__",
        "__post_init__",
        "__getattribute__",
        "__prepare__",
        "__sizeof__",
        "__exit__",
        "__aexit__",
        "__anext__",
        "__await__",
        "__annotate__",
        "__annotate_func__",
        "__replace__",
        "__signature__",
    }
)


class Program:
    """Everything known of the target before and during the search."""

    def __init__(self, module: types.ModuleType, file: str, source: str, rng: random.Random) -> None:
        self.module = module
        self.file = file
        self.source = source
        self.rng = rng
        self.tree = ast.parse(source)
        self.own = frozenset(defined_names(self.tree))
        self.names = Names(module, self.own)
        self.hints = Hints(module, self.tree)
        self.nodes = functions_by_line(self.tree)
        self.class_nodes = {n.name: n for n in ast.walk(self.tree) if isinstance(n, ast.ClassDef)}
        self.vocabulary = Vocabulary(self.tree, [vars(module)[name] for name in sorted(vars(module))], rng)
        self.file_texts = list(self.vocabulary.documents)
        self.file_suffix = file_suffix(source)
        self.subjects: "list[Subject]" = []
        self._lacking: "dict[type, tuple[str, ...]]" = {}
        self._known_attributes: "dict[type, set[str]]" = {}
        self._by_class: "dict[Any, Subject | None]" = {}
        self.factories: "dict[Any, list[Subject]]" = {}
        self.called_attributes = frozenset(
            node.func.attr
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        )
        self.touches_files = any(
            word in source for word in ("open(", "os.path", "pathlib", "shutil", "os.walk", "listdir")
        )
        self.reads_clock = any(word in source for word in (".now(", ".today(", ".utcnow(", "time.time("))
        self.raisable = any(isinstance(node, ast.Try) for node in ast.walk(self.tree))
        self.raises = {
            line
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Raise)
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        }
        self._collect()

    # -- finding subjects -----------------------------------------------------------------------------------------

    def _collect(self) -> None:
        classes: "list[type]" = []
        for name in [name for name in vars(self.module) if name in self.own]:
            value = vars(self.module)[name]
            if isinstance(value, type) and self._is_mine(value):
                if value not in classes and not typing.is_typeddict(value):
                    classes.append(value)
                    classes.extend(nested_classes(value))
            elif callable(value):
                function = unwrapped(value)
                if function is not None and function.__code__.co_filename == self.file and not isinstance(value, type):
                    self._add(name, name, "function", None, function, value)
        for cls in classes:
            self._add_class(cls, classes)
        order = {id(subject): (subject.first, subject.qualname) for subject in self.subjects}
        self.subjects.sort(key=lambda subject: order[id(subject)])
        self._forward()
        assigned = assigned_lines(self.tree)
        for subject in self.subjects:
            self._note_factory(subject)
            named = [assigned[name] for name in sorted(subject.calls) if name in assigned]
            subject.ranges = tuple(
                dict.fromkeys([(subject.first, subject.last), *(r for ranges in named for r in ranges)])
            )

    def _is_mine(self, cls: type) -> bool:
        return cls.__module__ == self.module.__name__

    def _add(self, qualname: str, name: str, style: str, owner: Any, function: Any, called: Any) -> "Subject | None":
        node = self.nodes.get(function.__code__.co_firstlineno) if hasattr(function, "__code__") else None
        if node is None:
            node = next(
                (
                    n
                    for n in ast.walk(self.tree)
                    if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and n.name == name
                ),
                None,
            )
        first = node_first(node) if node is not None else 0
        last = (node.end_lineno or first) if node is not None else 0
        subject = Subject(
            qualname=qualname,
            name=name,
            style=style,
            owner=owner,
            function=called if style == "function" else function,
            first=first,
            last=last,
            parameters=[],
            public=is_public(qualname),
            calls=called_names(node) if node is not None else frozenset(),
        )
        if style != "property":
            subject.parameters = self._parameters(
                function, node, owner, bound=style in ("method", "classmethod", "setter")
            )
        if style != "setter":
            subject.inner = self._inner(node, owner)
        self.subjects.append(subject)
        return subject

    def _inner(self, node: Any, owner: Any, depth: int = 0) -> "list[Parameter] | None":
        """Parameters of a nested function that is returned."""
        if node is None:
            return None
        nested = {n.name: n for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))}
        for statement in node.body:
            if (
                isinstance(statement, ast.Return)
                and isinstance(statement.value, ast.Name)
                and statement.value.id in nested
            ):
                return self._of_node(nested[statement.value.id], owner)
        return None

    def _of_node(self, node: Any, owner: Any) -> "list[Parameter]":
        made = []
        arguments = node.args
        positional = [*arguments.posonlyargs, *arguments.args]
        firsts = len(positional) - len(arguments.defaults)
        empty = inspect.Parameter.empty
        for index, argument in enumerate(positional):
            default = empty if index < firsts else None
            made.append(inspect.Parameter(argument.arg, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
        if arguments.vararg:
            made.append(inspect.Parameter(arguments.vararg.arg, inspect.Parameter.VAR_POSITIONAL))
        for argument, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=False):
            made.append(
                inspect.Parameter(
                    argument.arg, inspect.Parameter.KEYWORD_ONLY, default=empty if value is None else None
                )
            )
        annotations = {
            a.arg: ast.unparse(a.annotation) for a in (*positional, *arguments.kwonlyargs) if a.annotation is not None
        }
        try:
            signature = inspect.Signature(made)
        except ValueError:
            return []
        return self._of_signature(signature, annotations, node, owner)

    def _add_class(self, cls: type, classes: "list[type]") -> None:
        node = self._class_node(cls)
        subject = self._class_of(cls, node)
        if subject is not None:
            self.subjects.append(subject)
            self._by_class[cls] = subject
        heirs = [other for other in classes if other is not cls and issubclass(other, cls)]
        seen = set()
        for base in cls.__mro__:
            if base is not cls and base.__module__ == self.module.__name__ and base in classes:
                continue
            for name, value in vars(base).items():
                if name in seen or name in _SKIPPED_DUNDERS or name.startswith(f"_{base.__name__}__"):
                    continue
                style, function = method_style(value)
                function = unwrapped(function)
                if function is None or function.__code__.co_filename != self.file:
                    continue
                if getattr(function, "__isabstractmethod__", False) and not heirs and base is cls:
                    continue
                seen.add(name)
                method = self._add(f"{cls.__qualname__}.{name}", name, style, cls, function, value)
                if method is not None:
                    method.heirs = [heir for heir in heirs if inspect.getattr_static(heir, name, None) is value]
                setter = unwrapped(value.fset) if isinstance(value, property) else None
                if setter is not None and setter.__code__.co_filename == self.file:
                    change = self._add(f"{cls.__qualname__}.{name}", name, "setter", cls, setter, value)
                    if change is not None:
                        change.heirs = heirs

    def _class_of(self, cls: type, node: "ast.AST | None") -> "Subject | None":
        if issubclass(cls, (Warning, BaseException)) and "__init__" not in vars(cls) and "__str__" not in vars(cls):
            return None
        if getattr(cls, "_is_protocol", False):
            return None
        function: Any = None
        bound = True
        for name in ("__init__", "__new__"):
            found = getattr(cls, name, None)
            found = unwrapped(found)
            if found is not None:
                function = found
                break
        first = node_first(node) if node is not None else 0
        last = getattr(node, "end_lineno", 0) or 0
        init_node = None
        if function is not None and function.__code__.co_filename == self.file:
            init_node = self.nodes.get(function.__code__.co_firstlineno)
            if init_node is not None:
                first, last = node_first(init_node), init_node.end_lineno or first
        subject = Subject(
            qualname=cls.__qualname__,
            name=cls.__name__,
            style="class",
            owner=cls,
            function=cls,
            first=first,
            last=last if init_node is not None else first,
            parameters=[],
            public=is_public(cls.__qualname__),
            calls=called_names(init_node) if init_node is not None else frozenset(),
        )
        if issubclass(cls, enum.Enum):
            subject.parameters = enum_parameters(cls)
        elif function is not None:
            subject.parameters = self._parameters(function, init_node, cls, bound=bound)
        else:
            try:
                signature = inspect.signature(cls)
            except (TypeError, ValueError):
                signature = inspect.Signature()
            subject.parameters = self._of_signature(signature, {}, None, cls)
        return subject

    def class_subject(self, cls: type) -> "Subject | None":
        """The constructor of any class, of this module or another."""
        if cls in self._by_class:
            return self._by_class[cls]
        self._by_class[cls] = None
        node = None
        function = unwrapped(getattr(cls, "__init__", None))
        parameters: "list[Parameter]" = []
        try:
            signature = inspect.signature(cls)
            parameters = self._of_signature(signature, getattr(function, "__annotations__", {}), node, cls)
        except (TypeError, ValueError):
            parameters = []
        name = f"{cls.__module__}.{cls.__qualname__}"
        subject = Subject(name, cls.__name__, "class", cls, cls, 0, 0, parameters, public=True)
        self._by_class[cls] = subject
        return subject

    # -- parameters -----------------------------------------------------------------------------------------------

    def _parameters(self, function: Any, node: Any, owner: Any, *, bound: bool) -> "list[Parameter]":
        try:
            signature = inspect.signature(function, follow_wrapped=False)
        except (TypeError, ValueError):
            return []
        parameters = list(signature.parameters.values())
        if bound and parameters and parameters[0].kind in (
            inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
        ):  # fmt: skip
            parameters = parameters[1:]
        signature = inspect.Signature(parameters)
        return self._of_signature(signature, getattr(function, "__annotations__", {}), node, owner)

    def _of_signature(
        self, signature: inspect.Signature, annotations: "dict[str, Any]", node: Any, owner: Any
    ) -> "list[Parameter]":
        found = []
        styles = {
            inspect.Parameter.POSITIONAL_ONLY: "positional",
            inspect.Parameter.POSITIONAL_OR_KEYWORD: "normal",
            inspect.Parameter.KEYWORD_ONLY: "keyword",
            inspect.Parameter.VAR_POSITIONAL: "varargs",
            inspect.Parameter.VAR_KEYWORD: "varkw",
        }
        for parameter in signature.parameters.values():
            annotation = annotations.get(parameter.name, parameter.annotation)
            weighted = self._kinds(parameter, annotation, node, owner)
            found.append(
                Parameter(
                    name=parameter.name,
                    style=styles[parameter.kind],
                    required=parameter.default is inspect.Parameter.empty
                    and parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD),
                    kinds=[kind for kind, _weight in weighted],
                    weights=[weight for _kind, weight in weighted],
                    keys=keyword_keys(node, parameter.name) if parameter.kind is inspect.Parameter.VAR_KEYWORD else [],
                )
            )
        return found

    def _kinds(
        self, parameter: inspect.Parameter, annotation: Any, node: Any, owner: Any
    ) -> "list[tuple[Kind, float]]":
        declared = self.hints.kind(annotation, owner)
        body: "list[ast.AST]" = list(node.body) if node is not None else []
        seen = usage.observe_usage(body, parameter.name)
        places = [(body, parameter.name)]
        for stored in dict.fromkeys(seen.stored):
            class_node = self._class_node(owner) if owner is not None and stored.startswith("self.") else None
            if class_node is not None:
                family = self._family(class_node)
                usage.join(seen, usage.observe_usage(family, stored, 1))
                places.append((family, stored))
        if declared is not None and declared != ANY:
            weighted = [(declared, 3.0)]
            if declared.name == "union":
                weighted = [(kind, 0.5 if kind == NONE else 1.0) for kind in declared.args]
            if any(kind == STR for kind, _weight in weighted) and by_name(parameter.name) == PATH:
                weighted = [(kind, weight) for kind, weight in weighted if kind != STR or not self.touches_files]
                weighted.append((PATH, 3.0))
            if any(kind.name == "object" and not self._is_mine(kind.cls) for kind, _weight in weighted):
                shape = shape_of(places, functools.partial(self._named_kind, owner=owner))
                if shape is not None:
                    weighted.append((shape, 2.0))
            if seen.literals:
                usable = [literal for literal in dict.fromkeys(seen.literals) if _literal_fits(literal, declared)]
                if usable:
                    weighted.append((Kind("literal", values=tuple(usable)), 1.0))
            if seen.isinstance_of:
                weighted.extend(self._beside(seen, [kind for kind, _weight in weighted], owner))
            elif any(isinstance(inner, ast.Try) for part in body for inner in ast.walk(part)):
                weighted.append((ANY, 0.25))
            return weighted
        resolve = functools.partial(self._named_kind, owner=owner)
        weighted = [
            (shape_of(places, resolve) or kind if kind.name == "duck" else kind, weight)
            for kind, weight in usage.kinds_of(seen, parameter.name, resolve)
        ]
        if parameter.default is not inspect.Parameter.empty:
            kind = of_value(parameter.default)
            if kind == NONE:
                weighted = weighted or [(ANY, 1.0)]
            elif kind is not None:
                weighted = [(kind, 3.0), *((k, w * 0.5) for k, w in weighted if k != kind)]
            elif callable(parameter.default):
                weighted = [(Kind("callable"), 2.0), *weighted]
        weighted = [(kind, max(0.1, weight)) for kind, weight in weighted[:7]]
        if not weighted:
            weighted = [(ANY, 1.0)]
        elif max(weight for _kind, weight in weighted) < 1.2:
            weighted.append((ANY, 0.7))
        if annotation is not inspect.Parameter.empty or seen.kinds or seen.called:
            return weighted
        # Nothing but the name speaks for it: leave the door open.
        if all(kind != ANY for kind, _weight in weighted):
            weighted.append((ANY, 0.5))
        return weighted

    def _family(self, node: ast.ClassDef) -> "list[ast.AST]":
        """The statements of a class and of those in the module that inherit from it by name."""
        names = {node.name}
        found: "list[ast.AST]" = list(node.body)
        for other in self.class_nodes.values():
            if other is not node and any(isinstance(base, ast.Name) and base.id in names for base in other.bases):
                names.add(other.name)
                found.extend(other.body)
        return found

    def _beside(self, seen: usage.Usage, declared: "list[Kind]", owner: Any) -> "list[tuple[Kind, float]]":
        """What a parameter is tested for beside its annotation, and something else altogether."""
        found: "list[tuple[Kind, float]]" = [(ANY, 0.5)]
        for source in dict.fromkeys(seen.isinstance_of):
            kind = self.hints.kind(source, owner)
            if kind is not None and kind not in declared and kind != ANY:
                found.append((kind, 0.7))
            if kind == STR:
                found.append((BYTES, 0.4))
        return found

    def _named_kind(self, source: str, owner: Any) -> "Kind | None":
        return self.hints.kind(source, owner)

    def _class_node(self, cls: type) -> "ast.ClassDef | None":
        return self.class_nodes.get(cls.__name__)

    def _forward(self) -> None:
        """A parameter without an annotation takes the kinds of the one that it is passed on to."""
        by_name_ = {subject.name: subject for subject in self.subjects}
        for _ in range(2):
            for subject in self.subjects:
                node = self.node_of(subject)
                if node is None:
                    continue
                for parameter in subject.parameters:
                    if parameter.style == "varkw":
                        self._forward_keywords(parameter, node, by_name_, subject)
                        continue
                    seen = usage.observe_usage(list(node.body), parameter.name)
                    for callee, place in seen.forwarded:
                        other = by_name_.get(callee.rpartition(".")[2])
                        if callee.startswith("super().") and subject.owner is not None:
                            other = None
                        if other is None or other is subject:
                            continue
                        source = parameter_at(other, place)
                        if source is None:
                            continue
                        for kind, weight in zip(source.kinds, source.weights, strict=False):
                            if kind not in parameter.kinds and kind != ANY and len(parameter.kinds) < 9:
                                if (
                                    parameter.kinds
                                    and parameter.kinds[0].name in ("str", "int", "float", "bool")
                                    and parameter.weights[0] >= 3
                                ):
                                    continue
                                parameter.kinds.append(kind)
                                parameter.weights.append(weight * 0.8)

    def _inherited(self, owner: type, method: str) -> "Subject | None":
        """What ``super()`` leads to."""
        for base in owner.__mro__[1:]:
            if method in ("__init__", "__new__"):
                if method in vars(base) and base is not object:
                    return self._by_class.get(base) or self.class_subject(base)
            else:
                found = next((s for s in self.subjects if s.owner is base and s.name == method), None)
                if found is not None:
                    return found
        return None

    def _forward_keywords(
        self, parameter: Parameter, node: Any, by_name_: "dict[str, Subject]", subject: Subject
    ) -> None:
        for call in ast.walk(node):
            if not isinstance(call, ast.Call):
                continue
            if not any(
                k.arg is None and isinstance(k.value, ast.Name) and k.value.id == parameter.name for k in call.keywords
            ):
                continue
            callee = ast.unparse(call.func)
            other = by_name_.get(callee.rpartition(".")[2])
            if callee in ("cls", "self.__class__", "type(self)") and subject.owner is not None:
                other = self._by_class.get(subject.owner)
            elif callee.startswith("super()") and subject.owner is not None:
                other = self._inherited(subject.owner, callee.rpartition(".")[2])
            if other is None or other is subject:
                continue
            for inner in other.parameters:
                if inner.style in ("normal", "keyword") and inner.name not in parameter.keys:
                    parameter.keys.append(inner.name)
                    parameter.key_kinds[inner.name] = inner.kinds[0] if len(inner.kinds) == 1 else union(*inner.kinds)
                    if inner.required:
                        parameter.required_keys.append(inner.name)
                for key in inner.keys:
                    if key not in parameter.keys:
                        parameter.keys.append(key)
                        if key in inner.required_keys:
                            parameter.required_keys.append(key)
                        if key in inner.key_kinds:
                            parameter.key_kinds[key] = inner.key_kinds[key]

    def node_of(self, subject: Subject) -> Any:
        """The function's syntax tree; for a class that of its constructor; None when it is not in the target."""
        function = subject.function
        if subject.style == "class":
            function = unwrapped(getattr(subject.owner, "__init__", None))
            if function is None or function.__code__.co_filename != self.file:
                return None
        function = unwrapped(function)
        if function is None:
            return None
        return self.nodes.get(function.__code__.co_firstlineno)

    def _note_factory(self, subject: Subject) -> None:
        if subject.style not in ("function", "classmethod", "staticmethod"):
            return
        function = unwrapped(subject.function)
        annotation = getattr(function, "__annotations__", {}).get("return", inspect.Parameter.empty)
        kind = self.hints.kind(annotation, subject.owner)
        if kind is None:
            return
        for part in kind.args if kind.name == "union" else (kind,):
            if part.name == "object" and isinstance(part.cls, type):
                self.factories.setdefault(part.cls, []).append(subject)

    # -- questions ------------------------------------------------------------------------------------------------

    def subclasses(self, cls: type) -> "list[type]":
        """All loaded subclasses that can be named, in a fixed order."""
        found: "list[type]" = []
        todo: "list[type]" = list(cls.__subclasses__())
        while todo and len(found) < 40:
            sub = todo.pop(0)
            if sub not in found:
                found.append(sub)
                todo.extend(sub.__subclasses__())
        return [sub for sub in sorted(found, key=lambda c: (c.__module__, c.__qualname__)) if self.names.of(sub)]

    def classes_with(self, attributes: "tuple[str, ...]") -> "list[type]":
        """Classes of the module that have all these attributes, by definition or by what their constructor sets."""
        if not attributes:
            return []
        wanted = set(attributes)
        return [s.owner for s in self.subjects if s.style == "class" and wanted <= self._attributes(s.owner)]

    def lacking(self, cls: type) -> "tuple[str, ...]":
        """A mixin's wishes: attributes that methods read from ``self`` and that no base provides."""
        found = self._lacking.get(cls)
        if found is None:
            found = self._lacking[cls] = self._find_lacking(cls)
        return found

    def _find_lacking(self, cls: type) -> "tuple[str, ...]":
        node = self._class_node(cls)
        if node is None or cls.__module__ != self.module.__name__:
            return ()
        known = self._attributes(cls)
        for base in cls.__mro__[1:]:
            known = known | self._attributes(base)
        if "__getattr__" in known:
            return ()
        read = [
            inner.attr
            for inner in ast.walk(node)
            if isinstance(inner, ast.Attribute)
            and isinstance(inner.ctx, ast.Load)
            and isinstance(inner.value, ast.Name)
            and inner.value.id == "self"
            and not inner.attr.startswith("__")
        ]
        return tuple(dict.fromkeys(name for name in read if name not in known))

    def _attributes(self, cls: type) -> "set[str]":
        known = self._known_attributes.get(cls)
        if known is None:
            known = self._known_attributes[cls] = set(dir(cls)) | set(getattr(cls, "__annotations__", {}))
            node = self._class_node(cls)
            for inner in ast.walk(node) if node is not None else ():
                if (
                    isinstance(inner, ast.Attribute)
                    and isinstance(inner.ctx, ast.Store)
                    and ast.unparse(inner.value) == "self"
                ):
                    known.add(inner.attr)
        return known

    def state_methods(self, cls: type) -> "list[Subject]":
        """Public methods that may change an instance."""
        return [
            subject
            for subject in self.subjects
            if subject.style == "method"
            and subject.owner is not None
            and issubclass(cls, subject.owner)
            and (subject.public or subject.name in ("__setitem__", "__delitem__"))
            and (not subject.name.startswith("__") or subject.name in ("__setitem__", "__delitem__", "__call__"))
        ]


def _literal_fits(literal: str, kind: Kind) -> bool:
    value = of_value(ast.literal_eval(literal)) if literal != "Ellipsis" else None
    options = kind.args if kind.name == "union" else (kind,)
    return any(option == value for option in options)
