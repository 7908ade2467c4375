"""The smallest set of proven tests that keeps what all of them together cover and kill.

Pure. A greedy set cover by gain for its cost, then every test that the others have made needless is taken out again,
then a test for each public callable that has none.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from testwright.model import Candidate, CoverageSets, RawTest, Verdict

Element = tuple[str, object]
"""Something to cover: ``("line", 12)``, ``("branch", (12, 14))``, ``("mutant", "m7")``."""

LINE_WEIGHT = 1.0
BRANCH_WEIGHT = 1.0
MUTANT_WEIGHT = 1.0

ADDS_NOTHING = "it adds nothing to what is covered already"


class Callable(Protocol):
    """A public callable (``analysis.symbols.PublicCallable``)."""

    @property
    def qualname(self) -> str:
        """Name inside the module."""
        ...

    @property
    def body_lines(self) -> tuple[int, int] | None:
        """First and last line of what runs when it is called."""
        ...


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tests go into the file.

    Attributes:
        kept: Proven tests, in the order in which they were proposed.
        dropped: All other verdicts, each with its reason.
        untested: Public callables without a proven test and that no existing test runs.
    """

    kept: tuple[Verdict, ...]
    dropped: tuple[Verdict, ...]
    untested: tuple[str, ...]


def minimise(
    verdicts: Sequence[Verdict],
    covered: CoverageSets,
    callables: Sequence[Callable] = (),
    *,
    kills: Mapping[str, frozenset[str]] | None = None,
) -> Selection:
    """Select the tests to keep.

    Args:
        verdicts: Of the judge; those that did not pass are dropped with the reason that they have.
        covered: What an import and the existing tests cover already.
        callables: Public callables of the target; each that no existing test runs gets one test at least.
        kills: Candidate id to the ids of the mutants that it kills.
    """
    passed = [verdict for verdict in verdicts if verdict.outcome == "passed" and verdict.evidence is not None]
    elements = {verdict.candidate.id: _elements(verdict, covered, kills or {}) for verdict in passed}
    costs = {verdict.candidate.id: cost(verdict.candidate) for verdict in passed}
    chosen = _without_needless(_greedy(passed, elements, costs), elements, costs)
    keep = {verdict.candidate.id for verdict in chosen}
    untested = []
    for item in callables:
        if _runs(covered, item) or any(_is_about(verdict.candidate, item.qualname) for verdict in chosen):
            continue
        about = [verdict for verdict in passed if _is_about(verdict.candidate, item.qualname)]
        if not about:
            untested.append(item.qualname)
            continue
        best = min(about, key=lambda verdict: (costs[verdict.candidate.id], verdict.candidate.id))
        chosen.append(best)
        keep.add(best.candidate.id)
    return Selection(
        tuple(verdict for verdict in passed if verdict.candidate.id in keep),
        tuple(_dropped(verdict) for verdict in verdicts if verdict.candidate.id not in keep),
        tuple(untested),
    )


def cost(candidate: Candidate) -> float:
    """What a test costs a reader: 1 for the plainest, more for every statement, assertion and long literal.

    The scale is ours: it only breaks ties and near ties between tests that cover alike. An example from the
    documentation costs less, since it shows what the author meant; a test of an exception costs a little more than one
    of a result.
    """
    if candidate.source is not None:
        return _cost_of_function(candidate.source) + 0.2 * _oddness(candidate)
    text = "\n".join([*candidate.arrange, candidate.act, *candidate.asserts])
    found = 1.0 + 0.1 * len(candidate.arrange) + 0.05 * max(0, len(candidate.asserts) - 1) + len(text) / 1000
    if candidate.raises is not None:
        found += 0.1
    if "doctest" in candidate.origin:
        found -= 0.3
    return found + 0.2 * _oddness(candidate)


