"""Candidates that are refused before anything runs: those that touch what their verdict is made of.

A candidate runs in a process whose coverage is measured and whose end is watched. Reading the source keeps out what
could stop or fake that: tracers, pytest's own objects, descriptors, processes of others, frames, and ways round the
reading itself (``eval``, dunder attributes, names made at run time). It is a filter over source, not the wall: the
wall is the box and the exit status (``inside/runner_forks.py``).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from testwright.model import Candidate, Import

_MODULES = frozenset(
    {"testwright_inside", "pluggy", "__main__"}
    | {"coverage", "_pytest", "ctypes", "_ctypes", "gc", "posix", "fcntl", "pty", "faulthandler", "code"}
)
"""Modules that a test has no business with, whatever it takes from them."""

_MEMBERS = {
    "os": frozenset(
        {"_exit", "abort", "close", "closerange", "dup", "dup2", "fdopen", "fork", "forkpty", "kill", "killpg"}
        | {"open", "openpty", "pidfd_open", "pipe", "pipe2", "pwrite", "pwritev", "sendfile", "setsid", "splice"}
        | {"write", "writev", "execl", "execle", "execlp", "execv", "execve", "execvp", "execvpe", "posix_spawn"}
        | {"posix_spawnp", "wait", "waitpid", "wait3", "wait4"}
    ),
    "sys": frozenset(
        {"settrace", "gettrace", "setprofile", "getprofile", "monitoring", "_getframe", "_getframemodulename"}
        | {
            "_current_frames",
            "meta_path",
            "path_hooks",
            "setswitchinterval",
            "addaudithook",
            "__stdout__",
            "__stderr__",
        }
    ),
    "threading": frozenset({"settrace", "setprofile", "settrace_all_threads", "setprofile_all_threads"}),
    "inspect": frozenset({"currentframe", "stack", "trace", "getouterframes", "getinnerframes"}),
    "signal": frozenset({"raise_signal", "pthread_kill", "pidfd_send_signal"}),
    "pytest": frozenset({"exit", "skip", "xfail", "importorskip", "main", "hookimpl", "register_assert_rewrite"}),
    "importlib": frozenset({"import_module", "__import__"}),
    "builtins": frozenset({"eval", "exec", "compile", "__import__", "AssertionError", "globals"}),
    "traceback": frozenset({"walk_stack", "extract_stack"}),
    # Harmless for the run itself; but what is used of them must be seen, since a kept test runs where no box is.
    "shutil": frozenset(),
    "subprocess": frozenset(),
}
"""Members of common modules that reach a test's own verdict."""

_ANYWHERE = frozenset(
    {"_exit", "settrace", "setprofile", "_getframe", "_current_frames", "settrace_all_threads"}
    | {"setprofile_all_threads", "__globals__", "__code__", "__closure__", "__subclasses__", "__builtins__"}
    | {"f_back", "f_globals", "f_locals", "f_builtins", "f_trace", "gi_frame", "cr_frame", "ag_frame", "tb_frame"}
    | {"__getattribute__", "pluginmanager", "killpg", "forkpty", "__tracebackhide__"}
)
"""Names that are refused on whatever object they are looked up."""

_CALLS = frozenset({"eval", "exec", "compile", "__import__", "globals", "vars", "breakpoint"})
"""Built-in functions that hide from a reader what is run."""

_BY_NAME = frozenset({"getattr", "setattr", "delattr", "hasattr", "attrgetter", "methodcaller", "patch", "object"})
"""Callables that take the name of an attribute as text."""

_TAKE_MODULES = _BY_NAME | {"reload"}

_FIXTURES = frozenset(
    {"request", "pytestconfig", "pytester", "testdir", "cache", "doctest_namespace", "record_property"}
    | {"record_testsuite_property", "record_xml_attribute", "capfdbinary", "capfd"}
)
"""Fixtures that lead to pytest's own objects or to descriptors."""

_PLACES = ("/proc/", "/dev/fd", "/dev/std", "/dev/tty")


