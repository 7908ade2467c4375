"""The kill matrix, in a real box, under the Python versions that the machine has."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from testwright.boxes.bubblewrap import BubblewrapBox
from testwright.boxes.protocol import World
from testwright.boxes.session import Session, install_inside
from testwright.boxes.snapshot import make_snapshot
from testwright.inside import mutating
from testwright.inside.mutants import enumerate_mutants, for_selection
from testwright.judge.mutation import KillMatrix, kill_matrix, only_functions
from testwright.model import Candidate, Evidence, Import, Target, Verdict


class File(NamedTuple):
    text: str
    names: Mapping[str, str]
    skipped: Mapping[str, str]


class Bench:
    """A workspace with one module, its candidates, and a box."""

    def __init__(self, root: Path, overlay: Path, python: Path, prefix: Path) -> None:
        self.root = root
        self.overlay = overlay
        self.workspace = root / "workspace"
        self.workspace.mkdir()
        self.python = python
        self.prefix = prefix
        self.seconds = 0.0

    async def run(
        self,
        source: str,
        tests: Mapping[str, str],
        *,
        files: Mapping[str, str] | None = None,
        lines: Mapping[str, frozenset[int]] | None = None,
        import_lines: frozenset[int] = frozenset(),
        seconds: float = 60.0,
        limit: int = 200,
        relaxation: int = 0,
    ) -> KillMatrix:
        (self.workspace / "target.py").write_text(source, encoding="utf-8")
        for name, text in (files or {}).items():
            path = self.workspace / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        snapshot = self.root / f"snapshot-{time.monotonic_ns()}"
        make_snapshot(self.workspace, snapshot)
        self.root.chmod(0o755)
        library = self.root / "library"
        install_inside(library)
        world = World(self.workspace, snapshot, (self.prefix, library, self.overlay))
        session = Session(BubblewrapBox(), world, self.python, library, self.overlay, (self.workspace,))
        count = source.count("\n")
        target = Target(self.workspace, self.workspace / "target.py", "target", self.workspace, None, 1, count, source)
        every = frozenset(range(1, count + 1))
        verdicts = [verdict(name, (lines or {}).get(name, every)) for name in tests]
        text = "from target import *\nimport target\nimport pytest\n\n" + "\n\n".join(
            f"def {name}({_fixtures(body)}):\n" + "".join(f"    {line}\n" for line in body.splitlines())
            for name, body in tests.items()
        )
        started = time.monotonic()
        matrix = await kill_matrix(
            session,
            target,
            self.workspace / "tests",
            File(text, {name: name for name in tests}, {}),
            verdicts,
            seed=0,
            deadline=started + seconds,
            import_lines=import_lines,
            limit=limit,
            relaxation=relaxation,
        )
        self.seconds = time.monotonic() - started
        return matrix


def _fixtures(body: str) -> str:
    return ", ".join(name for name in ("tmp_path", "monkeypatch", "capsys") if name in body)


def verdict(name: str, lines: frozenset[int]) -> Verdict:
    candidate = Candidate(name, "f", "", (), "f()", None, (), None, None, (Import("target"),), (), "embedded:search")
    return Verdict(candidate, "passed", "", Evidence(3, lines, frozenset()))


def interpreters() -> list[Path]:
    """The one that runs this, and others beside it in a folder of versions."""
    own = Path(sys.base_prefix)
    others = sorted(own.parent.glob("3.1?.*/bin/python"))
    return [own / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}", *others]


@pytest.fixture
def bench(tmp_path: Path, overlay: Path) -> Bench:
    tmp_path.chmod(0o755)
    return Bench(tmp_path, overlay, interpreters()[0], Path(sys.base_prefix))


SOURCE = """\
LIMIT = 10


def clamp(value, low=0):
    if value < low:
        return low
    if value > LIMIT:
        return LIMIT
    return value


class Cart:
    unit = "EUR"

    def __init__(self):
        self.items = []

    def add(self, price, count=1):
        if count < 1:
            raise ValueError("count must be positive")
        self.items.append(price * count)
        return self

    @property
    def total(self):
        return sum(self.items)

    @staticmethod
    def tax(amount):
        return amount * 19 // 100

    @classmethod
    def of(cls, *prices):
        cart = cls()
        for price in prices:
            cart.add(price)
        return cart


def counter():
    count = 0

    def step():
        nonlocal count
        count += 1
        return count

    return step
