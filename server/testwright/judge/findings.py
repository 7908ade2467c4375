"""Tests that cannot find what they seem to look for, read from their source.

Only what is certain is told. A test asserts nothing when it holds no assertion and everything that it calls is known to
hold none: the module under test, the standard library, and functions of the same file, which are read as well. What
comes from elsewhere, an object of a fixture in ``conftest.py`` for one, might assert behind any name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from testwright.judge.oracles import is_vacuous
from testwright.judge.sources import (
    Function,
    TestSource,
    arguments,
    bound_names,
    is_fixture,
    is_fixture_decorator,
    is_mark,
    last_name,
    methods,
)
from testwright.model import FindingKind, TestFinding

_ASSERTIVE = re.compile(
    r"assert|raise|warn|fail|expect|verify|check|ensure|should|must|match|compare|valid|regress|snapshot|approx|golden",
    re.IGNORECASE,
)
"""Names of what may assert, whatever it belongs to."""

_BROAD = frozenset({"Exception", "BaseException"})
_RAISES = frozenset({"raises", "assertRaises"})

_FIXTURES = frozenset(
    {"tmp_path", "tmp_path_factory", "tmpdir", "tmpdir_factory", "monkeypatch", "capsys", "capfd", "capsysbinary"}
    | {"capfdbinary", "caplog", "request", "subtests"}
)
"""Fixtures of pytest that assert nothing."""

_HARMLESS = frozenset({"given", "example", "settings", "staticmethod", "classmethod"})
"""Decorators that add no assertion: those of Hypothesis, and of the language."""

_AROUND = frozenset(
    {"setUp", "tearDown", "setUpClass", "tearDownClass", "setup_method", "teardown_method", "setup_class"}
    | {"teardown_class"}
)
"""Methods that run with each test of a class."""

_PLAIN_BASES = frozenset({"TestCase", "IsolatedAsyncioTestCase", "object"})

_OTHER_PROCESSES = frozenset(
    {"subprocess", "os", "runpy", "importlib", "multiprocessing", "concurrent", "exec", "eval"}
)
"""Names behind which a module may run unseen."""


def findings(source: str, module: str, tests: Collection[str], idle: Collection[str] = ()) -> tuple[TestFinding, ...]:
    """Read a test file.

    Args:
        source: Its text.
        module: Dotted name of the module under test.
        tests: Test functions that run, as pytest names them, without parameters: ``TestCart::test_total``.
        idle: Those of them that were seen to run no line of the module beyond its import.

    Returns:
        What was found, in the order of the file.

    Raises:
        SyntaxError: The text is no Python.
    """
    file = TestSource.read(source, module)
    found: list[TestFinding] = []
    for name in tests:
        *owners, own = name.split("::")
        body, owner = file.body(owners)
        functions = [node for node in body if isinstance(node, Function) and node.name == own]
        if not functions:
            continue  # inherited, or made in another way
        *shadowed, function = functions
        words = f"It never runs: the one of the same name in line {function.lineno} takes its place."
        found += [
            TestFinding(name, node.lineno, "shadowed", words)
            for node in shadowed
            if all(is_mark(decorator) for decorator in node.decorator_list)
        ]
        reading = _Reading(file, name, function, owner)
        found += reading.findings()
        if name in idle and not reading.may_run_the_module(module):
            words = "It neither runs nor names anything of the module under test."
            found.append(TestFinding(name, function.lineno, "runs-nothing", words))
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.kind)))


@dataclass(slots=True)
class _Reading:
    """One test function, read with the functions of its file that it uses or that run with it."""

    file: TestSource
    test: str
    function: Function
    owner: ast.ClassDef | None
    read: list[Function] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._follow(self.function)
        around = [method for name, method in methods(self.owner).items() if name in _AROUND or is_fixture(method)]
        for function in (*around, *self.file.functions.values()):
            if function in around or any("autouse" in ast.unparse(mark) for mark in function.decorator_list):
                self._follow(function)

    def findings(self) -> Iterator[TestFinding]:
        """What is wrong with its assertions."""
        oracles = [node for function in self.read for node in _oracles(function)]
        constant = [node for node in ast.walk(self.function) if _asserts_constant(node)]
        if len(constant) < len(oracles):
            # ``assert True`` where another branch of the test fails is a way to write, and no mistake.
            constant = [node for node in constant if not isinstance(_asserted(node), ast.Constant)]
        for node in constant:
            yield self._finding(node, "constant-assertion", "This assertion holds whatever the code does.")
        compared = list(_unused_comparisons(self.function.body))
        for node in compared:
            yield self._finding(node, "unused-comparison", "This comparison is made and not asserted.")
        broad = [call for node in oracles if (call := _expects_anything(node)) is not None]
        if broad and len(broad) == len(oracles):
            words = f"It expects no more than {ast.unparse(broad[0].args[0])}, which any mistake raises too."
            yield self._finding(broad[0], "any-exception", words)
        if not oracles and not compared and self._asserts_surely_nothing():
            yield self._finding(self.function, "no-assertion", "It asserts nothing: only an exception makes it fail.")

    def may_run_the_module(self, module: str) -> bool:
        """Whether it names something of the module, or could run it where that is not seen."""
        last = module.rpartition(".")[2]
        for function in self.read:
            if set(arguments(function)) - self._given(function):
                return True
            for node in ast.walk(function):
                match node:
                    case ast.Name(id=name) if name in self.file.ours | _OTHER_PROCESSES:
                        return True
                    case ast.Constant(value=str() as text) if last in text:
                        return True
        return "*" in self.file.ours

    def _finding(self, node: ast.AST, kind: FindingKind, message: str) -> TestFinding:
        return TestFinding(self.test, getattr(node, "lineno", self.function.lineno), kind, message)

    def _follow(self, function: Function) -> None:
        """Read a function, and the functions, methods and fixtures of the file that it uses."""
        if any(function is other for other in self.read):
            return
        self.read.append(function)
        own = methods(self.owner)
        for name in arguments(function):
            if name in self.file.functions:
                self._follow(self.file.functions[name])
        for node in ast.walk(function):
            match node:
                case ast.Name(id=name) if name in self.file.functions:
                    self._follow(self.file.functions[name])
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in own:
                    self._follow(own[name])

    def _asserts_surely_nothing(self) -> bool:
        """Whether it calls nothing that could hold an assertion."""
        if self.owner is not None and (
            self.owner.decorator_list or not {last_name(base) for base in self.owner.bases} <= _PLAIN_BASES
        ):
            return False
        return all(self._holds_nothing(function) for function in self.read)

    def _holds_nothing(self, function: Function) -> bool:
        if any(isinstance(node, ast.Yield | ast.YieldFrom) for node in ast.walk(function)) and not is_fixture(function):
            return False
        if not all(self._is_harmless(decorator) for decorator in function.decorator_list):
            return False
        known = {*self.file.known, *bound_names(function), *self._given(function)}
        inside = (node for statement in function.body for node in ast.walk(statement))
        return all(self._is_known(node, known) for node in inside if isinstance(node, ast.Call))

    def _given(self, function: Function) -> set[str]:
        """Arguments that hold no object which could assert."""
        names = arguments(function)
        if function is not self.function and not is_fixture(function):
            return set(names)  # a helper's: what it is given was looked at where it was made
        if any(last_name(mark) == "given" or _is_patch(mark) for mark in function.decorator_list):
            return set(names)
        parameters = {
            name.strip()
            for mark in function.decorator_list
            for node in ast.walk(mark)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            for name in node.value.split(",")
        }
        return {name for name in names if name in parameters | _FIXTURES or name in self.file.functions}

    @staticmethod
    def _is_harmless(decorator: ast.expr) -> bool:
        if _ASSERTIVE.search(ast.unparse(decorator).partition("(")[0]):
            return False
        if is_mark(decorator) or is_fixture_decorator(decorator) or _is_patch(decorator):
            return True
        return last_name(decorator) in _HARMLESS

    def _is_known(self, call: ast.Call, known: Collection[str]) -> bool:
        """Whether what is called is known to assert nothing."""
        match _root(call.func):
            case ast.Name(id="self" | "cls"):
                return self._is_own(call.func)
            case ast.Name(id="pytest"):
                return last_name(call.func) in ("param", "fixture") or is_mark(call)
            case ast.Name(id=name):
                return name in known or name in self.file.functions
            case ast.Constant() | ast.JoinedStr() | ast.List() | ast.Dict() | ast.Set() | ast.Tuple() | ast.BinOp():
                return True
        return False

    def _is_own(self, function: ast.expr) -> bool:
        """Whether ``self.a()`` is a method of the class, or ``self.a.b()`` one of an object that the class makes."""
        first = _first_attribute(function)
        if self.owner is None or first in methods(self.owner):
            return self.owner is not None
        made = [
            node.value
            for node in ast.walk(self.owner)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Attribute) and target.attr == first
        ]
        calls = [call for value in made for call in ast.walk(value) if isinstance(call, ast.Call)]
        return bool(made) and all(self._is_known(call, self.file.known) for call in calls)


def _is_patch(decorator: ast.expr) -> bool:
    """Whether it is ``patch``, ``mock.patch.object`` and the like."""
    return "patch" in ast.unparse(decorator).partition("(")[0].split(".")


def _root(node: ast.expr) -> ast.expr:
    """What a chain of attributes, calls and subscripts begins with."""
    while True:
        match node:
            case (
                ast.Attribute(value=inner) | ast.Subscript(value=inner) | ast.Call(func=inner) | ast.Await(value=inner)
            ):
                node = inner
            case _:
                return node


def _first_attribute(node: ast.expr) -> str:
    """``a`` of ``self.a.b()``."""
    name = ""
    while True:
        match node:
            case ast.Attribute(value=inner, attr=name):
                node = inner
            case ast.Subscript(value=inner) | ast.Call(func=inner) | ast.Await(value=inner):
                node = inner
            case _:
                return name


def _oracles(function: Function) -> Iterator[ast.AST]:
    """What can make a test fail on purpose; a context manager that expects something is told as its item."""
    expecting = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.withitem) and _ASSERTIVE.search(last_name(node.context_expr))
    ]
    told = {id(item.context_expr) for item in expecting}
    yield from expecting
    for node in ast.walk(function):
        match node:
            case ast.Assert() | ast.Raise():
                yield node
            case ast.Call() if id(node) not in told and _ASSERTIVE.search(last_name(node)):
                yield node


def _expects_anything(node: ast.AST) -> ast.Call | None:
    """``pytest.raises(Exception)`` in a ``with`` that looks at neither the text nor the exception, else None."""
    match node:
        case ast.withitem(
            context_expr=ast.Call(func=function, args=[kind], keywords=[]) as call, optional_vars=None
        ) if last_name(function) in _RAISES and last_name(kind) in _BROAD:
            return call
    return None


def _asserted(node: ast.AST) -> ast.expr | None:
    """The expression that must be true, None when it is no such assertion."""
    match node:
        case ast.Assert(test=test):
            return test
        case ast.Call(func=ast.Attribute(value=ast.Name(id="self"), attr="assertTrue"), args=[test, *_]):
            return test
    return None


def _asserts_constant(node: ast.AST) -> bool:
    test = _asserted(node)
    return test is not None and is_vacuous(test)


def _unused_comparisons(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Comparisons that stand alone or are returned; not in ``with`` and ``try``, where they may be meant to raise."""
    for node in body:
        match node:
            case ast.Expr(value=ast.Compare()) | ast.Return(value=ast.Compare()):
                yield node
            case ast.For(body=inner, orelse=other) | ast.If(body=inner, orelse=other):
                yield from _unused_comparisons([*inner, *other])
