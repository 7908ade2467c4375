"""From a changed syntax tree to code, compiling as little of the module as is needed."""

import __future__

import ast
import copy
import types
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

Step = tuple[str, int]
Path = tuple[Step, ...]
"""From the module to a node: field name and position in it (-1 where the field holds a single node)."""


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Change(Protocol):
    """One replaced node."""

    @property
    def path(self) -> Path:
        """Where the replaced node is."""
        ...

    @property
    def replacement(self) -> ast.AST:
        """What takes its place."""
        ...


def apply(source: str | ast.Module, mutant: Change) -> ast.Module:
    """Return the module's tree with the change made; a tree that is given stays as it is."""
    tree = ast.parse(source) if isinstance(source, str) else source
    changed: ast.Module = _replaced(tree, mutant.path, mutant.replacement)
    return changed


class Unit(NamedTuple):
    """The piece of a module that is compiled anew for a mutant.

    Attributes:
        node: The outermost function that holds the change in its body; where there is none, the outermost statement in
            a class or the module.
        classes: The classes around it, outermost first.
        is_function: Whether ``node`` is such a function.
    """

    node: ast.stmt
    classes: tuple[ast.ClassDef, ...]
    is_function: bool


class Compiler:
    """Compiles mutants of one module, as little of it as is needed."""

    def __init__(self, source: str, tree: ast.Module | None = None, filename: str = "<mutant>") -> None:
        self.tree = ast.parse(source) if tree is None else tree
        self.filename = filename
        mask = 0
        for name in __future__.all_feature_names:
            mask |= getattr(__future__, name).compiler_flag
        code = compile(source, filename, "exec", dont_inherit=True)
        self._flags = code.co_flags & mask  # a piece must be compiled as the whole is: `from __future__ import ...`
        self._imports = _imports(self.tree)
        self._originals: dict[Path, tuple[types.CodeType, Any]] = {}
        self._seen: set[tuple[Path, Any]] = set()

    def module(self, mutant: Change | None) -> types.CodeType:
        """Compile the whole module, with the change when one is given."""
        tree = self.tree if mutant is None else apply(self.tree, mutant)
        return self._compile(tree)

    def is_new(self, mutant: Change) -> bool:
        """Whether it compiles, and differs from the original and from all mutants that were asked about before."""
        depth = _unit_depth(self.tree, mutant.path)
        try:
            signature = code_signature(self._piece(apply(self.tree, mutant), mutant.path, depth))
        except (SyntaxError, ValueError, RecursionError):
            return False
        prefix = mutant.path[:depth]
        if signature == self._original(mutant.path, depth)[1] or (prefix, signature) in self._seen:
            return False
        self._seen.add((prefix, signature))
        return True

    def outer_function(self, mutant: Change) -> "tuple[str, int] | None":
        """Name and first line of the code of the outermost function that holds the change in its body."""
        unit = _unit(self.tree, mutant.path, _unit_depth(self.tree, mutant.path))
        return (getattr(unit.node, "name", ""), _first_line(unit.node)) if unit.is_function else None

    def functions(self, mutant: Change) -> list[tuple[types.CodeType, types.CodeType]]:
        """Compile the function that holds the change.

        Returns:
            Pairs of an original code object and the one that takes its place: the function's and those of the
            functions nested in it which differ. Empty when the change is not in a function's body.
        """
        depth = _unit_depth(self.tree, mutant.path)
        unit = _unit(self.tree, mutant.path, depth)
        if not unit.is_function:
            return []
        old = _find(self._original(mutant.path, depth)[0], unit.node)
        mutated = apply(self.tree, mutant)
        new = _find(self._piece(mutated, mutant.path, depth), unit.node)
        if old is None or new is None:
            return []
        if old.co_freevars != new.co_freevars:
            # `__class__` went with a `super()` that was replaced, but the function keeps its cell: ask for it in dead
            # code, which leaves no byte code.
            new = _find(self._piece(mutated, mutant.path, depth, old.co_freevars), unit.node)
            if new is None or old.co_freevars != new.co_freevars:
                return []
        return list(_pairs(old, new))

    def _original(self, path: Path, depth: int) -> tuple[types.CodeType, Any]:
        prefix = path[:depth]
        if prefix not in self._originals:
            code = self._piece(self.tree, path, depth)
            self._originals[prefix] = (code, code_signature(code))
        return self._originals[prefix]

    def _piece(self, tree: ast.Module, path: Path, depth: int, needed: tuple[str, ...] = ()) -> types.CodeType:
        unit = _unit(tree, path, depth)
        statement = unit.node
        if needed and isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names: list[ast.expr] = [ast.Name(name, ast.Load()) for name in needed]
            dead = ast.If(ast.Constant(value=False), [ast.Expr(ast.Tuple(names, ast.Load()))], [])
            last = statement.body[-1]
            statement = copy.copy(statement)
            statement.body = [*statement.body, ast.fix_missing_locations(ast.copy_location(dead, last))]
        for around in reversed(unit.classes):
            # The class gives the names that begin with two underscores their prefix, and `super()` its cell.
            shell = copy.copy(around)
            shell.bases, shell.keywords, shell.decorator_list, shell.body = [], [], [], [statement]
            statement = shell
        return self._compile(ast.Module(body=[*self._imports, statement], type_ignores=[]))

    def _compile(self, tree: ast.Module) -> types.CodeType:
        code: types.CodeType = compile(tree, self.filename, "exec", flags=self._flags, dont_inherit=True)
        return code


