"""Whole test functions in the finished file: what they share written once, their names made unique (pure)."""

from __future__ import annotations

import ast
import builtins
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from testwright.analysis.function_text import global_names, with_header
from testwright.model import Candidate, RawTest
from testwright.writing.body import row_ids
from testwright.writing.case import names_in
from testwright.writing.existing import ExistingFile
from testwright.writing.imports import ImportTable
from testwright.writing.raw_judged import is_fixture
from testwright.writing.raw_names import renamed
from testwright.writing.tables import Row

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_GIVEN = frozenset(
    {"cache", "capfd", "capfdbinary", "caplog", "capsys", "capsysbinary", "doctest_namespace", "monkeypatch"}
    | {"pytestconfig", "record_property", "recwarn", "request", "tmp_path", "tmp_path_factory", "tmpdir"}
)
"""Fixtures of pytest, whose names stay theirs."""


@dataclass(slots=True)
class RawUnit:
    """A test function with those of its rows that are kept.

    Attributes:
        name: Its name in its own file.
        target: What it is about.
        text: Its source, with the names of the finished file; its own name excepted.
        parameters: Arguments that get their values from rows.
        rows: Values as source, the ids of their candidates, and what the test's own file calls the row.
        candidates: Ids of all of them.
        uses: Fixtures of ``usefixtures``.
        support: Definitions of its file that it uses, by their names in the finished file.
    """

    name: str
    target: str
    text: str
    parameters: tuple[str, ...]
    uses: tuple[str, ...]
    support: tuple[str, ...]
    rows: dict[tuple[str, ...], tuple[list[str], str]] = field(default_factory=dict)

    @property
    def candidates(self) -> tuple[str, ...]:
        """Ids of all candidates behind it."""
        return tuple(one for ids, _ in self.rows.values() for one in ids)


@dataclass(frozen=True, slots=True)
class WrittenRaw:
    """The text of a unit.

    Attributes:
        source: Decorators and function.
        rows: For a table: ids of the candidates of each row; empty otherwise.
        row_ids: What pytest calls each row; empty where that cannot be foretold.
    """

    source: str
    rows: tuple[tuple[str, ...], ...] = ()
    row_ids: tuple[str, ...] = ()


class RawTests:
    """Agrees on names for whole test functions.

    Args:
        table: Imports of the finished file; those of the tests are added.
        there: The file that is there already.
        taken: Names that definitions must not have; theirs are added.
    """

    def __init__(self, table: ImportTable, there: ExistingFile, taken: set[str]) -> None:
        self._table = table
        self._there = there
        self._taken = taken
        self._names: dict[str, str] = {}
        self.support: dict[str, str] = {}
        """Name of each definition that the file lacks, and its text, in the order in which they must stand."""

    def units(self, candidates: Sequence[tuple[Candidate, RawTest]]) -> list[RawUnit]:
        """One unit for each function, in the order in which they come."""
        units: dict[tuple[str, ...], RawUnit] = {}
        for candidate, raw in candidates:
            self._keep_builtins(raw)
            names = {wanted.bound: self._table.take(wanted, _locals(raw)) for wanted in candidate.imports}
            definitions = self._definitions(raw, names)
            names |= definitions
            fixtures = {name for part in raw.support for name in _fixture_names(part)}
            arguments = {old: new for old, new in names.items() if old not in raw.parameters}
            text = renamed(raw.function, arguments, fixtures)
            uses = tuple(names.get(name, name) for name in raw.uses)
            support = tuple(definitions.values())
            key = (raw.name, text, *raw.parameters, " ", *uses)
            unit = units.setdefault(key, RawUnit(raw.name, candidate.target, text, raw.parameters, uses, support))
            row = tuple(_expression(value, names) for value in raw.row)
            ids, _ = unit.rows.setdefault(row, ([], raw.row_id))
            ids.append(candidate.id)
        return list(units.values())

    def name(self, unit: RawUnit) -> str:
        """A free name for a test: its own, with its subject, or with a number."""
        bare = unit.name.removeprefix("test").strip("_")
        subject = re.sub(r"\W+", "_", unit.target).lower().strip("_")
        wishes = itertools.chain(
            [unit.name, f"test_{subject}_{bare}" if subject else unit.name],
            (f"{unit.name}_{n}" for n in itertools.count(2)),
        )
        found = next(name for name in wishes if name not in self._taken)
        self._taken.add(found)
        return found

    def written(self, name: str, unit: RawUnit) -> WrittenRaw:
        """The text of a unit under its name."""
        node = _function(unit.text)
        text = with_header(unit.text, name, node.args)
        if unit.uses:
            quoted = ", ".join(f'"{one}"' for one in unit.uses)
            text = f"@{self._table.need('pytest')}.mark.usefixtures({quoted})\n{text}"
        if not unit.parameters:
            return WrittenRaw(text + "\n")
        if len(unit.rows) == 1 and (alone := _with_values(text, name, unit)) is not None:
            return WrittenRaw(alone + "\n")
        return self._table_of(text, unit)

    def _table_of(self, text: str, unit: RawUnit) -> WrittenRaw:
        pytest = self._table.need("pytest")
        values = [tuple(ast.parse(one, mode="eval").body for one in row) for row in unit.rows]
        rows = [Row(row, tuple(ids), "") for row, (ids, _) in zip(values, unit.rows.values(), strict=True)]
        known = row_ids(unit.parameters, rows)
        given = [one for _, one in unit.rows.values()]
        given = [one if given.count(one) == 1 and one.isascii() and one.isprintable() else "" for one in given]
        lines = []
        for row, own in zip(unit.rows, given, strict=True):
            joined = ", ".join(row)
            if own:
                lines.append(f"{pytest}.param({joined}, id={own!r})")
            else:
                lines.append(joined if len(row) == 1 else f"({joined})")
        names = ", ".join(f'"{one}"' for one in unit.parameters)
        argument = names if len(unit.parameters) == 1 else f"({names})"
        source = f"@{pytest}.mark.parametrize({argument}, [{', '.join(lines)},])\n{text}\n"
        ids = tuple(own or one for own, one in zip(given, known, strict=True))
        return WrittenRaw(source, tuple(row.candidates for row in rows), ids)

    def _keep_builtins(self, raw: RawTest) -> None:
        """No import of the file may hide a builtin that the test uses."""
        free = global_names(raw.text)
        self._table.reserved |= free & set(dir(builtins))

    def _definitions(self, raw: RawTest, imports: Mapping[str, str]) -> dict[str, str]:
        """New names of the definitions of one test's file; writes down what the finished file lacks.

        A definition that equals one that is there, in what it uses too, is that one.
        """
        parts = {name: part for part in raw.support for name in _defined(part)}
        keys = {name: _key(name, parts, imports, ()) for name in parts}
        names: dict[str, str] = {}
        for name, part in parts.items():
            key = f"{name} {keys[name]}"
            if key not in self._names:
                self._names[key] = self._free(name, part)
            names[name] = self._names[key]
        every = {**imports, **names}
        fixtures = {name for part in raw.support for name in _fixture_names(part)}
        for name, part in parts.items():
            new = names[name]
            if new in self.support or self._is_there(name, part, new):
                continue
            text = renamed(part, every, fixtures if name in fixtures else ())
            self.support.update(dict.fromkeys((names[one] for one in _defined(part)), text))
            self._taken.update(names[one] for one in _defined(part))
        return names

    def _is_there(self, name: str, part: str, new: str) -> bool:
        return new == name and self._there.defines(name, part)

    def _free(self, name: str, part: str) -> str:
        if self._there.defines(name, part):
            return name
        closed = self._taken | self._there.arguments | _GIVEN | self._table.bound.keys() | self._table.reserved
        names = itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))
        found = next(one for one in names if one not in closed)
        self._taken.add(found)
        self._table.reserved.add(found)
        return found


