"""Frozen values that flow through a run: target, candidate, verdict, coverage, report, judgement, event."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Arc = tuple[int, int]
"""A branch as coverage.py numbers it: from a line to a line; negative numbers are entries and exits."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """The project's Python, found by reading files; started only in a box.

    Attributes:
        executable: Path as the user names it (``.venv/bin/python``); not resolved, since a virtual environment
            is known by this path.
        origin: Where it was found, in words: ``--python``, ``VIRTUAL_ENV``, ``.venv``, ``Poetry``, ...
        roots: Folders (and single files) that the interpreter needs to read: its base prefix, its environment, what
            ``.pth`` files of its environment name. Nothing of ``/usr``, which every box has; in the workspace only
            the environment's own folder.
        version: ``3.12.1``, or ``3.12`` where the files do not say more.
        environment: The virtual or conda environment; None for a bare installation.
        site_packages: Folders of installed packages that exist, to be read as text.
        notes: Sentences for the user: what was found and passed over, and why.
    """

    executable: Path
    origin: str
    roots: tuple[Path, ...]
    version: str = ""
    environment: Path | None = None
    site_packages: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """What tests are wanted for.

    Attributes:
        workspace: Absolute, resolved root of the project.
        path: Absolute, resolved path of the module's file, inside the workspace.
        module: Dotted name under which the project's tests import it.
        import_root: Folder that must be on ``sys.path`` for that import.
        symbol: Qualified name inside the module (``Cart.total``), or None for the whole module.
        first_line, last_line: The symbol's lines (1-based, inclusive, decorators included); the whole file
            when ``symbol`` is None.
        source: The file's decoded text, newlines as in the file.
    """

    workspace: Path
    path: Path
    module: str
    import_root: Path
    symbol: str | None
    first_line: int
    last_line: int
    source: str


@dataclass(frozen=True, slots=True)
class TestPlace:
    """The one file that a run may write, agreed before anything runs.

    Attributes:
        path: Absolute path of the test file.
        exists: Whether it was there at the start: on the disk, or as an unsaved document.
        digest: SHA-256 of its bytes at the start, empty when it was not there.
        original: Its bytes at the start, None when it was not there.
        in_editor: Whether these are the bytes of a document that an editor holds; the disk may have others, or none.
    """

    __test__ = False

    path: Path
    exists: bool
    digest: str
    original: bytes | None
    in_editor: bool = False


@dataclass(frozen=True, slots=True)
class Style:
    r"""How this project writes code: what the rendered file must look like.

    Attributes:
        line_length: Columns.
        quote: Preferred quote character, ``"`` or ``'``, or ``preserve``.
        indent: Spaces per level.
        newline: ``\n`` or ``\r\n`` for a new file.
    """

    line_length: int = 88
    quote: Literal["double", "single", "preserve"] = "double"
    indent: int = 4
    newline: Literal["\n", "\r\n"] = "\n"


@dataclass(frozen=True, slots=True)
class Project:
    """What the project's files say about how its tests are found and run (pure reading, nothing is started).

    Attributes:
        workspace: Absolute root.
        import_roots: Folders to put first on ``sys.path``, in order: ``pythonpath`` of pytest's settings, package
            folders that the build's settings name, ``src``, the root. All inside the workspace.
        test_paths: Existing folders with tests (``testpaths`` or ``tests``/``test``), absolute.
        pytest_ini: The file that holds pytest's settings, if any.
        style: How to format.
        declared_roots: The part of ``import_roots`` that the project's settings name.
        declared_test_paths: ``testpaths`` as written, those too that do not exist yet; relative to the root.
        python_files: Patterns of names of test files.
        python_classes, python_functions: Prefixes or patterns of what is a test in them.
        import_mode: pytest's way to import test files.
        addopts: Options that the settings add to each run of pytest.
        notes: Sentences for the user: a setting that is not followed, and why.
    """

    workspace: Path
    import_roots: tuple[Path, ...]
    test_paths: tuple[Path, ...]
    pytest_ini: Path | None
    style: Style
    declared_roots: tuple[Path, ...] = ()
    declared_test_paths: tuple[str, ...] = ()
    python_files: tuple[str, ...] = ("test_*.py", "*_test.py")
    python_classes: tuple[str, ...] = ("Test",)
    python_functions: tuple[str, ...] = ("test",)
    import_mode: Literal["prepend", "append", "importlib"] = "prepend"
    addopts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CoverageSets:
    """Coverage of one file, as sets, so that runs can be joined.

    Attributes:
        statements: All executable lines as coverage.py counts them (excluded lines are not in it).
        executed: Those that ran.
        branches: All branch arcs as coverage.py counts them.
        executed_branches: Those that were taken.
    """

    statements: frozenset[int] = frozenset()
    executed: frozenset[int] = frozenset()
    branches: frozenset[Arc] = frozenset()
    executed_branches: frozenset[Arc] = frozenset()

    def union(self, other: CoverageSets) -> CoverageSets:
        """Join two runs over the same source."""
        return CoverageSets(
            self.statements | other.statements,
            self.executed | other.executed,
            self.branches | other.branches,
            self.executed_branches | other.executed_branches,
        )

    def within(self, first_line: int, last_line: int) -> CoverageSets:
        """Only what lies in the given lines (1-based, inclusive); a branch belongs to the line it starts from."""
        lines = range(first_line, last_line + 1)
        return CoverageSets(
            frozenset(line for line in self.statements if line in lines),
            frozenset(line for line in self.executed if line in lines),
            frozenset(arc for arc in self.branches if arc[0] in lines),
            frozenset(arc for arc in self.executed_branches if arc[0] in lines),
        )

    @property
    def missing_lines(self) -> tuple[int, ...]:
        """Executable lines that did not run, sorted."""
        return tuple(sorted(self.statements - self.executed))

    @property
    def missing_branches(self) -> tuple[Arc, ...]:
        """Branches that were not taken, sorted."""
        return tuple(sorted(self.branches - self.executed_branches))

    @property
    def line_percent(self) -> float:
        """Percent of executable lines that ran; 100 for a file with none, as coverage.py has it."""
        return _percent(len(self.statements & self.executed), len(self.statements))

    @property
    def branch_percent(self) -> float:
        """Percent of branches that were taken; 100 for a file with none."""
        return _percent(len(self.branches & self.executed_branches), len(self.branches))

    @property
    def percent(self) -> float:
        """Lines and branches pooled, which is coverage.py's total when branches are measured."""
        covered = len(self.statements & self.executed) + len(self.branches & self.executed_branches)
        return _percent(covered, len(self.statements) + len(self.branches))


