"""Methods of a class of tests as plain functions (pure).

pytest makes an object of the class for each test, so what ``setup_method`` keeps on it belongs to one test alone: it
reads as well, and is proven as well, as local variables of a function. What cannot be told that way is refused.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from testwright.analysis.function_text import TestFunction
from testwright.engines.openhands.rows import UnusableTest

_BEFORE = ("setup_class", "setUpClass", "setup_method", "setUp", "setup")
_AFTER = ("tearDown", "teardown_method", "teardown", "tearDownClass", "teardown_class")
_BASES = frozenset({"object", "TestCase", "IsolatedAsyncioTestCase"})
_COMPARISONS: Mapping[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertEquals": ast.Eq,
    "assertListEqual": ast.Eq,
    "assertDictEqual": ast.Eq,
    "assertTupleEqual": ast.Eq,
    "assertSetEqual": ast.Eq,
    "assertMultiLineEqual": ast.Eq,
    "assertSequenceEqual": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIs": ast.Is,
    "assertIsNot": ast.IsNot,
    "assertIn": ast.In,
    "assertNotIn": ast.NotIn,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
}
_EXPECTING = {
    "assertRaises": "raises",
    "assertRaisesRegex": "raises",
    "assertWarns": "warns",
    "assertWarnsRegex": "warns",
}


@dataclass(slots=True)
class TestClass:
    """A class of tests, read once.

    Attributes:
        node: The class.
        helpers: Its methods that others call.
        fixtures: Its fixtures that do not keep anything on the object.
    """

    __test__ = False

    node: ast.ClassDef
    tests: list[TestFunction] = field(default_factory=list)
    helpers: dict[str, TestFunction] = field(default_factory=dict)
    fixtures: list[TestFunction] = field(default_factory=list)
    _before: list[TestFunction] = field(default_factory=list)
    _after: list[TestFunction] = field(default_factory=list)
    _values: list[ast.Assign | ast.AnnAssign] = field(default_factory=list)

    @classmethod
    def read(cls, node: ast.ClassDef) -> TestClass:
        """Sort the statements of a class."""
        found = cls(node)
        for statement in node.body:
            if isinstance(statement, TestFunction):
                found._take(statement)
            elif isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value is not None:
                found._values.append(statement)
        order = {name: place for place, name in enumerate((*_BEFORE, *_AFTER))}
        found._before.sort(key=lambda method: order.get(method.name, len(_BEFORE)))
        found._after.sort(key=lambda method: order[method.name])
        return found

    def _take(self, method: TestFunction) -> None:
        is_fixture = any("fixture" in ast.unparse(mark).partition("(")[0] for mark in method.decorator_list)
        if method.name.startswith("test"):
            self.tests.append(method)
        elif method.name in _BEFORE or (is_fixture and _own_name(method) in _names(method.body)):
            self._before.append(method)
        elif method.name in _AFTER:
            self._after.append(method)
        elif is_fixture:
            self.fixtures.append(method)
        else:
            self.helpers[method.name] = method

    def as_function(self, method: TestFunction, taken: frozenset[str]) -> TestFunction:
        """A test, a fixture or a helper as a function; the same node, less its first argument, when that is not used.

        Args:
            method: One of the class.
            taken: Names of the file that local variables must not hide.

        Raises:
            UnusableTest: It cannot be told as a function.
        """
        bases = {ast.unparse(base).rpartition(".")[2] for base in self.node.bases}
        if not bases <= _BASES or self.node.keywords:
            raise UnusableTest(f"its class {self.node.name} inherits from {min(bases - _BASES, default='another')}")
        if method.name in self.helpers or method in self.fixtures:
            return self._plain(method)
        if not (self._before or self._after) and not self._uses_object(method):
            return self._plain(method)
        return self._whole(method, taken)

    def _uses_object(self, method: TestFunction) -> bool:
        return bool({_own_name(method), self.node.name} & _names(method.body))

    def _plain(self, method: TestFunction) -> TestFunction:
        """Without its first argument, calling helpers by their names."""
        new = copy.deepcopy(method)
        if self._uses_object(method):
            new.body = _Flat(_own_name(method), self, frozenset(), frozenset()).all(new.body)
        new.args = _without_first(method)
        new.decorator_list = [
            mark for mark in new.decorator_list if ast.unparse(mark) not in ("staticmethod", "classmethod")
        ]
        return new

    def _whole(self, method: TestFunction, taken: frozenset[str]) -> TestFunction:
        """With what runs before and after it, and with local variables for what is kept on the object."""
        parts = [*self._before, method, *self._after]
        state = frozenset(name for part in parts for name in _kept_on_object(part))
        new = copy.deepcopy(method)
        new.args = _without_first(method)
        known = {argument.arg for argument in new.args.args}
        for part in (*self._before, *self._after):
            if isinstance(part, ast.AsyncFunctionDef) and not isinstance(method, ast.AsyncFunctionDef):
                raise UnusableTest(f"its class prepares it in {part.name}, which is asynchronous")
            for argument in _without_first(part).args:
                if part.name not in (*_BEFORE, *_AFTER) and argument.arg not in known:
                    new.args.args.append(copy.deepcopy(argument))
                    known.add(argument.arg)
        hidden = taken | frozenset(_names(new.body)) | known
        body = _flat(method, self, state, hidden)
        after = [statement for part in self._after for statement in _flat(part, self, state, hidden)]
        before: list[ast.stmt] = [*self._class_values(parts)]
        for part in self._before:
            first, last = _around_yield(_flat(part, self, state, hidden))
            before += first
            after = [*last, *after]
        new.body = [*before, ast.Try(body=body, handlers=[], orelse=[], finalbody=after)] if after else [*before, *body]
        return ast.fix_missing_locations(new)

    def _class_values(self, parts: Sequence[TestFunction]) -> list[ast.stmt]:
        """Variables of the class that are looked at, as local ones."""
        read = {
            node.attr
            for part in parts
            for node in ast.walk(part)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in (_own_name(part), self.node.name, "cls")
        }
        return [copy.deepcopy(value) for value in self._values if read & _stored(value)]

    def values(self) -> frozenset[str]:
        """Names of the variables of the class."""
        return frozenset(name for value in self._values for name in _stored(value))


def _flat(part: TestFunction, owner: TestClass, state: frozenset[str], hidden: frozenset[str]) -> list[ast.stmt]:
    body = copy.deepcopy(part.body)
    if len(body) > 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    body = [statement for statement in body if not _calls_parent(statement)]
    return _Flat(_own_name(part), owner, state, hidden).all(body)


def _calls_parent(statement: ast.stmt) -> bool:
    """``super().setUp()``, whose parent is one of unittest's."""
    return isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("super().")


