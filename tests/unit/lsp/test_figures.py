"""Figures follow the code that was measured, and are withdrawn where it may be other code."""

from __future__ import annotations

import ast
import hashlib
import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from testwright.analysis.outline import Outline, read_outline
from testwright.lsp.coverage.figures import Figures, Gap, Jump, Measurement, view
from testwright.model import CoverageSets

PATH = Path("/project/module.py")
TESTS = "digest"

MODULE = """\
import os

LIMIT = 3


def first(x):
    if x:
        return 1
    return 0


class Cart:
    SIZE = 1

    def add(self, x):
        if x:
            return 1
        return 0

    @property
    def size(self):
        return 1


try:
    import fast
except ImportError:
    fast = None
"""
STATEMENTS = frozenset({1, 3, 6, 7, 8, 9, 12, 13, 15, 16, 17, 18, 20, 21, 22, 25, 26, 27, 28})
MISSING = frozenset({8, 9, 17, 27, 28})
BRANCHES = frozenset({(7, 8), (7, 9), (16, 17), (16, 18)})


def measured(
    source: str = MODULE,
    statements: frozenset[int] = STATEMENTS,
    missing: frozenset[int] = MISSING,
    missing_branches: frozenset[tuple[int, int]] = frozenset({(7, 8), (7, 9), (16, 17)}),
) -> Measurement:
    sets = CoverageSets(statements, statements - missing, BRANCHES, BRANCHES - missing_branches)
    return Measurement(PATH, source, sets, 4, 0, TESTS)


def figures(text: str, measurement: Measurement | None = None, *, tests_changed: bool = False) -> Figures:
    measurement = measurement or measured()
    outline: Outline | None
    try:
        outline = read_outline(text)
    except SyntaxError:
        outline = read_outline(measurement.source)
    found = view(
        measurement,
        read_outline(measurement.source),
        text,
        text.splitlines(keepends=True),
        outline,
        tests_changed=tests_changed,
    )
    assert found is not None
    return found


def percents(found: Figures) -> dict[str, int | None]:
    values = ((placed.scope.qualname, found.percent_of(placed)) for placed in found.placed.scopes)
    return {name: None if value is None else int(value) for name, value in values}


def edited(old: str, new: str) -> str:
    assert MODULE.count(old) == 1
    return MODULE.replace(old, new)


def test_figures_of_the_text_that_was_measured() -> None:
    found = figures(MODULE)
    assert not found.is_stale
    assert found.staleness is None
    assert percents(found) == {"first": 20, "Cart": 66, "Cart.add": 60, "Cart.size": 100}
    covered, missing = found.covered_and_missing()
    assert set(missing) == MISSING
    assert set(covered) == STATEMENTS - MISSING
    assert found.gaps() == (Gap("line", 8, 9), Gap("line", 17, 17), Gap("line", 27, 28))


def test_what_an_import_runs_is_no_coverage_of_a_function_or_class() -> None:
    executed_by_import = frozenset({1, 3, 6, 12, 13, 15, 20, 21, 25, 26})
    found = figures(MODULE, measured(missing=STATEMENTS - executed_by_import, missing_branches=BRANCHES))
    assert percents(found) == {"first": 0, "Cart": 0, "Cart.add": 0, "Cart.size": 0}


def test_a_class_that_no_test_makes_is_covered_to_nothing() -> None:
    source = (
        "class A:\n    X = 1\n\n    def __init__(self):\n        self.x = 1\n\n    def f(self):\n        return 1\n"
    )
    statements = frozenset({1, 2, 4, 5, 7, 8})
    sets = CoverageSets(statements, statements - {5, 8})
    assert percents(figures(source, Measurement(PATH, source, sets, 1, 0, TESTS))) == {"A": 0, "A.f": 0}


def test_line_ends_are_no_change() -> None:
    found = figures(MODULE.replace("\n", "\r\n"))
    assert not found.is_stale
    assert percents(found)["Cart"] == 66


