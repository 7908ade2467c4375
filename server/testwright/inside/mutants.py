"""Mutants of a module: small changes that a good test should notice (pure; nothing is run).

A mutant is one replaced syntax node. Line numbers never shift, so what was measured on the original (which test runs
which lines) holds for the mutant. The operators carry the names that the field has for them (MutPy, Offutt), see
``OPERATORS``.

Left out, since a survivor there says nothing about the tests: docstrings, annotations, ``if TYPE_CHECKING``, the
``__main__`` block, ``__all__`` and other assignments to dunder names, calls of a logger, names given to ``TypeVar`` and
its kin, overloads. Mutants that compile to the code of the original or of an earlier mutant are dropped (``Compiler``).
"""

import ast
import hashlib
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from .mutant_code import FUNCTIONS, Compiler, Path, Step, apply, child
from .mutation_operators import (
    OPERATORS,
    Variant,
    comprehension_variants,
    condition_variants,
    expression_variants,
    last_name,
    statement_variants,
)

__all__ = ["OPERATORS", "Compiler", "Mutant", "apply", "enumerate_mutants", "for_selection", "held_out", "sample"]

MAX_PER_STATEMENT = 64
"""Most mutants of one simple statement: a table of ten thousand constants is one thing to test, not ten thousand."""


@dataclass(frozen=True)
class Mutant:
    """One small change of a module.

    Attributes:
        id: Sixteen hexadecimal digits of ``digest``; stable for one source text.
        line, end_line: Lines (1-based, inclusive) of the whole simple statement, or of the compound statement's
            header, that holds the change: a test runs the change when it runs one of these lines.
        qualname: Innermost function or class that holds it (``Cart.total``); ``<module>`` at module level.
        operator: A key of ``OPERATORS``.
        description: What is replaced by what, as source, for a person.
        in_function: Whether it lies in a function's body; else it takes effect when the module is imported.
        digest: SHA-256 of qualified name, offset in it, operator and replacement.
        path: Where the replaced node is.
        replacement: The node that takes its place.
    """

    id: str
    line: int
    end_line: int
    qualname: str
    operator: str
    description: str
    in_function: bool
    digest: bytes = field(repr=False, compare=False)
    path: Path = field(repr=False, compare=False)
    replacement: ast.AST = field(repr=False, compare=False)

    @property
    def for_selection(self) -> bool:
        """Whether tests may be selected by it; see ``for_selection``."""
        return self.digest[-1] % 2 == 0


def enumerate_mutants(
    source: str, first_line: int = 1, last_line: int = 1 << 30, *, drop_equivalent: bool = True
) -> list[Mutant]:
    """List the mutants of a module in the order of its text.

    Args:
        source: The module's text.
        first_line: Only mutants whose statement begins on this line or later (1-based).
        last_line: Only mutants whose statement begins on this line or earlier.
        drop_equivalent: Compile each one and leave out those that change no byte code. Costs about 0.3 ms for each.

    Raises:
        SyntaxError: The source is no Python of this interpreter.
    """
    tree = ast.parse(source)
    found = [mutant for mutant in _Walk().module(tree) if first_line <= mutant.line <= last_line]
    if not drop_equivalent:
        return found
    compiler = Compiler(source, tree)
    return [mutant for mutant in found if compiler.is_new(mutant)]