"""
TESTS = {
    "test_low": "assert clamp(-3) == 0",
    "test_high": "assert clamp(12) == 10",
    "test_middle": "assert clamp(5, 1) == 5",
    "test_weak": "clamp(5)",
    "test_cart": "cart = Cart.of(2, 3).add(4, 2)\nassert cart.total == 13\nassert cart.items == [2, 3, 8]",
    "test_unit": "assert Cart.unit == 'EUR'",
    "test_count": "with pytest.raises(ValueError, match='^count must be positive$'):\n    Cart().add(1, 0)",
    "test_tax": "assert Cart.tax(250) == 47",
    "test_counter": "step = counter()\nassert [step(), step()] == [1, 2]",
}


def killers(matrix: KillMatrix, description: str, *, line: int | None = None) -> set[str]:
    """Candidates that kill this mutant of ``SOURCE``, which must be one that selection sees."""
    (mutant,) = [
        mutant
        for mutant in for_selection(enumerate_mutants(SOURCE))
        if mutant.description == description and line in (None, mutant.line)
    ]
    return {name for name, killed in matrix.kills.items() if mutant.id in killed}


def body_lines(source: str) -> dict[str, frozenset[int]]:
    """For ``test_f`` the lines of the body of ``f``."""
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return {f"test_{node.name}": frozenset(range(node.lineno + 1, (node.end_lineno or 0) + 1)) for node in functions}


async def test_a_matrix_says_who_notices_what(bench: Bench) -> None:
    matrix = await bench.run(SOURCE, TESTS)
    drawn = for_selection(enumerate_mutants(SOURCE))
    assert matrix.stopped_by == "exhausted"
    assert matrix.mutants == matrix.killed == len(drawn)
    assert matrix.survived == ()
    assert matrix.timed_out == 0
    assert matrix.kills["test_weak"] == frozenset()
    assert {mutant for killed in matrix.kills.values() for mutant in killed} == {mutant.id for mutant in drawn}
    assert killers(matrix, "value < low → value >= low") == {"test_low", "test_middle", "test_high"}
    assert killers(matrix, "return low → return None") == {"test_low"}
    assert killers(matrix, "'count must be positive' → 'XXcount must be positiveXX'") == {"test_count"}
    assert killers(matrix, "return sum(self.items) → return None") == {"test_cart"}  # a property
    assert killers(matrix, "19 → 20") == {"test_tax"}  # a static method
    assert killers(matrix, "count += 1 → pass") == {"test_counter"}  # a closure
    assert killers(matrix, "10 → 11") == {"test_high"}  # at module level
    assert killers(matrix, "1 → 0", line=18) == {"test_cart"}  # a default


async def test_the_same_seed_gives_the_same_matrix(bench: Bench) -> None:
    first = await bench.run(SOURCE, TESTS, limit=8)
    second = await bench.run(SOURCE, TESTS, limit=8)
    assert first == second
    assert first.mutants == 8


async def test_survivors_are_told(bench: Bench) -> None:
    matrix = await bench.run(SOURCE, {"test_weak": TESTS["test_weak"], "test_low": TESTS["test_low"]})
    told = [(mutant.line, mutant.qualname, mutant.operator, mutant.description) for mutant in matrix.survived]
    assert (30, "Cart.tax", "CRP", "19 → 20") in told
    assert told == sorted(told, key=lambda mutant: mutant[0])
    assert matrix.killed + len(matrix.survived) == matrix.mutants


async def test_only_covering_tests_run_and_mutants_that_none_covers_do_not(bench: Bench) -> None:
    lines = {"test_low": frozenset({5, 6}), "test_high": frozenset({5, 7, 8})}
    matrix = await bench.run(SOURCE, {name: TESTS[name] for name in lines}, lines=lines)
    covered = {
        mutant.id
        for mutant in for_selection(enumerate_mutants(SOURCE))
        if mutant.line in {5, 6, 7, 8} or not mutant.in_function
    }
    assert matrix.mutants == len(covered)
    assert killers(matrix, "return low → return None") == {"test_low"}


@pytest.mark.interpreters
@pytest.mark.parametrize("python", interpreters()[1:], ids=lambda path: path.parents[1].name)
async def test_other_python_versions(bench: Bench, python: Path) -> None:
    bench.python, bench.prefix = python, python.parents[1]
    matrix = await bench.run(SOURCE, TESTS)
    assert matrix.note == ""
    assert matrix.mutants == matrix.killed >= 15
    assert killers(matrix, "19 → 20") == {"test_tax"}
    assert killers(matrix, "10 → 11") == {"test_high"}


# -- ways to put a mutant in place -----------------------------------------------------------------------------------


async def test_decorated_cached_and_super_methods(bench: Bench) -> None:
    source = """\