def test_figures_move_with_their_code() -> None:
    found = figures(edited("import os\n", "import os\nimport re\n\n"))
    assert found.is_stale
    assert found.staleness == "The module has changed since it was measured."
    assert percents(found) == {"first": 20, "Cart": 66, "Cart.add": 60, "Cart.size": 100}
    assert found.gaps() == (Gap("line", 10, 11), Gap("line", 19, 19), Gap("line", 29, 30))


def test_figures_of_changed_code_are_withdrawn_and_those_of_the_class_around_it() -> None:
    found = figures(edited("    def add(self, x):\n        if x:\n", "    def add(self, x):\n        if not x:\n"))
    assert percents(found) == {"first": 20, "Cart": None, "Cart.add": None, "Cart.size": 100}
    assert found.gaps() == (Gap("line", 8, 9), Gap("line", 27, 28))
    assert 15 not in found.covered_and_missing()[0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return 0\n\n\nclass", "    return 0\n    return 2\n\n\nclass"),
        ("    return 0\n\n\nclass", "\n\nclass"),
        ("def first(x):", "@cached\ndef first(x):"),
        ("def first(x):", "def other(x):"),
        ("def first(x):\n", "def first(x):\n    # why\n"),
        ("def first(x):", "class Outer:\n  def first(x):"),
    ],
    ids=["longer", "shorter", "decorated", "renamed", "commented", "nested"],
)
def test_a_function_that_is_no_longer_the_same_has_no_figure(old: str, new: str) -> None:
    values = percents(figures(edited(old, new)))
    assert [value for name, value in values.items() if name in ("first", "other", "Outer.first")] == [None]
    assert values["Cart"] == 66


def test_a_line_put_into_a_gap_is_not_part_of_it() -> None:
    found = figures(edited("    fast = None\n", "    slow = 1\n    fast = None\n"))
    assert found.gaps()[-2:] == (Gap("line", 27, 27), Gap("line", 29, 29))


def test_code_that_has_become_a_string_says_nothing() -> None:
    text = edited("def first(x):", "'''\ndef first(x):").replace("class Cart:", "'''\nclass Cart:")
    text = text.replace("try:\n", "'''\ntry:\n") + "'''\n"
    found = figures(text)
    assert percents(found) == {"Cart": 66, "Cart.add": 60, "Cart.size": 100}
    assert found.gaps() == (Gap("line", 19, 19),)


def test_during_a_syntax_error_the_last_good_outline_is_followed() -> None:
    found = figures(edited("    return 0\n\n\nclass", "    return 0\n\n\ndef new(\n\n\nclass"))
    assert percents(found) == {"first": 20, "Cart": 66, "Cart.add": 60, "Cart.size": 100}
    assert [placed.line for placed in found.placed.scopes] == [6, 15, 18, 23]
    longer = figures(edited("    return 0\n\n\nclass", "    return 0\n\n    x = (\n\n\nclass"))
    assert percents(longer) == {"first": None, "Cart": 66, "Cart.add": 60, "Cart.size": 100}
    typed = figures(edited("def first(x):", "def first(x, :"))
    assert next((placed.scope.qualname, placed.line) for placed in typed.placed.scopes) == ("first", 6)
    assert percents(typed)["first"] is None
    gone = figures(edited("def first(x):\n    if x:\n        return 1\n    return 0\n", "x = (\n"))
    assert "first" not in percents(gone)


def test_changed_tests_make_all_stale_but_say_nothing_of_the_code() -> None:
    found = figures(MODULE, tests_changed=True)
    assert found.is_stale
    assert found.staleness == "The tests have changed since the module was measured."
    assert percents(found)["Cart"] == 66


def test_a_module_of_which_little_is_left_is_another_module() -> None:
    text = "def quite():\n    return 'other'\n"
    measurement = measured()
    lines = text.splitlines(keepends=True)
    outline = read_outline(text)
    assert view(measurement, read_outline(MODULE), text, lines, outline, tests_changed=False) is None


