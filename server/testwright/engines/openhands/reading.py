"""Reads a test file that an agent has written, into candidates that are judged one by one (pure and total).

Nothing of the file is believed, and nothing of it is taken over as it stands: each test becomes a function with just
the definitions that it needs. What reaches beyond a test (hooks, plug-ins, statements with effects, fixtures of all
tests) is left out or refused with its reason, and of the tests that were there before none is touched.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from testwright.analysis.function_text import TestFunction, global_names, segment, with_header
from testwright.engines.openhands.about import Subjects
from testwright.engines.openhands.parts import Definition, FileParts, FoundTest, Scope
from testwright.engines.openhands.rows import ParameterRow, UnusableTest, rows_of
from testwright.model import Candidate, DiscardedTest, Import, RawTest, Target

ORIGIN = "openhands"
MOST_CANDIDATES = 400
"""Tests and rows that are taken of one file; an agent that writes more does not choose."""
LARGEST = 1024 * 1024
"""Characters of a file that is read."""

_DEEPEST = 100
_BUILTINS = frozenset(dir(builtins)) | {"__file__", "__name__"}
_NOT_ALONE = frozenset({"skip", "skipif", "xfail"})
_ASYNC_MARKS = frozenset({"asyncio", "anyio", "trio"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What is in a file.

    Attributes:
        candidates: Tests that can be judged, each row of parameters by itself.
        refused: What is not taken over, and why, as a part of a sentence that begins with "it".
        notes: Sentences on what of the file is left out.
    """

    candidates: tuple[Candidate, ...] = ()
    refused: tuple[DiscardedTest, ...] = ()
    notes: tuple[str, ...] = ()


def read_tests(text: str, target: Target, *, existing: str | None = None, prefix: str = ORIGIN) -> Reading:
    """Read a file; whatever it holds, this gives candidates or reasons.

    Args:
        text: The file's text.
        target: What its tests should be about.
        existing: The text that the file had before the agent; what is in it is not taken over again.
        prefix: Of the candidates' ids, which must be unique in a run.
    """
    try:
        tree = _parsed(text)
        return _Reader(FileParts.of(text.replace("\r\n", "\n"), tree), target, prefix).read(_Before.of(existing))
    except UnusableTest as error:
        return Reading(refused=(DiscardedTest("", f"the file was not read: {error}", ""),))
    except (RecursionError, MemoryError):
        return Reading(refused=(DiscardedTest("", "the file was not read: it is nested too deeply", ""),))


