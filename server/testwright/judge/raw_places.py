"""Whether a whole test function changes files that are not its own (pure).

A test that is kept runs where there is no box, as the user: what it deletes in the judge's box is nothing, what it
deletes then is the user's. So a test may write below its temporary folder and nowhere else. This is a filter over
source; what goes by other names is seen when it runs (``inside/runner_places.py``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testwright.model import Candidate

_FUNCTIONS = frozenset(
    {f"shutil.{name}" for name in ("rmtree", "move", "copy", "copy2", "copyfile", "copytree", "chown")}
    | {f"os.{name}" for name in ("remove", "unlink", "rmdir", "removedirs", "rename", "renames", "replace", "truncate")}
    | {f"os.{name}" for name in ("chmod", "chown", "link", "symlink", "mkdir", "makedirs", "utime")}
)
_METHODS = frozenset(
    {"unlink", "rmdir", "rename", "write_text", "write_bytes", "touch", "chmod", "mkdir", "symlink_to", "hardlink_to"}
)
_OPENING = frozenset({"open", "io.open"})

_PATHS = ("pathlib.", "os.path.")
_HOME = frozenset(
    {"pathlib.Path.home", "os.path.expanduser", "os.path.expandvars", "os.environ", "os.getenv", "__file__"}
)
_HERE = frozenset({"pathlib.Path.cwd", "os.getcwd", "os.curdir", "os.path.abspath", "os.path.realpath"})

_NAMES_OF_HOME = frozenset({"HOME", "USERPROFILE", "home", "expanduser", "pathlib.Path.home", "os.path.expanduser"})
"""What a test sets, or replaces, to have a home of its own."""

_OF_PYTEST = frozenset(
    {"tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory", "monkeypatch", "capsys", "caplog", "recwarn", "mocker"}
)
_NO_FILES = "fs"
"""The fixture of pyfakefs: with it there is no file."""


def changes_files(trees: Sequence[ast.Module], candidate: Candidate, names: Mapping[str, str]) -> str | None:
    """What of files that are not its own a test changes, as a part of a sentence; None when nothing.

    Args:
        trees: Its parts.
        candidate: It.
        names: What each name that it imports stands for, in full.
    """
    if _NO_FILES in candidate.fixtures:
        return None
    places = _Places.of(trees, candidate, names)
    for node in _walk(trees):
        if isinstance(node, ast.Call) and places.is_change(node):
            return f"it changes files that are not in its own temporary folder ({ast.unparse(node.func)[:60]})"
    return None


@dataclass(slots=True)
class _Places:
    """What is known of the names in a test.

    Attributes:
        names: What those that are imported stand for.
        own: Those that hold something below the test's temporary folder.
        foreign: Those that hold a place elsewhere.
        has_own_home: Whether the home folder is the test's own.
        has_own_folder: Whether the working folder is.
    """

    names: Mapping[str, str]
    own: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    has_own_home: bool = False
    has_own_folder: bool = False

    @classmethod
    def of(cls, trees: Sequence[ast.Module], candidate: Candidate, names: Mapping[str, str]) -> _Places:
        """Follow names from where they are bound to where they are used."""
        places = cls(names, own=set(candidate.fixtures) | {"tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory"})
        # A fixture of the project may have gone to a folder of its own.
        places.has_own_folder = bool(set(candidate.fixtures) - _OF_PYTEST)
        calls = [node for node in _walk(trees) if isinstance(node, ast.Call)]
        places.has_own_home = any(map(_sets_home, calls))
        bound = [*_bound(trees), *_bound_by_row(candidate)]
        known = -1
        while known < len(places.own) + len(places.foreign):
            known = len(places.own) + len(places.foreign)
            for name, value in bound:
                if places._is_own(value):
                    places.own.add(name)
                elif places._is_foreign(value):
                    places.foreign.add(name)
            places.has_own_folder = places.has_own_folder or any(map(places._goes_home, calls))
        return places

    def is_change(self, call: ast.Call) -> bool:
        """Whether a call changes a file elsewhere."""
        called = self._full(call.func)
        if called in _FUNCTIONS:
            return any(self._is_foreign(part) or self._is_text(part) for part in call.args)
        if called in _OPENING:
            return _writes(call, 1) and any(self._is_foreign(part) or self._is_text(part) for part in call.args[:1])
        if isinstance(call.func, ast.Attribute):
            changes = call.func.attr in _METHODS or (call.func.attr == "open" and _writes(call, 0))
            return changes and self._is_foreign(call.func.value)
        return False

    def _goes_home(self, call: ast.Call) -> bool:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        return name == "isolated_filesystem" or (name == "chdir" and any(self._is_own(part) for part in call.args))

    def _is_own(self, value: ast.AST) -> bool:
        return any(
            (isinstance(node, ast.Name) and node.id in self.own)
            or (isinstance(node, ast.Name | ast.Attribute) and self._full(node).startswith("tempfile."))
            for node in ast.walk(value)
        )

    def _is_foreign(self, value: ast.AST) -> bool:
        """Whether an expression makes a path that is not below the test's own folder."""
        if self._is_own(value):
            return False
        found = {self._full(node) for node in ast.walk(value) if isinstance(node, ast.Name | ast.Attribute)}
        if found & self.foreign:
            return True
        if found & _HOME:
            return not self.has_own_home
        if not (found & _HERE or any(name.startswith(_PATHS) for name in found)):
            return False
        return not self.has_own_folder or any(_is_absolute(node) for node in ast.walk(value))

    def _is_text(self, value: ast.AST) -> bool:
        """Whether a path is written as a text."""
        texts = [node for node in ast.walk(value) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        if not texts or self._is_own(value) or not isinstance(value, ast.Constant | ast.JoinedStr | ast.BinOp):
            return False
        return not self.has_own_folder or any(_is_absolute(node) for node in texts)

    def _full(self, node: ast.AST) -> str:
        """What a name, or a chain of attributes of one, stands for."""
        match node:
            case ast.Name(id=name):
                return self.names.get(name, name)
            case ast.Attribute(value=owner, attr=name):
                return f"{self._full(owner)}.{name}"
        return ""


def _is_absolute(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith(("/", "~", "\\"))


def _writes(call: ast.Call, place: int) -> bool:
    """Whether a file is opened to be written; ``place`` is the mode's among the arguments."""
    modes = [*call.args[place : place + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    return any(
        isinstance(mode, ast.Constant) and isinstance(mode.value, str) and set(mode.value) & set("wax+")
        for mode in modes
    )


def _bound(trees: Iterable[ast.Module]) -> Iterator[tuple[str, ast.AST]]:
    """Names, and the expressions that they are bound to; a function of the test stands for what is in it."""
    for node in _walk(trees):
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((name, value) for target in targets for name in _names(target))
            case ast.AnnAssign(target=target, value=ast.expr() as value) | ast.NamedExpr(target=target, value=value):
                yield from ((name, value) for name in _names(target))
            case ast.For(target=target, iter=value) | ast.AsyncFor(target=target, iter=value):
                yield from ((name, value) for name in _names(target))
            case ast.comprehension(target=target, iter=value):
                yield from ((name, value) for name in _names(target))
            case ast.withitem(context_expr=value, optional_vars=ast.expr() as target):
                yield from ((name, value) for name in _names(target))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node


def _bound_by_row(candidate: Candidate) -> Iterator[tuple[str, ast.AST]]:
    """Arguments, and the values that they get from a table."""
    raw = candidate.source
    if raw is not None:
        for name, text in zip(raw.parameters, raw.row, strict=True):
            yield name, ast.parse(text, mode="eval")


def _sets_home(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    texts = {part.value for part in call.args if isinstance(part, ast.Constant)}
    return name in {"setenv", "setitem", "setattr", "object"} and bool(texts & _NAMES_OF_HOME)


def _names(target: ast.AST) -> Iterator[str]:
    return (node.id for node in ast.walk(target) if isinstance(node, ast.Name))


def _walk(roots: Iterable[ast.AST]) -> Iterator[ast.AST]:
    for root in roots:
        yield from ast.walk(root)