def test_branches_are_told_where_no_line_tells_it() -> None:
    source = (
        "def f(x):\n    if x:\n        x = 1\n    while x:\n        x -= 1\n\n\ndef g(x):\n    if x:\n        x()\n"
    )
    branches = frozenset({(2, 3), (2, 4), (4, 5), (4, -1), (9, 10), (9, -8)})
    statements = frozenset({1, 2, 3, 4, 5, 8, 9, 10})
    missing = {(2, 4), (4, -1), (9, 10)}
    sets = CoverageSets(statements, statements - {10}, branches, branches - missing)
    found = figures("\n" + source, Measurement(PATH, source, sets, 1, 0, TESTS))
    assert found.gaps() == (
        Gap("line", 11, 11),
        Gap("branch", 3, 3, 5, in_function=True),
        Gap("branch", 5, 5, None, in_function=True),
    )


def test_a_branch_to_a_line_that_has_changed_is_not_told_any_more() -> None:
    source = (
        "import sys\n\nif sys.platform:\n    A = 1\nelse:\n    A = 2\n\n\ndef f(x):\n    while x:\n        x -= 1\n"
    )
    branches = frozenset({(3, 4), (3, 6), (10, 11), (10, -9)})
    sets = CoverageSets(frozenset({1, 3, 4, 6, 9, 10, 11}), frozenset({1, 3, 4, 9}), branches, frozenset({(3, 4)}))
    measurement = Measurement(PATH, source, sets, 1, 0, TESTS)
    loop = (Jump(11, 12, is_taken=False), Jump(11, None, is_taken=False))
    both = (Jump(4, 5, is_taken=True), Jump(4, 7, is_taken=False))
    assert set(figures("\n" + source, measurement).branches()) == {*both, *loop}
    assert set(figures("\n" + source.replace("A = 2", "A = 3"), measurement).branches()) == {both[0], *loop}
    assert set(figures("\n" + source.replace("x -= 1", "x -= 2"), measurement).branches()) == set(both)


def test_lines_of_a_function_with_nothing_to_run_have_no_percentage() -> None:
    source = "def f(): ...\n"
    sets = CoverageSets()
    assert percents(figures(source, Measurement(PATH, source, sets, 1, 0, TESTS))) == {"f": None}


# ------------------------------------------------------------------------------------------------ never wrong

LINES = [
    "import os",
    "X = 1",
    "def f(x):",
    "def g(x):",
    "class A:",
    "class B:",
    "    def f(self):",
    "    def m(self):",
    "        return 1",
    "    return 1",
    "    if x:",
    "        x()",
    "if X:",
    "    X = 2",
    "@d",
    "",
    "# c",
    "'''",
    "x = (",
    "pass",
    "    pass",
    "        pass",
]
EDITS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "duplicate", "replace", "swap", "move"]),
        st.integers(0, 60),
        st.integers(0, 60),
        st.sampled_from(LINES),
    ),
    min_size=1,
    max_size=5,
)
BLOCKS = [
    "def f(x):\n    if x:\n        x()\n    return 1\n",
    "def g(x):\n    if x:\n        x()\n    return 1\n",
    "class A:\n    def f(self):\n        return 1\n\n    def m(self):\n        pass\n",
    "class B:\n    X = 1\n\n    def f(self):\n        return 1\n",
    "if X:\n    X = 2\nelse:\n    def f(x):\n        return 1\n",
    "@d\n@e\ndef h(x):\n    return 1\n",
    "X = 1\n",
    "import os\n",
    "# c\n",
    "\n\n",
]
MODULES = st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=6).map("".join)


def with_edits(text: str, edits: list[tuple[str, int, int, str]]) -> str:
    lines = text.splitlines()
    for kind, one, two, line in edits:
        at, other = one % (len(lines) + 1), two % (len(lines) + 1)
        first, last = sorted((at, other))
        match kind:
            case "insert":
                lines.insert(at, line)
            case "delete":
                del lines[first:last]
            case "duplicate":
                lines[at:at] = lines[first:last]
            case "replace":
                lines[at : at + 1] = [line]
            case "swap":
                lines[first:last] = lines[first:last][::-1]
            case "move":
                part = lines[first : first + 4]
                del lines[first : first + 4]
                lines[last:last] = part
    return "\n".join([*lines, ""])


