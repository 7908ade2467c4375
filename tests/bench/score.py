"""Score a test file: three fresh runs of plain pytest, coverage.py, and a fixed sample of mutants; all in bubblewrap.

This judges what Testwright's own judge let through, so it uses nothing of Testwright. A test counts towards coverage
and mutants when it passed in all three runs; any that did not is named.
"""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import tokenize
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mutants import Mutant, sample_mutants
from projects import Prepared, module_file
from sandbox import BenchError, Mounts, run_boxed

PROGRAM = Path(__file__).with_name("score_inside.py")
FRESH_RUNS = 3
RUN_TIMEOUT = 300.0
"""Seconds for one run of the whole file."""
PATIENCE = 5.0
"""Seconds that a mutant has at least."""
KILLED = ("killed", "crashed")
"""Outcomes that count: a test failed, or the interpreter crashed. A mutant that ran out of time is not killed."""
MUTATION_TIMEOUT = 1800.0
"""Seconds for the whole sample."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What coverage.py counted in the target; percent from 0 to 100.

    Attributes:
        pooled_all: Lines and branches pooled with nothing excluded (no ``pragma: no cover``), as the papers count.
    """

    line_percent: float
    branch_percent: float
    pooled: float
    pooled_all: float
    missing_lines: tuple[int, ...]
    missing_branches: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Score:
    """The score of one test file.

    Attributes:
        tests: How many tests passed in all fresh runs.
        failures: Name of each that did not, with the reason in one of the runs.
        coverage: None when the file never imported the target.
        mutants: The outcome of each mutant: ``killed``, ``crashed``, ``survived``, ``timeout`` or ``error``; empty
            when the mutants were not run.
    """

    tests: int
    failures: dict[str, str]
    coverage: Coverage | None
    mutants: tuple[tuple[Mutant, str], ...]

    @property
    def outcomes(self) -> Counter[str]:
        """How many mutants ended how."""
        return Counter(outcome for _, outcome in self.mutants)

    @property
    def killed(self) -> int:
        """How many mutants the tests noticed."""
        return sum(self.outcomes[outcome] for outcome in KILLED)

    @property
    def mutation_percent(self) -> float | None:
        """Killed mutants in percent; None when there were none."""
        return 100 * self.killed / len(self.mutants) if self.mutants else None


def read_source(path: Path) -> tuple[str, str]:
    """Return a Python file's text, newlines as they are, and its encoding."""
    with path.open("rb") as stream:
        encoding, _ = tokenize.detect_encoding(stream.readline)
    return path.read_bytes().decode(encoding), encoding


def score(
    prepared: Prepared, test_file: Path, tools: Path, *, seed: int = 0, limit: int = 60, patience: float = PATIENCE
) -> Score:
    """Score a test file.

    Args:
        prepared: The subject's project; if the test file lies in it, it is run where it lies.
        test_file: The file.
        tools: Folder with pytest and coverage (``projects.tools_folder``).
        seed: Of the sample of mutants.
        limit: How many mutants; 0 for none.
        patience: Seconds that a mutant has at least.

    Raises:
        BenchError: Something other than the tests went wrong.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        runner = _Runner(prepared, test_file, tools, Path(scratch))
        runs = [runner.run("run", hash_seed=str(secrets.randbelow(2**32))) for _ in range(FRESH_RUNS)]
        names = {name for run in runs for name in run["outcomes"]}
        stable = {name for name in names if all(run["outcomes"].get(name) == "passed" for run in runs)}
        failures = {name: _reason(name, runs) for name in sorted(names - stable)}
        if not stable:
            return Score(0, failures, None, ())
        deselect = sorted(names - stable)
        covered = runner.run("cover", deselect=deselect)
        source, encoding = read_source(prepared.target)
        mutants = sample_mutants(source, prepared.subject.module, seed=seed, limit=limit) if limit else []
        outcomes: list[str] = []
        if mutants:
            mutated = runner.run(
                "mutate",
                deselect=deselect,
                timeout=MUTATION_TIMEOUT,
                mutants=[mutant.source for mutant in mutants],
                encoding=encoding,
                patience=patience,
            )
            if mutated["clean_code"] != 0:
                raise BenchError(f"The tests of {prepared.subject.module} that are stable fail when run together.")
            outcomes = mutated["outcomes"]
        return Score(len(stable), failures, _coverage(covered), tuple(zip(mutants, outcomes, strict=True)))


def _reason(name: str, runs: list[dict[str, Any]]) -> str:
    reasons = [run["reasons"][name] for run in runs if name in run["reasons"]]
    outcomes = ", ".join(str(run["outcomes"].get(name)) for run in runs)
    return f"({outcomes}) {reasons[0] if reasons else ''}".strip()


def _coverage(answer: dict[str, Any]) -> Coverage | None:
    usual, everything = answer["usual"], answer["all"]
    if usual is None or everything is None:
        return None
    summary = usual["summary"]
    return Coverage(
        _percent(summary["covered_lines"], summary["num_statements"]),
        _percent(summary["covered_branches"], summary["num_branches"]),
        summary["percent_covered"],
        everything["summary"]["percent_covered"],
        tuple(usual["missing_lines"]),
        tuple((start, end) for start, end in usual["missing_branches"]),
    )


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 100.0


class _Runner:
    """Runs ``score_inside.py`` on a scratch copy of the project, seen at the project's own path."""

    def __init__(self, prepared: Prepared, test_file: Path, tools: Path, scratch: Path) -> None:
        self.prepared = prepared
        self.tools = tools
        self.answers = scratch / "answers"
        self.answers.mkdir()
        self.copy = scratch / "project"
        root = prepared.root
        ignored = shutil.ignore_patterns(".venv", "__pycache__", ".pytest_cache")
        shutil.copytree(root, self.copy, symlinks=True, ignore=ignored)
        (self.copy / ".venv").mkdir()
        place = Path("tests", test_file.name)
        if test_file.is_relative_to(root):
            place = test_file.relative_to(root)
        (self.copy / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(test_file, self.copy / place)
        self.test_file = root / place
        module_file(self.copy, prepared.subject.module)

    def run(
        self,
        task: str,
        *,
        hash_seed: str = "0",
        deselect: list[str] | None = None,
        timeout: float = RUN_TIMEOUT,
        **more: Any,
    ) -> dict[str, Any]:
        """Run one task and return its answer.

        Raises:
            BenchError: It gave none.
        """
        root, python = self.prepared.root, self.prepared.python
        inside = Path("/answers")
        request = {
            "task": task,
            "root": str(root),
            "tools": str(self.tools),
            "target": str(self.prepared.target),
            "package": self.prepared.subject.module.partition(".")[0],
            "test_file": str(self.test_file),
            "deselect": deselect or [],
            "result": str(inside / f"{task}.json"),
            **more,
        }
        answer = self.answers / f"{task}.json"
        answer.unlink(missing_ok=True)
        (self.answers / "request.json").write_text(json.dumps(request), encoding="utf-8")
        mounts = Mounts(
            writable={self.copy: root, self.answers: inside},
            read_only=(root / ".venv", python.prefix, self.tools, PROGRAM),
        )
        executable = root / ".venv" / "bin" / "python"
        done = run_boxed(
            [str(executable), str(PROGRAM), str(inside / "request.json")],
            mounts,
            environment={"PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=root,
            timeout=timeout,
        )
        if not answer.is_file():
            ended = "ran out of time" if done.code is None else f"ended with {done.code}"
            module = self.prepared.subject.module
            raise BenchError(f"Scoring {module}, {task} {ended} without an answer: {done.output[-1500:]}")
        result: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
        return result
