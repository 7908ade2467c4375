"""The language server with runs that take no time, for tests of what comes after a run.

Only the search and the judge are left out: three tests of the shop's ``add_tax`` are taken as proven. What reads the
project, makes the file, merges and delivers it is the server's own. A run waits while there is a file ``hold`` in the
home folder, and when it has written its tests, while there is a file ``linger``.

Usage: quick_server.py [SECONDS [SECONDS]]: how long an editor may take to answer an edit, and how long a command waits
for it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from testwright.cli import main
from testwright.judge.minimise import Selection
from testwright.lsp.features import review
from testwright.lsp.testfile import editing
from testwright.model import Candidate, CoverageSets, Evidence, Import, Raises, Verdict
from testwright.service import run as runs
from testwright.service.interrupted import RunRecord
from testwright.service.job import read_job
from testwright.service.result import RunResult
from testwright.writing.compose import compose_test_file

ADD_TAX = Import("shop.pricing", "add_tax")
PYTEST = Import("pytest")


def candidate(scenario: str, act: str, expected: str | None) -> Candidate:
    raises = Raises("ValueError") if expected is None else None
    return Candidate(
        id=scenario,
        target="add_tax",
        scenario=scenario,
        arrange=(f"price = {len(scenario)}.0",),  # no two are alike, so that no table is made of them
        act=act,
        binds="result" if expected is not None else None,
        asserts=(f"result == {expected}",) if expected is not None else (),
        raises=raises,
        warns=None,
        imports=(ADD_TAX, PYTEST) if raises else (ADD_TAX,),
        fixtures=(),
        origin="embedded:search",
    )


RUNS = itertools.count()


def candidates() -> tuple[Candidate, ...]:
    """Those of the next run; no two runs have the same."""
    again = "_again" * next(RUNS)
    return (
        candidate(f"nothing{again}", "add_tax(price, 0)", "price"),
        candidate(f"double_price{again}", "add_tax(price, 100)", "price + price"),
        candidate(f"negative{again}", "add_tax(price, -1)", None),
    )


def verdict(one: Candidate, line: int) -> Verdict:
    return Verdict(one, "passed", "", Evidence(3, frozenset({line}), frozenset()))


async def _while_there_is(name: str) -> None:
    while await asyncio.to_thread((Path.home() / name).exists):  # noqa: ASYNC110 - it is another process's file
        await asyncio.sleep(0.02)


async def execute(self: Any) -> RunResult:
    """Do a run whose candidates are known beforehand."""
    account = self._account
    with account.step("analyse", "reading the project"):
        job = await asyncio.to_thread(read_job, self._request)
        account.take_subject(job.subject)
    async with RunRecord(job, self._environ, account.note) as record:
        return await _write(self, runs._Work(job, cast("Any", None), record))


async def _write(self: Any, work: runs._Work) -> RunResult:
    account, job = self._account, work.job
    with account.step("explore", "searching for tests"):
        await _while_there_is("hold")
    proven = candidates()
    composed = await asyncio.to_thread(compose_test_file, proven, job.target, job.project.style, job.place.original)
    kept = tuple(verdict(one, line) for line, one in enumerate(proven, start=8))
    dropped = Verdict(proven[0], "failed", "it failed: | [x](y) `z`", None)
    selection = Selection(kept, (dropped,), ())
    account.take_kept(selection, composed.suite.tests, composed.lines(), CoverageSets(), {})
    account.take_discarded(selection)
    measured: Any = SimpleNamespace(baseline=SimpleNamespace(coverage=None, tests=0, failed=0))
    verification: Any = SimpleNamespace(coverage=CoverageSets(frozenset({8, 9, 10}), frozenset({8, 10})), passed=())
    result: RunResult = await self._write(work, measured, composed, verification)
    await _while_there_is("linger")  # as a run does whose box takes its time to end
    return result


if __name__ == "__main__":
    runs.Run.execute = execute  # type: ignore[method-assign]
    if len(sys.argv) > 1:
        editing.ANSWER_SECONDS = float(sys.argv[1])
    if len(sys.argv) > 2:
        review.WAIT_SECONDS = float(sys.argv[2])
    sys.argv[1:] = ["lsp"]
    main()
