"""The mutation score of an existing test file, in a real box: what is noticed, what is not, what cannot be said."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from testwright.inside.mutants import enumerate_mutants
from testwright.judge.mutation import Score, mutation_score

CART = """\
LIMIT = 10


def clamp(value):
    if value > LIMIT:
        return LIMIT
    return value


class Cart:
    def __init__(self):
        self.prices = []

    def add(self, price, count=1):
        self.prices.append(price * count)
        return self

    def total(self):
        return sum(self.prices)
"""


async def score(
    trial: Any, source: str, tests: str, nodes: list[str], *, seconds: float = 120.0, **options: Any
) -> Score:
    trial.write({"cart.py": source, "tests/test_cart.py": tests})
    session, target = trial.session(), trial.target("cart")
    goals = await trial.goals("cart")
    executed = options.pop("executed", goals.statements)
    return await mutation_score(
        session,
        target,
        session.world.snapshot / "tests" / "test_cart.py",
        nodes,
        executed=executed,
        seed=0,
        deadline=time.monotonic() + seconds,
        import_lines=goals.executed,
        **options,
    )


def survivors(found: Score) -> list[tuple[int, str]]:
    return [(mutant.line, mutant.description) for mutant in found.figures.survivors]


async def test_what_is_not_noticed_is_told_with_its_line(trial: Any) -> None:
    found = await score(
        trial,
        CART,
        "from cart import Cart, clamp\n\n\n"
        "def test_clamp():\n    assert clamp(3) == 3\n    assert clamp(20) == 10\n\n\n"
        "class TestCart:\n    def test_total(self):\n        assert Cart().add(2, 3).total() == 6\n",
        ["test_clamp", "TestCart::test_total"],
    )
    total = len(enumerate_mutants(CART))
    assert sorted(survivors(found)) == [(5, "value > LIMIT → value >= LIMIT"), (14, "1 → 0"), (14, "1 → 2")]
    assert (found.figures.total, found.figures.left) == (total, 0)
    assert found.figures.killed == total - 3
    assert found.figures.score == round(100 * (total - 3) / total, 2)
    assert (found.stopped_by, found.note, found.excluded, found.idle) == ("exhausted", "", frozenset(), frozenset())


async def test_all_mutants_count_and_not_the_half_for_selection(trial: Any) -> None:
    found = await score(
        trial, CART, "import cart\n\n\ndef test_idle():\n    assert cart\n", ["test_idle"], executed=frozenset()
    )
    assert found.figures.total == len(enumerate_mutants(CART))
    assert any(mutant.for_selection for mutant in enumerate_mutants(CART))
    assert any(not mutant.for_selection for mutant in enumerate_mutants(CART))
    assert found.figures.killed == 0
    assert found.figures.uncovered > 0
    assert found.idle == {"test_idle"}


async def test_tests_of_unittest_notice(trial: Any) -> None:
    found = await score(
        trial,
        CART,
        "import unittest\n\nimport cart\n\n\nclass CartCase(unittest.TestCase):\n"
        "    def setUp(self):\n        self.cart = cart.Cart()\n\n"
        "    def test_total(self):\n        self.assertEqual(self.cart.add(2, 3).add(4).total(), 10)\n\n"
        "    def test_parts(self):\n        for value, wanted in ((3, 3), (20, 10), (10, 10)):\n"
        "            with self.subTest(value=value):\n                self.assertEqual(cart.clamp(value), wanted)\n",
        ["CartCase::test_total", "CartCase::test_parts"],
    )
    assert survivors(found) == [(5, "value > LIMIT → value >= LIMIT")]


async def test_a_subtest_that_fails_is_a_kill(trial: Any) -> None:
    found = await score(
        trial,
        CART,
        "import cart\n\n\ndef test_parts(subtests):\n    for value, wanted in ((3, 3), (20, 10)):\n"
        "        with subtests.test(value=value):\n            assert cart.clamp(value) == wanted\n",
        ["test_parts"],
        executed=frozenset(),
    )
    # Line 14 holds a default, which takes effect at import: all tests run on its mutants.
    assert [line for line, _ in survivors(found)] == [5, 14, 14]
    assert found.figures.killed > 3


async def test_a_fixture_that_tests_share_hides_no_line(trial: Any) -> None:
    # By coverage of the whole file, only the first test would run what the fixture runs.
    found = await score(
        trial,
        CART,
        "import pytest\n\nimport cart\n\n\n@pytest.fixture(scope='module')\ndef filled():\n"
        "    return cart.Cart().add(2, 3)\n\n\n"
        "def test_exists(filled):\n    assert filled is not None\n\n\n"
        "def test_total(filled):\n    assert filled.prices == [6]\n",
        ["test_exists", "test_total"],
        executed=frozenset(),
    )
    noticed = "price * count → price / count"
    assert noticed not in [words for _, words in survivors(found)]
    assert noticed in [mutant.description for mutant in enumerate_mutants(CART)]


async def test_a_cache_that_an_earlier_test_fills_hides_no_line(trial: Any) -> None:
    source = "import functools\n\n\n@functools.lru_cache\ndef double(number):\n    return number * 2\n"
    found = await score(
        trial,
        source,
        "from cart import double\n\n\ndef test_warm():\n    double(4)\n\n\ndef test_value():\n    assert double(4) == 8\n",
        ["test_warm", "test_value"],
    )
    assert survivors(found) == []
    assert found.figures.killed == len(enumerate_mutants(source))


async def test_a_test_that_skips_itself_on_a_mutant_has_not_noticed(trial: Any) -> None:
    source = "def ready():\n    return True\n\n\ndef answer():\n    return 42\n"
    found = await score(
        trial,
        source,
        "import unittest\n\nimport pytest\n\nimport cart\n\n\ndef test_answer():\n    if not cart.ready():\n"
        "        pytest.skip('not ready')\n    assert cart.answer() == 42\n\n\n"
        "class Case(unittest.TestCase):\n    def test_ready(self):\n        if not cart.ready():\n"
        "            self.skipTest('not ready')\n",
        ["test_answer", "Case::test_ready"],
    )
    assert sorted(survivors(found)) == [(2, "True → False"), (2, "return True → return None")]
    assert found.figures.killed == 3


async def test_fixtures_that_look_at_the_report_of_their_test_take_part(trial: Any) -> None:
    trial.write(
        {
            "tests/conftest.py": "import pytest\n\n\n@pytest.hookimpl(hookwrapper=True)\n"
            "def pytest_runtest_makereport(item, call):\n    outcome = yield\n    item.said = outcome.get_result().outcome\n\n\n"
            "@pytest.fixture\ndef looking_back(request):\n    yield\n    assert request.node.said == 'passed'\n"
        }
    )
    found = await score(
        trial,
        CART,
        "from cart import clamp\n\n\ndef test_low(looking_back):\n    assert clamp(3) == 3\n\n\n"
        "def test_high(tmp_path):\n    (tmp_path / 'a').write_text('b')\n    assert clamp(20) == 10\n",
        ["test_low", "test_high"],
        executed=frozenset(),
    )
    assert found.excluded == frozenset()
    assert [line for line, _ in survivors(found)] == [5, 14, 14]


async def test_parameters_that_are_left_out_do_not_run(trial: Any) -> None:
    tests = (
        "import pytest\n\nimport cart\n\n\n@pytest.mark.parametrize('value', [3, 20])\n"
        "def test_clamp(value):\n    assert cart.clamp(value) == min(value, 10)\n"
    )
    both = await score(trial, CART, tests, ["test_clamp"])
    low = await score(trial, CART, tests, ["test_clamp"], leave_out=["tests/test_cart.py::test_clamp[20]"])
    assert (5, "value > LIMIT → value <= LIMIT") not in survivors(both)
    assert low.figures.killed < both.figures.killed
    assert low.excluded == frozenset()


async def test_what_only_excluded_tests_cover_is_undecided(trial: Any) -> None:
    # It passes beside the other test, and not by itself.
    found = await score(
        trial,
        CART,
        "import cart\n\nSEEN = []\n\n\ndef test_first():\n    SEEN.append(cart.clamp(3))\n    assert SEEN == [3]\n\n\n"
        "def test_leaning():\n    assert cart.Cart().add(SEEN[0]).total() == 3\n",
        ["test_first", "test_leaning"],
        executed=frozenset(),
    )
    assert found.excluded == {"test_leaning"}
    assert found.figures.undecided > 0
    assert not any(line > 9 for line, _ in survivors(found))


async def test_what_runs_while_tests_are_collected_is_undecided(trial: Any) -> None:
    found = await score(
        trial,
        CART,
        "import cart\n\nCLAMPED = cart.clamp(20)\n\n\ndef test_value():\n    assert CLAMPED == 10\n",
        ["test_value"],
        executed=frozenset({1, 4, 5, 6}),
    )
    in_clamp = [mutant for mutant in enumerate_mutants(CART) if mutant.line in (5, 6)]
    assert found.figures.undecided >= len(in_clamp)
    assert not any(line in (5, 6) for line, _ in survivors(found))


HALVES = """\
def double(number):
    return number * 2