def _around_yield(body: list[ast.stmt]) -> tuple[list[ast.stmt], list[ast.stmt]]:
    """What a fixture does before and after its ``yield``."""
    for place, statement in enumerate(body):
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield):
            body, after = body[:place], body[place + 1 :]
            break
    else:
        after = []
    if any(
        isinstance(node, ast.Yield | ast.YieldFrom | ast.Return) for one in (*body, *after) for node in ast.walk(one)
    ):
        raise UnusableTest("what prepares it cannot be told as statements of a function")
    return body, after


class _Flat(ast.NodeTransformer):
    """Replaces what belongs to the object, and the assertions of unittest."""

    def __init__(self, own: str, owner: TestClass, state: frozenset[str], hidden: frozenset[str]) -> None:
        self.own, self.owner, self.state, self.hidden = own, owner, state, hidden
        self.depth = 0
        self.exceptions: set[str] = set()

    def all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        new: list[ast.stmt] = []
        for statement in body:
            found = self.visit(statement)
            new += found if isinstance(found, list) else [found]
        if any(isinstance(node, ast.Name) and node.id in {self.own, "super"} for one in new for node in ast.walk(one)):
            raise UnusableTest("it hands on the object of its class, so that it cannot be a function")
        return new

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._inner(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._inner(node)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        return self._inner(node)

    def _inner(self, node: ast.AST) -> ast.AST:
        self.depth += 1
        try:
            return self.generic_visit(node)
        finally:
            self.depth -= 1

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call) and (name := self._method(call.func)).startswith(("assert", "fail")):
            return self.generic_visit(_assertion(name, call))
        return self.generic_visit(node)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        names: set[str] = set()
        for item in node.items:
            call = item.context_expr
            name = self._method(call.func) if isinstance(call, ast.Call) else ""
            if isinstance(call, ast.Call) and name in _EXPECTING:
                item.context_expr = _expecting(name, call)
                if isinstance(item.optional_vars, ast.Name) and _EXPECTING[name] == "raises":
                    names.add(item.optional_vars.id)
            elif name == "subTest" and len(node.items) == 1:
                return [part for one in node.body for part in _listed(self.visit(one))]
        self.exceptions |= names
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        name = self._method(node.func)
        if name in _EXPECTING:
            return self.generic_visit(_expecting(name, node))
        return self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id in {self.own, self.owner.node.name, "cls"}:
            return self._own_attribute(node)
        if node.attr == "exception" and isinstance(node.value, ast.Name) and node.value.id in self.exceptions:
            return ast.Attribute(node.value, "value", node.ctx)
        return self.generic_visit(node)

    def _own_attribute(self, node: ast.Attribute) -> ast.AST:
        name = node.attr
        if name in self.owner.helpers:
            return ast.Name(name, node.ctx)
        if name in self.owner.values() and isinstance(node.ctx, ast.Load) and name not in self.state:
            return ast.Name(name, node.ctx)
        if name not in self.state:
            raise UnusableTest(f"it uses {self.own}.{name} of its class, which has no plain form")
        if self.depth and not isinstance(node.ctx, ast.Load):
            raise UnusableTest("a function inside it changes the object of its class")
        return ast.Name(f"own_{name}" if name in self.hidden else name, node.ctx)

    def _method(self, function: ast.expr) -> str:
        match function:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner == self.own:
                return name
        return ""


