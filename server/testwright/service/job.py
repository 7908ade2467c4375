"""One request, read: what is to be tested, with which interpreter, and where the tests go. Nothing is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.analysis.interpreters import find_interpreter
from testwright.analysis.places import agree_place
from testwright.analysis.project import read_project
from testwright.analysis.symbols import PublicCallable
from testwright.analysis.targets import callables_of, find_module_by_name, find_workspace, resolve_target
from testwright.errors import UsageError
from testwright.model import CoverageSets, Interpreter, Project, Target, TestPlace
from testwright.settings import Options, Settings, resolve_settings


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """What a client asks for.

    Attributes:
        workspace: Root of the project; found from the path, or the current folder, when None.
        path: The module's file, as given; it need not be on the disk when ``buffers`` has it.
        symbol: Qualified name in it (``Cart.total``), None for the whole module.
        module: The module's name, when there is no path.
        settings: What the client says for this run, on top of all else: the level of the command line.
        editor: What an editor's settings say, on top of the project's settings and the environment.
        buffers: Text of the documents that an editor holds, by absolute path, line ends as there. It counts in place
            of what the disk has; a file need not be on the disk.
        record: New file in which questions to models and their answers are saved; only for ``generate``.
        replay: Such a file, from which the answers are taken: no model is asked then; only for ``generate``.
    """

    workspace: Path | None = None
    path: Path | None = None
    symbol: str | None = None
    module: str | None = None
    settings: Options = field(default_factory=Options)
    editor: Options | None = None
    buffers: Mapping[Path, str] = field(default_factory=dict)
    record: Path | None = None
    replay: Path | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at, with which interpreter.

    Attributes:
        settings: Resolved.
        project: How the project runs its tests.
        target: The module, or a symbol of it.
        interpreter: The project's Python.
        buffers: What an editor holds.
    """

    settings: Settings
    project: Project
    target: Target
    interpreter: Interpreter
    buffers: Buffers

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading found that the user should know."""
        return (*self.settings.notes, *self.project.notes, *self.interpreter.notes)

    def asked(self, sets: CoverageSets) -> CoverageSets:
        """Only what lies in the target's lines."""
        if self.target.symbol is None:
            return sets
        return sets.within(self.target.first_line, self.target.last_line)


@dataclass(frozen=True, slots=True)
class Job:
    """A request with all that reading can find out.

    Attributes:
        subject: What is to be tested.
        callables: The public callables of the target.
        place: The one file that may be written.
    """

    subject: Subject
    callables: tuple[PublicCallable, ...]
    place: TestPlace

    @property
    def target(self) -> Target:
        """What is to be tested."""
        return self.subject.target

    @property
    def project(self) -> Project:
        """How the project runs its tests."""
        return self.subject.project

    @property
    def settings(self) -> Settings:
        """Resolved."""
        return self.subject.settings


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
    if request.record is not None and request.replay is not None:
        raise UsageError(
            "A run cannot be recorded and answered from a record at once.",
            next_step="Give --record for a new record, or --replay for one that is there.",
        )
    subject = read_subject(request, environ)
    settings = subject.settings
    place = agree_place(
        subject.project,
        subject.target,
        settings.output,
        placement=settings.placement,
        dry_run=settings.dry_run,
        buffers=subject.buffers,
    )
    return Job(subject, callables_of(subject.target), place)


def read_subject(request: GenerateRequest, environ: Mapping[str, str] | None = None) -> Subject:
    """Read what is to be looked at; where tests of it would be written is left open.

    Raises:
        UsageError: The request is wrong.
        SettingsError: A setting is.
        TargetError: The file cannot be a target.
        InterpreterError: There is no usable interpreter.
    """
    variables = os.environ if environ is None else environ
    buffers = Buffers.of(request.buffers)
    if request.path is None and request.module is None:
        raise UsageError("No module was named.", next_step="Give a path, or a name with --module.")
    workspace = request.workspace
    if workspace is not None and not workspace.is_dir():
        raise UsageError(f"The workspace {workspace} is not a folder.", next_step="Name the project's root folder.")
    if request.path is not None:
        # A path that does not exist has no workspace; resolve_target says so in its own words.
        is_there = request.path.exists() or request.path in buffers
        root = workspace or find_workspace(request.path if is_there else Path.cwd())
        path = request.path
    else:
        root = workspace or find_workspace(Path.cwd())
        path = find_module_by_name(root, request.module or "")
    root = root.resolve()
    settings = resolve_settings(root, environ=variables, editor=request.editor, command_line=request.settings)
    project = read_project(root)
    target = resolve_target(path, symbol=request.symbol, workspace=root, project=project, buffers=buffers)
    if request.path is not None and request.module is not None and not _is_called(target.module, request.module):
        raise UsageError(
            f"{request.path} is the module {target.module}, not {request.module}.",
            next_step="Correct the name or the path, or leave one of them out.",
        )
    interpreter = find_interpreter(root, explicit=settings.python, environ=variables)
    return Subject(settings, project, target, interpreter, buffers)


def _is_called(module: str, name: str) -> bool:
    return module == name or module.endswith(f".{name}")
