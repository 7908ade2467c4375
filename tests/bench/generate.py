"""Generate tests for the subjects by the real command line, score them, and print one table for each set.

::

    python tests/bench/generate.py                        # both sets
    python tests/bench/generate.py --set twelve --only semver.version
    python tests/bench/generate.py --quick                # three subjects
    python tests/bench/generate.py --score-file test_x.py --subject semver.version

Exits with 1 when a subject ended without a file or one of its tests failed in a fresh run.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from projects import Prepared, Subject, SubjectSet, find_python, load_sets, module_file, prepare, tools_folder
from sandbox import BenchError
from score import KILLED, Score, read_source, score
from unseen import unseen

QUICK = ("inflection", "semver.version", "dotenv.main")
"""Expressions, a value class, files: a few minutes together."""
GRACE = 60.0
"""Seconds beyond the budget until the command line is held to hang."""
PUBLISHED = (("coverup_gpt4o", "CoverUp"), ("codamosa_gpt4o", "CodaM-4o"), ("codamosa_codex", "CodaM-Cx"))


@dataclass(slots=True)
class Result:
    """What became of one subject.

    Attributes:
        seconds: Wall time of the command line.
        load: Processes that wanted a processor in the minute before its end: a result of a busy machine is no
            result of a quiet one, since the budget is wall time.
        exit_code: Its exit code; None when it was killed, or was not run.
        problem: Why there is no score, in a sentence.
        report: The JSON that it printed.
        unseen: Of each mutant of the score, whether selection could not have seen it.
    """

    subject: Subject
    seconds: float = 0.0
    load: float = 0.0
    exit_code: int | None = None
    problem: str = ""
    report: dict[str, Any] = field(default_factory=dict)
    score: Score | None = None
    unseen: list[bool] = field(default_factory=list)

    @property
    def unseen_outcomes(self) -> list[str]:
        """Outcomes of the mutants that selection could not have seen."""
        mutants = self.score.mutants if self.score else ()
        return [outcome for (_, outcome), new in zip(mutants, self.unseen, strict=True) if new]

    @property
    def good(self) -> bool:
        """True when there is a file, and all tests in it pass."""
        return self.score is not None and self.score.tests > 0 and not self.score.failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench."""
    options = _options(arguments)
    work: Path = options.work.resolve()
    try:
        with _only_one(work):
            return _score_one(options, work) if options.score_file else _generate_all(options, work)
    except BenchError as error:
        _say(f"bench: {error}")
        return 2


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=("twelve", "published", "all"), default="all")
    parser.add_argument("--only", action="append", default=[], metavar="MODULE", help="only this one; repeatable")
    parser.add_argument("--quick", action="store_true", help="three subjects of the first set")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each (default 30)")
    parser.add_argument("--seed", type=int, default=0, help="of the search; the sample of mutants is fixed")
    parser.add_argument("--mutants", type=int, default=60, help="how many at most for each module; 0 for none")
    parser.add_argument("--python", default="", help="interpreter, or version, of the sets that ask for none")
    parser.add_argument("--source", type=Path, help="folder that holds the testwright package to measure, if another")
    parser.add_argument("--work", type=Path, default=cache / "testwright-bench", help="where projects are kept")
    parser.add_argument("--results", type=Path, help="where the JSON goes (default: results.json in --work)")
    parser.add_argument("--score-file", type=Path, help="score this file; generate nothing")
    parser.add_argument("--subject", default="", help="the module that --score-file is about")
    return parser.parse_args(arguments)