def refusal(candidate: Candidate) -> str | None:
    """Why a candidate may not run, as the end of a sentence; None when it may."""
    for name in candidate.fixtures:
        if name in _FIXTURES:
            return f"it uses the fixture {name}, which reaches the test run itself"
    raw = candidate.source
    sources = _parts(candidate) if raw is None else [*raw.support, raw.function, *raw.row]
    trees = []
    for source in sources:
        try:
            trees.append(ast.parse(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return "it is no valid Python"
    return _Reader(candidate.imports).read(trees)


def _parts(candidate: Candidate) -> list[str]:
    sources = [*candidate.arrange, candidate.act, *candidate.asserts]
    if candidate.raises is not None:
        sources.append(candidate.raises.exception)
    if candidate.warns is not None:
        sources.append(candidate.warns)
    return sources


class _Reader:
    """Knows which names stand for which modules, and looks at each node."""

    def __init__(self, imports: tuple[Import, ...]) -> None:
        self._modules: dict[str, str] = {}
        self._bound: set[str] = set()
        self._problems = [problem for one in imports for problem in self._import(one.module, one.name, one.alias)]

    def read(self, trees: list[ast.Module]) -> str | None:
        """The first problem, or None."""
        for node in _walk(trees):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._problems += self._import(alias.name, None, alias.asname)
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    self._problems += self._import(node.module or "", alias.name, alias.asname)
        plain_uses = {id(part) for node in _walk(trees) for part in _plain_uses(node)}
        keyed = {id(part) for node in _walk(trees) for part in _keyed_uses(node)}
        for node in _walk(trees):
            self._problems += self._node(node)
            self._problems += self._loaded(node, by_key=id(node) in keyed)
            # "o = os; o._exit(0)" and the like: a module is looked up in, or handed to monkeypatch, and nothing else.
            if id(node) in plain_uses or (isinstance(node, ast.Attribute) and _root(node) not in self._modules):
                continue
            if (module := self._module(node)) in _MEMBERS:
                self._problems.append(f"it hands on the module {module}, so what it uses of it cannot be seen")
        return self._problems[0] if self._problems else None

    def _import(self, module: str, name: str | None, alias: str | None) -> Iterator[str]:
        top = module.partition(".")[0]
        if top in _MODULES:
            yield f"it uses the module {top}, which reaches the test run itself"
        if name == "*":
            yield f"it imports all of {module}, so what it uses cannot be seen"
        if name is None:
            self._modules[alias or top] = module if alias else top
        else:
            self._bound.add(alias or name)
            if name in _MEMBERS.get(module, ()) or (module, name) == ("sys", "modules"):
                yield f"it uses {module}.{name}, which could stop or fake its own run"
            if name in _MEMBERS or name in _MODULES:
                self._modules[alias or name] = name  # also through another module: from pkg import os

    def _node(self, node: ast.AST) -> Iterator[str]:
        match node:
            case ast.Attribute(attr=attribute) if attribute in _ANYWHERE:
                yield f"it uses {attribute}, which could stop or fake its own run"
            case ast.Attribute(value=owner, attr=attribute):
                module = self._module(owner)
                if attribute in _MEMBERS.get(module, ()):
                    yield f"it uses {module}.{attribute}, which could stop or fake its own run"
                if attribute in _MODULES and module:
                    yield f"it uses the module {attribute}, which reaches the test run itself"
            case ast.Name(id=name) if name in _ANYWHERE:
                yield f"it uses {name}, which could stop or fake its own run"
            case ast.Name(id=name, ctx=ast.Load()) if name in _CALLS and name not in self._bound:
                yield f"it uses {name}(), which hides what it runs"
            case ast.Call(func=function, args=arguments):
                yield from self._call(function, arguments)
            case ast.Constant(value=str() as text) if text.startswith(_PLACES):
                yield f"it names {text[:40]}, which leads to descriptors of its process"
            case ast.Assign(targets=targets) if any(self._module(target) == "builtins" for target in _owners(targets)):
                yield "it changes the built-in names"

    def _loaded(self, node: ast.AST, *, by_key: bool) -> Iterator[str]:
        """What is wrong with a use of a table of names or of loaded modules, and with a change of pytest itself."""
        match node:
            case ast.Attribute(value=owner, attr="__dict__") if (module := self._module(owner)) in _MEMBERS:
                yield f"it looks up something of {module} by a name made at run time"
            case ast.Attribute(value=owner, ctx=ast.Store() | ast.Del()) if self._module(owner) == "pytest":
                yield "it changes pytest, which it is judged by"
            case ast.Attribute(value=owner, attr="modules") if self._module(owner) == "sys" and not by_key:
                yield "it looks through the loaded modules, so what it uses of them cannot be seen"
            case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Constant(value=str() as name)):
                if name.partition(".")[0] in _MODULES:
                    yield f"it uses the module {name}, which reaches the test run itself"
            case ast.Subscript(value=ast.Attribute(value=owner, attr="modules")) if self._module(owner) == "sys":
                yield "it looks up a loaded module by a name made at run time"

    def _call(self, function: ast.expr, arguments: list[ast.expr]) -> Iterator[str]:
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name not in _BY_NAME:
            return
        texts = [item.value for item in arguments if isinstance(item, ast.Constant) and isinstance(item.value, str)]
        owner = self._module(arguments[0]) if arguments else ""
        for text in texts:
            *path, last = text.split(".")
            member_of = path[-1] if path else owner
            # "pytest.raises" and the like: what a test is judged by is not replaced.
            of_judge = "pytest" in (owner, *path[:1]) or last in _MODULES
            if of_judge or last in _ANYWHERE or last in _MEMBERS.get(member_of, ()) or _MODULES & set(path):
                yield f"it reaches {text} by its name, which could stop or fake its own run"
        if owner in _MEMBERS and not texts:
            yield f"it looks up something of {owner} by a name made at run time"

    def _module(self, node: ast.AST) -> str:
        """Which module an expression stands for, empty when none that matters."""
        match node:
            case ast.Name(id=name):
                return self._modules.get(name, "")
            case ast.Attribute(value=owner, attr=name):
                # "pricing.os" is os as much as os itself; "result.os" is what the code calls so.
                return name if name in _MEMBERS and _root(owner) in {*self._modules, *self._bound} else ""
            case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Constant(value=str() as name)):
                return name
        return ""


def _walk(trees: list[ast.Module]) -> Iterator[ast.AST]:
    for tree in trees:
        yield from ast.walk(tree)


def _root(node: ast.expr) -> str:
    """The name that a chain of attributes begins with, empty when it begins with none."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _plain_uses(node: ast.AST) -> Iterator[ast.expr]:
    """Places where a module may stand: before a dot, and as an argument of what names one of its attributes."""
    match node:
        case ast.Attribute(value=owner):
            yield owner
        case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[first, *_]) if name in _TAKE_MODULES:
            yield first


def _keyed_uses(node: ast.AST) -> Iterator[ast.expr]:
    """Places where the table of modules may stand: before a key, in ``in``, and where one entry of it is replaced."""
    match node:
        case ast.Subscript(value=owner):
            yield owner
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[right]):
            yield right
        case ast.Call(func=ast.Attribute(attr="setitem" | "delitem" | "dict"), args=[first, *_]):
            yield first
        case ast.Call(func=ast.Attribute(value=owner, attr="pop" | "get"), args=[ast.Constant(), *_]):
            yield owner


def _owners(targets: list[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        if isinstance(target, ast.Attribute):
            yield target.value
