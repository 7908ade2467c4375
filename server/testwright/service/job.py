"""One request, read: what is to be tested, with which interpreter, and where the tests go. Nothing is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testwright.analysis.interpreters import find_interpreter
from testwright.analysis.places import agree_place
from testwright.analysis.project import read_project
from testwright.analysis.symbols import PublicCallable
from testwright.analysis.targets import callables_of, find_module_by_name, find_workspace, resolve_target
from testwright.errors import UsageError
from testwright.model import Interpreter, Project, Target, TestPlace
from testwright.settings import Options, Settings, resolve_settings


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What a client asks for.

    Attributes:
        workspace: Root of the project; found from the path, or the current folder, when None.
        path: The module's file, as given.
        symbol: Qualified name in it (``Cart.total``), None for the whole module.
        module: The module's name, when there is no path.
        settings: What the client says on top of the project's settings and the environment.
    """

    workspace: Path | None = None
    path: Path | None = None
    symbol: str | None = None
    module: str | None = None
    settings: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Job:
    """A request with all that reading can find out.

    Attributes:
        settings: Resolved.
        project: How the project runs its tests.
        target: What is to be tested.
        callables: The public callables of the target.
        interpreter: The project's Python.
        place: The one file that may be written.
    """

    settings: Settings
    project: Project
    target: Target
    callables: tuple[PublicCallable, ...]
    interpreter: Interpreter
    place: TestPlace

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading found that the user should know."""
        return (*self.settings.notes, *self.project.notes, *self.interpreter.notes)


def read_job(request: GenerateRequest, environ: Mapping[str, str] | None = None) -> Job:
    """Read what a request means.

    Raises:
        UsageError: The request is wrong.
        SettingsError: A setting is.
        TargetError: The file cannot be a target.
        InterpreterError: There is no usable interpreter.
        WriteRefused: The test file's place is not allowed.
        WriteFailure: It cannot be written there.
    """
    variables = os.environ if environ is None else environ
    if request.path is None and request.module is None:
        raise UsageError("No module was named.", next_step="Give a path, or a name with --module.")
    workspace = request.workspace
    if workspace is not None and not workspace.is_dir():
        raise UsageError(f"The workspace {workspace} is not a folder.", next_step="Name the project's root folder.")
    if request.path is not None:
        # A path that does not exist has no workspace; resolve_target says so in its own words.
        root = workspace or find_workspace(request.path if request.path.exists() else Path.cwd())
        path = request.path
    else:
        root = workspace or find_workspace(Path.cwd())
        path = find_module_by_name(root, request.module or "")
    root = root.resolve()
    settings = resolve_settings(root, environ=variables, command_line=request.settings)
    project = read_project(root)
    target = resolve_target(path, symbol=request.symbol, workspace=root, project=project)
    if request.path is not None and request.module is not None and not _is_called(target.module, request.module):
        raise UsageError(
            f"{request.path} is the module {target.module}, not {request.module}.",
            next_step="Correct the name or the path, or leave one of them out.",
        )
    interpreter = find_interpreter(root, explicit=settings.python, environ=variables)
    place = agree_place(project, target, settings.output, dry_run=settings.dry_run)
    return Job(settings, project, target, callables_of(target), interpreter, place)


def _is_called(module: str, name: str) -> bool:
    return module == name or module.endswith(f".{name}")