import contextlib
import functools


def doubling(function):
    @functools.wraps(function)
    def wrapper(*args):
        return 2 * function(*args)

    return wrapper


@doubling
def plus(a, b):
    return a + b


@functools.lru_cache(maxsize=None)
def cached(a):
    return a + 100


@contextlib.contextmanager
def held(things):
    things.append(7)
    yield things
    things.clear()


class Base:
    def __init__(self):
        self.base = 5


class Child(Base):
    def __init__(self):
        super().__init__()
        self.__own = 6
        self.own = self.__own * 2

    @functools.cached_property
    def slow(self):
        return self.own + 1


async def later(a):
    return a * 3


def numbers(a):
    for number in range(a):
        yield number + 1
"""
    tests = {
        "test_plus": "assert plus(1, 2) == 6",
        "test_cached": "assert cached(1) == 101",
        "test_held": "with held([]) as things:\n    assert things == [7]\nassert things == []",
        "test_child": "child = Child()\nassert (child.base, child.own, child.slow) == (5, 12, 13)",
        "test_later": "import asyncio\nassert asyncio.run(later(2)) == 6",
        "test_numbers": "assert list(numbers(2)) == [1, 2]",
    }
    matrix = await bench.run(source, tests)
    assert matrix.excluded == frozenset()
    by_function = {
        "plus": "test_plus",
        "cached": "test_cached",
        "held": "test_held",
        "Child.__init__": "test_child",
        "Base.__init__": "test_child",
        "Child.slow": "test_child",
        "later": "test_later",
        "numbers": "test_numbers",
        "doubling.wrapper": "test_plus",
    }
    drawn = for_selection(enumerate_mutants(source))
    assert {mutant.qualname for mutant in drawn if mutant.in_function} >= {
        "Child.__init__",
        "doubling.wrapper",
        "later",
    }
    for mutant in drawn:
        if mutant.in_function:
            assert mutant.id in matrix.kills[by_function[mutant.qualname]], mutant
    assert not [mutant for mutant in matrix.survived if mutant.qualname in by_function]


async def test_what_ran_at_import_is_mutated_by_running_the_module_anew(bench: Bench) -> None:
    source = """\
def table(size):
    return {number: number * 3 for number in range(size)}


TABLE = table(4)


def look_up(number):
    return TABLE[number]
"""
    tests = {"test_look_up": "assert look_up(2) == 6"}
    lines = {"test_look_up": frozenset({9})}
    matrix = await bench.run(source, tests, lines=lines, import_lines=frozenset({1, 2, 5, 8}))
    drawn = {mutant.id for mutant in for_selection(enumerate_mutants(source)) if mutant.line == 2}
    assert drawn
    assert drawn <= matrix.kills["test_look_up"]


async def test_other_modules_see_what_was_made_anew(bench: Bench) -> None:
    source = """\
class Colour:
    name = "red"


def is_colour(thing):
    return isinstance(thing, Colour)
"""
    files = {"package/__init__.py": "from target import Colour, is_colour\n", "package/sub.py": ""}
    tests = {
        "test_colour": "import package.sub\nassert package.is_colour(package.Colour())\nassert Colour.name == 'red'"
    }
    matrix = await bench.run(source, tests, files=files)
    drawn = {mutant.id: mutant.description for mutant in for_selection(enumerate_mutants(source))}
    assert {drawn[mutant] for mutant in matrix.kills["test_colour"]} == set(drawn.values())
    assert matrix.excluded == frozenset()


async def test_classes_made_anew_are_no_kills_by_themselves(bench: Bench) -> None:
    source = 'class Base:\n    name = "base"\n    size = 10\n'
    files = {"helper.py": "import target\n\n\nclass Derived(target.Base):\n    pass\n"}
    tests = {"test_derived": "import helper\nassert issubclass(helper.Derived, Base)"}
    matrix = await bench.run(source, tests, files=files)
    assert matrix.kills == {"test_derived": frozenset()}


async def test_a_mutant_that_cannot_be_imported_is_noticed_by_all(bench: Bench) -> None:
    source = "SIZES = {'a': 1}\nSIZE = SIZES['a']\n\n\ndef size():\n    return SIZE\n"
    matrix = await bench.run(source, {"test_one": "assert size() == 1", "test_other": "assert SIZE == 1"})
    fatal = {mutant.id for mutant in for_selection(enumerate_mutants(source)) if "XXa" in mutant.description}
    assert fatal
    assert all(fatal <= killed for killed in matrix.kills.values())


# -- the project's world ---------------------------------------------------------------------------------------------

STATE = """\
STATE = {}