def _percent(part: int, whole: int) -> float:
    return 100.0 if whole == 0 else round(100.0 * part / whole, 2)


@dataclass(frozen=True, slots=True)
class Import:
    """One name that a test needs.

    ``Import("math")`` is ``import math``; ``Import("pricing", "Cart")`` is ``from pricing import Cart``;
    ``Import("pricing", "round", "pricing_round")`` adds ``as pricing_round``.
    """

    module: str
    name: str | None = None
    alias: str | None = None

    @property
    def bound(self) -> str:
        """The name that the import binds in the test file."""
        return self.alias or self.name or self.module.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Raises:
    """An exception raised on purpose by the target.

    Attributes:
        exception: Source expression that names the type in the test file, e.g. ``ValueError`` or ``InvalidVersion``.
        match: Plain text that the message holds (not yet a regular expression), or None.
    """

    exception: str
    match: str | None = None


@dataclass(frozen=True, slots=True)
class RawTest:
    """A test that came as a function of a file, and what it needs of that file. Its parts are Python source.

    Attributes:
        name: Its name in that file.
        function: The function at the left margin; it has no decorators but those of ``unittest.mock``.
        support: Definitions of that file that it uses, itself or through others, in their order: constants, functions,
            classes, and fixtures, which are known by ``pytest.fixture``.
        uses: Fixtures that it wants without taking their values.
        parameters: Arguments that get their values from ``row``.
        row: One expression for each of them.
        row_id: What that file calls the row, or empty.
    """

    name: str
    function: str
    support: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    row: tuple[str, ...] = ()
    row_id: str = ""

    @property
    def text(self) -> str:
        """All of it, as far as it would be read: definitions, the function, and its values."""
        return "\n".join([*self.support, self.function, *self.row])