def _parsed(text: str) -> ast.Module:
    if len(text) > LARGEST:
        raise UnusableTest(f"it has more than {LARGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text.replace("\r\n", "\n"))
            compile(tree, "<test file>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f", line {line}" if line else ""
        raise UnusableTest(f"it is no valid Python{where}: {getattr(error, 'msg', error)}") from error
    if _is_deep(tree):
        raise UnusableTest("it is nested too deeply")
    return tree


def _is_deep(root: ast.AST) -> bool:
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Before:
    """Tests that were there before the agent, by name: what each does."""

    tests: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, text: str | None) -> _Before:
        if text is None:
            return cls()
        try:
            parts = FileParts.of(text.replace("\r\n", "\n"), _parsed(text))
        except UnusableTest:
            return cls()  # the writer says what is wrong with it
        return cls({test.name: ast.dump(test.node) for test in parts.tests})


class _Reader:
    """Makes candidates of the parts of one file."""

    def __init__(self, parts: FileParts, target: Target, prefix: str) -> None:
        self._parts = parts
        self._subjects = Subjects.of(target)
        self._prefix = prefix
        self._candidates: list[Candidate] = []
        self._refused: list[DiscardedTest] = []

    def read(self, before: _Before) -> Reading:
        """All tests of the file."""
        names = [test.name for test in self._parts.tests]
        for place, test in enumerate(self._parts.tests):
            if test.name in names[place + 1 :]:
                self._refuse(test, "it never runs: another test of the same name takes its place")
            elif before.tests.get(test.name) == ast.dump(test.node):
                continue
            elif test.name in before.tests:
                self._refuse(test, f"it changes the test {test.name}, which was there before and stays as it was")
            else:
                self._test(test)
        for name in before.tests:
            if name not in names:
                words = f"the test {name}, which was there before, is gone from the agent's file; it stays"
                self._refused.append(DiscardedTest("", words, ""))
        if not names:
            self._refused.append(DiscardedTest("", "the file holds no test function", ""))
        taken, rest = self._candidates[:MOST_CANDIDATES], self._candidates[MOST_CANDIDATES:]
        if rest:
            words = f"only {MOST_CANDIDATES} tests of a file are looked at, and it holds {len(rest)} more"
            self._refused.append(DiscardedTest("", words, ""))
        return Reading(tuple(taken), tuple(self._refused), tuple(dict.fromkeys(self._parts.notes)))

    def _refuse(self, test: FoundTest, reason: str) -> None:
        source = ast.unparse(test.node)
        self._refused.append(DiscardedTest(self._subjects.of_test(test.node.name, source), reason, source))

    def _test(self, test: FoundTest) -> None:
        try:
            found = _Function.of(test, self._parts)
            rows = rows_of(found.tables, self._parts.constants)
            for row in rows:
                self._row(test, found, row)
        except UnusableTest as error:
            self._refuse(test, str(error))

    def _row(self, test: FoundTest, found: _Function, row: ParameterRow) -> None:
        if row.problem:
            self._refuse(test, row.problem)
            return
        if unknown := set(row.names) - set(found.arguments):
            raise UnusableTest(f"its parameter {min(unknown)} is no argument of it")
        values = tuple(ast.unparse(value) for value in row.values)
        needs = _Needs(self._parts, test.scope, self._subjects)
        needs.take("\n".join([found.text, *values]))
        uses = tuple(dict.fromkeys([*self._parts.scope.autouse, *test.scope.autouse, *found.uses]))
        needs.take_fixtures([*(name for name in found.arguments if name not in row.names), *uses])
        raw = RawTest(
            test.node.name, found.text, needs.support(), _unused(uses, found.arguments), row.names, values, row.id
        )
        name = test.node.name
        about = self._subjects.of_test(name, "\n".join([found.text, *values])) or self._subjects.of_test(name, raw.text)
        number = len(self._candidates)
        self._candidates.append(
            Candidate(
                id=f"{self._prefix}:{number:03d}",
                target=about,
                scenario="",
                arrange=(),
                act="",
                binds=None,
                asserts=(),
                raises=None,
                warns=None,
                imports=needs.imports(),
                fixtures=tuple(needs.outside),
                origin=ORIGIN,
                source=raw,
            )
        )


def _unused(uses: Sequence[str], arguments: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in uses if name not in arguments)


@dataclass(frozen=True, slots=True)
class _Function:
    """A test as a function at the left margin.

    Attributes:
        text: Its source.
        arguments: Those that pytest gives it: fixtures and parameters.
        tables: Its ``parametrize`` decorators.
        uses: Fixtures of ``usefixtures``.
    """

    text: str
    arguments: tuple[str, ...]
    tables: tuple[ast.Call, ...]
    uses: tuple[str, ...]

    @classmethod
    def of(cls, test: FoundTest, parts: FileParts) -> _Function:
        """Read it.

        Raises:
            UnusableTest: It cannot be judged alone.
        """
        node = test.node
        tables: list[ast.Call] = []
        uses: list[str] = []
        patches: list[ast.expr] = []
        for mark in (*test.marks, *node.decorator_list):
            match _mark(mark):
                case "parametrize" if isinstance(mark, ast.Call):
                    tables.append(mark)
                case "usefixtures" if isinstance(mark, ast.Call):
                    uses += [str(one.value) for one in mark.args if isinstance(one, ast.Constant)]
                case str() as name if name in _NOT_ALONE:
                    raise UnusableTest(f"it is marked {name}, so that it need not pass")
                case str():
                    pass  # marks say how tests are chosen, which is for the project to say
                case None if _is_patch(mark):
                    patches.append(mark)
                case None if ast.unparse(mark) not in ("staticmethod", "classmethod"):
                    raise UnusableTest(f"its decorator {ast.unparse(mark)[:60]} is none that can be judged alone")
        if any(isinstance(part, ast.Yield | ast.YieldFrom) for part in _own_nodes(node)):
            raise UnusableTest("it is a generator, which pytest does not run")
        text, arguments = _text(test, parts)
        decorators = "".join(f"@{ast.unparse(patch)}\n" for patch in patches)
        injected = sum(_injects(patch) for patch in patches)
        names = _arguments(arguments)
        if injected > len(names):
            raise UnusableTest("it has fewer arguments than patches")
        return cls(decorators + text, names[injected:], tuple(tables), tuple(uses))


def _text(test: FoundTest, parts: FileParts) -> tuple[str, ast.arguments]:
    """The function without decorators, and its arguments."""
    node = test.node
    text = segment(parts.lines, node)
    if test.owner is not None:
        taken = frozenset({*parts.imports, *parts.scope.definitions, *parts.scope.missing})
        new = test.owner.as_function(node, taken)
        if [ast.dump(one) for one in new.body] == [ast.dump(one) for one in node.body]:
            text = with_header(text, node.name, new.args)
        else:
            new.decorator_list = []
            text = ast.unparse(ast.fix_missing_locations(new))
        node = new
    if isinstance(node, ast.AsyncFunctionDef):
        text = _as_plain(node)
    return text, node.args


def _as_plain(node: ast.AsyncFunctionDef) -> str:
    """An asynchronous test as a plain one, which needs no plug-in."""
    inner = ast.AsyncFunctionDef(
        name="scenario",
        args=ast.arguments([], [], None, [], [], None, []),
        body=node.body,
        decorator_list=[],
    )
    run = ast.parse("asyncio.run(scenario())").body
    plain = ast.FunctionDef(name=node.name, args=node.args, body=[inner, *run], decorator_list=[])
    return ast.unparse(ast.fix_missing_locations(plain))


@dataclass(slots=True)
class _Needs:
    """What of the file one test uses, by itself or through other things."""

    parts: FileParts
    own: Scope
    subjects: Subjects
    names: dict[str, Definition] = field(default_factory=dict)
    found: dict[Import, None] = field(default_factory=dict)
    outside: dict[str, None] = field(default_factory=dict)

    def take(self, text: str) -> None:
        """What a text looks up.

        Raises:
            UnusableTest: It uses what is not taken over.
        """
        try:
            wanted = sorted(global_names(text))
        except SyntaxError as error:
            raise UnusableTest(f"it cannot be told apart from its file: {error.msg}") from error
        for name in wanted:
            self._name(name)

    def take_fixtures(self, names: Sequence[str]) -> None:
        """Fixtures by their names; those that the file does not define are the project's or pytest's."""
        for name in names:
            self._check(name)
            known = self._defined(name)
            if known is not None and known.is_fixture:
                self._definition(name, known)
            else:
                self.outside[name] = None

    def support(self) -> tuple[str, ...]:
        """Its definitions, in the order of the file."""
        known = sorted(self.names.values(), key=lambda one: one.line)
        return tuple(dict.fromkeys(one.text for one in known))

    def imports(self) -> tuple[Import, ...]:
        """Its imports."""
        return tuple(self.found)

    def _name(self, name: str) -> None:
        self._check(name)
        if (known := self._defined(name)) is not None:
            self._definition(name, known)
        elif name in self.parts.imports:
            self.found[self.parts.imports[name]] = None
        elif name in ("pytest", "asyncio"):
            self.found[Import(name)] = None
        elif (module := self.subjects.home_of(name, self.parts.stars)) is not None:
            self.found[Import(module, name)] = None
        elif name not in _BUILTINS:
            raise UnusableTest(f"it uses the name {name}, which nothing in the file defines")

    def _defined(self, name: str) -> Definition | None:
        return self.own.definitions.get(name) or self.parts.scope.definitions.get(name)

    def _check(self, name: str) -> None:
        for scope in (self.own, self.parts.scope):
            if name in scope.missing:
                raise UnusableTest(f"it uses {name}, which {scope.missing[name]}")
            if name in scope.definitions:
                return

    def _definition(self, name: str, definition: Definition) -> None:
        if name in self.names:
            return
        if name in definition.arguments:
            raise UnusableTest(f"its fixture {name} takes another of the same name")
        self.names[name] = definition
        self.take(definition.text)
        self.take_fixtures(definition.arguments)


def _mark(mark: ast.expr) -> str | None:
    """The name of one of pytest's marks, else None."""
    words = ast.unparse(mark.func if isinstance(mark, ast.Call) else mark).split(".")
    return words[-1] if len(words) > 1 and words[-2] == "mark" else None


def _is_patch(mark: ast.expr) -> bool:
    return isinstance(mark, ast.Call) and "patch" in ast.unparse(mark.func).split(".")


def _injects(patch: ast.expr) -> bool:
    """Whether a patch gives its mock to the test as an argument."""
    if not isinstance(patch, ast.Call):
        return False
    kind = ast.unparse(patch.func).rpartition(".")[2]
    if kind == "dict":
        return False
    if kind == "multiple":
        raise UnusableTest("it uses patch.multiple, whose arguments cannot be told")
    given = len(patch.args) - (kind == "object")
    return given < 2 and not any(word.arg == "new" for word in patch.keywords)


def _arguments(arguments: ast.arguments) -> tuple[str, ...]:
    if arguments.vararg is not None or arguments.kwarg is not None or arguments.posonlyargs:
        raise UnusableTest("it takes arguments that pytest does not give")
    plain = arguments.args[: len(arguments.args) - len(arguments.defaults)]
    pairs = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return tuple(one.arg for one in (*plain, *(one for one, default in pairs if default is None)))


def _own_nodes(function: TestFunction) -> Iterator[ast.AST]:
    stack: list[ast.AST] = list(function.body)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, TestFunction | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(node))
