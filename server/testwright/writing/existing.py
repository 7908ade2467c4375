"""What an existing test file holds: the names it binds and the tests in it (pure)."""

from __future__ import annotations

import ast
import io
import itertools
import tokenize
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from testwright.analysis.function_text import global_names
from testwright.errors import TargetError
from testwright.model import Import
from testwright.writing.canonical import canonical_body, canonical_case
from testwright.writing.case import Case, bound_names, substituted
from testwright.writing.imports import UNKNOWN, Meaning, meaning_of, statement_of

_MOST_ROWS = 2000
_TestFunction = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """A test file as it stands.

    Attributes:
        bound: Names bound at the top level and what they stand for; ``UNKNOWN`` for all but unconditional imports.
        reserved: Names that must not be bound anew: those that it uses and nothing visible binds (builtins, names of
            a star import).
        stars: Modules of which it imports all.
        import_statements: Its plain top-level imports, one name each.
        names: Top-level names, which new tests must not have.
        tests: Canonical forms of its tests; each row of a table by itself.
        definitions: What each of its top-level names is defined as, for those that are defined once.
        arguments: Names of arguments of its functions, which may be fixtures.
    """

    bound: Mapping[str, Meaning] = field(default_factory=dict)
    reserved: frozenset[str] = frozenset()
    stars: frozenset[str] = frozenset()
    import_statements: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    tests: frozenset[str] = frozenset()
    definitions: Mapping[str, str] = field(default_factory=dict)
    arguments: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> ExistingFile:
        """Read a test file.

        Raises:
            TargetError: It has a syntax error, so nothing can be merged into it.
        """
        tree = parsed(text)
        bound: dict[str, Meaning] = dict.fromkeys(bound_names(tree.body), UNKNOWN)
        statements: set[str] = set()
        times: dict[str, int] = {}
        for wanted in _plain_imports(tree):
            statements.add(statement_of(wanted))
            meaning = meaning_of(wanted)
            times[wanted.bound] = times.get(wanted.bound, 0) + (bound.get(wanted.bound) != meaning)
            bound[wanted.bound] = meaning
        elsewhere = bound_names(node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom))
        for name, changes in times.items():
            if changes > 1 or name in elsewhere:
                bound[name] = UNKNOWN
        return cls(
            bound=bound,
            reserved=frozenset(global_names(text) - bound.keys()),
            stars=frozenset(_star_imports(tree)),
            import_statements=frozenset(statements),
            names=frozenset(bound),
            tests=frozenset(form for test, method in _tests(tree.body) for form in _forms(test, bound, method=method)),
            definitions=_definitions(tree),
            arguments=frozenset(node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)),
        )

    def defines(self, name: str, text: str) -> bool:
        """Whether a definition is there already, under its name and as it is written."""
        (node,) = ast.parse(text).body
        return self.definitions.get(name) == definition_form(node)

    def holds(self, case: Case, bound: Mapping[str, Meaning]) -> bool:
        """Whether a test that does the same is there already; ``bound`` says what the case's names stand for."""
        return bool(self.tests) and canonical_case(case, bound) in self.tests


def definition_form(node: ast.stmt) -> str:
    """Equal for definitions that do the same; a fixture that several tests share is none that each has for itself."""
    return ast.dump(node)


def _definitions(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            continue
        for name in bound_names([node]):
            found[name] = "" if name in found else definition_form(node)
    return found


def parsed(text: str) -> ast.Module:
    """Parse a test file.

    Raises:
        TargetError: It has a syntax error.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
            compile(tree, "<test file>", "exec", dont_inherit=True)  # finds what the grammar allows and Python does not
            return tree
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unreadable(error) from error


def _unreadable(error: BaseException) -> TargetError:
    line = getattr(error, "lineno", None)
    return TargetError(
        f"The existing test file cannot be read as Python{f', line {line}' if line else ''}: "
        f"{getattr(error, 'msg', error)!s}.",
        next_step="Correct it, or name another file with --output; it was not touched.",
    )


def logical_line_ends(text: str) -> list[int]:
    """Numbers of the lines, from 1 and sorted, on which logical lines end: statements, or several on a line."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [token.start[0] for token in tokens if token.type == tokenize.NEWLINE]


def _star_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            yield node.module or ""


def _plain_imports(tree: ast.Module) -> Iterator[Import]:
    for node in tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, alias.asname)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module not in {None, "__future__"}:
            for alias in node.names:
                if alias.name != "*":
                    yield Import(node.module or "", alias.name, alias.asname)


def is_test(node: ast.stmt) -> bool:
    """Whether a statement is a test function or a class of tests."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return node.name.startswith("test")
    if isinstance(node, ast.ClassDef):
        bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        return (
            node.name.startswith("Test")
            or node.name.endswith(("Test", "Tests"))
            or any(base.endswith("TestCase") for base in bases)
        )
    return False


def _tests(body: list[ast.stmt], *, in_class: bool = False) -> Iterator[tuple[_TestFunction, bool]]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _tests(node.body, in_class=True)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if is_test(node):
                yield node, in_class
        elif isinstance(node, ast.If | ast.Try | ast.With):
            yield from _tests(node.body, in_class=in_class)


def _forms(test: _TestFunction, bound: Mapping[str, Meaning], *, method: bool) -> Iterator[str]:
    if isinstance(test, ast.AsyncFunctionDef):
        return
    body = test.body[1:] if ast.get_docstring(test, clean=False) is not None else test.body
    arguments = [argument.arg for argument in (*test.args.posonlyargs, *test.args.args, *test.args.kwonlyargs)]
    if method and arguments:
        arguments = arguments[1:]
    tables = [rows for decorator in test.decorator_list if (rows := _rows(decorator)) is not None]
    for combination in itertools.islice(itertools.product(*tables), _MOST_ROWS):
        values = {name: value for row in combination for name, value in row.items()}
        fixtures = [argument for argument in arguments if argument not in values]
        yield canonical_body([substituted(node, values) for node in body], fixtures, bound)


def _rows(decorator: ast.expr) -> list[dict[str, ast.expr]] | None:
    """The rows of a ``parametrize`` that is written out; None for any other decorator."""
    if not isinstance(decorator, ast.Call) or len(decorator.args) < 2:
        return None
    if not isinstance(decorator.func, ast.Attribute) or decorator.func.attr != "parametrize":
        return None
    names_node, rows_node = decorator.args[:2]
    try:
        names = ast.literal_eval(names_node)
    except ValueError:
        return None
    several = not isinstance(names, str) or "," in names
    names = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    if not isinstance(rows_node, ast.List | ast.Tuple):
        return None
    rows: list[dict[str, ast.expr]] = []
    for row in rows_node.elts:
        values = _values(row, several=several)
        if values is not None and len(values) == len(names):
            rows.append(dict(zip(names, values, strict=True)))
    return rows


def _values(row: ast.expr, *, several: bool) -> list[ast.expr] | None:
    if isinstance(row, ast.Call) and ast.unparse(row.func).rpartition(".")[2] == "param":
        return list(row.args)
    if not several:
        return [row]
    return list(row.elts) if isinstance(row, ast.Tuple | ast.List) else None
