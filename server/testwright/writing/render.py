"""Candidates as source text: the file that the judge runs, and the file that stays (pure).

The judge's file gives every candidate a function of its own with its imports inside, so that no candidate can
shadow a name of another or fail it. The file that stays reads as a person would write it.
"""

from __future__ import annotations

import ast
import builtins
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from testwright.model import Candidate, Import, Style, Target
from testwright.writing.body import Writer
from testwright.writing.case import Case, UnusableCandidate, names_in
from testwright.writing.existing import ExistingFile
from testwright.writing.imports import ImportTable, statement_of
from testwright.writing.naming import Unit, name_units
from testwright.writing.raw_judged import judged_text
from testwright.writing.raw_tests import RawTests, RawUnit, raw_of
from testwright.writing.shape import ModuleShape
from testwright.writing.tables import Table, into_tables, without_repeats

_PREAMBLE = '''"""Candidates to be judged, each in a function of its own."""

import re

import pytest
'''


@dataclass(frozen=True, slots=True)
class CandidatesFile:
    """The module that the judge runs.

    Attributes:
        text: Its source.
        names: Test function → id of its candidate.
        skipped: Id of a candidate that is no valid Python → why, as a sentence.
    """

    text: str
    names: Mapping[str, str]
    skipped: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RenderedTest:
    """One test function of the finished file.

    Attributes:
        name: Its name.
        target: What it is about.
        source: Its text with decorators, not yet formatted.
        candidates: Ids of all candidates that it covers.
        rows: For a table: the candidates of each row, in order; empty otherwise.
        row_ids: What pytest calls each row; empty where that cannot be foretold.
        support: Definitions of ``RenderedSuite.support`` that it uses.
    """

    name: str
    target: str
    source: str
    candidates: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    row_ids: tuple[str, ...] = ()
    support: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RenderedSuite:
    """The tests to write.

    Attributes:
        text: A complete new file, not yet formatted (``compose`` does that); what would be added, when there is a
            file already.
        tests: In the order of the file.
        imports: What has to be imported; for an existing file, what it lacks.
        first_party: Top package of the module under test, for the sorting of imports.
        already_there: Ids of candidates that the existing file holds already.
        support: Definitions that tests use and that are added with them: name and text, in the order of the file.
    """

    text: str
    tests: tuple[RenderedTest, ...]
    imports: tuple[Import, ...]
    first_party: str
    already_there: tuple[str, ...] = ()
    by_name: Mapping[str, RenderedTest] = field(default_factory=dict, repr=False)
    support: Mapping[str, str] = field(default_factory=dict)

    def candidates_of(self, node_id: str) -> tuple[str, ...]:
        """Ids of the candidates behind a node id of pytest (``tests/test_x.py::test_parse[a-1]``).

        A row that cannot be told from its id stands for the whole table; an unknown test for nothing.
        """
        name, bracket, rest = node_id.rpartition("::")[2].partition("[")
        if "[" in node_id:  # the id of a row may hold colons
            head, _, rest = node_id.partition("[")
            name, bracket = head.rpartition("::")[2], "["
        test = self.by_name.get(name)
        if test is None:
            return ()
        row_id = rest.removesuffix("]")
        if bracket and row_id in test.row_ids:
            return test.rows[test.row_ids.index(row_id)]
        return test.candidates


def render_candidates(candidates: Sequence[Candidate], style: Style) -> CandidatesFile:
    """Write the module that the judge runs, leaving out what does not compile."""
    functions: list[str] = []
    names: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for index, candidate in enumerate(candidates):
        name = f"test_c{index:03d}"
        try:
            text = _candidate_function(name, candidate, style)
        except UnusableCandidate as error:
            skipped[candidate.id] = str(error)
            continue
        functions.append(text)
        names[name] = candidate.id
    return CandidatesFile("\n\n".join([_PREAMBLE, *functions]), names, skipped)


