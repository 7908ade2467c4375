"""The search: harvest, draw, mutate, keep what reaches something new; then shrink, observe twice, send."""

from __future__ import annotations

import ast
import collections
import dataclasses
import importlib
import os
import random
import sys
import time
from typing import TYPE_CHECKING, Any

from ..channel import Channel
from .cases import Case, tamed, valid
from .choose import Kept, greedy, plainness, variety
from .emit import candidate, without_result_name
from .frontier import Frontier
from .harvest import Harvest
from .mutate import Mutator
from .observe import Runner
from .program import Program
from .seams import Seam, Seams
from .shrink import proposals
from .subjects import Subject
from .tracer import Tracer
from .values import Values
from .worker import Batch, Workers, prepare_parent
from .wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable

BATCH = 32
"""Cases per child."""
IN_FLIGHT = 2
"""Children at once; fixed, so that the same seed draws the same cases on any machine."""
PLATEAU = 2500
"""Cases without anything new after which the search ends."""
MAX_CANDIDATES = 140
VARIETY = 4
"""Further cases per subject, with other paths or results: what kills mutants."""
AFTERWARDS = 90
"""Cases per subject even when all lines and branches are reached: for results that differ without a branch."""
MUTATION_SHARE = 0.45
SLOW_EVENTS = 6_000
"""Lines of the target in one case beyond which it is no good parent: its children would be as slow."""
NEAR = 14
"""Cases remembered for each line that a missing arc starts from."""
WRITERS = 6
"""Cases of one subject that are remembered for the files that they write."""
SEARCH_SHARE = 0.6
"""Share of the wall time for the search; then come shrinking and observing."""
SHRINK_SHARE = 0.75
FINISH_SHARE = 0.97
SHIFT = 403 * 86_400.0 + 7_000
"""Seconds between the clocks of the two runs of a case that is proposed: what depends on the date differs."""
CHUNK = 24
"""Cases observed between two looks at the clock."""


class Known:
    """Says whether a feature needs no closer look."""

    def __init__(self, remaining: "set[Any]") -> None:
        self.remaining = remaining

    def __contains__(self, feature: object) -> bool:
        return feature not in self.remaining


