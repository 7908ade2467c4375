"""Whether the module under test can be imported in the box, and what an import alone covers."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from testwright.boxes.protocol import BoxExit, Limits
from testwright.boxes.session import ExitCell, Session
from testwright.errors import BoxFailure, ImportFailure
from testwright.judge.boxed import LIMITS, last_words, limits_for
from testwright.judge.wire import Imported, ImportFailed, importing_message
from testwright.model import CoverageSets, Target

IMPORT_SECONDS = 10.0
"""Wall time that an import may take."""


@dataclass(frozen=True, slots=True)
class ImportCheck:
    """The module can be imported.

    Attributes:
        coverage: What the import alone covers.
        python: Version of the project's interpreter, ``3.12.1``.
        pytest: Version of the pytest that will run the tests.
        coverage_version: Version of coverage.py.
        overlay_used: Which of the two were lent by us because the project has none or too old a one.
    """

    coverage: CoverageSets
    python: str
    pytest: str
    coverage_version: str
    overlay_used: tuple[str, ...]


async def check_import(
    session: Session, target: Target, *, seconds: float = IMPORT_SECONDS, limits: Limits = LIMITS
) -> ImportCheck:
    """Import the target once in the box.

    Args:
        session: The run's box.
        target: What to import.
        seconds: Wall time that it may take.
        limits: Limits of the start; the wall time is taken from ``seconds``.

    Raises:
        ImportFailure: It cannot be imported; the sentence says why and in which line.
        BoxFailure: The box did not do its job.
        BoxUnavailable: There is no box.
    """
    ended = ExitCell()
    answer: Imported | ImportFailed | None = None
    request = {"module": target.module, "file": session.seen(target.path)}
    messages = session.run("importing", request, limits=limits_for(seconds, limits), on_exit=ended)
    async with contextlib.aclosing(messages) as stream:
        async for message in stream:
            if answer is None:  # the first word counts: what a forked copy says later does not
                answer = importing_message(message)
    if isinstance(answer, Imported):
        return ImportCheck(
            answer.coverage.to_model(),
            answer.python,
            answer.pytest,
            answer.coverage_version,
            tuple(answer.overlay_used),
        )
    if answer is not None:
        raise _failure(target, session, answer)
    raise _ended(target, ended.value, seconds)


def _failure(target: Target, session: Session, answer: ImportFailed) -> ImportFailure:  # noqa: PLR0911 - one sentence per stage
    module, where = target.module, _where(target, answer.line)
    match answer.stage:
        case "missing-dependency":
            return ImportFailure(
                f"{module} cannot be imported: it needs the module {answer.missing}, which {session.python} "
                f"does not have{where}.",
                next_step="Install it for that interpreter, or name another one with --python.",
            )
        case "not-found":
            return ImportFailure(
                f"{module} cannot be imported: there is no module {answer.missing} on the project's import paths.",
                next_step="Add the folder that holds it to pythonpath in pytest's settings.",
            )
        case "syntax":
            return ImportFailure(
                f"{module} cannot be imported: {answer.exception} for {session.python}: {answer.message}.",
                next_step="Correct the syntax, or name the interpreter that the code is written for with --python.",
            )
        case "exit":
            return ImportFailure(
                f"{module} ends the program when it is imported: SystemExit({answer.message}){where}.",
                next_step='Move what ends it under `if __name__ == "__main__":`.',
            )
        case "wrong-file":
            return ImportFailure(
                f"import {module} does not lead to {target.path} but to {answer.message}.",
                next_step="Uninstall that copy or install the project in editable mode (pip install -e .).",
            )
        case "recursion":
            return ImportFailure(
                f"{module} calls itself without end when it is imported: RecursionError{where}.",
                next_step="Correct the recursion; an import must come to an end.",
            )
        case "memory":
            return ImportFailure(
                f"{module} needs more memory at import than a box may have: MemoryError{where}.",
                next_step="Move that work into a function, so that an import does not do it.",
            )
        case "processes":
            return ImportFailure(
                f"{module} starts more processes at import than a box may have{where}.",
                next_step='Move what starts them under `if __name__ == "__main__":` or into a function.',
            )
        case "exception":
            said = f": {answer.message}" if answer.message else ""
            return ImportFailure(
                f"{module} cannot be imported: {answer.exception}{said}{where}.",
                next_step="An import must work without network, arguments or files of the user; "
                "pass variables that it needs with --pass-env.",
            )


def _where(target: Target, line: int | None) -> str:
    return f" ({target.path.name}, line {line})" if line is not None else ""


def _ended(target: Target, ended: BoxExit | None, seconds: float) -> ImportFailure | BoxFailure:
    module = target.module
    later = 'Move what it does at import into a function or under `if __name__ == "__main__":`.'
    cause = ended.cause if ended is not None else "killed"
    if cause == "wall":
        return ImportFailure(f"{module} did not finish importing within {seconds:g} seconds.", next_step=later)
    if cause == "memory" or (ended is not None and ended.code == -9):
        return ImportFailure(f"{module} needs more memory at import than a box may have.", next_step=later)
    if cause == "output":
        return ImportFailure(f"{module} writes more output at import than a box may.", next_step=later)
    if cause == "signalled" and ended is not None:
        return ImportFailure(
            f"{module} crashes the interpreter when it is imported (signal {-ended.code}).",
            next_step="Look for deep recursion, or for a compiled dependency that does not fit the interpreter.",
        )
    if ended is not None and "Traceback (most recent call last)" in ended.stderr:
        return BoxFailure(
            f"Our program in the box failed before {module} was imported: {last_words(ended)}.",
            next_step="Run `testwright doctor`; if all is there, report this sentence.",
        )
    code = ended.code if ended is not None else 0
    return ImportFailure(
        f"{module} ends the process when it is imported (exit code {code}).",
        next_step=later,
    )
