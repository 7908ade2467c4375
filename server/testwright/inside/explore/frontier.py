"""What is still missing, and which subject is the likeliest to reach it."""

from __future__ import annotations

import random
from typing import Any

from .program import Program
from .subjects import Subject


class Frontier:
    """Goals of the search and the weights that follow from them.

    Attributes:
        goals: Lines and arcs wanted.
        wanted: Names of the subjects that tests are wanted for.
        remaining: Those without a case that proves something.
        weak: Those of ``remaining`` that a case reaches whose only assertion is weak.
    """

    def __init__(self, program: Program, goals: "set[Any]", wanted: "set[str]") -> None:
        self.program = program
        self.goals = goals
        self.wanted = wanted
        self.remaining = set(goals)
        self.weak: "set[Any]" = set()
        by_name: "dict[str, list[Subject]]" = {}
        for subject in program.subjects:
            by_name.setdefault(subject.name, []).append(subject)
            if subject.style == "class":
                by_name.setdefault("__init__", []).append(subject)
        self.closure: "dict[int, list[Subject]]" = {}
        for subject in program.subjects:
            found: "list[Subject]" = []
            todo = [subject]
            while todo and len(found) < 60:
                for name in sorted(todo.pop().calls):
                    for other in by_name.get(name, ()):
                        if other is not subject and other not in found:
                            found.append(other)
                            todo.append(other)
            self.closure[id(subject)] = found
        self.tested: "set[str]" = set()
        self.source_lines = {goal[0] for goal in goals if isinstance(goal, tuple)}

    def of(self, seen: "dict[str, Any]") -> "set[Any]":
        """The goals that a run reached."""
        return self.goals.intersection(seen.get("lines", ())) | self.goals.intersection(seen.get("arcs", ()))

    def missing_in(self, subject: Subject) -> float:
        """How much is missing in the lines of a subject; what is weakly reached counts little."""
        total = 0.0
        for feature in self.remaining:
            line = feature[0] if isinstance(feature, tuple) else feature
            if subject.first <= line <= subject.last:
                total += 0.25 if feature in self.weak else 1.0
        return total

    def sources(self, subject: Subject) -> "list[int]":
        """Lines from which missing arcs start, in the subject and in what it calls."""
        spans = [(other.first, other.last) for other in (subject, *self.closure[id(subject)])]
        return sorted(
            {
                feature[0]
                for feature in self.remaining
                if isinstance(feature, tuple) and any(first <= feature[0] <= last for first, last in spans)
            }
        )

    def weights(self, *, private: bool) -> "list[float]":
        """One weight per subject of the program."""
        missing = [self.missing_in(subject) for subject in self.program.subjects]
        index = {id(subject): number for number, subject in enumerate(self.program.subjects)}
        found = []
        for number, subject in enumerate(self.program.subjects):
            if subject.qualname not in self.wanted:
                found.append(0.0)
                continue
            beyond = sum(missing[index[id(other)]] for other in self.closure[id(subject)])
            weight = missing[number] + 0.4 * beyond
            if subject.public and subject.qualname not in self.tested:
                weight += 2.0
            weight = weight / (1.0 + subject.fruitless / 40.0) + (0.05 if subject.public else 0.0)
            if not subject.public:
                weight *= 0.5 if private else 0.02
            found.append(weight)
        return found

    def choose(self, rng: random.Random, weights: "list[float]") -> Subject:
        """Draw a subject."""
        if sum(weights) <= 0:
            return rng.choice(self.program.subjects)
        return rng.choices(self.program.subjects, weights)[0]
