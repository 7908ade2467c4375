"""Which test notices which mutant of the target: the matrix that candidates are selected by, and a file's score.

For selection only half of the mutants is ever run (``inside.mutants.for_selection``), so that a mutation score over the
other half, taken of the finished file, is not flattered by the choice. Tests that were there before were not chosen by
mutants, so all of them count for their score.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from testwright.boxes.protocol import Limits
from testwright.boxes.session import ExitCell, Session, placed_name
from testwright.errors import BoxFailure
from testwright.judge.boxed import LIMITS, ending_words, last_words, limits_for, seconds_left
from testwright.judge.placing import placed
from testwright.judge.relaxation import RELAXATIONS
from testwright.judge.stability import CandidatesFile
from testwright.model import MutantSummary, MutationFigures, Target, Verdict

MAX_MUTANTS = 200
"""Mutants that are run for selection by default; at 60 or more a second they take about three seconds."""

MAX_SCORED = 5000
"""Mutants that a score is taken of at most; what a module of some thousand lines has."""

_MAX_STARTS = 3
"""Starts of the box: a mutant that ends the whole of it costs one, and is left out from then on."""

_LEAST_SECONDS = 1.0
"""Less than this is not worth a start: pytest and the module must be imported first."""

StoppedBy = Literal["exhausted", "wall", "failed"]


@dataclass(frozen=True, slots=True)
class MutationTest:
    """A test function that runs on mutants.

    Attributes:
        id: Tells it from the others.
        node: Names of its classes and its own, without parameters: ``TestCart::test_total``.
        lines: Lines of the target that it runs beyond import; None to have them measured, when a score is taken.
    """

    id: str
    node: str
    lines: frozenset[int] | None


@dataclass(frozen=True, slots=True)
class KillMatrix:
    """What was seen of the mutants.

    Attributes:
        kills: Mutants that each candidate notices, by the candidate's id; every candidate that ran is in it.
        mutants: How many ran.
        killed: How many of them some candidate noticed.
        timed_out: How many no candidate noticed, but some did not come to an end on: neither killed nor survived.
        survived: Those that all candidates which cover them passed on; mutants that none covers do not run.
        excluded: Candidates that could not take part, since they do not pass beside others in one process.
        stopped_by: ``exhausted``: all that were drawn ran; ``wall``: the time was over, and another run may see
            more; ``failed``: the box ended, see ``note``.
        note: A sentence for the user where something was left out, else empty.
    """

    kills: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mutants: int = 0
    killed: int = 0
    timed_out: int = 0
    survived: tuple[MutantSummary, ...] = ()
    excluded: frozenset[str] = frozenset()
    stopped_by: StoppedBy = "exhausted"
    note: str = ""


async def kill_matrix(  # noqa: PLR0913 - each is another thing to say
    session: Session,
    target: Target,
    folder: Path,
    file: CandidatesFile,
    verdicts: Sequence[Verdict],
    *,
    seed: int,
    deadline: float,
    import_lines: Collection[int] = frozenset(),
    limit: int = MAX_MUTANTS,
    relaxation: int = 0,
    limits: Limits = LIMITS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> KillMatrix:
    """Run mutants of the target against the candidates that passed.

    It helps to choose and proves nothing, so a box that fails is told in ``KillMatrix.note`` and does not raise.

    Args:
        session: The run's box.
        target: The module under test; only mutants in its lines are made.
        folder: Folder of the agreed test file in the workspace, as in ``stability.judge_candidates``.
        file: The candidates as one module.
        verdicts: Of the judge; those that did not pass take no part.
        seed: Draws the mutants; the same seed draws the same.
        deadline: When to stop, as ``time.monotonic()``.
        import_lines: Lines that the import alone executes (``ImportCheck.coverage.executed``): their mutants take
            effect at import, and all candidates run on them.
        limit: Mutants to run at most.
        relaxation: Index in ``judge.relaxation.RELAXATIONS`` at which pytest started for the judge.
        limits: Limits of the box; the wall time comes from ``deadline``.
        on_progress: Called with mutants done, and all.

    Raises:
        BoxUnavailable: There is no box.
    """
    names = {candidate_id: name for name, candidate_id in file.names.items()}
    passed = [verdict for verdict in verdicts if verdict.evidence is not None and verdict.outcome == "passed"]
    passed = [verdict for verdict in passed if verdict.candidate.id in names]
    if not passed or limit < 1:
        return KillMatrix()
    tests = [
        MutationTest(verdict.candidate.id, names[verdict.candidate.id], verdict.evidence.lines)
        for verdict in passed
        if verdict.evidence is not None
    ]
    before = frozenset(import_lines)
    phase = _Phase("selection", session, target, tests, seed, deadline, before, limit, relaxation, limits)
    phase.imports = frozenset(wanted.module for verdict in passed for wanted in verdict.candidate.imports)
    phase.on_progress = on_progress
    text = await asyncio.to_thread(only_functions, file.text, {test.node for test in tests})
    name = placed_name()
    with placed(session.world, folder, name, text) as path:
        await phase.run(path)
    return phase.matrix()


@dataclass(frozen=True, slots=True)
class Score:
    """What the tests of a file notice of all mutants.

    Attributes:
        figures: The numbers, and the mutants that survived.
        excluded: Tests that could not take part, since they do not pass by themselves or beside others in one process,
            or take too long to run for each mutant.
        idle: Tests that were seen to run no line of the target beyond its import.
        stopped_by: As in ``KillMatrix``.
        note: A sentence for the user where something was left out, else empty.
    """

    figures: MutationFigures
    excluded: frozenset[str]
    idle: frozenset[str]
    stopped_by: StoppedBy
    note: str


async def mutation_score(  # noqa: PLR0913 - each is another thing to say
    session: Session,
    target: Target,
    test_file: Path,
    nodes: Sequence[str],
    *,
    leave_out: Sequence[str] = (),
    executed: Collection[int],
    seed: int,
    deadline: float,
    import_lines: Collection[int] = frozenset(),
    limit: int = MAX_SCORED,
    relaxation: int = 0,
    limits: Limits = LIMITS,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Score:
    """Run the mutants of the target against the tests of a file, each until one of them notices it.

    Args:
        session: The run's box.
        target: The module; only mutants in its lines are made.
        test_file: The file in the snapshot (on the host).
        nodes: Its test functions that pass, each once: ``TestCart::test_total``.
        leave_out: Node ids of items that do not run, such as parameters with which a function does not pass.
        executed: Lines of the target that the file is known to run, by whatever of it; a mutant in another line is one
            that no test covers.
        seed: Of the order of the mutants: when time runs out, those that ran are spread over the module.
        deadline: When to stop, as ``time.monotonic()``.
        import_lines: Lines that the import alone executes.
        limit: Mutants to run at most.
        relaxation: Index in ``judge.relaxation.RELAXATIONS`` at which pytest started for these tests.
        limits: Limits of the box; the wall time comes from ``deadline``.
        on_progress: Called with mutants done, and all.

    Raises:
        BoxUnavailable: There is no box.
    """
    tests = [MutationTest(node, node, None) for node in nodes]
    before = frozenset(import_lines)
    phase = _Phase("score", session, target, tests, seed, deadline, before, limit, relaxation, limits)
    phase.leave_out, phase.on_progress = leave_out, on_progress
    await phase.run(test_file)
    return phase.score(frozenset(executed))


def only_functions(text: str, names: Collection[str]) -> str:
    """The module with these functions only, and those of its imports that they use.

    What was not proven is not run again, and imports that fail are gone with the candidates that wanted them.
    """
    tree = ast.parse(text)
    functions = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    kept = [node for node in functions if node.name in names]
    used = {node.id for function in kept for node in ast.walk(function) if isinstance(node, ast.Name)}
    imports: list[ast.stmt] = []
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            imports.append(node)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            aliases = [alias for alias in node.names if (alias.asname or alias.name.partition(".")[0]) in {*used, "*"}]
            if aliases:
                node.names = aliases
                imports.append(node)
    tree.body = [*imports, *kept]
    return ast.unparse(tree) + "\n"


# -- messages --------------------------------------------------------------------------------------------------------

_Text = Annotated[str, Field(max_length=2000)]
_Id = Annotated[str, Field(max_length=200)]
_Ids = Annotated[list[_Id], Field(max_length=20_000)]
_Count = Annotated[int, Field(ge=0, le=10_000_000)]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Excluded(_Message):
    type: Literal["excluded"]
    ids: _Ids


class _Idle(_Message):
    type: Literal["idle"]
    ids: _Ids


class _Drawn(_Message):
    type: Literal["mutants"]
    ids: _Ids
    total: _Count


class _Mutant(_Message):
    type: Literal["mutant"]
    id: _Id
    line: _Count
    end_line: _Count
    qualname: _Text
    operator: Annotated[str, Field(max_length=10)]
    description: _Text
    killed_by: _Ids
    timeout: bool
    tests: _Count
    covered: bool
    certain: bool


class _Mutated(_Message):
    type: Literal["mutated"]
    done: _Count
    of: _Count
    stopped_by: Literal["exhausted", "wall"]


class _WrongFile(_Message):
    type: Literal["wrong-file"]
    path: _Text


class _NotCollected(_Message):
    type: Literal["not-collected"]
    exit_code: int
    errors: Annotated[list[_Text], Field(max_length=1000)]


_AnyMessage = _Idle | _Excluded | _Drawn | _Mutant | _Mutated | _WrongFile | _NotCollected
_ADAPTER: TypeAdapter[_AnyMessage] = TypeAdapter(Annotated[_AnyMessage, Field(discriminator="type")])


def _parsed(raw: Mapping[str, Any]) -> _AnyMessage:
    try:
        return _ADAPTER.validate_python(raw)
    except ValidationError as error:
        kind = error.errors()[0]["type"]
        raise BoxFailure(
            f"The program that runs mutants sent a message that does not fit ({kind}), so it is not believed.",
            next_step="Run again; if it stays, report the module that did this.",
        ) from None


# -- the phase -------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Phase:
    """The mutants of one run while they go on."""

    purpose: Literal["selection", "score"]
    session: Session
    target: Target
    tests: Sequence[MutationTest]
    seed: int
    deadline: float
    import_lines: frozenset[int]
    limit: int
    relaxation: int
    limits: Limits
    imports: frozenset[str] = frozenset()
    leave_out: Sequence[str] = ()
    on_progress: Callable[[int, int], None] = lambda _done, _all: None
    drawn: list[str] = field(default_factory=list)
    total: int = 0
    results: dict[str, _Mutant] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    lost: list[str] = field(default_factory=list)
    stopped_by: StoppedBy | None = None
    problem: str = ""

    async def run(self, path: Path) -> None:
        """Run all mutants; start again without the one that ended the box."""
        for _ in range(_MAX_STARTS):
            seconds = seconds_left(self.deadline)
            if seconds < _LEAST_SECONDS:
                self.stopped_by = "wall"
                return
            ended = ExitCell()
            try:
                await self._start(path, seconds, ended)
            except BoxFailure as failure:
                self.problem = failure.message
            if self.stopped_by is not None:
                return
            if seconds_left(self.deadline) <= 0:
                self.stopped_by = "wall"
                return
            waiting = [mutant for mutant in self.drawn if mutant not in self.results and mutant not in self.lost]
            words = f"the program that runs mutants {ending_words(ended.value)} {last_words(ended.value)}".strip()
            self.problem = self.problem or f"{words[0].upper()}{words[1:]}."
            if not waiting:
                break  # it ended before the first mutant: it would do so again
            self.lost.append(waiting[0])
        self.stopped_by = "failed"

    async def _start(self, path: Path, seconds: float, ended: ExitCell) -> None:
        relaxation = RELAXATIONS[self.relaxation]
        messages = self.session.run(
            "mutating",
            self._request(path, seconds),
            limits=limits_for(seconds, self.limits),
            environment=dict(relaxation.environment),
            on_exit=ended,
        )
        async with contextlib.aclosing(messages) as stream:
            async for raw in stream:
                match _parsed(raw):
                    case _Idle(ids=ids):
                        self.idle = frozenset(ids)
                    case _Excluded(ids=ids):
                        self.excluded = frozenset(ids)
                    case _Drawn(ids=ids, total=total):
                        self.drawn, self.total = ids, max(total, len(ids))
                    case _Mutant(id=identifier) as result if identifier in self.drawn:
                        self.results[identifier] = result
                        self.on_progress(len(self.results), len(self.drawn))
                    case _Mutated(stopped_by=stopped_by):
                        self.stopped_by = stopped_by
                    case _WrongFile(path=other):
                        self._give_up(f"Under pytest, the name {self.target.module} leads to {other}.")
                    case _NotCollected(exit_code=code, errors=errors):
                        why = "; ".join(errors[:3])
                        self._give_up(f"pytest could not collect the tests (exit code {code}). {why}".strip())
                    case _:
                        raise BoxFailure(
                            "A mutant's result came that nobody had asked for, so the program is not believed.",
                            next_step="Run again; if it stays, report the module that did this.",
                        )

    def _give_up(self, problem: str) -> None:
        self.problem = problem
        self.stopped_by = "failed"

    def _request(self, path: Path, seconds: float) -> dict[str, Any]:
        return {
            "purpose": self.purpose,
            "module": self.target.module,
            "file": self.session.seen(self.target.path),
            "test_file": self.session.seen(path),
            "tests": [
                {"id": test.id, "node": test.node, "lines": None if test.lines is None else sorted(test.lines)}
                for test in self.tests
            ],
            "imports": sorted(self.imports),
            "import_lines": sorted(self.import_lines),
            "first_line": self.target.first_line,
            "last_line": self.target.last_line,
            "limit": self.limit,
            "seed": self.seed,
            "skip": [*self.results, *self.lost],
            "leave_out": list(self.leave_out),
            "wall_seconds": max(0.1, seconds - 0.5),
            "pytest_arguments": list(RELAXATIONS[self.relaxation].arguments),
        }

    def matrix(self) -> KillMatrix:
        """What was seen."""
        asked = [test.id for test in self.tests]
        kills: dict[str, set[str]] = {identifier: set() for identifier in asked if identifier not in self.excluded}
        killed = timed_out = 0
        survived = []
        results = [result for result in self.results.values() if result.tests]
        for result in results:
            killers = [identifier for identifier in result.killed_by if identifier in kills]
            for identifier in killers:
                kills[identifier].add(result.id)
            if killers:
                killed += 1
            elif result.timeout:
                timed_out += 1
            else:
                survived.append(_summary(result))
        note = ""
        if self.stopped_by == "failed":
            note = f"Tests were chosen by {len(self.results)} of {len(self.drawn)} mutants only: {self.problem}"
        elif self.lost:
            note = f"{len(self.lost)} mutants ended the whole box and were left out: {self.problem}"
        elif not kills and self.stopped_by == "exhausted":
            note = "Tests were chosen without mutants, since no test passed beside the others in one process."
        return KillMatrix(
            kills={identifier: frozenset(mutants) for identifier, mutants in kills.items()},
            mutants=len(results),
            killed=killed,
            timed_out=timed_out,
            survived=_by_line(survived),
            excluded=self.excluded.intersection(asked),
            stopped_by=self.stopped_by or "failed",
            note=note,
        )

    def score(self, executed: frozenset[int]) -> Score:
        """What was seen, as figures.

        Args:
            executed: Lines that the test file is known to run.
        """
        killed = uncovered = undecided = 0
        survivors = []
        known = {test.id for test in self.tests} - self.excluded
        for result in self.results.values():
            if not known.isdisjoint(result.killed_by):
                killed += 1
            elif not result.covered and executed.isdisjoint(range(result.line, result.end_line + 1)):
                uncovered += 1
            elif result.timeout or not result.tests or not result.certain:
                undecided += 1  # a test that came to no end, or took no part, may notice it
            else:
                survivors.append(_summary(result))
        undecided += len(self.lost)
        figures = MutationFigures(self.total, killed, uncovered, undecided, _by_line(survivors))
        note = ""
        if self.stopped_by == "failed":
            note = f"Only {len(self.results)} of {len(self.drawn)} mutants ran: {self.problem}"
        elif self.lost:
            note = f"{len(self.lost)} mutants ended the whole box and are undecided: {self.problem}"
        elif self.stopped_by == "wall":
            note = (
                f"There was time for {len(self.results)} of {self.total} mutants, spread over the module; "
                "give it more with --budget."
                if self.results
                else "There was no time to run mutants; give it more with --budget."
            )
        elif len(self.drawn) < self.total:
            note = f"{len(self.drawn)} of {self.total} mutants ran, spread over the module."
        excluded = self.excluded.intersection(test.id for test in self.tests)
        return Score(figures, excluded, self.idle, self.stopped_by or "failed", note)


def _summary(mutant: _Mutant) -> MutantSummary:
    return MutantSummary(mutant.id, mutant.line, mutant.qualname, mutant.operator, mutant.description)


def _by_line(mutants: Iterable[MutantSummary]) -> tuple[MutantSummary, ...]:
    return tuple(sorted(mutants, key=lambda mutant: (mutant.line, mutant.id)))