@contextmanager
def _only_one(work: Path) -> Iterator[None]:
    """Hold the work folder: two benches would remove each other's projects, and take each other's time."""
    work.mkdir(parents=True, exist_ok=True)
    with (work / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BenchError(f"Another bench runs in {work}: wait for it, or use --work.") from None
        yield


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _score_one(options: argparse.Namespace, work: Path) -> int:
    for group in load_sets().values():
        for subject in group.subjects:
            if subject.module == options.subject:
                python = find_python(group.python or options.python)
                prepared = prepare(subject, python, work)
                result = Result(subject)
                test_file = options.score_file.resolve()
                _score(result, prepared, test_file, tools_folder(python, work), options.mutants)
                _say(_table(group, [result]))
                _say(_details(result))
                return 0 if result.good else 1
    raise BenchError(f"{options.subject or 'No --subject'} is none of the subjects in subjects.toml.")


def _generate_all(options: argparse.Namespace, work: Path) -> int:
    chosen = _choose(options)
    results: dict[str, list[Result]] = {}
    for group, subjects in chosen:
        python = find_python(group.python or options.python)
        tools = tools_folder(python, work)
        done = results.setdefault(group.name, [])
        for subject in subjects:
            done.append(_run_subject(subject, prepare(subject, python, work), tools, options, work))
            _say(_details(done[-1]))
            _write_results(options.results or work / "results.json", options, results)
    for group, _ in chosen:
        _say(_table(group, results[group.name]))
    return 0 if all(result.good for done in results.values() for result in done) else 1


def _choose(options: argparse.Namespace) -> list[tuple[SubjectSet, list[Subject]]]:
    wanted = set(QUICK if options.quick else options.only)
    names = ("twelve", "published") if options.set == "all" else (options.set,)
    sets = load_sets()
    chosen = [
        (sets[name], [item for item in sets[name].subjects if not wanted or item.module in wanted]) for name in names
    ]
    unknown = wanted - {subject.module for _, subjects in chosen for subject in subjects}
    if unknown:
        raise BenchError(f"Not in subjects.toml: {', '.join(sorted(unknown))}.")
    return [(group, subjects) for group, subjects in chosen if subjects]


def _run_subject(subject: Subject, template: Prepared, tools: Path, options: argparse.Namespace, work: Path) -> Result:
    """Generate in a fresh copy of the project, and score the file."""
    root = work / "runs" / subject.module
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template.root, root, symlinks=True)
    prepared = Prepared(subject, root, module_file(root, subject.module), template.python)
    result = Result(subject)
    _generate(result, prepared, options)
    test_file = result.report.get("test_file")
    if not test_file:
        error = result.report.get("error") or {}
        result.problem = result.problem or error.get("message") or "It ended without a file."
        return result
    try:
        _score(result, prepared, (root / test_file).resolve(), tools, options.mutants)
    except BenchError as error:
        result.problem = str(error)
    return result


def _score(result: Result, prepared: Prepared, test_file: Path, tools: Path, limit: int) -> None:
    result.score = score(prepared, test_file, tools, limit=limit)
    source, _ = read_source(prepared.target)
    result.unseen = unseen(source, [mutant for mutant, _ in result.score.mutants])