def truth(source: str) -> CoverageSets:
    """Coverage as if it hung on nothing but a function's name and whole text, or a line and the lines that it is nested in."""
    lines = source.splitlines()
    executed: dict[int, bool] = {}

    def visit(body: list[ast.stmt], around: str, function: int | None) -> None:
        for node in body:
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            own, start = around, function
            if isinstance(node, ast.FunctionDef) and function is None:
                own, start = "\n".join([around, *lines[first - 1 : node.end_lineno]]), first
            key = own if start is None else f"{own}+{node.lineno - start}"
            executed[node.lineno] = hashlib.sha256(f"{key}:{lines[node.lineno - 1]}".encode()).digest()[0] % 2 == 0
            inner = own if start is not None else f"{around}>{lines[node.lineno - 1]}"
            for block in ("body", "orelse"):
                visit(getattr(node, block, []), inner, start)

    visit(ast.parse(source).body, "", None)
    return CoverageSets(frozenset(executed), frozenset(line for line, ran in executed.items() if ran))


def called(source: str, sets: CoverageSets) -> CoverageSets:
    """Without what an import runs: all that is not in the body of a function."""
    bodies = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef)
        for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)
    }
    return CoverageSets(sets.statements & bodies, sets.executed & bodies)


@given(MODULES, EDITS)
@example("def f(x):\n    return 1\n", [("insert", 2, 0, "    return 1")])
def test_no_figure_is_ever_wrong(source: str, edits: list[tuple[str, int, int, str]]) -> None:
    text = with_edits(source, edits)
    measurement = Measurement(PATH, source, truth(source), 1, 0, TESTS)
    original = read_outline(source)
    try:
        outline = read_outline(text)
    except SyntaxError:
        check_that_all_is_as_it_was(measurement, original, text)
        return
    found = view(measurement, original, text, text.splitlines(keepends=True), outline, tests_changed=False)
    if found is None:
        return
    true = truth(text)
    for placed in found.placed.scopes:
        percent = found.percent_of(placed)
        assert placed.lines is not None
        assert percent is None or percent == called(text, true.within(*placed.lines)).percent
    covered, missing = found.covered_and_missing()
    assert set(covered) <= true.executed
    assert set(missing) <= true.statements - true.executed
    for gap in found.gaps():
        assert not true.executed.intersection(range(gap.first_line, gap.last_line + 1))


def check_that_all_is_as_it_was(measurement: Measurement, original: Outline, text: str) -> None:
    """With a syntax error nobody can say what is true; but what has a figure must be what was measured, to the letter."""
    lines = text.splitlines(keepends=True)
    found = view(measurement, original, text, lines, original, tests_changed=False)
    if found is None:
        return
    before = measurement.source.splitlines(keepends=True)
    for placed in found.placed.scopes:
        if placed.lines is not None:
            scope = placed.scope
            own = lines[placed.lines[0] - 1 : placed.lines[1]]
            assert own == before[scope.first_line - 1 : scope.last_line]
    texts = {before[line - 1] for line in measurement.sets.statements}
    covered, missing = found.covered_and_missing()
    assert {lines[line - 1] for line in (*covered, *missing)} <= texts


def test_ten_thousand_lines_are_quick() -> None:
    source = "".join(
        f"def f_{number}(x):\n    if x:\n        return 1\n    if x > 1:\n        return 2\n    return 0\n\n\n"
        for number in range(1250)
    )
    statements = frozenset(line for line in range(1, 10_000) if (line - 1) % 8 < 6)
    sets = CoverageSets(statements, frozenset(line for line in statements if line % 3))
    measurement = Measurement(PATH, source, sets, 1, 0, TESTS)
    text = source.replace("def f_600(x):\n", "def f_600(x):\n    # why\n")
    original = read_outline(source)
    outline = read_outline(text, original)
    lines = text.splitlines(keepends=True)
    begun = time.process_time()
    found = view(measurement, original, text, lines, outline, tests_changed=False)
    assert found is not None
    gaps = found.gaps()
    assert len(gaps) > 1000
    assert time.process_time() - begun < 1
