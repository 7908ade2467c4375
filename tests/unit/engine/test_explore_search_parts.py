"""Harvest, mutation, wrapping, seams, the order of proposals, and the candidates made of them."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from testwright.inside.explore.cases import Case, valid
from testwright.inside.explore.choose import Kept, greedy, variety
from testwright.inside.explore.emit import candidate, without_result_name
from testwright.inside.explore.frontier import Frontier
from testwright.inside.explore.harvest import Harvest
from testwright.inside.explore.mutate import Mutator
from testwright.inside.explore.program import Program
from testwright.inside.explore.seams import Seams
from testwright.inside.explore.values import Values
from testwright.inside.explore.wrapping import wrapped

Make = Callable[[str], Program]

DOCUMENTED = '''\
"""Words.

>>> shout("a")
'A!'
"""

class Bag:
    """A bag.

    >>> bag = Bag()
    >>> unused = 3
    >>> bag.add("x")
    >>> bag.count("x")
    1
    """

    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)

    def count(self, item):
        return self.items.count(item)


def shout(text):
    """Shout, as in `shout("hey")`."""
    return text.upper() + "!"
'''


def kept(act: str, features: set[Any], *, strength: int = 2, status: str = "ok", digest: str = "") -> Kept:
    seen = {"status": status, "strength": strength, "looked": True, "deliberate": True, "digest": digest or act}
    return Kept(Case("f", (), act), seen, features, set())


def test_doctests_become_cases_with_what_they_need(program: Make) -> None:
    cases = Harvest(program(DOCUMENTED)).collect([])
    found = {(one.arrange, one.act) for one in cases}
    assert ((), "shout('a')") in found
    assert ((), "shout('hey')") in found
    assert (("bag = Bag()", "bag.add('x')"), "bag.count('x')") in found
    assert next(one.target for one in cases if one.act == "bag.count('x')") == "Bag.count"


def test_calls_in_documents_and_tests_become_cases(program: Make, tmp_path: Path) -> None:
    made = program(DOCUMENTED)
    readme = tmp_path / "README.md"
    readme.write_text(f"# It\n\n```python\nfrom {made.module.__name__} import shout\nshout('readme')\n```\n")
    test = tmp_path / "test_it.py"
    test.write_text(
        f"import pytest\nfrom {made.module.__name__} import shout\n"
        "@pytest.mark.parametrize(('given', 'expected'), [('p', 'P!')])\n"
        "def test_shout(given, expected):\n    assert shout(given) == expected\n"
    )
    acts = {one.source for one in Harvest(made).collect([str(readme), str(test), str(tmp_path / "absent.md")])}
    assert "shout('readme')" in acts
    assert "given = 'p'\nshout(given)" in acts


def test_arguments_in_examples_are_remembered_for_their_parameter(program: Make) -> None:
    made = program(DOCUMENTED)
    Harvest(made).collect([])
    assert "'a'" in made.vocabulary.seen["text"]


def test_mutants_of_a_case_parse_and_differ(program: Make) -> None:
    made = program(DOCUMENTED)
    rng = random.Random(2)
    mutator = Mutator(made, Values(made, rng), rng)
    start = Case("Bag.count", ("bag = Bag()", "bag.add('x')"), "bag.count('x')")
    found = [mutant for _ in range(60) if (mutant := mutator.mutate(start)) is not None]
    assert len(found) > 30
    assert all(valid(mutant) and mutant.key != start.key for mutant in found)
    assert len({mutant.key for mutant in found}) > 15


@pytest.mark.parametrize(
    ("kind", "arrange", "act"),
    [
        ("list", (), "list(f())"),
        ("take", (), "list(islice(f(), 5))"),
        ("run", (), "asyncio.run(f())"),
        ("list-each", (), "[list(part) for part in f()]"),
        ("list-rest", ("first, rest = f()",), "(first, list(rest))"),
        ("collect", ("async def collect():\n    return [item async for item in f()]",), "asyncio.run(collect())"),
        ("enter", ("def enter():\n    with f() as value:\n        return value",), "enter()"),
        ("environ", ("monkeypatch.setattr(os, 'environ', {})",), "f()"),
    ],
)
def test_wrapping(program: Make, kind: str, arrange: tuple[str, ...], act: str) -> None:
    made = wrapped(Case("f", (), "f()"), kind, program("def f(): return 1\n").names)
    assert (made.arrange, made.act) == (arrange, act)


def test_seams_put_known_things_where_the_code_reaches_out(program: Make) -> None:
    made = program(
        "import os, random, time\nLIMIT = 1000\n"
        "def f(items):\n"
        "    time.sleep(1)\n"
        "    if os.environ.get('MODE') and len(items) > LIMIT:\n        return random.choice(items)\n"
        "    return None\n"
    )
    rng = random.Random(0)
    values = Values(made, rng)
    seams = Seams(made)
    found = seams.of(made.subjects[0], [])
    assert {(one.kind, one.name) for one in found} == {
        ("sleep", "sleep"), ("environ", "MODE"), ("random", "random"), ("constant", "LIMIT"),
    }  # fmt: skip
    statements = {line for _ in range(40) for line in seams.statements(found, values, rng)}
    assert "monkeypatch.setattr(time, 'sleep', lambda seconds: None)" in statements
    assert "random.seed(0)" in statements
    assert f"monkeypatch.setattr({made.module.__name__}, 'LIMIT', 4)" in statements
    assert any(line.startswith("monkeypatch.setenv('MODE', ") for line in statements)


def test_the_frontier_counts_what_a_subject_can_reach(program: Make) -> None:
    made = program(
        "def f(x):\n    return g(x)\ndef g(x):\n    return h(x)\ndef h(x):\n    return x\ndef other():\n    return 1\n"
    )
    frontier = Frontier(made, {6}, {"f", "g", "h", "other"})
    weights = dict(zip([one.qualname for one in made.subjects], frontier.weights(private=False), strict=True))
    frontier.tested.update(weights)
    weights = dict(zip([one.qualname for one in made.subjects], frontier.weights(private=False), strict=True))
    assert weights["h"] > weights["f"] > weights["other"]
    assert weights["g"] > weights["other"]


def test_only_wanted_subjects_are_drawn(program: Make) -> None:
    made = program("def f(x):\n    return g(x)\ndef g(x):\n    return x\n")
    frontier = Frontier(made, {2, 4}, {"g"})
    assert frontier.weights(private=True)[0] == 0
    assert {frontier.choose(random.Random(n), frontier.weights(private=True)).qualname for n in range(20)} == {"g"}


def test_greedy_covers_everything_with_few_and_takes_weak_ones_last() -> None:
    pool = [
        kept("f(1)", {1, 2}),
        kept("f(2)", {1, 2, 3, 4, 5, 6}),
        kept("f(3)", {7}, strength=1),
        kept("f(4)", {7, 8}),
        kept("f(5)", {9}, strength=1),
    ]
    found = greedy(pool)
    assert [(one.case.act, one.credit) for one in found] == [
        ("f(2)", {1, 2, 3, 4, 5, 6}),
        ("f(4)", {7, 8}),
        ("f(5)", {9}),
    ]


def test_variety_takes_turns_and_skips_repeated_errors() -> None:
    archive = {
        "a": [kept("a(1)", set(), digest="x"), kept("a(22)", set(), digest="y"), kept("a(333)", set(), digest="z")],
        "b": [
            kept("b(1)", set(), status="raised", digest="bad"),
            kept("b(2)", set(), status="raised", digest="bad"),
            kept("b(33)", set(), digest="ok"),
        ],
    }
    assert [one.case.act for one in variety(archive, 2)] == ["a(1)", "b(1)", "a(22)", "b(33)"]


def test_a_variable_called_result_gives_way() -> None:
    made = without_result_name(Case("f", ("result = f()",), "result.total"))
    assert (made.arrange, made.act) == (("value = f()",), "value.total")


def test_a_candidate_names_its_imports_and_fixtures(program: Make) -> None:
    made = program("import datetime\ndef f(day, path): return day\n")
    names = made.names
    names.own_name("f")
    names.bind("datetime", "date")
    case = Case("f", ("path = tmp_path / 'a'",), "f(date(2024, 1, 1), path)")
    fields = candidate(case, {"status": "ok", "imports": {}}, ["result == date(2024, 1, 1)"], names, 7)
    assert fields is not None
    assert fields["imports"] == [["datetime", "date", None], [made.module.__name__, "f", None]]
    assert fields["fixtures"] == ["tmp_path"]
    assert fields["binds"] == "result"


def test_a_candidate_with_an_unknown_name_is_none(program: Make) -> None:
    names = program("def f(): return 1\n").names
    assert candidate(Case("f", (), "nowhere()"), {"status": "ok"}, ["result == 1"], names, 0) is None
