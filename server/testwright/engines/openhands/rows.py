"""The rows of a ``parametrize``, each an own test (pure)."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_ROWS = 100
"""Rows of one test function that are looked at."""

_NOT_ALONE = frozenset({"skip", "skipif", "xfail"})


class UnusableTest(Exception):
    """A test cannot be taken over; the message is why, as the rest of a sentence that begins with "it"."""


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """Values of parameters, as expressions.

    Attributes:
        names: Arguments of the test.
        values: One for each of them.
        id: What the file calls the row, or empty.
        problem: Why it cannot be taken over, or empty.
    """

    names: tuple[str, ...] = ()
    values: tuple[ast.expr, ...] = ()
    id: str = ""
    problem: str = ""


def rows_of(decorators: Sequence[ast.Call], constants: Mapping[str, ast.expr]) -> list[ParameterRow]:
    """All rows of a function's ``parametrize`` decorators, each with each; one without names when there is none.

    Args:
        decorators: The decorators, in the order of the file.
        constants: What names of the file stand for.

    Raises:
        UnusableTest: Values are made when the file runs, so that they cannot be told apart.
    """
    tables = [list(_table(decorator, constants)) for decorator in reversed(decorators)]
    rows = [_joined(parts) for parts in itertools.islice(itertools.product(*tables), MOST_ROWS + 1)]
    if len(rows) > MOST_ROWS:
        raise UnusableTest(f"it has more than {MOST_ROWS} rows of parameters")
    unique = {(row.names, tuple(ast.dump(value) for value in row.values)): row for row in reversed(rows)}
    return list(reversed(unique.values()))


def _joined(parts: Sequence[ParameterRow]) -> ParameterRow:
    names = tuple(name for part in parts for name in part.names)
    if len(set(names)) < len(names):
        raise UnusableTest("it names a parameter twice")
    values = tuple(value for part in parts for value in part.values)
    given = "-".join(part.id for part in parts) if all(part.id for part in parts) else ""
    return ParameterRow(names, values, given, next((part.problem for part in parts if part.problem), ""))


def _table(call: ast.Call, constants: Mapping[str, ast.expr]) -> Iterator[ParameterRow]:
    arguments = dict(zip(("argnames", "argvalues", "indirect", "ids", "scope"), call.args, strict=False))
    arguments |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
    if "indirect" in arguments and ast.unparse(arguments["indirect"]) != "False":
        raise UnusableTest("its parameters go through a fixture (indirect)")
    if "argnames" not in arguments or "argvalues" not in arguments:
        raise UnusableTest("its parametrize has no names or no values")
    names, several = _names(arguments["argnames"])
    items = _items(arguments["argvalues"], constants)
    ids = _ids(arguments.get("ids"), constants, len(items))
    for item, given in zip(items, ids, strict=True):
        yield _row(names, item, given, several=several)


def _row(names: tuple[str, ...], item: ast.expr, given: str, *, several: bool) -> ParameterRow:
    problem = ""
    values: Sequence[ast.expr]
    if isinstance(item, ast.Call) and ast.unparse(item.func).rpartition(".")[2] == "param":
        values = item.args
        for keyword in item.keywords:
            if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                given = str(keyword.value.value)
            elif keyword.arg == "marks" and (mark := _NOT_ALONE & _attributes(keyword.value)):
                problem = f"its row is marked {min(mark)}"
    elif several:
        values = item.elts if isinstance(item, ast.Tuple | ast.List) else ()
    else:
        values = (item,)
    if len(values) != len(names) or any(isinstance(value, ast.Starred) for value in values):
        raise UnusableTest("a row of its parameters cannot be read without running it")
    return ParameterRow(names, tuple(values), given, problem)


def _names(node: ast.expr) -> tuple[tuple[str, ...], bool]:
    """Names, and whether a row is a sequence of values."""
    match node:
        case ast.Constant(value=str() as text):
            names = tuple(name.strip() for name in text.split(",") if name.strip())
            several = "," in text
        case ast.List(elts=items) | ast.Tuple(elts=items):
            names = tuple(str(item.value) for item in items if isinstance(item, ast.Constant))
            several = True
        case _:
            raise UnusableTest("the names of its parameters are made when the file runs")
    if not names or not all(name.isidentifier() for name in names):
        raise UnusableTest("the names of its parameters cannot be read")
    return names, several


def _items(node: ast.expr, constants: Mapping[str, ast.expr]) -> list[ast.expr]:
    """The single values; those of ``range`` with numbers in it too."""
    if isinstance(node, ast.Name):
        node = constants.get(node.id, node)
    match node:
        case ast.List(elts=items) | ast.Tuple(elts=items) if not any(isinstance(one, ast.Starred) for one in items):
            return list(items)
        case ast.Call(func=ast.Name(id="range"), args=limits, keywords=[]):
            try:
                numbers = range(*(int(ast.literal_eval(limit)) for limit in limits))
            except (ValueError, TypeError):
                pass
            else:
                return [ast.Constant(number) for number in itertools.islice(numbers, MOST_ROWS + 1)]
    raise UnusableTest("its parameters are made when the file runs, so that they cannot be judged one by one")


def _ids(node: ast.expr | None, constants: Mapping[str, ast.expr], count: int) -> list[str]:
    if isinstance(node, ast.Name):
        node = constants.get(node.id, node)
    if not isinstance(node, ast.List | ast.Tuple) or len(node.elts) != count:
        return [""] * count
    return [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in node.elts]


def _attributes(node: ast.AST) -> set[str]:
    return {inner.attr for inner in ast.walk(node) if isinstance(inner, ast.Attribute)}