def _cost_of_function(raw: RawTest) -> float:
    """The cost of a whole test function, on the same scale: its statements, what it shares with others, its values."""
    try:
        nodes = [node for node in ast.walk(ast.parse(raw.function)) if isinstance(node, ast.stmt)]
    except (SyntaxError, ValueError):
        return 2.0  # it is refused before it comes here
    asserts = sum(isinstance(node, ast.Assert) for node in nodes)
    expects = sum(isinstance(node, ast.With) for node in nodes)
    others = max(0, len(nodes) - asserts - 2)  # less the function itself and the one call that each test has
    shared = 0.05 * len(raw.support)
    return 1.0 + 0.1 * (others + expects) + 0.05 * max(0, asserts - 1) + shared + len(raw.text) / 1000


def _oddness(candidate: Candidate) -> int:
    """How many of its literals a reader would wonder about: control characters, huge numbers, bare containers."""
    odd = 0
    raw = candidate.source
    for source in (*candidate.arrange, candidate.act) if raw is None else (raw.function, *raw.row):
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError):
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Constant(value=str() as text):
                    odd += not text.isprintable()
                case ast.Constant(value=int() as number):
                    odd += abs(number) > 100_000
    return min(odd, 3)


def _elements(verdict: Verdict, covered: CoverageSets, kills: Mapping[str, frozenset[str]]) -> frozenset[Element]:
    if verdict.evidence is None:
        return frozenset()
    return frozenset(
        [("line", line) for line in verdict.evidence.lines - covered.executed]
        + [("branch", branch) for branch in verdict.evidence.branches - covered.executed_branches]
        + [("mutant", mutant) for mutant in kills.get(verdict.candidate.id, frozenset())]
    )


_WEIGHTS = {"line": LINE_WEIGHT, "branch": BRANCH_WEIGHT, "mutant": MUTANT_WEIGHT}


def _weight(elements: Iterable[Element]) -> float:
    return sum(_WEIGHTS[kind] for kind, _ in elements)


def _greedy(
    passed: Sequence[Verdict], elements: Mapping[str, frozenset[Element]], costs: Mapping[str, float]
) -> list[Verdict]:
    missing = frozenset().union(*elements.values()) if elements else frozenset()
    left = list(passed)
    chosen: list[Verdict] = []
    while missing:
        best = max(
            left,
            key=lambda verdict: (
                _weight(elements[verdict.candidate.id] & missing) / costs[verdict.candidate.id],
                -costs[verdict.candidate.id],
                _reversed(verdict.candidate.id),
            ),
        )
        chosen.append(best)
        left.remove(best)
        missing -= elements[best.candidate.id]
    return chosen


def _reversed(text: str) -> tuple[int, ...]:
    """So that ``max`` takes the first id of equals."""
    return (*(-ord(character) for character in text), 1)


def _without_needless(
    chosen: list[Verdict], elements: Mapping[str, frozenset[Element]], costs: Mapping[str, float]
) -> list[Verdict]:
    """Take out, dearest first, what the others cover too."""
    times = Counter(element for verdict in chosen for element in elements[verdict.candidate.id])
    kept = list(chosen)
    for verdict in sorted(chosen, key=lambda one: (-costs[one.candidate.id], one.candidate.id)):
        mine = elements[verdict.candidate.id]
        if all(times[element] > 1 for element in mine):
            kept.remove(verdict)
            times.subtract(mine)
    return kept


def _is_about(candidate: Candidate, qualname: str) -> bool:
    """Whether a test makes use of a callable.

    A class is tested by a test of it or of any of its methods, which cannot do without its constructor; an exception
    by a test that expects it.
    """
    if candidate.raises is not None and candidate.raises.exception == qualname:
        return True
    return candidate.target == qualname or candidate.target.startswith(qualname + ".")


def _runs(covered: CoverageSets, item: Callable) -> bool:
    """Whether existing tests run the callable's body."""
    if item.body_lines is None:
        return False
    first, last = item.body_lines
    return any(first <= line <= last for line in covered.executed)


def _dropped(verdict: Verdict) -> Verdict:
    return replace(verdict, reason=ADDS_NOTHING) if verdict.outcome == "passed" else verdict
