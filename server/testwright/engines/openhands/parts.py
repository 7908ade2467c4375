"""A test file of an agent, sorted: imports, definitions, tests, and what is not taken over (pure)."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from testwright.analysis.function_text import TestFunction, segment
from testwright.engines.openhands.methods import TestClass
from testwright.engines.openhands.rows import UnusableTest
from testwright.model import Import

_HOOKS = frozenset(
    {"setup_module", "teardown_module", "setup_function", "teardown_function", "setUpModule", "tearDownModule"}
    | {"setup", "teardown", "load_tests"}
)
_SETTINGS = frozenset({"pytest_plugins", "collect_ignore", "collect_ignore_glob", "__test__"})


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition that tests may use.

    Attributes:
        text: Its source; a fixture's decorator is always ``@pytest.fixture``, since each test has its own.
        is_fixture: Whether tests take it by an argument.
        arguments: For a fixture: those that it takes itself.
        line: Where it stands in the file.
    """

    text: str
    is_fixture: bool
    arguments: tuple[str, ...]
    line: int


@dataclass(slots=True)
class Scope:
    """What names stand for in the file, or in one of its classes.

    Attributes:
        definitions: By name.
        autouse: Fixtures that all of its tests have.
        missing: Names that are not taken over, and why.
    """

    definitions: dict[str, Definition] = field(default_factory=dict)
    autouse: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundTest:
    """A test function.

    Attributes:
        name: As pytest has it, without parameters: ``TestCart::test_total``.
        node: Its function; of a method, the method.
        owner: Its class, or None.
        marks: Decorators that apply to it from outside: of its class and of the file.
        scope: Fixtures and helpers of its class.
    """

    name: str
    node: TestFunction
    owner: TestClass | None
    marks: tuple[ast.expr, ...]
    scope: Scope = field(default_factory=Scope)


