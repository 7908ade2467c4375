"""``testwright runs``: which runs were cut off, and what they had proven."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from testwright.cli.output import console, print_json
from testwright.cli.views import relative_to_home, shown
from testwright.errors import UsageError
from testwright.service.interrupted import InterruptedRun, forget_run, interrupted_runs

ALL = "all"
LABEL_WIDTH = 12
"""Columns of what a fact is about."""


def list_runs(*, as_json: bool) -> int:
    """Print the runs that were cut off, the newest first; 0.

    Raises:
        TestwrightError: What is kept of runs cannot be read.
    """
    found = interrupted_runs()
    if as_json:
        print_json({"runs": [_to_json(run) for run in found]})
    elif found:
        output = console()
        for line in _lines(found):
            output.print(line, soft_wrap=True)  # a path that is cut in two cannot be copied
    else:
        click.echo("No run was cut off.")
    return 0


def forget_runs(named: str, *, as_json: bool) -> int:
    """Keep nothing of one run that was cut off, or of all; 0.

    Args:
        named: The run's id, or ``all``.
        as_json: Whether one JSON object is printed.

    Raises:
        UsageError: No run that was cut off has this id.
        TestwrightError: What is kept of runs cannot be read or changed.
    """
    found = interrupted_runs()
    wanted = [run for run in found if named in (run.id, ALL)]
    if not wanted and named != ALL:
        raise UsageError(
            f"No run that was cut off has the id {named}.", next_step="`testwright runs` lists those there are."
        )
    forgotten = [run for run in wanted if forget_run(run.id)]
    if as_json:
        print_json({"forgotten": [_to_json(run) for run in forgotten]})
        return 0
    for run in forgotten:
        saved = _saved(run)
        stays = "" if saved is None else f"; what it had proven stays in {relative_to_home(saved)}"
        click.echo(f"Forgotten: {run.id}, {_target(run)}{stays}")
    if not forgotten:
        click.echo("No run was cut off, so there is nothing to forget.")
    return 0


def _lines(runs: Sequence[InterruptedRun]) -> Iterator[Text]:
    """For each run what it was on, how far it came, and what to do now."""
    for run in runs:
        yield Text.assemble((_target(run), "bold"), "  ", ("cut off", "bold red"), f"  {run.id}")
        for label, words in _facts(run):
            yield Text.assemble("  ", (f"{label:<{LABEL_WIDTH}}", "bold"), words)
        yield Text()
    again = "run it again; `testwright runs --forget ID` takes it off this list"
    yield Text.assemble(("next  ", "bold"), again)


def _facts(run: InterruptedRun) -> Iterator[tuple[str, str]]:
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(run.began))
    yield "Began", f"{began}, cut off in the phase {run.phase}"
    yield "Proven", _proven(run)
    if run.proposal is not None:
        gone = "" if _saved(run) else ", which has gone since"
        yield "Saved in", f"{relative_to_home(run.proposal)}{gone}"
    yield "Test file", f"{shown(str(run.test_file))}, as it was, or whole"
    yield "Again", f"testwright generate {shlex.quote(_target(run))}"


def _proven(run: InterruptedRun) -> str:
    if not run.tests:
        return "no test yet"
    tests = "1 test" if run.tests == 1 else f"{run.tests} tests"
    covered = "" if run.covered is None else f", {run.covered:.1f} % covered with {'it' if run.tests == 1 else 'them'}"
    return f"{tests}{covered}"


def _target(run: InterruptedRun) -> str:
    path = shown(str(run.path))
    return f"{path}::{run.symbol}" if run.symbol else path


def _saved(run: InterruptedRun) -> Path | None:
    """Where that is which it had proven, if it still is."""
    return run.proposal if run.proposal is not None and run.proposal.is_file() else None


def _to_json(run: InterruptedRun) -> dict[str, Any]:
    saved = _saved(run)
    return {
        "id": run.id,
        "began": round(run.began, 3),
        "workspace": str(run.workspace),
        "path": str(run.path),
        "symbol": run.symbol,
        "test_file": str(run.test_file),
        "phase": run.phase,
        "tests": run.tests,
        "covered": run.covered,
        "proposal": None if saved is None else str(saved),
    }