@dataclass(frozen=True, slots=True)
class Candidate:
    """A proposed test: one scenario, still unproven. Its parts are Python source.

    Rendered by itself it reads::

        def test_<name>(<fixtures>):
            <arrange statements>
            result = <act>              # or: with pytest.raises(...): <act>
            assert <each of asserts>

    Attributes:
        id: Unique within a run.
        target: Qualified name in the module that it is about (``Cart.total``; a class is its constructor).
        scenario: Words for the name, snake case, may be empty: ``lowercase_false``, ``empty_text``.
        arrange: Statements.
        act: One expression.
        binds: Name that takes the value of ``act``, or None when the value is not used.
        asserts: Expressions; each becomes an ``assert``.
        raises: Expected exception; then ``asserts`` may only speak of state after it.
        warns: Source expression of the expected warning's category, or None.
        imports: All names used, builtins excepted; the module under test among them.
        fixtures: pytest fixtures by name: ``tmp_path``, ``monkeypatch``, ``capsys``, ``caplog``.
        origin: Who proposed it: ``embedded:doctest``, ``embedded:search``, ``openhands``.
        source: The test as a whole function, which then stands in the place of ``arrange``, ``act``, ``asserts``,
            ``raises`` and ``warns``; ``fixtures`` are those that its file does not define.
    """

    id: str
    target: str
    scenario: str
    arrange: tuple[str, ...]
    act: str
    binds: str | None
    asserts: tuple[str, ...]
    raises: Raises | None
    warns: str | None
    imports: tuple[Import, ...]
    fixtures: tuple[str, ...]
    origin: str
    source: RawTest | None = None