def _listed(found: ast.AST | list[ast.stmt]) -> list[ast.stmt]:
    return found if isinstance(found, list) else [found]  # type: ignore[list-item]  # a statement stays one


def _assertion(name: str, call: ast.Call) -> ast.stmt:  # noqa: C901 - one case for each assertion
    """An assertion of unittest as pytest has it."""
    arguments = call.args
    test: ast.expr
    match name, arguments:
        case _, [left, right, *_] if name in _COMPARISONS:
            test = ast.Compare(left, [_COMPARISONS[name]()], [right])
        case "assertTrue", [value, *_]:
            test = value
        case "assertFalse", [value, *_]:
            test = ast.UnaryOp(ast.Not(), value)
        case "assertIsNone", [value, *_]:
            test = ast.Compare(value, [ast.Is()], [ast.Constant(None)])
        case "assertIsNotNone", [value, *_]:
            test = ast.Compare(value, [ast.IsNot()], [ast.Constant(None)])
        case "assertIsInstance", [value, kind, *_]:
            test = ast.Call(ast.Name("isinstance", ast.Load()), [value, kind], [])
        case "assertAlmostEqual", [left, right]:
            places = next((word.value for word in call.keywords if word.arg == "places"), ast.Constant(7))
            rounded = ast.Call(ast.Name("round", ast.Load()), [ast.BinOp(left, ast.Sub(), right), places], [])
            test = ast.Compare(rounded, [ast.Eq()], [ast.Constant(0)])
        case "assertCountEqual", [left, right, *_]:
            both = [ast.Call(ast.Name("sorted", ast.Load()), [side], []) for side in (left, right)]
            test = ast.Compare(both[0], [ast.Eq()], [both[1]])
        case (("assertRaises" | "assertRaisesRegex" | "assertWarns"), [_, _, *_]):
            return ast.Expr(call)
        case "fail", _:
            return ast.Expr(ast.Call(_pytest("fail"), arguments or [ast.Constant("")], []))
        case _:
            raise UnusableTest(f"it uses {name} of unittest, which has no plain form")
    return ast.Assert(test=test, msg=None)


def _expecting(name: str, call: ast.Call) -> ast.Call:
    if not call.args:
        raise UnusableTest(f"it uses {name} of unittest without an exception")
    kind, *rest = call.args
    if name.endswith("Regex"):
        if len(rest) != 1:
            raise UnusableTest(f"it uses {name} of unittest in a way that has no plain form")
        return ast.Call(_pytest(_EXPECTING[name]), [kind], [ast.keyword("match", rest[0])])
    return ast.Call(_pytest(_EXPECTING[name]), [kind, *rest], [word for word in call.keywords if word.arg != "msg"])


def _pytest(member: str) -> ast.expr:
    return ast.Attribute(ast.Name("pytest", ast.Load()), member, ast.Load())


def _own_name(method: TestFunction) -> str:
    """The name of a method's first argument; one that no name equals when it has none."""
    marks = {ast.unparse(mark) for mark in method.decorator_list}
    arguments = [*method.args.posonlyargs, *method.args.args]
    return arguments[0].arg if arguments and "staticmethod" not in marks else " "


def _without_first(method: TestFunction) -> ast.arguments:
    arguments = copy.deepcopy(method.args)
    if _own_name(method) != " ":
        (arguments.posonlyargs or arguments.args).pop(0)
    return arguments


def _kept_on_object(method: TestFunction) -> set[str]:
    own = _own_name(method)
    return {
        node.attr
        for node in ast.walk(method)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == own
    }


def _stored(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}


def _names(body: Sequence[ast.AST]) -> set[str]:
    return {node.id for one in body for node in ast.walk(one) if isinstance(node, ast.Name)}
