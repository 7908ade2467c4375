"""The language server with measurements that take no time, for tests of what is made of them.

A module is measured as the test says in the file ``measured.json`` of the home folder: an object with the texts of the
lines that no test reaches (``missing``) and the branches that none takes (``branches``). Without the file the coverage is
unknown. While there is a file ``hold`` in the home folder, a measurement waits.

Usage: measuring_server.py
"""

from __future__ import annotations

import ast
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from testwright.cli import main
from testwright.model import CoverageSets
from testwright.service import UnitTestGenerationService
from testwright.service.job import GenerateRequest
from testwright.service.result import MeasureResult, ModuleCoverage


async def measure(_: UnitTestGenerationService, request: GenerateRequest, __: object) -> MeasureResult:
    """Measure by what the test says."""
    while await asyncio.to_thread((Path.home() / "hold").exists):  # noqa: ASYNC110 - it is another process's file
        await asyncio.sleep(0.02)
    assert request.path is not None
    path = request.path.resolve()
    source = request.buffers[path]
    word = await asyncio.to_thread(_word)
    if word is None:
        notes = ("Coverage by the existing tests is unknown: they need the network, which a box does not have.",)
        return MeasureResult(ModuleCoverage(path, source, None, 3, 3), None, notes, 0.1, path.stem, None)
    sets = coverage_of(source, word["missing"], [(start, end) for start, end in word["branches"]])
    return MeasureResult(ModuleCoverage(path, source, sets, 4, 0), None, (), 0.1, path.stem, None)


def _word() -> dict[str, Any] | None:
    try:
        word: dict[str, Any] = json.loads((Path.home() / "measured.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return {"missing": [], "branches": [], **word}


def coverage_of(source: str, missing: Sequence[str], branches: Sequence[tuple[int, int]]) -> CoverageSets:
    """Coverage in which every statement is reached but those whose first line has one of the texts."""
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    statements = {
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
    }
    executed = {line for line in statements if lines[line - 1].strip() not in missing}
    return CoverageSets(frozenset(statements), frozenset(executed), frozenset(branches), frozenset())


if __name__ == "__main__":
    UnitTestGenerationService.measure = measure  # type: ignore[method-assign,assignment]
    sys.argv[1:] = ["lsp"]
    main()