def for_selection(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Keep the half of the mutants that tests may be selected by.

    The other half (``held_out``) is never run while tests are chosen. A mutation score over it is therefore an honest
    estimate of what the tests notice; over mutants that the tests were chosen for it would only repeat the choice. The
    halves are told apart by the mutant's digest, so every tool that enumerates the same source draws the same line.
    """
    return [mutant for mutant in mutants if mutant.for_selection]


def held_out(mutants: Iterable[Mutant]) -> list[Mutant]:
    """Keep the half of the mutants that selection never sees; see ``for_selection``."""
    return [mutant for mutant in mutants if not mutant.for_selection]


def sample(mutants: Sequence[Mutant], limit: int, seed: int) -> list[Mutant]:
    """Draw at most ``limit`` mutants, spread evenly over the functions; every prefix of the result is spread as well.

    Args:
        mutants: What to draw from.
        limit: How many at most.
        seed: Same seed, same mutants in the same order, on every interpreter and under every hash seed.
    """
    generator = random.Random(seed)
    groups: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        groups.setdefault(mutant.qualname, []).append(mutant)
    queues = []
    for name in sorted(groups):
        queue = sorted(groups[name], key=lambda mutant: mutant.id)
        generator.shuffle(queue)
        queues.append(queue)
    drawn: list[Mutant] = []
    while queues and len(drawn) < limit:
        generator.shuffle(queues)
        drawn += [queue.pop() for queue in queues]
        queues = [queue for queue in queues if queue]
    return drawn[:limit]


_LOG_METHODS = frozenset(("debug", "info", "warning", "warn", "error", "exception", "critical", "log"))
_TYPE_MAKERS = frozenset(
    ("TypeVar", "ParamSpec", "TypeVarTuple", "NewType", "NamedTuple", "TypedDict", "namedtuple", "getLogger", "cast")
)
_TYPE_FORMS = frozenset(("Literal", "Optional", "Union", "Annotated", "Callable", "ClassVar", "Final", "Type"))
_SKIPPED_FIELDS = frozenset(("annotation", "returns", "type_comment", "type_params", "format_spec", "ctx", "op", "ops"))


class _Scope(NamedTuple):
    qualname: str
    first_line: int
    in_function: bool
    stored: frozenset[str]
    """Names that are bound more than once in this function: deleting one binding is no certain ``NameError``."""


class _Walk:
    """Walks a module and lists its mutants."""

    def __init__(self) -> None:
        self._path: list[Step] = []
        self._scope = _Scope("<module>", 1, in_function=False, stored=frozenset())
        self._span = (1, 1)
        self._counts: dict[str, int] = {}

    def module(self, tree: ast.Module) -> Iterator[Mutant]:
        yield from self._block("body", tree.body)

    def _block(self, name: str, body: list[Any]) -> Iterator[Mutant]:
        for position, statement in enumerate(body):
            self._path.append((name, position))
            if not _is_skipped(statement, at_module_level=not self._scope.in_function):
                yield from self._statement(statement)
            self._path.pop()

    def _statement(self, node: Any) -> Iterator[Mutant]:
        outer = self._span
        self._span = _span(node)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            yield from self._definition(node)
        else:
            is_compound = hasattr(node, "body") or hasattr(node, "cases")
            depth, limit = len(self._path), None if is_compound else MAX_PER_STATEMENT
            yield from islice(self._within(node), limit)
            del self._path[depth:]
        self._span = outer

    def _within(self, node: Any) -> Iterator[Mutant]:
        yield from self._made(node, statement_variants(node, self._scope.stored))
        yield from self._fields(node)

    def _definition(self, node: Any) -> Iterator[Mutant]:
        yield from self._fields(node, without=("body",))  # decorators, defaults, bases
        outer = self._scope
        qualname = node.name if outer.qualname == "<module>" else f"{outer.qualname}.{node.name}"
        is_function = isinstance(node, FUNCTIONS)
        stored = _bound_twice(node) if is_function else frozenset()
        self._scope = _Scope(qualname, node.lineno, outer.in_function or is_function, stored)
        yield from self._block("body", node.body)
        self._scope = outer

    def _fields(self, node: Any, without: tuple[str, ...] = ()) -> Iterator[Mutant]:
        for name, value in ast.iter_fields(node):
            if name in _SKIPPED_FIELDS or name in without:
                continue
            if isinstance(value, ast.AST):
                self._path.append((name, -1))
                yield from self._inner(value)
                self._path.pop()
            elif isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                yield from self._block(name, value)
            elif isinstance(value, list):
                for position, item in enumerate(value):
                    if isinstance(item, ast.AST):
                        self._path.append((name, position))
                        yield from self._inner(item)
                        self._path.pop()

    def _inner(self, node: Any) -> Iterator[Mutant]:
        if isinstance(node, ast.expr):
            if _is_for_types(node):
                return
            yield from self._made(node, expression_variants(node))
            yield from self._fields(node)
        elif isinstance(node, (ast.ExceptHandler, ast.match_case)):
            outer = self._span
            self._span = _span(node)
            yield from self._made(node, condition_variants(node))
            yield from self._fields(node)
            self._span = outer
        elif isinstance(node, ast.comprehension):
            yield from self._made(node, comprehension_variants(node))
            yield from self._fields(node)
        else:
            yield from self._fields(node)

    def _made(self, node: Any, variants: Iterable[Variant]) -> Iterator[Mutant]:
        for variant in variants:
            path = (*self._path, *variant.below)
            old = node
            for step in variant.below:
                old = child(old, step)
            new = ast.fix_missing_locations(ast.copy_location(variant.new, old))
            before, after = _text(old), _text(new)
            line, end_line = self._span
            offset = (old.lineno - self._scope.first_line, old.col_offset)
            identity = repr((self._scope.qualname, offset, variant.operator, before, after))
            # Before Python 3.12 all pieces of an f-string stand at its own offset.
            number = self._counts[identity] = self._counts.get(identity, 0) + 1
            digest = hashlib.sha256(f"{identity} {number}".encode("utf-8", "backslashreplace")).digest()
            yield Mutant(
                id=digest.hex()[:16],
                line=line,
                end_line=end_line,
                qualname=self._scope.qualname,
                operator=variant.operator,
                description=f"{_shortened(before)} → {_shortened(after)}",
                in_function=self._scope.in_function,
                digest=digest,
                path=path,
                replacement=new,
            )


def _text(node: Any) -> str:
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError, AttributeError):
        return ast.dump(node)


def _shortened(text: str, width: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1] + "…"


def _span(node: Any) -> tuple[int, int]:
    """First and last line of a simple statement, or of a compound statement's header."""
    if isinstance(node, ast.match_case):
        last = node.guard if node.guard is not None else node.pattern
        return node.pattern.lineno, last.end_lineno or node.pattern.lineno
    first: int = min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", []))])
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        # A header ends where its last expression does: the body may stand on the same line.
        inner = [getattr(node, name, None) for name in ("test", "iter", "target", "subject", "type")]
        parts = [part for part in inner if isinstance(part, ast.AST)]
        parts += [item.optional_vars or item.context_expr for item in getattr(node, "items", [])]
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            return first, max(node.lineno, body[0].lineno - 1)
        return first, max([node.lineno, *(getattr(part, "end_lineno", 0) for part in parts)])
    return first, node.end_lineno or first


def _is_for_types(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return last_name(node) in _TYPE_MAKERS
    return isinstance(node, ast.Subscript) and last_name(node.value) in _TYPE_FORMS


def _is_skipped(node: Any, *, at_module_level: bool) -> bool:
    if isinstance(node, ast.Expr):
        if isinstance(node.value, ast.Constant):
            return True  # a docstring, or an ellipsis
        return isinstance(node.value, ast.Call) and _is_logging(node.value)
    if isinstance(node, ast.If):
        return at_module_level and _is_guard(node.test)
    if isinstance(node, FUNCTIONS):
        return any(last_name(item) == "overload" for item in node.decorator_list)
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(isinstance(target, ast.Name) and _is_dunder(target.id) for target in targets)
    return type(node).__name__ in ("Import", "ImportFrom", "Global", "Nonlocal", "Pass", "TypeAlias")


def _is_guard(test: ast.expr) -> bool:
    if isinstance(test, ast.Compare):
        return last_name(test.left) == "__name__"
    return last_name(test) == "TYPE_CHECKING"


def _is_dunder(name: str) -> bool:
    return len(name) > 4 and name.startswith("__") and name.endswith("__")


def _is_logging(call: ast.Call) -> bool:
    function = call.func
    if not isinstance(function, ast.Attribute) or function.attr not in _LOG_METHODS:
        return False
    return "log" in (last_name(function.value) or "").lower()


def _bound_twice(function: Any) -> frozenset[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    counts = {item.arg: 1 for item in every if item is not None}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            counts[node.id] = counts.get(node.id, 0) + 1
    return frozenset(name for name, count in counts.items() if count > 1)
