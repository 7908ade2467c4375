"""Task ``importing``: import the module under test once, measured, and say in data how that went."""

import importlib
import os
import platform
import sys
import traceback
from typing import Any, Dict, Optional

from .channel import Channel
from .measure import Measure
from .runner_tools import Tools, is_file, origin_of

_exit = os._exit
_getpid = os.getpid


def run(request: Dict[str, Any], channel: Channel) -> None:
    """Answer ``imported`` with coverage of the import, or ``import-failed``."""
    process = _getpid()
    tools = Tools(request, ["coverage"])
    measure = Measure(request["file"])
    measure.start()
    problem: Optional[BaseException] = None
    try:
        importlib.import_module(request["module"])
    except BaseException as error:
        problem = error
    if _getpid() != process:
        _exit(1)  # the module forked while it was imported: only the first process reports
    measure.stop()
    if problem is not None:
        channel.send("import-failed", **_failure(problem, request["file"], request["module"]))
        _exit(0)
    module = sys.modules[request["module"]]
    if not is_file(module, request["file"]):
        channel.send(
            "import-failed",
            stage="wrong-file",
            exception="",
            message=origin_of(module)[:1000],
            line=None,
            missing=None,
        )
        _exit(0)
    channel.send(
        "imported",
        coverage=measure.sets(),
        python=platform.python_version(),
        pytest=tools.version("pytest"),
        coverage_version=tools.version("coverage"),
        overlay_used=tools.used_overlay,
    )
    _exit(0)  # threads that the module started must not hold the process


def _failure(error: BaseException, file: str, module: str) -> Dict[str, Any]:
    missing = None
    if isinstance(error, SystemExit):
        stage = "exit"
    elif isinstance(error, SyntaxError):
        stage = "syntax"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        missing = error.name
        # The target's own name or one of its parents: it is not where it was said to be.
        stage = "not-found" if module == missing or module.startswith(missing + ".") else "missing-dependency"
    elif isinstance(error, RecursionError):
        stage = "recursion"
    elif isinstance(error, MemoryError):
        stage = "memory"
    elif isinstance(error, BlockingIOError):
        stage = "processes"
    else:
        stage = "exception"
    return {
        "stage": stage,
        "exception": type(error).__name__[:200],
        "message": _message(error),
        "line": _line(error, file),
        "missing": missing,
    }


def _message(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return repr(error.code)[:500]
    if isinstance(error, SyntaxError):
        where = os.path.split(error.filename)[1] if error.filename else "?"
        return f"{error.msg} ({where}, line {error.lineno})"[:500]
    try:
        return str(error)[:500]
    except Exception:
        return ""


def _line(error: BaseException, file: str) -> Optional[int]:
    """The last line of the target on the way to the error (1-based), None when the target is not on it."""
    wanted = os.path.realpath(file)
    if isinstance(error, SyntaxError) and error.filename and os.path.realpath(error.filename) == wanted:
        return error.lineno
    line = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if os.path.realpath(frame.f_code.co_filename) == wanted:
            line = number
    return line