def _generate(result: Result, prepared: Prepared, options: argparse.Namespace) -> None:
    program = [sys.executable, "-m", "testwright.cli", "generate", str(prepared.target.relative_to(prepared.root))]
    program += ["--json", "--budget", str(options.budget), "--seed", str(options.seed)]
    # The project's own environment must be found by itself, and not be the one that the bench runs in.
    hidden = ("VIRTUAL_ENV", "PYTHONPATH", "CONDA_PREFIX")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    if options.source:
        environment["PYTHONPATH"] = str(options.source.resolve())
    started = time.monotonic()
    try:
        done = subprocess.run(
            program,
            cwd=prepared.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=options.budget + GRACE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        result.seconds = time.monotonic() - started
        result.problem = f"It was killed {GRACE:.0f} seconds after the end of its budget."
        return
    result.seconds = time.monotonic() - started
    result.exit_code = done.returncode
    result.load = os.getloadavg()[0]
    try:
        report = json.loads(done.stdout)
    except ValueError:
        result.problem = f"It printed no JSON: {(done.stderr or done.stdout).strip()[-600:]}"
        return
    result.report = report if isinstance(report, dict) else {}


def _details(result: Result) -> str:
    """What is missing, what failed and what was thrown away, for one subject."""
    lines = [result.subject.module]
    if result.seconds:
        lines[0] += f": exit code {result.exit_code}, {result.seconds:.1f} s, load {result.load:.1f}"
    if result.problem:
        lines.append(f"  problem: {result.problem}")
    if result.report:
        phases = ", ".join(f"{name} {seconds:.1f}" for name, seconds in result.report.get("seconds", {}).items())
        lines.append(f"  seconds: {phases}; stopped by {result.report.get('stopped_by')}")
        discarded = result.report.get("tests", {}).get("discarded", [])
        reasons = Counter(str(item["reason"]).partition(": ")[0] for item in discarded)
        lines += [f"  discarded {count}: {reason}" for reason, count in reasons.most_common(8)]
        lines += [f"  note: {note}" for note in result.report.get("notes", [])]
    found = result.score
    if found is not None:
        lines += [f"  FAILED {name}: {' '.join(reason.split())[-300:]}" for name, reason in found.failures.items()]
        outcomes = ", ".join(f"{count} {name}" for name, count in found.outcomes.most_common())
        lines.append(f"  {found.tests} tests; mutants: {outcomes or 'not run'}")
        if found.coverage is not None:
            branches = (f"{start}->{end}" for start, end in found.coverage.missing_branches)
            lines.append(f"  missing lines: {_ranges(found.coverage.missing_lines) or 'none'}")
            lines.append(f"  missing branches: {' '.join(branches) or 'none'}")
        survivors = [mutant for mutant, outcome in found.mutants if outcome in ("survived", "timeout")]
        lines += [f"  alive: {item.line} {item.function} [{item.operator}] {item.change}" for item in survivors]
    return "\n".join(lines)


def _ranges(numbers: Iterable[int]) -> str:
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][1] == number - 1:
            parts[-1][1] = number
        else:
            parts.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _table(group: SubjectSet, results: list[Result]) -> str:
    published = any(result.subject.published for result in results)
    header = ["module", "tests", "failed", "line %", "branch %", "pooled %"]
    header += [title for _, title in PUBLISHED] if published else []
    header += ["killed", "mutation %", "unseen", "unseen %", "seconds", "exit"]
    rows = [_row(result, published=published) for result in results]
    medians = ["median", "", ""]
    medians += [_median(_figures(result)[index] for result in results) for index in range(3)]
    if published:
        medians += [_median(result.subject.published.get(key) for result in results) for key, _ in PUBLISHED]
    for index in (3, 4):
        medians += ["", _median(_figures(result)[index] for result in results)]
    medians += [_median(result.seconds or None for result in results), ""]
    widths = [max(len(row[index]) for row in [header, *rows, medians]) for index in range(len(header))]
    ruled = ["-" * width for width in widths]
    text = [f"\n{group.title}" + (f" (Python {group.python})" if group.python else "")]
    for row in [header, ruled, *rows, ruled, medians]:
        cells = (
            cell.ljust(width) if not index else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        text.append("  ".join(cells).rstrip())
    if published:
        text.append("pooled %: lines and branches together, nothing excluded, as the papers have it.")
    text.append("unseen: mutants of the sample that are none of those which tests were selected by.")
    return "\n".join(text)


def _figures(result: Result) -> tuple[float, float, float, float | None, float | None]:
    """Line, branch, pooled, mutation and unseen mutation percent; a subject without a file has nothing covered."""
    found = result.score
    if found is None or found.coverage is None:
        return 0.0, 0.0, 0.0, 0.0, 0.0
    pooled = found.coverage.pooled_all if result.subject.published else found.coverage.pooled
    outcomes = result.unseen_outcomes
    unseen_percent = 100 * _killed(outcomes) / len(outcomes) if outcomes else None
    return found.coverage.line_percent, found.coverage.branch_percent, pooled, found.mutation_percent, unseen_percent


def _killed(outcomes: list[str]) -> int:
    return sum(outcome in KILLED for outcome in outcomes)


def _row(result: Result, *, published: bool) -> list[str]:
    line, branch, pooled, mutation, unseen_percent = _figures(result)
    found, outcomes = result.score, result.unseen_outcomes
    row = [result.subject.module]
    row += [str(found.tests), str(len(found.failures))] if found else ["no file", ""]
    row += [f"{line:.1f}", f"{branch:.1f}", f"{pooled:.1f}"]
    if published:
        row += [f"{result.subject.published[key]:.1f}" for key, _ in PUBLISHED]
    row.append(f"{found.killed}/{len(found.mutants)}" if found else "")
    row.append("" if mutation is None else f"{mutation:.1f}")
    row.append(f"{_killed(outcomes)}/{len(outcomes)}" if found else "")
    row.append("" if unseen_percent is None else f"{unseen_percent:.1f}")
    row.append(f"{result.seconds:.1f}" if result.seconds else "")
    row.append("" if result.exit_code is None else str(result.exit_code))
    return row


def _median(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{statistics.median(known):.1f}" if known else ""


def _write_results(path: Path, options: argparse.Namespace, results: dict[str, list[Result]]) -> None:
    data = {
        "budget": options.budget,
        "seed": options.seed,
        "sets": {name: [_as_json(result) for result in done] for name, done in results.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _as_json(result: Result) -> dict[str, Any]:
    found = result.score
    return {
        "module": result.subject.module,
        "seconds": round(result.seconds, 1),
        "load": round(result.load, 1),
        "exit_code": result.exit_code,
        "problem": result.problem,
        "report": result.report,
        "published": dict(result.subject.published),
        "score": None
        if found is None
        else {
            "tests": found.tests,
            "failures": found.failures,
            "coverage": None if found.coverage is None else asdict(found.coverage),
            "mutation_percent": found.mutation_percent,
            "mutants": [
                {
                    "line": mutant.line,
                    "function": mutant.function,
                    "operator": mutant.operator,
                    "change": mutant.change,
                    "outcome": outcome,
                    "unseen": new,
                }
                for (mutant, outcome), new in zip(found.mutants, result.unseen, strict=True)
            ],
        },
    }


if __name__ == "__main__":
    sys.exit(main())
