"""What a module offers to call: functions, classes, methods and properties, by reading its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

CallableKind = Literal["function", "class", "method", "classmethod", "staticmethod", "property"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

# A class is called by its name: these are its body, not callables of their own.
_CONSTRUCTORS = ("__init__", "__new__", "__post_init__")

# Bases whose subclasses describe a shape and are never called.
_SHAPES = frozenset({"Protocol", "TypedDict"})


@dataclass(frozen=True, slots=True)
class PublicCallable:
    """One callable of a module.

    Attributes:
        qualname: Name inside the module, ``Cart.total``; a class is its constructor.
        kind: What it is.
        first_line, last_line: Its lines, 1-based and inclusive, decorators included; for a property, its setter and
            deleter too.
        body_lines: First and last line of what runs when it is called, the docstring left out; for a class, of its
            own constructor. None when there is none, as for a dataclass or an enumeration.
        is_async: Whether it is a coroutine function or an async generator.
        is_generator: Whether it yields.
        is_abstract_owner: Whether it belongs to a class that cannot be instantiated itself, so that a call needs
            a subclass.
    """

    qualname: str
    kind: CallableKind
    first_line: int
    last_line: int
    body_lines: tuple[int, int] | None
    is_async: bool = False
    is_generator: bool = False
    is_abstract_owner: bool = False

    @property
    def name(self) -> str:
        """Last part of the qualified name."""
        return self.qualname.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class ModuleSymbols:
    """The callables of a module, each group in the order of the source.

    Not among them: overloads, abstract methods, classes that only describe a shape (``Protocol``, ``TypedDict``),
    and what stands under ``if TYPE_CHECKING`` or ``if __name__ == "__main__"``.

    Attributes:
        public: What users of the module call.
        special: Special methods of public classes, reached by operators: ``Version.__lt__``.
        private: The rest: names with a leading underscore, and names that ``__all__`` leaves out.
        other: Qualified names that are no callables: constants, shapes, abstract methods.
    """

    public: tuple[PublicCallable, ...]
    special: tuple[PublicCallable, ...]
    private: tuple[PublicCallable, ...]
    other: tuple[str, ...]

    @property
    def callables(self) -> tuple[PublicCallable, ...]:
        """All of them, in the order of the source."""
        return tuple(sorted((*self.public, *self.special, *self.private), key=lambda item: item.first_line))

    def find(self, qualname: str) -> PublicCallable | None:
        """The callable of that name, public or not."""
        return next((item for item in self.callables if item.qualname == qualname), None)


@dataclass(frozen=True, slots=True)
class DefinedAt:
    """Where a callable is defined.

    Attributes:
        first_line: Its first line, 1-based, decorators included.
        is_second_choice: Whether it stands in an ``else`` or an ``except``, so that a definition elsewhere comes first.
    """

    first_line: int
    is_second_choice: bool


def find_symbols(tree: ast.Module) -> ModuleSymbols:
    """Read the callables of a module."""
    exported = exported_names(tree)
    found = _Collector()
    found.visit_block(tree.body, owner="", abstract=False)
    public: list[PublicCallable] = []
    special: list[PublicCallable] = []
    private: list[PublicCallable] = []
    for item in sorted(found.callables.values(), key=lambda item: (item.first_line, item.qualname)):
        group = _group(item.qualname, exported)
        (public if group == "public" else special if group == "special" else private).append(item)
    return ModuleSymbols(
        tuple(public), tuple(special), tuple(private), tuple(sorted(found.other - set(found.callables)))
    )


def definition_lines(body: Sequence[ast.stmt]) -> dict[str, DefinedAt]:
    """Where the callables of a part of a module are defined: those of ``find_symbols``, without a look into functions.

    Args:
        body: Statements of a module's top level, in their order.

    Returns:
        By qualified name, public or not.
    """
    found = _Collector(reads_functions=False)
    found.visit_block(body, owner="", abstract=False)
    return {name: DefinedAt(item.first_line, name in found.second_choices) for name, item in found.callables.items()}


def is_public(qualname: str, exported: Collection[str] | None) -> bool:
    """Whether users of a module call it.

    Args:
        qualname: Of a callable of the module.
        exported: As ``exported_names`` has it.
    """
    return _group(qualname, exported) == "public"


def export_statements(body: Sequence[ast.stmt]) -> list[ast.stmt]:
    """The statements that ``exported_names`` looks at."""
    return [statement for statement in body if _export_values(statement)]


def exported_names(tree: ast.Module) -> frozenset[str] | None:
    """The names in ``__all__``; None when the module has none or makes it up at run time."""
    names: set[str] = set()
    seen = False
    for statement in tree.body:
        values = _export_values(statement)
        for value in values:
            seen = True
            if not isinstance(value, ast.List | ast.Tuple | ast.Set):
                return None
            for element in value.elts:
                if not isinstance(element, ast.Constant) or not isinstance(element.value, str):
                    return None
                names.add(element.value)
    return frozenset(names) if seen else None


def _export_values(statement: ast.stmt) -> list[ast.expr]:
    match statement:
        case ast.Assign(targets=targets, value=value) if any(_is_all(target) for target in targets):
            return [value]
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _is_all(target):
            return [value]
        case ast.AugAssign(target=target, value=value) if _is_all(target):
            return [value]
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner, attr=method), args=[value])) if _is_all(owner):
            return [ast.List([value])] if method == "append" else [value]
    return []


def _is_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "__all__"


def _group(qualname: str, exported: Collection[str] | None) -> str:
    first, *rest = qualname.split(".")
    if (first not in exported) if exported is not None else first.startswith("_"):
        return "private"
    for name in rest[:-1]:
        if name.startswith("_"):
            return "private"
    if rest and _is_special(rest[-1]):
        return "special"
    return "private" if rest and rest[-1].startswith("_") else "public"


def _is_special(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


class _Collector:
    """Walks the bodies of a module and of its classes, never those of functions.

    Args:
        reads_functions: Whether to find out which functions are generators, for which their statements are read.

    Attributes:
        callables: What was found, by qualified name.
        second_choices: Those of them that were found in alternatives only.
        other: Names of what is no callable.
    """

    def __init__(self, *, reads_functions: bool = True) -> None:
        self._reads_functions = reads_functions
        self.callables: dict[str, PublicCallable] = {}
        self.second_choices: set[str] = set()
        self.other: set[str] = set()

    def visit_block(self, body: Sequence[ast.stmt], *, owner: str, abstract: bool, alternative: bool = False) -> None:
        """Read a block.

        Args:
            body: Its statements.
            owner: The class around it with a dot, or nothing.
            abstract: Whether that class cannot be instantiated.
            alternative: Whether it is an ``else`` or an ``except``: what it defines again is the second choice.
        """
        for statement in body:
            match statement:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self._function(statement, owner, abstract=abstract, alternative=alternative)
                case ast.ClassDef():
                    self._class(statement, owner, alternative=alternative)
                case ast.If():
                    self._condition(statement, owner, abstract=abstract, alternative=alternative)
                case ast.Try() | ast.TryStar():
                    self.visit_block(statement.body, owner=owner, abstract=abstract, alternative=alternative)
                    for block in (*(handler.body for handler in statement.handlers), statement.orelse):
                        self.visit_block(block, owner=owner, abstract=abstract, alternative=True)
                    self.visit_block(statement.finalbody, owner=owner, abstract=abstract, alternative=alternative)
                case ast.With() | ast.For() | ast.While():
                    self.visit_block(statement.body, owner=owner, abstract=abstract, alternative=alternative)
                case _:
                    self._assignment(statement, owner, alternative=alternative)

    def _condition(self, statement: ast.If, owner: str, *, abstract: bool, alternative: bool) -> None:
        body_runs, else_runs = _outcome(statement.test)
        if body_runs:
            self.visit_block(statement.body, owner=owner, abstract=abstract, alternative=alternative)
        if else_runs:
            self.visit_block(statement.orelse, owner=owner, abstract=abstract, alternative=alternative or body_runs)

    def _class(self, node: ast.ClassDef, owner: str, *, alternative: bool) -> None:
        qualname = owner + node.name
        if _base_names(node) & _SHAPES:
            self.other.add(qualname)
            return
        abstract = any(_is_abstract(item) for item in node.body if isinstance(item, FunctionNode))
        if abstract:
            self.other.add(qualname)
        else:
            constructors = [item for item in node.body if isinstance(item, FunctionNode) and item.name in _CONSTRUCTORS]
            bodies = [lines for item in constructors if (lines := _body_lines(item)) is not None]
            body_lines = (min(first for first, _ in bodies), max(last for _, last in bodies)) if bodies else None
            item = PublicCallable(qualname, "class", _first_line(node), _last_line(node), body_lines)
            self._add(item, alternative=alternative)
        self.visit_block(node.body, owner=qualname + ".", abstract=abstract, alternative=alternative)

    def _function(self, node: FunctionNode, owner: str, *, abstract: bool, alternative: bool) -> None:
        qualname = owner + node.name
        decorators = {_last_name(decorator) for decorator in node.decorator_list}
        if "overload" in decorators or (owner and node.name in _CONSTRUCTORS):
            return
        if _is_abstract(node):
            self.other.add(qualname)
            return
        if decorators & {"setter", "deleter"}:
            before = self.callables.get(qualname)
            if before is not None and before.kind == "property":
                self.callables[qualname] = replace(before, last_line=max(before.last_line, _last_line(node)))
                return
        item = PublicCallable(
            qualname=qualname,
            kind=_kind(decorators, in_class=bool(owner)),
            first_line=_first_line(node),
            last_line=_last_line(node),
            body_lines=_body_lines(node),
            is_async=isinstance(node, ast.AsyncFunctionDef),
            is_generator=self._reads_functions and _yields(node),
            is_abstract_owner=abstract,
        )
        self._add(item, alternative=alternative)

    def _assignment(self, statement: ast.stmt, owner: str, *, alternative: bool) -> None:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Lambda() as value) if not owner:
                lines = (value.lineno, _last_line(value))
                item = PublicCallable(name, "function", statement.lineno, _last_line(statement), lines)
                self._add(item, alternative=alternative)
            case ast.Assign(targets=targets):
                self.other.update(owner + target.id for target in targets if isinstance(target, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                self.other.add(owner + name)

    def _add(self, item: PublicCallable, *, alternative: bool) -> None:
        if not alternative:
            self.callables[item.qualname] = item
            self.second_choices.discard(item.qualname)
        elif item.qualname not in self.callables:
            self.callables[item.qualname] = item
            self.second_choices.add(item.qualname)


def _outcome(test: ast.expr) -> tuple[bool, bool]:
    """Whether the body and the ``else`` of a condition can run when tests import the module."""
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False, True
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return False, True
        case ast.Constant(value=value):
            return bool(value), not value
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            body, orelse = _outcome(operand)
            return orelse, body
    return True, True


def _kind(decorators: set[str], *, in_class: bool) -> CallableKind:
    if not in_class:
        return "function"
    if decorators & {"property", "cached_property", "abstractproperty"}:
        return "property"
    if "classmethod" in decorators:
        return "classmethod"
    return "staticmethod" if "staticmethod" in decorators else "method"


def _is_abstract(node: FunctionNode) -> bool:
    return any(_last_name(decorator).startswith("abstract") for decorator in node.decorator_list)


def _base_names(node: ast.ClassDef) -> set[str]:
    bases = (base.value if isinstance(base, ast.Subscript) else base for base in node.bases)
    return {_last_name(base) for base in bases}


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        node = node.func
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _first_line(node: FunctionNode | ast.ClassDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _last_line(node: ast.stmt | ast.expr) -> int:
    return node.end_lineno or node.lineno


def _body_lines(node: FunctionNode) -> tuple[int, int] | None:
    body = node.body
    if ast.get_docstring(node, clean=False) is not None:
        body = body[1:]
    return (body[0].lineno, _last_line(body[-1])) if body else None


def _yields(node: FunctionNode) -> bool:
    return any(isinstance(child, ast.Yield | ast.YieldFrom) for child in _own_nodes(node.body))


def _own_nodes(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of a function that are not those of a function or class inside it."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, FunctionNode | ast.ClassDef | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))
