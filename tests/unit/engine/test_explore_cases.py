from __future__ import annotations

import ast

import pytest

from testwright.inside.explore.cases import Case, local_names, pruned, rename, tamed, valid
from testwright.inside.explore.names import free_names
from testwright.inside.explore.shrink import proposals


def case(*arrange: str, act: str, origin: str = "search") -> Case:
    return Case("f", arrange, act, origin)


def test_free_names_are_those_that_are_read_and_not_bound() -> None:
    assert free_names("x = [f(y) for y in z]\nprint(x, w)") == {"f", "z", "w"}


def test_free_names_leave_out_parameters_and_imports() -> None:
    assert free_names("import os.path\ndef g(a):\n    return os.sep + a + b\ng(1)") == {"b"}


def test_local_names_come_in_order_and_from_all_kinds_of_binding() -> None:
    statements = (
        "a, (b, c) = f()",
        "def d():\n    e = 1",
        "with g() as h:\n    i = h",
        "async def j():\n    pass",
        "a = 2",
    )
    assert local_names(statements) == ["a", "b", "c", "d", "h", "i", "j"]


def test_rename_reaches_definitions_and_uses() -> None:
    assert rename("def a(x):\n    return a", {"a": "b"}) == "def b(x):\n    return b"


def test_pruned_leaves_out_what_nobody_reads_but_keeps_calls() -> None:
    assert pruned(("a = 1", "b = a", "c = []", "c.append(2)"), "c") == ("c = []", "c.append(2)")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("[1, 2] * 1000000", "[1, 2] * 20"),
        ("range(99999999)", "range(20)"),
        ("f(1000000)", "f(1000000)"),
        ("1000000 * 1000000", "1000000 * 1000000"),
        ("'a' * 3", "'a' * 3"),
    ],
)
def test_tamed_makes_factors_and_ranges_small_but_keeps_plain_numbers(source: str, expected: str) -> None:
    assert tamed(case(act=source)).act == expected


def test_tamed_reaches_the_arrangement() -> None:
    assert tamed(case("a *= 10000000", act="a")).arrange == ("a *= 20",)


def test_valid_wants_one_statement_each_and_an_expression() -> None:
    assert valid(case("a = 1", act="a + 1"))
    assert not valid(case("a = 1; b = 2", act="a"))
    assert not valid(case(act="a = 1"))


def test_proposals_are_cheaper_parse_and_differ() -> None:
    start = case("items = [1, 22, 333]", "other = 5", act="f(items, text='hello world', flag=True)")
    found = proposals(start)
    assert len({made.key for made in found}) == len(found) > 5
    for made in found:
        assert valid(made)
        assert made.cost() < start.cost()
    assert any("flag" not in made.act for made in found)


def test_proposals_leave_documentation_as_it_was_written() -> None:
    assert proposals(case("x = 'hello world'", act="f(x)", origin="doctest")) == []


def test_proposals_keep_the_seed_of_chance() -> None:
    found = proposals(case("random.seed(0)", "x = [1, 2, 3]", act="f(x)"))
    assert found
    assert all(made.arrange[0] == "random.seed(0)" for made in found)


def test_proposals_of_a_string_get_shorter() -> None:
    lengths = {len(ast.literal_eval(made.act[2:-1])) for made in proposals(case(act="f('abcdefgh')"))}
    assert lengths == {4, 7}