def _candidate_function(name: str, candidate: Candidate, style: Style) -> str:
    for wanted in candidate.imports:
        _check_import(wanted)
    try:
        text = _plain_function(name, candidate, style)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a project that makes errors of warnings could not import the file
            compile(text, "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, SyntaxWarning, RecursionError, MemoryError, TypeError) as error:
        raise UnusableCandidate(f"It does not compile: {error}.") from error
    return text


def _plain_function(name: str, candidate: Candidate, style: Style) -> str:
    if candidate.source is not None:
        return judged_text(name, candidate, candidate.source)
    case = Case.of(candidate)
    imports = tuple(wanted for wanted in case.imports if wanted != Import("pytest"))
    nodes = [node for wanted in imports for node in ast.parse(statement_of(wanted)).body]
    alone = replace(case, arrange=(*nodes, *case.arrange))
    return Writer(style, str).function(name, alone)


def _check_import(wanted: Import) -> None:
    names = [*wanted.module.split("."), *filter(None, (wanted.name, wanted.alias))]
    if not all(name.isidentifier() for name in names):
        raise UnusableCandidate(f"{statement_of(wanted)!r} is no import.")


def render_suite(
    kept: Sequence[Candidate], target: Target, style: Style, *, existing: str | None = None
) -> RenderedSuite:
    """Write the finished tests.

    Args:
        kept: Candidates that were proven; each must render (``render_candidates`` says so).
        target: What they are about; its source gives order and parameter names.
        style: Line length and indent decide what fits on one line.
        existing: Text of the test file that is there already: its names are used and respected, and tests that it
            holds are left out.

    Raises:
        UnusableCandidate: A candidate is no valid Python.
    """
    shape = ModuleShape.of(target.source)
    there = ExistingFile.of(existing or "")
    table = ImportTable(dict(there.bound), set(there.reserved), there.stars, there.import_statements)
    cases = without_repeats(table.join([Case.of(candidate) for candidate in kept if candidate.source is None]))
    fresh = [case for case in cases if not there.holds(case, table.bound)]
    known = tuple(one for case in cases if case not in fresh for one in case.candidates)
    writer = Writer(style, table.need)
    taken = set(there.names)
    raw = RawTests(table, there, taken)
    tests = _tests([*fresh, *raw.units(list(raw_of(kept)))], shape, table, writer, taken, raw)
    support = tuple(dict.fromkeys(raw.support.values()))
    used = names_in(ast.parse("\n".join([*support, *(test.source for test in tests)])).body)
    imports = tuple(wanted for wanted in table.needed if wanted.bound in used)
    blocks = [*(text + "\n" for text in support), *(test.source for test in tests)]
    text = _new_file(target, imports, blocks) if existing is None else "\n\n".join(blocks)
    return RenderedSuite(
        text=text,
        tests=tuple(tests),
        imports=imports,
        first_party=target.module.partition(".")[0],
        already_there=known,
        by_name={test.name: test for test in tests},
        support=raw.support,
    )


def _tests(  # noqa: PLR0913, PLR0917 - what the file is made of, each once
    found: Sequence[Case | RawUnit],
    shape: ModuleShape,
    table: ImportTable,
    writer: Writer,
    taken: set[str],
    raw: RawTests,
) -> list[RenderedTest]:
    taken |= table.bound.keys() | set(dir(builtins))
    by_target: dict[str, list[Case | RawUnit]] = {}
    for one in found:
        by_target.setdefault(one.target, []).append(one)
    tests: list[RenderedTest] = []
    for target in sorted(by_target, key=lambda qualname: (shape.line(qualname), qualname)):
        cases = [one for one in by_target[target] if isinstance(one, Case)]
        units = into_tables(cases, shape, table.meaning, set(table.bound))
        units.sort(key=_place_in_group)
        names = name_units(units, shape, taken) if units else []
        tests.extend(_rendered(name, unit, writer) for name, unit in zip(names, units, strict=True))
        tests.extend(_rendered_raw(unit, raw) for unit in by_target[target] if isinstance(unit, RawUnit))
    return tests


def _place_in_group(unit: Unit) -> tuple[bool, bool]:
    """Tables first, then single cases, then what is rejected."""
    case = unit.case if isinstance(unit, Table) else unit
    return case.exception is not None, not isinstance(unit, Table)


def _rendered(name: str, unit: Unit, writer: Writer) -> RenderedTest:
    if isinstance(unit, Case):
        return RenderedTest(name, unit.target, writer.function(name, unit), unit.candidates)
    source, row_ids = writer.table(name, unit)
    rows = tuple(row.candidates for row in unit.rows)
    return RenderedTest(name, unit.case.target, source, tuple(one for row in rows for one in row), rows, row_ids)


def _rendered_raw(unit: RawUnit, raw: RawTests) -> RenderedTest:
    name = raw.name(unit)
    written = raw.written(name, unit)
    return RenderedTest(name, unit.target, written.source, unit.candidates, written.rows, written.row_ids, unit.support)


def _new_file(target: Target, imports: Sequence[Import], blocks: Sequence[str]) -> str:
    subject = f"{target.module}.{target.symbol}" if target.symbol else target.module
    docstring = f'"""Tests for ``{subject}``."""\n'
    lines = "".join(statement_of(wanted) + "\n" for wanted in imports)
    head = docstring + ("\n" + lines if lines else "")
    return re.sub(r"\n{4,}", "\n\n\n", "\n\n".join([head, *blocks]))