FOUR = double(2)


def half(number):
    return number / 2
"""


@pytest.mark.parametrize(
    "last",
    ["", "\n\nimport depot\n", "\n\nHALF = half(1)\n"],
    ids=["by the tests", "by the module", "beside what it runs itself"],
)
async def test_what_other_modules_ran_when_they_were_imported_is_undecided(trial: Any, last: str) -> None:
    # Running `cart` anew does not run anew what depot has called.
    source = HALVES + last
    trial.write({"depot.py": "import cart\n\nEIGHT = cart.half(16)\n"})
    found = await score(
        trial,
        source,
        "import cart\nimport depot\n\n\ndef test_all():\n    assert (cart.FOUR, depot.EIGHT) == (4, 8)\n\n\n"
        "def test_half():\n    cart.half(2)\n",
        ["test_all", "test_half"],
    )
    lines = [mutant.line for mutant in enumerate_mutants(source)]
    assert found.figures.undecided == lines.count(9) > 0
    assert found.figures.killed == lines.count(2) + lines.count(5)
    assert not any(line == 9 for line, _ in survivors(found))


async def test_a_module_that_is_imported_in_another_way_is_watched_too(trial: Any) -> None:
    trial.write(
        {
            "tests/conftest.py": "import importlib.util\nimport sys\n\n"
            "spec = importlib.util.spec_from_file_location('cart', 'cart.py')\n"
            "sys.modules['cart'] = importlib.util.module_from_spec(spec)\n"
            "spec.loader.exec_module(sys.modules['cart'])\n",
            "depot.py": "import cart\n\nEIGHT = cart.half(16)\n",
        }
    )
    found = await score(
        trial,
        HALVES,
        "import cart\nimport depot\n\n\ndef test_eight():\n    assert depot.EIGHT == 8\n\n\n"
        "def test_half():\n    cart.half(2)\n",
        ["test_eight", "test_half"],
    )
    assert found.figures.undecided > 0
    assert not any(line == 9 for line, _ in survivors(found))


async def test_a_mutant_without_an_end_is_undecided(trial: Any) -> None:
    source = "def count(number):\n    while number:\n        number -= 1\n    return number\n"
    found = await score(
        trial, source, "from cart import count\n\n\ndef test_count():\n    assert count(3) == 0\n", ["test_count"]
    )
    assert found.figures.undecided > 0
    assert found.figures.left == 0


async def test_a_test_that_is_not_found_takes_no_part(trial: Any) -> None:
    tests = "import cart\n\n\ndef test_clamp():\n    assert cart.clamp(20) == 10\n"
    found = await score(trial, CART, tests, ["test_clamp", "Other::test_gone"])
    assert found.excluded == {"Other::test_gone"}
    assert found.figures.killed > 0


async def test_when_time_is_over_the_score_is_of_what_ran(trial: Any) -> None:
    tests = "import time\n\nimport cart\n\n\ndef test_slow():\n    time.sleep(0.5)\n    assert cart.clamp(20) == 10\n"
    found = await score(trial, CART, tests, ["test_slow"], seconds=5.0)
    assert found.stopped_by == "wall"
    assert 0 < found.figures.left < found.figures.total
    assert found.note.startswith("There was time for ")
    assert "--budget" in found.note


async def test_without_time_no_score_is_made_up(trial: Any) -> None:
    found = await score(trial, CART, "def test_a():\n    pass\n", ["test_a"], seconds=0.2)
    assert (found.stopped_by, found.figures.score, found.figures.total) == ("wall", None, 0)
    assert "no time" in found.note


async def test_a_bound_on_mutants_is_told(trial: Any) -> None:
    tests = "import cart\n\n\ndef test_clamp():\n    assert cart.clamp(20) == 10\n"
    found = await score(trial, CART, tests, ["test_clamp"], limit=4)
    total = len(enumerate_mutants(CART))
    assert (found.figures.total, found.figures.left) == (total, total - 4)
    assert found.note == f"4 of {total} mutants ran, spread over the module."


async def test_only_mutants_of_the_symbol_count(trial: Any) -> None:
    trial.write(
        {"cart.py": CART, "tests/test_cart.py": "import cart\n\n\ndef test_a():\n    assert cart.clamp(3) == 3\n"}
    )
    session = trial.session()
    target = replace(trial.target("cart"), symbol="clamp", first_line=4, last_line=7)
    found = await mutation_score(
        session,
        target,
        session.world.snapshot / "tests" / "test_cart.py",
        ["test_a"],
        executed=frozenset(),
        seed=0,
        deadline=time.monotonic() + 60,
    )
    assert found.figures.total == len(enumerate_mutants(CART, 4, 7))


@pytest.mark.interpreters
async def test_other_versions_score_alike(trial: Any, other_python: Any) -> None:
    assert trial.python == other_python
    found = await score(
        trial,
        CART,
        "from cart import Cart, clamp\n\n\ndef test_clamp():\n    assert clamp(3) == 3\n    assert clamp(20) == 10\n\n\n"
        "class TestCart:\n    def test_total(self):\n        assert Cart().add(2, 3).add(4).total() == 10\n",
        ["test_clamp", "TestCart::test_total"],
    )
    assert survivors(found) == [(5, "value > LIMIT → value >= LIMIT")]
    assert found.excluded == frozenset()