class Search:
    """One exploration of one module."""

    def __init__(self, request: "dict[str, Any]", channel: Channel) -> None:
        self.began = time.monotonic()
        self.request = request
        self.channel = channel
        self.rng = random.Random(request["seed"])
        self.wall = float(request["wall_seconds"])
        self.max_cases = int(request["max_cases"])
        module = importlib.import_module(request["module"])
        file = request["file"]
        with open(file, encoding="utf-8", errors="replace", newline=None) as stream:
            source = stream.read()
        self.program = Program(module, str(module.__file__), source, self.rng)
        self.frontier = Frontier(self.program, self._goals(), self._wanted())
        self.values = Values(self.program, self.rng)
        self.seams = Seams(self.program)
        self._seams: "dict[int, list[Seam]]" = {}
        self.mutator = Mutator(self.program, self.values, self.rng)
        roots = tuple(request.get("import_roots", ()))
        self.tracer = Tracer(str(module.__file__), source)
        runner = Runner(self.program.names, self.tracer, self.program.raises, roots, module.__name__.partition(".")[0])
        self.workers = Workers(runner, (channel.descriptor,))
        self.corpus: "list[Kept]" = []
        self.archive: "dict[str, dict[Any, Kept]]" = {}
        self.tried: "set[Any]" = set()
        self.queue: "collections.deque[Case]" = collections.deque()
        self.near: "dict[int, list[Kept]]" = {}
        self.wraps: "dict[str, list[str]]" = {}
        self.cases = 0
        self.since_new = 0
        self.reported = 0.0
        self.stopped = ""
        self.subject_of = {subject.qualname: subject for subject in self.program.subjects}

    def _goals(self) -> "set[Any]":
        request = self.request
        first, last = request["first_line"], request["last_line"]
        goals: "set[Any]" = {line for line in request["statements"] if first <= line <= last}
        goals -= set(request["covered_lines"])
        covered = {tuple(arc) for arc in request["covered_branches"]}
        goals |= {tuple(arc) for arc in request["branches"] if first <= arc[0] <= last and tuple(arc) not in covered}
        return goals

    def _wanted(self) -> "set[str]":
        """Names of the subjects that tests are wanted for: those in the symbol's lines, or all."""
        request = self.request
        names = {subject.qualname for subject in self.program.subjects}
        if not request.get("symbol"):
            return names
        lines = range(request["first_line"], request["last_line"] + 1)
        inside = {s.qualname for s in self.program.subjects if s.first in lines or s.qualname == request["symbol"]}
        return inside or names

    # -- the loop -------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """All of it; sends candidates and how it ended."""
        if not self.program.subjects:
            self.channel.send("explored", stopped_by="exhausted", cases=0, poisoned=[])
            return
        harvested = Harvest(self.program).collect(list(self.request.get("texts", ())))
        self.queue.extend(case for case in harvested if valid(case))
        prepare_parent()
        self.stopped = self._search()
        self._tell_progress()
        self._finish()
        reasons = collections.Counter(self.workers.poisoned.values())
        self.channel.send(
            "explored",
            stopped_by=self.stopped,
            cases=self.cases,
            poisoned=[f"{count} case{'s' if count > 1 else ''}: {reason}" for reason, count in sorted(reasons.items())],
        )

    def _search(self) -> str:
        flying: "collections.deque[Batch]" = collections.deque()
        stopped = ""
        while True:
            while not stopped and len(flying) < IN_FLIGHT:
                cases = self._next_cases()
                if not cases:
                    stopped = "exhausted"
                    break
                flying.append(self.workers.start(cases, observe=False, known=Known(self.frontier.remaining)))
            if not flying:
                return stopped
            batch = flying.popleft()
            for case, seen in zip(batch.cases, self.workers.finish(batch), strict=False):
                self._learn(case, seen)
            self._report()
            if not stopped:
                stopped = self._why_stop()

    def _why_stop(self) -> str:
        if self.cases >= self.max_cases:
            return "cases"
        if self._elapsed() > self.wall * SEARCH_SHARE:
            return "wall"
        if self.queue:
            return ""  # what people wrote is tried before anything else ends the search
        if not self.frontier.remaining and self.cases > AFTERWARDS * len(self.frontier.wanted):
            return "covered"
        if self.since_new > PLATEAU + 20 * len(self.program.subjects):
            return "plateau"
        return ""

    def _elapsed(self) -> float:
        return time.monotonic() - self.began

    def _report(self) -> None:
        now = self._elapsed()
        if now - self.reported >= 0.3:
            self.reported = now
            self._tell_progress()

    def _tell_progress(self) -> None:
        missing = self.frontier.remaining
        self.channel.send(
            "progress",
            cases=self.cases,
            lines=sum(1 for f in self.frontier.goals if isinstance(f, int) and f not in missing),
            branches=sum(1 for f in self.frontier.goals if isinstance(f, tuple) and f not in missing),
        )

    # -- drawing --------------------------------------------------------------------------------------------------

    def _next_cases(self) -> "list[Case]":
        found: "list[Case]" = []
        attempts = 0
        weights = self.frontier.weights(private=self.since_new > PLATEAU // 4)
        while len(found) < BATCH and attempts < BATCH * 6:
            attempts += 1
            case = self.queue.popleft() if self.queue else self._draw(weights)
            if case is None or case.key in self.tried or len(case.source) > 1500:
                continue
            self.tried.add(case.key)
            if case.key in self.workers.poisoned or not valid(case):
                continue
            found.append(tamed(case))
        self.cases += len(found)
        return found

    def _draw(self, weights: "list[float]") -> "Case | None":
        rng = self.rng
        try:
            subject = self.frontier.choose(rng, weights)
            subject.tried += 1
            subject.fruitless += 1
            if self.corpus and rng.random() < MUTATION_SHARE:
                return self._mutation(subject)
            return self.fresh(subject)
        except RecursionError:
            return None

    def fresh(self, subject: Subject) -> "Case | None":
        """A new case for a subject."""
        draft = self.values.draft()
        seams = self.seams_of(subject)
        if seams:
            draft.statements.extend(self.seams.statements(seams, self.values, self.rng))
        act = self.values.call(subject, draft)
        case = Case(subject.qualname, tuple(draft.statements), act, "search", tuple(draft.picks))
        for wrap in self.wraps.get(subject.qualname, ()):
            case = wrapped(case, wrap, self.program.names)
        return case

    def seams_of(self, subject: Subject) -> "list[Seam]":
        """Seams of a subject, remembered."""
        found = self._seams.get(id(subject))
        if found is None:
            found = self._seams[id(subject)] = self.seams.of(subject, self.frontier.closure[id(subject)])
        return found

    def _mutation(self, subject: Subject) -> "Case | None":
        rng = self.rng
        own = self._parents(subject)
        if not own:
            return self.fresh(subject)
        parent = rng.choice(own).case
        if rng.random() < 0.15:
            return self.mutator.splice(parent, rng.choice(own).case)
        return self.mutator.mutate(parent)

    def _parents(self, subject: Subject) -> "list[Kept]":
        """Cases to change: those that come by a missing arc, or those of the subject, rather with a result."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.5:
            missing = self.frontier.sources(subject)
            near = self.near.get(rng.choice(missing)) if missing else None
            if near:
                return near
        if roll < 0.9:
            own = list(self.archive.get(subject.qualname, {}).values())
            good = [kept for kept in own if kept.seen["status"] == "ok"]
            return good if good and rng.random() < 0.7 else own
        return self.corpus[-60:]

    # -- learning -------------------------------------------------------------------------------------------------

    def _learn(self, case: Case, seen: "dict[str, Any] | None") -> None:
        self.since_new += 1
        if seen is None or seen["status"] == "limit":
            slow = self.subject_of.get(case.target)
            if slow is not None:
                slow.fruitless += 15  # what hangs costs as much as many cases
            return
        for wrap in seen.get("applied", ()):
            case = wrapped(case, wrap, self.program.names)
        if seen.get("applied") and case.origin == "search" and "environ" not in seen["applied"]:
            known = self.wraps.get(case.target)
            if known is None:
                self.wraps[case.target] = list(seen["applied"])
        status = seen["status"]
        good = status == "ok" or (status == "raised" and bool(seen.get("deliberate")))
        for owner, name, index in case.picks:
            subject = self.subject_of.get(owner)
            if subject is not None:
                for parameter in subject.parameters:
                    if parameter.name == name and index < len(parameter.weights):
                        parameter.learn(index, good=good)
        if status == "arrange":
            self._promote(case, int(seen.get("failed", -1)))
            return
        if status not in ("ok", "raised"):
            return
        features = self.frontier.of(seen)
        self._keep(case, seen, features)
        produced = seen.get("produced", "")
        if status == "ok" and produced and len(case.source) < 260 and "asyncio" not in case.act:
            self._produce(case, produced)
        if status == "ok" and len(case.source) < 400 and "asyncio" not in case.act:
            self._note_files(case, seen.get("written", ()))

    def _keep(self, case: Case, seen: "dict[str, Any]", features: "set[Any]") -> None:
        frontier = self.frontier
        strength = int(seen.get("strength", 0))
        fresh = features & frontier.remaining
        credit = fresh if strength >= 2 else fresh - frontier.weak
        kept = Kept(case, seen, features, credit)
        subject = self.subject_of.get(case.target)
        if credit and strength >= 1:
            self.since_new = 0
            if subject is not None:
                subject.fruitless = 0
            self.corpus.append(kept)
            if strength >= 2:
                frontier.remaining -= credit
                frontier.weak -= credit
            else:
                frontier.weak |= credit
        if strength >= 2 or not fresh:
            frontier.tested.add(case.target)
        for line in seen.get("lines", ()):
            if line in frontier.source_lines and seen.get("events", 0) <= SLOW_EVENTS:
                near = self.near.setdefault(line, [])
                if len(near) < NEAR:
                    near.append(kept)
                elif credit or self.rng.random() < 0.05:
                    near[self.rng.randrange(NEAR)] = kept
        paths = self.archive.setdefault(case.target, {})
        signature = (seen["status"], seen.get("kind", ""), hash(tuple(seen.get("arcs", ()))))
        for key in (signature, (*signature, seen.get("digest", ""))):
            current = paths.get(key)
            if current is None:
                if len(paths) < 60 or credit:
                    paths[key] = kept
                    break
            elif plainness(case) < plainness(current.case) and key == signature:
                paths[key] = kept
                break

    def _produce(self, case: Case, produced: str) -> None:
        top = self.program.module.__name__.partition(".")[0]
        if not produced.startswith(top):
            return
        cases = self.values.producers.setdefault(produced, [])
        if len(cases) < 40:
            if all(case.key != other.key for other in cases):
                cases.append(case)
        elif self.rng.random() < 0.1:
            cases[self.rng.randrange(len(cases))] = case

    def _note_files(self, case: Case, written: "Iterable[str]") -> None:
        """A file that the module wrote is the best that a reader of the module can be given."""
        for name in written:
            known = [place for place, (other, _name) in enumerate(self.values.writers) if other.target == case.target]
            if len(known) < WRITERS:
                self.values.writers.append((case, name))
            else:
                self.values.writers[self.rng.choice(known)] = (case, name)

    def _promote(self, case: Case, failed: int) -> None:
        """A statement of the arrangement that failed may be worth a case of its own."""
        if failed < 0 or self.rng.random() > 0.4 or len(self.queue) > 200:
            return
        statement = ast.parse(case.arrange[failed]).body[0]
        if not isinstance(statement, (ast.Assign, ast.Expr)) or not isinstance(statement.value, ast.Call):
            return
        name = ast.unparse(statement.value.func).rpartition(".")[2]
        target = next((s.qualname for s in self.program.subjects if s.name == name), None)
        if target is not None:
            self.queue.append(Case(target, case.arrange[:failed], ast.unparse(statement.value), "search"))

    # -- finishing ------------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        """Shrink, observe each case twice, and send those on which both runs agree; the most valuable first."""
        chosen = self._shrunk(self._chosen())
        chosen = [dataclasses.replace(kept, case=without_result_name(kept.case)) for kept in chosen]
        sent: "set[Any]" = set()
        for start in range(0, len(chosen), CHUNK):
            if self._elapsed() > self.wall * FINISH_SHARE:
                self.stopped = "wall"
                return
            part = [kept.case for kept in chosen[start : start + CHUNK]]
            first = self._observed(part, seed=1, size=2)
            second = self._observed(part[::-1], seed=2, size=8, shift=SHIFT)[::-1]
            for case, one, two in zip(part, first, second, strict=False):
                self._send(case, one, two, sent)

    def _send(self, case: Case, one: "dict[str, Any] | None", two: "dict[str, Any] | None", sent: "set[Any]") -> None:
        if one is None or two is None or one["status"] != two["status"] or one["status"] not in ("ok", "raised"):
            return
        for wrap in one.get("applied", ()):
            case = wrapped(case, wrap, self.program.names)
        if case.key in sent or one.get("wrap"):
            return
        asserts = [line for line in one.get("asserts", ()) if line in two.get("asserts", ())]
        if one["status"] == "ok" and not asserts:
            return
        if one["status"] == "raised":
            if one.get("exception") != two.get("exception") or not one.get("exception"):
                return
            if one.get("match") != two.get("match"):
                one["match"] = ""
        arcs = self.frontier.of(one) & self.frontier.of(two)
        fields = candidate(case, one, asserts, self.program.names, len(sent))
        if fields is None:
            return
        sent.add(case.key)
        self.channel.send(
            "candidate",
            **fields,
            lines=sorted(f for f in arcs if isinstance(f, int)),
            branches=sorted(f for f in arcs if isinstance(f, tuple)),
        )

    def _observed(
        self, cases: "list[Case]", *, seed: int, size: int, shift: float = 0.0
    ) -> "list[dict[str, Any] | None]":
        found: "list[dict[str, Any] | None]" = []
        flying: "collections.deque[Batch]" = collections.deque()
        groups = [cases[index : index + size] for index in range(0, len(cases), size)]
        while groups or flying:
            while groups and len(flying) < IN_FLIGHT:
                flying.append(self.workers.start(groups.pop(0), shift=shift, observe=True, seed=seed))
            found.extend(self.workers.finish(flying.popleft()))
        return found

    def _chosen(self) -> "list[Kept]":
        """What covers the goals, then something for each public subject, then variety, then what may stand in."""
        archived = {name: list(paths.values()) for name, paths in self.archive.items()}
        pool = [*self.corpus, *(kept for name in sorted(archived) for kept in archived[name])]
        public = {
            name: rows
            for name, rows in archived.items()
            if name in self.frontier.wanted and self.subject_of[name].public
        }
        first = greedy(pool)
        chosen: "dict[Any, Kept]" = {kept.case.key: kept for kept in first}
        targets = {kept.case.target for kept in first}
        missing = {name: rows for name, rows in public.items() if name not in targets}
        for more in (variety(missing, 1), variety(public, VARIETY), self._standby(pool, first)):
            for kept in more:
                if len(chosen) < MAX_CANDIDATES:
                    chosen.setdefault(kept.case.key, kept)
        return list(chosen.values())

    def _standby(self, pool: "list[Kept]", first: "list[Kept]") -> "list[Kept]":
        """Other cases for the goals, should the first be refused."""
        keys = {kept.case.key for kept in first}
        others = greedy([kept for kept in pool if kept.case.key not in keys])
        return [dataclasses.replace(kept, credit=set()) for kept in others]

    def _shrunk(self, chosen: "list[Kept]") -> "list[Kept]":
        """Make cases smaller while they reach what they were kept for, in the same way."""
        current = list(chosen)
        open_ = [index for index, kept in enumerate(current) if kept.credit]
        for _round in range(8):
            if not open_ or self._elapsed() > self.wall * SHRINK_SHARE:
                break
            plan: "list[tuple[int, Case]]" = []
            for index in open_:
                count = 0
                for smaller in proposals(current[index].case):
                    if smaller.key not in self.workers.poisoned:
                        plan.append((index, smaller))
                        count += 1
                    if count >= 8:
                        break
            results: "list[dict[str, Any] | None]" = []
            flying: "collections.deque[Batch]" = collections.deque()
            groups = [plan[start : start + BATCH] for start in range(0, len(plan), BATCH)]
            while groups or flying:
                while groups and len(flying) < IN_FLIGHT:
                    group = groups.pop(0)
                    flying.append(
                        self.workers.start(
                            [case for _index, case in group], observe=False, known=Known(self.frontier.goals)
                        )
                    )
                results.extend(self.workers.finish(flying.popleft()))
            better: "dict[int, Kept]" = {}
            for (index, case), seen in zip(plan, results, strict=False):
                before = current[index]
                if (
                    seen is None
                    or seen["status"] != before.seen["status"]
                    or seen.get("kind") != before.seen.get("kind")
                ):
                    continue
                if int(seen.get("strength", 0)) < int(before.seen.get("strength", 0)) or seen.get("applied"):
                    continue
                features = self.frontier.of(seen)
                if not before.credit <= features:
                    continue
                best = better.get(index)
                if best is None or case.cost() < best.case.cost():
                    better[index] = Kept(case, seen, features, before.credit)
            for index, kept in better.items():
                current[index] = kept
            open_ = sorted(better)
        return current


def explore(request: "dict[str, Any]", channel: Channel) -> None:
    """Explore as the request says."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000))
    os.environ.setdefault("PYTHONHASHSEED", "0")
    Search(request, channel).run()