def raw_of(candidates: Sequence[Candidate]) -> Iterator[tuple[Candidate, RawTest]]:
    """Candidates that are whole functions."""
    for candidate in candidates:
        if candidate.source is not None:
            yield candidate, candidate.source


def _key(name: str, parts: Mapping[str, str], imports: Mapping[str, str], above: tuple[str, ...]) -> str:
    """What a definition does: its tree, and those of what it uses; equal for definitions that are the same."""
    if name in above:
        return name
    text = parts[name]
    (node,) = ast.parse(text).body
    used = global_names(text) | ({one.arg for one in node.args.args} if isinstance(node, _Function) else set())
    others = [_key(one, parts, imports, (*above, name)) for one in sorted(used) if one in parts and one != name]
    meanings = [f"{one}={imports[one]}" for one in sorted(used) if one in imports]
    return repr((ast.dump(node), others, meanings))


def _with_values(text: str, name: str, unit: RawUnit) -> str | None:
    """A test of one row with its values as local variables; None where that would not read or mean the same."""
    node = _function(text)
    ((row, _),) = unit.rows.items()
    values = [ast.parse(one, mode="eval").body for one in row]
    if names_in(values) & set(unit.parameters) or node.args.kwonlyargs or node.body[0].lineno == node.lineno:
        return None
    node.args.args = [one for one in node.args.args if one.arg not in unit.parameters]
    is_told = isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant)
    if node.args.defaults or (is_told and len(node.body) == 1):
        return None
    first = node.body[1] if is_told else node.body[0]
    decorated = [mark.lineno for mark in getattr(first, "decorator_list", [])]
    at = min([first.lineno, *decorated])
    lines = text.split("\n")
    margin = lines[at - 1][: len(lines[at - 1]) - len(lines[at - 1].lstrip())]
    while at > 1 and lines[at - 2].lstrip().startswith("#"):
        at -= 1
    told = [f"{margin}{one} = {value}" for one, value in zip(unit.parameters, row, strict=True)]
    lines[at - 1 : at - 1] = told
    return with_header("\n".join(lines), name, node.args)


def _function(text: str) -> ast.FunctionDef:
    (node,) = ast.parse(text).body
    if not isinstance(node, ast.FunctionDef):
        raise TypeError("a raw test is a function")
    return node


def _defined(part: str) -> list[str]:
    """Names that a definition binds."""
    found: list[str] = []
    for node in ast.parse(part).body:
        if isinstance(node, _Function | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found += [one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)]
    return found


def _fixture_names(part: str) -> list[str]:
    return [node.name for node in ast.parse(part).body if isinstance(node, _Function) and is_fixture(node)]


def _expression(value: str, names: Mapping[str, str]) -> str:
    return renamed(value, names)


def _locals(raw: RawTest) -> set[str]:
    return names_in([ast.parse(raw.text)]) | {
        one.arg for one in ast.walk(ast.parse(raw.function)) if isinstance(one, ast.arg)
    }
