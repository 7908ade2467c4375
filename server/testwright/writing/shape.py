"""What the target's source says about its callables: their order and the names of their parameters (pure)."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field

_FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_RECORD_DECORATORS = frozenset({"dataclass", "define", "frozen", "mutable", "attrs", "s"})
_ENUM_BASES = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})
_RECORD_BASES = frozenset({"NamedTuple", "BaseModel", "Struct", "TypedDict"})


@dataclass(frozen=True, slots=True)
class ModuleShape:
    """Callables of a module.

    Attributes:
        lines: First line of each function, method and class by qualified name.
        parameters: Positional parameters by qualified name, without ``self`` and ``cls``; for a class those of its
            constructor.
        keywords: All parameters that can be named in a call, by qualified name.
    """

    lines: dict[str, int] = field(default_factory=dict)
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keywords: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, source: str) -> ModuleShape:
        """Read a module's text; a text that cannot be parsed has no shape, and then order and names are plainer."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            return cls()
        shape = cls()
        shape._read(tree.body, "")
        return shape

    def line(self, qualname: str) -> int:
        """Where a target stands in the source; its class's line when it is inherited, the end when unknown."""
        while qualname:
            if qualname in self.lines:
                return self.lines[qualname]
            qualname = qualname.rpartition(".")[0]
        return 1_000_000_000

    def parameters_named(self, last_name: str) -> tuple[str, ...]:
        """Parameters of the one callable with this last name; empty when there is none or when they differ."""
        found = {
            parameters for qualname, parameters in self.parameters.items() if qualname.rpartition(".")[2] == last_name
        }
        return found.pop() if len(found) == 1 else ()

    def _read(self, body: list[ast.stmt], prefix: str) -> None:
        for node in _definitions(body):
            qualname = prefix + node.name
            self.lines.setdefault(qualname, node.lineno)
            if isinstance(node, ast.ClassDef):
                self._read(node.body, qualname + ".")
                self._read_constructor(node, qualname)
            else:
                self._read_function(node, qualname, method=bool(prefix))

    def _read_function(self, node: _FunctionNode, qualname: str, *, method: bool) -> None:
        names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
        decorators = {_last_name(decorator) for decorator in node.decorator_list}
        if method and names and "staticmethod" not in decorators:
            names = names[1:]
        self.parameters[qualname] = tuple(names)
        self.keywords[qualname] = frozenset(names) | {argument.arg for argument in node.args.kwonlyargs}

    def _read_constructor(self, node: ast.ClassDef, qualname: str) -> None:
        for name in ("__init__", "__new__"):
            if f"{qualname}.{name}" in self.parameters:
                self.parameters[qualname] = self.parameters[f"{qualname}.{name}"]
                self.keywords[qualname] = self.keywords[f"{qualname}.{name}"]
                return
        bases = [_last_name(base) for base in node.bases]
        record = _RECORD_BASES.intersection(bases) or any(
            _last_name(decorator) in _RECORD_DECORATORS for decorator in node.decorator_list
        )
        if _ENUM_BASES.intersection(bases):
            self.parameters[qualname] = ("value",)
            return
        inherited = next((self.parameters[base] for base in bases if base in self.parameters), ())
        own = (
            tuple(
                statement.target.id
                for statement in node.body
                if isinstance(statement, ast.AnnAssign)
                and isinstance(statement.target, ast.Name)
                and _last_name(statement.annotation) != "ClassVar"
            )
            if record
            else ()
        )
        names = (*inherited, *(name for name in own if name not in inherited))
        self.parameters[qualname] = names
        self.keywords[qualname] = frozenset(names)


def _definitions(body: list[ast.stmt]) -> Iterator[_FunctionNode | ast.ClassDef]:
    """Functions and classes of a block, those under ``if`` and ``try`` among them."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _definitions(node.body)
            if isinstance(node, ast.If | ast.Try):
                yield from _definitions(node.orelse)


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call | ast.Subscript):
        return _last_name(node.func if isinstance(node, ast.Call) else node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