def read(key):
    if key not in STATE:
        return None
    return STATE[key] + 1
"""


async def test_autouse_fixtures_and_warning_filters_hold(bench: Bench) -> None:
    files = {
        "tests/conftest.py": (
            "import pytest, target\n\n@pytest.fixture(autouse=True)\ndef filled(monkeypatch):\n"
            "    monkeypatch.setitem(target.STATE, 'a', 1)\n"
        ),
        "pytest.ini": "[pytest]\nfilterwarnings = error\naddopts = -k nothing\n",
    }
    tests = {
        "test_read": "assert read('a') == 2",
        "test_warns": "import warnings\nwith pytest.raises(UserWarning):\n    warnings.warn('text')",
    }
    matrix = await bench.run(STATE, tests, files=files)
    assert matrix.excluded == frozenset()
    assert matrix.kills["test_read"]
    assert matrix.kills["test_warns"] == frozenset()


async def test_a_test_that_another_one_breaks_is_excluded(bench: Bench) -> None:
    tests = {
        "test_first": "target.STATE['b'] = 1\nassert read('b') == 2",
        "test_second": "assert read('b') is None",
    }
    matrix = await bench.run(STATE, tests)
    assert matrix.excluded == {"test_second"}
    assert "test_second" not in matrix.kills
    assert matrix.kills["test_first"]


async def test_without_a_test_that_can_run_there_is_a_note(bench: Bench) -> None:
    matrix = await bench.run(STATE, {"test_no": "assert False"})
    assert (matrix.mutants, matrix.kills) == (0, {})
    assert "no test passed" in matrix.note


async def test_settings_that_pytest_refuses_are_a_note(bench: Bench) -> None:
    files = {"pytest.ini": "[pytest]\naddopts = --xyz\n"}
    refused = await bench.run(SOURCE, TESTS, files=files)
    assert refused.stopped_by == "failed"
    assert "exit code 4" in refused.note
    relaxed = await bench.run(SOURCE, TESTS, files=files, relaxation=1)
    assert (relaxed.note, relaxed.killed) == ("", relaxed.mutants)


# -- mutants that misbehave ------------------------------------------------------------------------------------------

WILD = """\
import os
import sys
import time


def count_down(number):
    while number > 0:
        number -= 1
    return number


def stubborn(number):
    while number > 0:
        try:
            number -= 1
        except:
            pass
    return number


def grow(number):
    things = []
    while len(things) < number:
        things.append(bytearray(10_000_000))
    return len(things)


def pause(stop):
    while not stop:
        time.sleep(0.01)
    return stop


def leave(flag):
    if flag:
        os._exit(0)
    return flag


def shout(number):
    while number > 0:
        os.write(2, b"x" * 100_000)
        print("x" * 100_000, file=sys.stderr)
        number -= 1
    return number


def strike(flag):
    if flag:
        os.kill(os.getppid(), 9)
    return flag
"""
WILD_TESTS = {
    "test_count_down": "assert count_down(3) == 0",
    "test_stubborn": "assert stubborn(3) == 0",
    "test_grow": "assert grow(2) == 2",
    "test_pause": "assert pause(True)",
    "test_leave": "assert leave(0) == 0",
    "test_shout": "assert shout(2) == 0",
    "test_strike": "assert strike(0) == 0",
}


def of(qualname: str, description: str) -> str:
    found = [m for m in enumerate_mutants(WILD) if (m.qualname, m.description) == (qualname, description)]
    return found[0].id


def change_program(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    """Let another program run in the box."""
    original = install_inside

    def install(library: Path) -> None:
        original(library)
        path = library / "testwright_inside" / "mutating.py"
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new))

    monkeypatch.setitem(globals(), "install_inside", install)


@pytest.fixture
def every_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the half that is held out be run as well: which mutants are in a half is chance."""
    change_program(monkeypatch, "for_selection(mutants)", "mutants")


