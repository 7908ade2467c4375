"""Choosing the smallest set that keeps the coverage."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from testwright.judge.minimise import ADDS_NOTHING, Selection, cost, minimise
from testwright.model import Arc, Candidate, CoverageSets, Evidence, Import, Raises, Verdict


@dataclass(frozen=True)
class Item:
    qualname: str
    body_lines: tuple[int, int] | None


def passed(
    name: str,
    lines: set[int],
    branches: set[Arc] | None = None,
    *,
    target: str = "f",
    origin: str = "embedded:search",
    arrange: tuple[str, ...] = (),
    act: str = "f(1)",
) -> Verdict:
    candidate = Candidate(
        name, target, "", arrange, act, "result", ("result == 1",), None, None, (Import("m", "f"),), (), origin
    )
    return Verdict(candidate, "passed", "", Evidence(3, frozenset(lines), frozenset(branches or set())))


def kept(selection: Selection) -> list[str]:
    return [verdict.candidate.id for verdict in selection.kept]


NOTHING = CoverageSets()


def test_what_adds_nothing_is_dropped_with_the_reason() -> None:
    selection = minimise([passed("a", {1, 2}), passed("b", {1}), passed("c", {3})], NOTHING)
    assert kept(selection) == ["a", "c"]
    assert [(verdict.candidate.id, verdict.reason) for verdict in selection.dropped] == [("b", ADDS_NOTHING)]


def test_what_did_not_pass_is_dropped_with_its_own_reason() -> None:
    bad = Verdict(passed("b", set()).candidate, "failed", "failed: assert 1 == 2", None)
    selection = minimise([passed("a", {1}), bad], NOTHING)
    assert selection.dropped == (bad,)


def test_what_is_covered_already_counts_for_nothing() -> None:
    covered = CoverageSets(executed=frozenset({1, 2}), executed_branches=frozenset({(1, 2)}))
    selection = minimise([passed("a", {1, 2}, {(1, 2)}), passed("b", {2}, {(2, 3)})], covered)
    assert kept(selection) == ["b"]


def test_a_choice_that_became_needless_is_taken_out_again() -> None:
    # The greedy way takes "wide" first; "left" and "right", which are needed anyway, cover all of it.
    wide = passed("wide", {1, 2, 3, 4})
    left = passed("left", {1, 2, 5})
    right = passed("right", {3, 4, 6})
    assert kept(minimise([wide, left, right], NOTHING)) == ["left", "right"]


def test_of_equals_the_documented_then_the_plainer_one_is_kept() -> None:
    plain, documented = passed("a", {1}), passed("z", {1}, origin="embedded:doctest")
    assert kept(minimise([plain, documented], NOTHING)) == ["z"]
    long = passed("a", {1}, arrange=("x = 1", "y = 2"))
    assert kept(minimise([long, passed("b", {1})], NOTHING)) == ["b"]
    odd = passed("a", {1}, act="f('\\x00')")
    assert kept(minimise([odd, passed("b", {1}, act="f('abcdef')")], NOTHING)) == ["b"]
    assert kept(minimise([passed("b", {1}), passed("a", {1})], NOTHING)) == ["a"]


def test_mutants_keep_what_lines_would_not() -> None:
    verdicts = [passed("a", {1}), passed("b", {1})]
    kills = {"a": frozenset({"m1"}), "b": frozenset({"m1", "m2"})}
    assert kept(minimise(verdicts, NOTHING)) == ["a"]
    assert kept(minimise(verdicts, NOTHING, kills=kills)) == ["b"]
    kills = {"a": frozenset({"m1"}), "b": frozenset({"m2"})}
    assert kept(minimise(verdicts, NOTHING, kills=kills)) == ["a", "b"]


def test_each_public_callable_gets_a_test() -> None:
    verdicts = [
        passed("a", {1, 2, 3}, target="f"),
        passed("b", {3}, target="g", arrange=("x = 1",)),
        passed("c", {3}, target="g"),
        passed("d", set(), target="Cart.total"),
    ]
    callables = [Item("f", (1, 2)), Item("g", (3, 3)), Item("Cart", None), Item("h", (9, 9))]
    selection = minimise(verdicts, NOTHING, callables)
    assert kept(selection) == ["a", "c", "d"]
    assert selection.untested == ("h",)


def test_a_callable_that_existing_tests_run_needs_none() -> None:
    covered = CoverageSets(executed=frozenset({1, 3}))
    selection = minimise([passed("c", {3}, target="g")], covered, [Item("g", (3, 3))])
    assert (kept(selection), selection.untested) == ([], ())


def test_a_test_of_a_method_is_one_of_its_class_but_not_of_a_longer_name() -> None:
    selection = minimise([passed("a", {1}, target="Cart.add")], NOTHING, [Item("Cart", None), Item("Ca", None)])
    assert selection.untested == ("Ca",)


@pytest.mark.parametrize("seed", range(30))
def test_nothing_is_lost_nothing_is_needless_and_the_order_does_not_matter(seed: int) -> None:
    source = random.Random(seed)
    verdicts = [
        passed(
            f"c{index}",
            {source.randrange(30) for _ in range(source.randrange(8))},
            {(source.randrange(10), source.randrange(10)) for _ in range(source.randrange(5))},
            act=f"f({index})",
        )
        for index in range(40)
    ]
    selection = minimise(verdicts, NOTHING)
    assert union(selection.kept) == union(verdicts)
    for verdict in selection.kept:
        assert union([other for other in selection.kept if other is not verdict]) != union(verdicts)
    assert len(selection.kept) + len(selection.dropped) == len(verdicts)
    shuffled = list(verdicts)
    source.shuffle(shuffled)
    assert set(kept(minimise(shuffled, NOTHING))) == set(kept(selection))


def union(verdicts: object) -> tuple[set[int], set[Arc]]:
    lines: set[int] = set()
    branches: set[Arc] = set()
    for verdict in verdicts:  # type: ignore[attr-defined]
        lines |= verdict.evidence.lines
        branches |= verdict.evidence.branches
    return lines, branches


def test_costs_are_positive_and_grow() -> None:
    short, long = passed("a", set()).candidate, passed("a", set(), arrange=("x = 1",) * 3).candidate
    assert 0 < cost(short) < cost(long)
    raising = Candidate("a", "f", "", (), "f(1)", None, (), Raises("ValueError"), None, (), (), "x")
    assert cost(raising) > 0