Outcome = Literal["passed", "failed", "error", "timeout", "crashed", "refused", "unstable"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen when a candidate ran by itself.

    Attributes:
        runs: Fresh processes in which it passed.
        lines, branches: What it covered in the target file beyond import.
    """

    runs: int
    lines: frozenset[int]
    branches: frozenset[Arc]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's word on one candidate.

    Attributes:
        candidate: The candidate.
        outcome: ``passed`` only when it passed in every process.
        reason: A sentence, when not passed or not kept.
        evidence: Present when it passed.
    """

    candidate: Candidate
    outcome: Outcome
    reason: str
    evidence: Evidence | None


@dataclass(frozen=True, slots=True)
class KeptTest:
    """A test that is in the file.

    Attributes:
        name: Under which it stands there.
        target: What it is about.
        origin: Who proposed it.
        lines_added, branches_added: What it covers that was not covered before.
        line: The line of its ``def`` in the file as it was written, from 1; None when that is not known.
        mutants_killed: How many of the mutants that were run it notices.
    """

    name: str
    target: str
    origin: str
    lines_added: tuple[int, ...]
    branches_added: tuple[Arc, ...]
    line: int | None = None
    mutants_killed: int = 0


@dataclass(frozen=True, slots=True)
class DiscardedTest:
    """A candidate that is not in the file, and why."""

    target: str
    reason: str
    source: str


@dataclass(frozen=True, slots=True)
class CoverageFigures:
    """Coverage of the target as reported: percent from 0 to 100; None where it is unknown."""

    line_percent: float
    branch_percent: float
    percent: float
    missing_lines: tuple[int, ...]
    missing_branches: tuple[Arc, ...]

    @classmethod
    def of(cls, sets: CoverageSets) -> CoverageFigures:
        """Figures of a measured set."""
        return cls(sets.line_percent, sets.branch_percent, sets.percent, sets.missing_lines, sets.missing_branches)


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What one run has asked of one model.

    Attributes:
        model: As the registry names it.
        provider: Who serves it.
        requests: Requests that were sent, failed ones included: these count against an account's limits.
        answers: Those of them that gave an answer worth something.
        prompt_tokens, completion_tokens: As the provider counts them, estimated where it does not.
        cost: US dollars.
        seconds: Time that its requests took, waits between them not included.
        retries: Requests that were made again of the same model after a fault.
        faults: How often each kind of fault happened, by kind.
        breaker: Its breaker's changes in order: ``open``, ``half-open``, ``closed``.
    """

    model: str
    provider: str
    requests: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    retries: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    breaker: tuple[str, ...] = ()


Status = Literal["written", "nothing-to-add", "dry-run", "failed", "cancelled"]
StoppedBy = Literal["exhausted", "plateau", "cases", "wall", "covered"]


@dataclass(frozen=True, slots=True)
class RunReport:
    """The account of a run; the JSON of the command line is this, field by field.

    Attributes:
        coverage_before: None when the baseline is unknown (too slow, needs the network) - see ``notes``.
        seconds: Wall time by phase.
        stopped_by: Why the search ended; ``wall`` means that the same seed need not give the same file.
        notes: Sentences that the user should read: settings overridden, a baseline that is unknown, ...
        models: What was asked of models, by model; empty when none was asked.
    """

    status: Status
    module: str
    path: str
    symbol: str | None
    test_file: str | None
    threshold: float
    threshold_reached: bool
    coverage_before: CoverageFigures | None
    coverage_after: CoverageFigures | None
    kept: tuple[KeptTest, ...]
    discarded: tuple[DiscardedTest, ...]
    seconds: dict[str, float]
    box: str
    interpreter: str
    python_version: str
    seed: int
    stopped_by: StoppedBy | None
    diff: str
    error: str | None
    error_slug: str | None
    notes: tuple[str, ...] = ()
    models: tuple[ModelUse, ...] = ()

    @property
    def success(self) -> bool:
        """True when the job was done: written, or nothing to add, or a dry run."""
        return self.status in ("written", "nothing-to-add", "dry-run")


TestOutcome = Literal["passed", "failed", "flaky", "skipped", "not-judged"]


@dataclass(frozen=True, slots=True)
class JudgedTest:
    """What became of one existing test when it ran under conditions that differ.

    Attributes:
        name: As pytest names it within its file, parameters included: ``TestCart::test_total[3-9]``.
        outcome: ``passed`` or ``failed`` in every run; ``flaky`` when the runs differ; ``skipped`` when it skips itself
            or is expected to fail; ``not-judged`` when it did not come to its end in the time that it had.
        reason: Why it is not passed, or what is odd about that, as a part of a sentence; else empty.
    """

    name: str
    outcome: TestOutcome
    reason: str = ""


FindingKind = Literal[
    "no-assertion", "constant-assertion", "any-exception", "unused-comparison", "shadowed", "runs-nothing"
]


@dataclass(frozen=True, slots=True)
class TestFinding:
    """A test that cannot find what it seems to look for.

    Attributes:
        test: Function or method that it is about: ``TestCart::test_total``.
        line: Where in the test file (1-based).
        kind: ``no-assertion``: it fails only by an exception; ``constant-assertion``: an assertion holds whatever the
            code does; ``any-exception``: all that it expects is an exception of any kind; ``unused-comparison``: a
            comparison is made and not asserted; ``shadowed``: a later one of the same name takes its place, so it never
            runs; ``runs-nothing``: it neither runs nor names anything of the module.
        message: The same in words, as a sentence about the test.
    """

    __test__ = False

    test: str
    line: int
    kind: FindingKind
    message: str


@dataclass(frozen=True, slots=True)
class MutantSummary:
    """A mutant for a person.

    Attributes:
        id: As in ``inside.mutants.Mutant``.
        line: Where its statement begins (1-based).
        qualname: Function or class that holds it, ``<module>`` at module level.
        operator: Abbreviation, a key of ``inside.mutation_operators.OPERATORS``.
        description: What is replaced by what.
    """

    id: str
    line: int
    qualname: str
    operator: str
    description: str


@dataclass(frozen=True, slots=True)
class MutationFigures:
    """What the tests of a module notice of its mutants.

    Attributes:
        total: Mutants that the module, or the symbol, has.
        killed: Those that some test notices.
        uncovered: Those in lines that no test runs; they are not run, since nothing could notice them.
        undecided: Those of which nothing can be said: tests came to no end on them, or only tests that could take no
            part cover them.
        survivors: Those that all tests which cover them pass on, in the order of the lines.
    """

    total: int
    killed: int
    uncovered: int
    undecided: int
    survivors: tuple[MutantSummary, ...]

    @property
    def left(self) -> int:
        """Those that there was no time for."""
        return self.total - self.killed - self.uncovered - self.undecided - len(self.survivors)

    @property
    def score(self) -> float | None:
        """The mutation score: percent of the mutants that are decided which are killed; None when none is."""
        decided = self.killed + self.uncovered + len(self.survivors)
        return _percent(self.killed, decided) if decided else None


JudgeStatus = Literal["judged", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """The account of a judgement of the tests that a module has.

    Attributes:
        symbol: Qualified name in the module that figures are limited to; None for the whole module.
        test_file: The file whose tests were judged; None when the judgement did not come so far.
        tests: Each of its tests, in the order of the file.
        findings: Tests that cannot find what they seem to look for, in the order of the file.
        coverage: Of the module by this file alone, import included; None when it is unknown, see ``notes``.
        mutants: None when no mutant could be run, see ``notes``.
        complete: Whether all tests and all mutants were judged, and nothing was left out for want of time.
        seconds: Wall time by phase.
        notes: Sentences that the user should read: what could not be found out, settings that were left out, ...
    """

    status: JudgeStatus
    module: str
    path: str
    symbol: str | None
    test_file: str | None
    tests: tuple[JudgedTest, ...]
    findings: tuple[TestFinding, ...]
    coverage: CoverageFigures | None
    mutants: MutationFigures | None
    complete: bool
    seconds: dict[str, float]
    box: str
    interpreter: str
    python_version: str
    seed: int
    error: str | None
    error_slug: str | None
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Whether each test passed in every run, or skips itself; False when there is none that did."""
        outcomes = {test.outcome for test in self.tests}
        return self.status == "judged" and "passed" in outcomes and outcomes <= {"passed", "skipped"}


EventKind = Literal["phase", "progress", "note", "finished"]
Phase = Literal["analyse", "prepare", "baseline", "explore", "agent", "judge", "verify", "write"]


@dataclass(frozen=True, slots=True)
class RunEvent:
    """One step of a run, for a progress bar, ``$/progress`` or a JSON line.

    The numbers in ``data``, by key; those of "every event" are in events of each kind and phase:

    ``left``
        Every event: whole seconds of the budget that are left, rounded up; 0 while the budget is not known yet.
    ``covered``
        Every event once something is known: percent (0 to 100) of the lines and branches that tests are wanted for, of
        the whole file or of the symbol. It is what the existing tests cover; during the search with what it has
        reached; then with what the candidates that are stable cover; at last with what the finished file covers.
        It can fall, since not all that was reached stands up to the judge.
    ``cases``, ``lines``, ``branches``
        Phase ``explore``: cases run, and lines and branches reached that were missing.
    ``step``, ``done``, ``all``
        Phase ``judge``: how many of how many candidates (``step`` is ``candidates``) or mutants (``mutants``) are done.
        Phase ``verify`` of a judgement of existing tests: how many of them (``step`` is ``tests``).
    ``kept``
        Phase ``judge``: candidates that are stable so far. Phase ``verify``: tests of this run in the file that is
        being proven. Kind ``finished``: tests that the run has added; of a judgement, those that are sound.
    ``steps``, ``requests``, ``tokens``, ``cost``
        While an agent's part goes on, the judging of its rounds included: what it has taken so far, ``cost`` in US
        dollars. ``left`` is then of the time that models have.
    ``percent``, ``status``
        Kind ``finished``: coverage after the run, 0 when it is not known, and the report's status (``measured`` when
        existing tests were only measured).

    Attributes:
        kind: ``phase`` (a phase begins), ``progress`` (within it), ``note`` (a sentence), ``finished``.
        message: A few words for a person.
        elapsed: Seconds since the run began.
        data: Numbers (and a few words) for machines, as above.
    """

    kind: EventKind
    phase: Phase
    message: str
    elapsed: float
    data: dict[str, float | int | str] = field(default_factory=dict)