def _imports(tree: ast.Module) -> list[ast.stmt]:
    """One import of all that the module imports: a call of an imported module's function has byte code of its own."""
    names: dict[str, None] = {}
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((alias.asname or alias.name.partition(".")[0], None) for alias in node.names)
        elif not isinstance(node, (*FUNCTIONS, ast.ClassDef, ast.expr)):
            waiting.extend(ast.iter_child_nodes(node))
    names.pop("*", None)
    if not names:
        return []
    every = ast.Import([ast.alias("_", name) for name in names])
    return [ast.fix_missing_locations(ast.copy_location(every, tree.body[0]))]


def child(node: Any, step: Step) -> Any:
    """Follow one step of a path."""
    value = getattr(node, step[0])
    return value if step[1] < 0 else value[step[1]]


def _replaced(node: Any, path: Path, replacement: ast.AST) -> Any:
    if not path:
        return replacement
    (name, position), rest = path[0], path[1:]
    changed = copy.copy(node)
    new = _replaced(child(node, path[0]), rest, replacement)
    if position < 0:
        setattr(changed, name, new)
    else:
        values = list(getattr(node, name))
        values[position] = new
        setattr(changed, name, values)
    return changed


def _unit_depth(tree: ast.Module, path: Path) -> int:
    """Number of steps of ``path`` that lead to the unit which holds the change."""
    node: Any = tree
    depth, settled = 0, False
    for number, step in enumerate(path):
        if isinstance(node, FUNCTIONS) and step[0] == "body":
            return number
        node = child(node, step)
        if isinstance(node, ast.stmt) and not settled:
            # A `continue` is no code without its loop: outside of functions, the outermost statement is compiled.
            depth, settled = number + 1, not isinstance(node, ast.ClassDef)
    return depth


def _unit(tree: ast.Module, path: Path, depth: int) -> Unit:
    node: Any = tree
    classes = []
    for step in path[:depth]:
        node = child(node, step)
        if isinstance(node, ast.ClassDef):
            classes.append(node)
    if classes and classes[-1] is node:
        classes.pop()
    is_function = isinstance(node, FUNCTIONS) and len(path) > depth and path[depth][0] == "body"
    return Unit(node, tuple(classes), is_function)


def _codes(code: types.CodeType) -> list[types.CodeType]:
    return [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]


def _first_line(function: ast.stmt) -> int:
    """The line that a function's code begins with: that of its first decorator."""
    first: int = min([function.lineno, *(item.lineno for item in getattr(function, "decorator_list", []))])
    return first


def _find(code: types.CodeType, function: ast.stmt) -> types.CodeType | None:
    name = getattr(function, "name", "")
    first = _first_line(function)
    for inner in _codes(code):
        if inner.co_name == name and inner.co_firstlineno == first:
            return inner
        found = _find(inner, function)
        if found is not None:
            return found
    return None


def _pairs(old: types.CodeType, new: types.CodeType) -> Iterator[tuple[types.CodeType, types.CodeType]]:
    if code_signature(old) == code_signature(new):
        return
    yield old, new
    waiting = _codes(new)
    for inner in _codes(old):
        for position, other in enumerate(waiting):
            if (inner.co_name, inner.co_firstlineno) == (other.co_name, other.co_firstlineno):
                yield from _pairs(inner, waiting.pop(position))
                break


def code_signature(code: types.CodeType) -> Any:
    """What the code does, as a value that can be compared: without names of files and positions in them."""
    return (
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_flags,
        getattr(code, "co_exceptiontable", b""),
        tuple(_constant(value) for value in code.co_consts),
    )


def _constant(value: Any) -> Any:
    if isinstance(value, types.CodeType):
        return code_signature(value)
    if isinstance(value, tuple):
        return tuple(_constant(item) for item in value)
    if isinstance(value, frozenset):
        return ("frozenset", tuple(sorted(map(repr, value))))
    return (type(value).__name__, repr(value))  # 1, 1.0 and True are equal but not the same; so are 0.0 and -0.0
