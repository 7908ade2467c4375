"""What ``testwright/coverage`` says of a document: the object that a client's status bar and gutters are made of."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict

from testwright.analysis.targets import read_source
from testwright.errors import TestwrightError
from testwright.lsp.coverage.figures import Figures
from testwright.lsp.texts.documents import Document
from testwright.lsp.texts.suitability import objection_to_address, objection_to_text
from testwright.lsp.texts.uris import path_of, uri_of

if TYPE_CHECKING:
    from testwright.lsp.session import Session

PLACE_SECONDS = 0.2
"""How long to wait to learn whether the document is a test file, and which tests it has."""


BranchStatus = TypedDict("BranchStatus", {"from": int, "to": int | None, "taken": bool})
"""A branch: lines from 0, and no second one when it leaves its block."""


class CoverageStatus(TypedDict):
    """What is known of the coverage of a document by the project's tests.

    Attributes:
        uri: The document.
        version: Of its text; lines are those of this text. None when it is not open.
        state: ``measuring`` while a run finds it out; figures of before are told meanwhile.
        percent: Lines and branches pooled, 0 to 100, one decimal, rounded down; None when it is not known.
        line: Of lines alone.
        branch: Of branches alone.
        stale: Whether the document or its tests have changed since the figures were measured.
        missingLines: Lines that no test reaches, from 0 as the protocol counts; those left out of which it is no longer
            known.
        coveredLines: Lines that a test reaches, in the same way.
        branches: Branches of which is still known whether a test takes them.
        tests: How many tests ran.
        testUri: The document's test file; None when it has none or it is not known.
        reason: Why the figures are unknown or stale, as a sentence; None when they are neither.
    """

    uri: str
    version: int | None
    state: Literal["known", "unknown", "measuring"]
    percent: float | None
    line: float | None
    branch: float | None
    stale: bool
    missingLines: list[int]
    coveredLines: list[int]
    branches: list[BranchStatus]
    tests: int
    testUri: str | None
    reason: str | None


async def status_of(session: Session, uri: str) -> CoverageStatus:
    """What is known of a document now; of one that is not open, by the text of its file."""
    document, path = session.document(uri), path_of(uri)
    objection = objection_to_address(session, uri)
    if path is None or objection is not None:
        return _unknown(uri, None if document is None else document.version, objection or "")
    if document is None:
        try:
            text = await asyncio.to_thread(read_source, path)
        except TestwrightError as error:
            return _unknown(uri, None, error.message)
        document = session.documents.not_opened(uri, text)
        await session.hints.load(path.resolve())
    tests = await session.test_places.of(path, PLACE_SECONDS)
    figures = await session.hints.figures(document)
    if figures is None:
        objection = await objection_to_text(document, is_test=tests is not None and tests.is_test)
        status = _unknown(uri, document.version, objection or session.hints.reason(document.module))
    else:
        status = _known(document, figures)
    if tests is not None and tests.path is not None:
        status["testUri"] = uri_of(tests.path)
    if is_measured(session, document.module):
        status["state"] = "measuring"
    return status


def is_measured(session: Session, module: Path | None) -> bool:
    """Whether a run is finding out the coverage of a module."""
    return any(run.work.kind == "measure" and run.work.module == module for run in session.runs.alive)


def _unknown(uri: str, version: int | None, reason: str) -> CoverageStatus:
    return {
        "uri": uri,
        "version": version,
        "state": "unknown",
        "percent": None,
        "line": None,
        "branch": None,
        "stale": False,
        "missingLines": [],
        "coveredLines": [],
        "branches": [],
        "tests": 0,
        "testUri": None,
        "reason": reason,
    }


def _known(document: Document, figures: Figures) -> CoverageStatus:
    sets = figures.measurement.sets
    covered, missing = figures.covered_and_missing()
    return {
        "uri": document.uri,
        "version": document.version,
        "state": "known",
        "percent": rounded(sets.percent),
        "line": rounded(sets.line_percent),
        "branch": rounded(sets.branch_percent),
        "stale": figures.is_stale,
        "missingLines": [line - 1 for line in missing],
        "coveredLines": [line - 1 for line in covered],
        "branches": [
            {
                "from": branch.line - 1,
                "to": None if branch.target is None else branch.target - 1,
                "taken": branch.is_taken,
            }
            for branch in figures.branches()
        ],
        "tests": figures.measurement.count,
        "testUri": None,
        "reason": figures.staleness,
    }


def rounded(percent: float) -> float:
    """One decimal, rounded down: 99.96 is not all."""
    return int(percent * 10) / 10