@dataclass(slots=True)
class FileParts:
    """The file.

    Attributes:
        imports: What its names stand for.
        stars: Modules of which it imports all.
        scope: What it defines at its top level.
        constants: Names that stand for one expression.
        tests: In the order of the file.
        notes: Sentences on what is left out of it.
    """

    lines: Sequence[str]
    imports: dict[str, Import] = field(default_factory=dict)
    stars: set[str] = field(default_factory=set)
    scope: Scope = field(default_factory=Scope)
    constants: dict[str, ast.expr] = field(default_factory=dict)
    tests: list[FoundTest] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _marks: list[ast.expr] = field(default_factory=list)

    @classmethod
    def of(cls, text: str, tree: ast.Module) -> FileParts:
        """Sort a file."""
        parts = cls(text.split("\n"))
        for node in tree.body:
            parts._statement(node)
        if parts._marks:
            marks = tuple(parts._marks)
            parts.tests = [replace(one, marks=(*marks, *one.marks)) for one in parts.tests]
        return parts

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Import():
                for alias in node.names:
                    wanted = Import(alias.name, None, alias.asname)
                    self.imports[wanted.bound] = wanted
            case ast.ImportFrom(module=str() as module, level=0):
                self._import_from(module, node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._function(node)
            case ast.ClassDef():
                self._class(node)
            case ast.Assign() | ast.AnnAssign() if node.value is not None:
                self._assignment(node)
            case ast.If() if "__main__" in ast.unparse(node.test):
                pass
            case _:
                self._leave_out(node)

    def _import_from(self, module: str, names: Sequence[ast.alias]) -> None:
        if module == "__future__":
            return
        for alias in names:
            if alias.name == "*":
                self.stars.add(module)
            else:
                wanted = Import(module, alias.name, alias.asname)
                self.imports[wanted.bound] = wanted

    def _function(self, node: TestFunction) -> None:
        if node.name.startswith("test"):
            self.tests.append(FoundTest(node.name, node, None, ()))
        elif node.name.startswith("pytest_") or node.name in _HOOKS:
            self._leave_out(node, f"{node.name} in line {node.lineno}, which would change how other tests run,")
        else:
            self._define(node, self.scope)

    def _define(self, node: TestFunction, scope: Scope, text: str | None = None) -> None:
        marks = [mark for mark in node.decorator_list if _is_fixture(mark)]
        if any(isinstance(part, ast.Global) for part in ast.walk(node)):
            scope.missing[node.name] = "changes variables of the file, which other tests would see"
            return
        if not marks:
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            found = text if text is not None else segment(self.lines, node, first)
            scope.definitions[node.name] = Definition(found, False, (), node.lineno)  # noqa: FBT003 - named in its class
            return
        options = {word.arg: word.value for mark in marks if isinstance(mark, ast.Call) for word in mark.keywords}
        name = _constant(options.get("name")) or node.name
        if isinstance(node, ast.AsyncFunctionDef):
            scope.missing[name] = "is an asynchronous fixture, which needs a plug-in"
        elif "params" in options or len(node.decorator_list) > 1 or name != node.name:
            scope.missing[name] = "is a fixture with parameters, another name or further decorators"
        else:
            body = text if text is not None else segment(self.lines, node)
            scope.definitions[name] = Definition(f"@pytest.fixture\n{body}", True, _arguments(node), node.lineno)  # noqa: FBT003
            self.imports.setdefault("pytest", Import("pytest"))
            if "autouse" in options and ast.unparse(options["autouse"]) != "False":
                scope.autouse.append(name)

    def _class(self, node: ast.ClassDef) -> None:
        methods = [part.name for part in node.body if isinstance(part, TestFunction)]
        is_test = any(ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in node.bases)
        if not (is_test or (node.name.startswith("Test") and any(name.startswith("test") for name in methods))):
            first = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            self.scope.definitions[node.name] = Definition(segment(self.lines, node, first), False, (), node.lineno)  # noqa: FBT003
            return
        owner = TestClass.read(node)
        marks = (*node.decorator_list, *(mark for value in node.body for mark in _pytestmark(value)))
        scope = Scope()
        self.tests += [FoundTest(f"{node.name}::{test.name}", test, owner, marks, scope) for test in owner.tests]
        for method in (*owner.fixtures, *owner.helpers.values()):
            try:
                function = owner.as_function(method, frozenset())
            except UnusableTest as error:
                scope.missing[method.name] = f"belongs to {node.name}, and {error}"
                continue
            self._define(function, scope, ast.unparse(ast.fix_missing_locations(_bare(function))))

    def _assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        marks = list(_pytestmark(node))
        if marks:
            self._marks += marks
            return
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name)]
        plain = all(isinstance(target, ast.Name | ast.Tuple | ast.List) for target in targets)
        if not plain or _SETTINGS & set(names):
            self._leave_out(node)
            return
        text = segment(self.lines, node)
        for name in names:
            self.scope.definitions[name] = Definition(text, False, (), node.lineno)  # noqa: FBT003 - named in its class
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and node.value is not None:
            self.constants[targets[0].id] = node.value

    def _leave_out(self, node: ast.stmt, what: str = "") -> None:
        words = what or f"Line {node.lineno} of the file, {_short(node)},"
        self.notes.append(f"{words[0].upper()}{words[1:]} is not taken over.")
        for part in ast.walk(node):
            match part:
                case ast.Name(id=name, ctx=ast.Store()):
                    self._miss(name, node)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                    self._miss(name, node)
                case ast.alias(name=name, asname=alias):
                    self._miss((alias or name).partition(".")[0], node)

    def _miss(self, name: str, node: ast.stmt) -> None:
        if name not in self.imports and name not in self.scope.definitions:
            self.scope.missing[name] = f"comes from line {node.lineno}, which is no plain definition"


def _bare(node: TestFunction) -> TestFunction:
    fields = dict(ast.iter_fields(node))
    return type(node)(**{**fields, "decorator_list": [mark for mark in node.decorator_list if not _is_fixture(mark)]})


def _is_fixture(mark: ast.expr) -> bool:
    return ast.unparse(mark).partition("(")[0] in ("pytest.fixture", "fixture")


def _arguments(node: TestFunction) -> tuple[str, ...]:
    given = node.args
    return tuple(argument.arg for argument in (*given.posonlyargs, *given.args, *given.kwonlyargs))


def _pytestmark(node: ast.stmt) -> Iterator[ast.expr]:
    match node:
        case ast.Assign(targets=[ast.Name(id="pytestmark")], value=ast.List(elts=marks) | ast.Tuple(elts=marks)):
            yield from marks
        case ast.Assign(targets=[ast.Name(id="pytestmark")], value=mark):
            yield mark


def _constant(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _short(node: ast.stmt) -> str:
    line = " ".join(ast.unparse(node).split())
    return line if len(line) <= 60 else line[:57] + "..."