@pytest.mark.usefixtures("every_mutant")
async def test_mutants_that_do_not_end_are_not_kills_and_cost_little(bench: Bench) -> None:
    names = ("test_count_down", "test_stubborn", "test_pause")
    matrix = await bench.run(WILD, {name: WILD_TESTS[name] for name in names}, lines=body_lines(WILD))
    survived = {mutant.id for mutant in matrix.survived}
    for endless in (
        of("count_down", "number -= 1 → pass"),
        of("stubborn", "number -= 1 → pass"),
        of("pause", "not stop → stop"),
    ):
        assert endless not in survived
        assert not any(endless in killed for killed in matrix.kills.values())
    assert matrix.timed_out >= 3
    assert bench.seconds < 15
    assert of("count_down", "return number → return None") in matrix.kills["test_count_down"]
    assert matrix.note == ""


@pytest.mark.usefixtures("every_mutant")
async def test_memory_output_and_exits_stay_in_the_child(bench: Bench) -> None:
    names = ("test_grow", "test_leave", "test_shout", "test_count_down")
    matrix = await bench.run(WILD, {name: WILD_TESTS[name] for name in names}, lines=body_lines(WILD))
    assert matrix.note == ""
    assert matrix.stopped_by == "exhausted"
    endless = of("grow", "len(things) < number → len(things) >= number")
    assert endless in matrix.kills["test_grow"]
    assert of("leave", "flag → not flag") in matrix.kills["test_leave"]
    # It went on after all of these.
    assert of("count_down", "return number → return None") in matrix.kills["test_count_down"]


@pytest.mark.usefixtures("every_mutant")
async def test_a_mutant_that_ends_the_box_is_left_out(bench: Bench) -> None:
    names = ("test_strike", "test_count_down")
    matrix = await bench.run(WILD, {name: WILD_TESTS[name] for name in names}, lines=body_lines(WILD))
    assert matrix.stopped_by == "exhausted"
    assert matrix.note.startswith("1 mutants ended the whole box")
    assert of("count_down", "return number → return None") in matrix.kills["test_count_down"]
    assert of("strike", "return flag → return None") in matrix.kills["test_strike"]


@pytest.mark.parametrize(("pause", "count"), [(0.2, 5), (0.5, 20)], ids=["among the mutants", "before the first"])
async def test_time_is_a_cap(bench: Bench, pause: float, count: int) -> None:
    slow = {f"test_{number}": f"import time\ntime.sleep({pause})\nassert clamp(5) == 5" for number in range(count)}
    matrix = await bench.run(SOURCE, slow, seconds=4.0)
    assert (matrix.stopped_by, matrix.note) == ("wall", "")
    assert bench.seconds < 6.0


async def test_work_is_bounded_by_a_count(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    change_program(monkeypatch, "MAX_RUNS = 4000", "MAX_RUNS = 20")
    matrix = await bench.run(SOURCE, TESTS)
    assert (matrix.stopped_by, matrix.mutants) == ("exhausted", 20 // len(TESTS))


def test_of_many_tests_the_narrowest_and_the_broadest_stay() -> None:
    tests = [mutating.Test(str(number), (), frozenset(range(number % 100))) for number in range(200)]
    thinned = mutating._thinned(tests)
    assert len(thinned) == mutating.MAX_TESTS
    assert thinned == sorted(thinned, key=tests.index)
    assert {len(test.lines or ()) for test in thinned} >= {0, 99}
    assert mutating._thinned(tests[:3]) == tests[:3]


async def test_without_time_nothing_is_started(bench: Bench) -> None:
    matrix = await bench.run(STATE, {"test_a": "assert read(1) is None"}, seconds=0.2)
    assert (matrix.stopped_by, matrix.mutants) == ("wall", 0)


# -- the file of candidates ------------------------------------------------------------------------------------------


def test_only_what_was_proven_and_its_imports_stay() -> None:
    text = """\
import contextlib
import importlib
import os.path
from target import one, two as second
with contextlib.suppress(Exception):
    importlib.import_module("broken")

def test_a():
    import json
    assert second(os.path.sep)

def test_b():
    one()
"""
    assert (
        only_functions(text, {"test_a"})
        == """\
import os.path
from target import two as second

def test_a():
    import json
    assert second(os.path.sep)
"""
    )
