"""Which of the cases found are worth proposing, and in which order: the judge may not have the time for all."""

from __future__ import annotations

import dataclasses
import heapq
from typing import Any

from .cases import Case


@dataclasses.dataclass
class Kept:
    """A case worth keeping.

    Attributes:
        case: The case, wrapped as it ran.
        seen: What it showed.
        features: Goals that it reached.
        credit: Those for which it is wanted; shrinking keeps them.
    """

    case: Case
    seen: "dict[str, Any]"
    features: "set[Any]"
    credit: "set[Any]"

    @property
    def weak(self) -> bool:
        """Whether it was looked at and has nothing strong to assert."""
        return bool(self.seen.get("looked")) and int(self.seen.get("strength", 0)) < 2


def plainness(case: Case) -> float:
    """Lower is nicer: documentation first, then what is short."""
    return case.cost() - (200 if case.origin in ("doctest", "example") else 0)


def greedy(pool: "list[Kept]") -> "list[Kept]":
    """The cases of a pool that cover all it covers, the one that adds most first; each gets what it adds as its credit.

    What is weak comes only for goals that nothing else reaches.
    """
    chosen: "list[Kept]" = []
    covered: "set[Any]" = set()
    for weak in (False, True):
        part = [kept for kept in pool if kept.weak is weak and kept.features]
        heap = [(-_worth(kept, kept.features), plainness(kept.case), index) for index, kept in enumerate(part)]
        heapq.heapify(heap)
        while heap:
            _worth_before, cost, index = heapq.heappop(heap)
            gain = part[index].features - covered
            if not gain:
                continue
            now = -_worth(part[index], gain)
            if heap and (now, cost, index) > heap[0]:
                heapq.heappush(heap, (now, cost, index))
                continue
            covered |= gain
            chosen.append(dataclasses.replace(part[index], credit=gain))
    return chosen


def _worth(kept: Kept, gain: "set[Any]") -> float:
    """Goals per reading effort; a natural exception is worth less than a result."""
    bonus = 1.3 if kept.case.origin in ("doctest", "example") else 1.0
    if kept.seen["status"] == "raised" and not kept.seen.get("deliberate"):
        bonus *= 0.5
    return bonus * len(gain) / (1.0 + kept.case.cost() / 150.0)


def variety(archive: "dict[str, list[Kept]]", per_subject: int) -> "list[Kept]":
    """Cases of each subject with different paths or results, taken in turns: the plainest of all subjects first."""
    rows: "list[list[Kept]]" = []
    for name in sorted(archive):
        seen: "set[Any]" = set()
        row: "list[Kept]" = []
        again: "list[Kept]" = []
        for kept in sorted(archive[name], key=lambda kept: (kept.weak, plainness(kept.case))):
            sign = (kept.seen["status"], kept.seen.get("kind"), kept.seen.get("digest"))
            if sign not in seen:
                row.append(dataclasses.replace(kept, credit=set()))
            elif kept.seen["status"] == "ok":
                again.append(dataclasses.replace(kept, credit=set()))
            seen.add(sign)
        row = [*row, *again][:per_subject]
        rows.append(row)
    return [row[index] for index in range(per_subject) for row in rows if index < len(row)]
