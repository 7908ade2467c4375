"""Coverage of one file by coverage.py: what its JSON report says, as sets that can be joined."""

import contextlib
import json
import os
import tempfile
import warnings
from pathlib import Path
from types import FrameType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple

Arc = Tuple[int, int]

_EXCLUSIONS = ("report:exclude_lines", "report:exclude_also", "report:partial_branches", "report:partial_also")
"""Settings of the project that decide what coverage.py counts; every other setting is ours."""


class Measure:
    """Measures one file; nothing is written to the project and none of its ``.coverage`` files is read.

    Attributes:
        file: The file, resolved.
    """

    def __init__(self, file: str) -> None:
        import coverage  # noqa: PLC0415 - only now is it decided which one

        self.file = os.path.realpath(file)
        with _quiet():
            exclusions = _project_exclusions()
            self._coverage = coverage.Coverage(data_file=None, branch=True, include=[self.file], config_file=False)
            for name, value in exclusions:
                self._coverage.set_option(name, value)

    def warm(self) -> None:
        """Do now what the first start costs, so that forked children need not."""
        self.start()
        self.stop()

    def start(self) -> None:
        """Start tracing in this process and in threads that it starts."""
        with _quiet():
            self._coverage.start()

    def stop(self) -> None:
        """Stop tracing."""
        with _quiet():
            self._coverage.stop()

    def raw(self) -> "Tuple[List[int], List[Arc]]":
        """Lines and arcs as traced so far, not yet translated (see ``Translation``)."""
        with _quiet():
            data = self._coverage.get_data()
            name = next((known for known in data.measured_files() if os.path.realpath(known) == self.file), self.file)
            return sorted(data.lines(name) or ()), sorted(data.arcs(name) or ())

    def sets(self) -> Dict[str, Any]:
        """The sets of the file by coverage.py's JSON report: statements, executed, branches, executed_branches."""
        handle, path = tempfile.mkstemp(prefix="coverage-", suffix=".json")
        os.close(handle)
        try:
            with _quiet():
                self._coverage.json_report(morfs=[self.file], outfile=path)
            report = json.loads(Path(path).read_text(encoding="utf-8"))
        finally:
            Path(path).unlink()
        found = next(iter(report["files"].values()))
        executed_branches = {(a, b) for a, b in found.get("executed_branches", ())}
        branches = executed_branches | {(a, b) for a, b in found.get("missing_branches", ())}
        executed = set(found["executed_lines"])
        return {
            "statements": sorted(executed | set(found["missing_lines"])),
            "executed": sorted(executed),
            "branches": sorted(branches),
            "executed_branches": sorted(executed_branches),
        }

    def translation(self, statements: Iterable[int], branches: Iterable[Iterable[int]]) -> "Translation":
        """A way from ``raw`` to lines and branches that does not parse the file each time."""
        return Translation(self._coverage, self.file, statements, branches)


class Translation:
    """Turns raw lines and arcs into coverage.py's lines and branches; the file is parsed once."""

    def __init__(self, cov: Any, file: str, statements: Iterable[int], branches: Iterable[Iterable[int]]) -> None:
        from coverage.python import PythonFileReporter  # noqa: PLC0415 - only now is it decided which one

        self._reporter = PythonFileReporter(file, cov)
        self._statements = frozenset(statements)
        self._branches = frozenset((first, last) for first, last in branches)
        self._reporter.arcs()  # parses

    def __call__(self, lines: Iterable[int], arcs: Iterable[Arc]) -> "Tuple[List[int], List[Arc]]":
        """Executed statements and branches, sorted."""
        executed: Set[int] = set(self._reporter.translate_lines(lines))
        taken: Set[Arc] = set(self._reporter.translate_arcs(arcs))
        return sorted(executed & self._statements), sorted(taken & self._branches)


def _project_exclusions() -> "List[Tuple[str, Any]]":
    """What the project tells coverage.py to leave out; its plugins, sources and data files are not ours."""
    import coverage  # noqa: PLC0415 - only now is it decided which one

    try:
        theirs = coverage.Coverage(data_file=None)
    except Exception:
        return []  # a broken configuration is the project's matter; coverage.py's defaults hold
    found = []
    for name in _EXCLUSIONS:
        with contextlib.suppress(Exception):  # an option that this version does not know
            found.append((name, theirs.get_option(name)))
    return found


def is_measuring(frame: Optional[FrameType]) -> bool:
    """Whether coverage.py itself runs in this frame, or called what does.

    A signal that raises there may leave coverage.py's lock held, and what asks for its data next waits without an
    end; it has to come again a moment later.
    """
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith("coverage."):
            return True
        frame = frame.f_back
    return False


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """coverage.py's own warnings are not the user's; his filters may make errors of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
