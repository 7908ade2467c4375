"""Which modules below a folder tests can be written for, and why not for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.analysis.modules import Evidence, looks_like_test_name, name_in
from testwright.analysis.outline import Outline, read_outline
from testwright.analysis.project import read_project
from testwright.analysis.targets import read_source
from testwright.analysis.walking import passed_over, python_files
from testwright.errors import TestwrightError
from testwright.model import Project


@dataclass(frozen=True, slots=True)
class FoundModule:
    """A module that tests can be written for: its file, links not followed, and its dotted name."""

    path: Path
    name: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder that is left out, and why, as a sentence."""

    path: Path
    reason: str


def discover(
    path: Path, workspace: Path, root_of: Callable[[Path], Path], buffers: Buffers
) -> Iterator[FoundModule | LeftOut]:
    """Look at a file, or at all Python files below a folder, one at a time, shallow ones first.

    Hidden folders, and those of installed or generated code, are passed over, as by every other walk; one that is named
    itself is told of.

    Args:
        path: The file or folder, absolute, in the workspace.
        workspace: The folder that the user works in, of which may be several projects.
        root_of: Gives the root of the project that a file belongs to.
        buffers: What an editor holds: its text is looked at in place of the disk's.
    """
    if not path.is_dir():
        yield _Reader(root_of, buffers).look_at(path)
        return
    if (folder := passed_over(workspace, path)) is not None:
        words = "is hidden, a link, or holds installed or generated code"
        yield LeftOut(path, f"{folder} {words}, so no tests are written for what is in it.")
        return
    reader = _Reader(root_of, buffers)
    for file in python_files(workspace, path):
        yield reader.look_at(file)


def objection_to_outline(name: str, outline: Outline, *, is_test: bool) -> str | None:
    """Why a module cannot be tested, by what is in it, as a sentence; None when it can.

    Args:
        name: Of its file.
        outline: Of its text.
        is_test: Whether it is named as its project names test files.
    """
    if is_test and (outline.has_tests or name == "conftest.py"):
        return f"{name} is a test file itself."
    if outline.is_empty:
        return f"{name} is empty: there is nothing to test."
    if not outline.has_public:
        return f"{name} defines no public function or class: there is nothing to test."
    return None


def syntax_objection(name: str, error: SyntaxError | None) -> str:
    """The same of a text that is no Python, or not this one's."""
    where = f" in line {error.lineno}" if error is not None and error.lineno else ""
    return f"{name} has a syntax error{where}."


class _Reader:
    """Reads files, and each project once.

    Args:
        root_of: Gives the root of the project that a file belongs to.
        buffers: What an editor holds.
    """

    def __init__(self, root_of: Callable[[Path], Path], buffers: Buffers) -> None:
        self._root_of = root_of
        self._buffers = buffers
        self._roots: dict[Path, Path] = {}
        self._projects: dict[Path, tuple[Project, Evidence] | TestwrightError] = {}

    def look_at(self, path: Path) -> FoundModule | LeftOut:
        """Look at one file."""
        try:
            return self._look_at(path)
        except SyntaxError as error:
            return LeftOut(path, syntax_objection(path.name, error))
        except TestwrightError as error:
            return LeftOut(path, error.message)

    def _look_at(self, path: Path) -> FoundModule | LeftOut:
        if path.suffix != ".py":
            return LeftOut(path, f"{path.name} is not a Python file.")
        source = read_source(path, self._buffers)
        project, evidence = self._project_of(path)
        resolved = path.resolve()
        is_test = looks_like_test_name(resolved, project.python_files)
        objection = objection_to_outline(path.name, read_outline(source), is_test=is_test)
        if objection is not None:
            return LeftOut(path, objection)
        return FoundModule(path, name_in(project, resolved, evidence).dotted)

    def _project_of(self, path: Path) -> tuple[Project, Evidence]:
        """The project that a file belongs to.

        Raises:
            SettingsError: Its settings cannot be read.
        """
        root = self._roots.get(path.parent)
        if root is None:
            root = self._roots[path.parent] = self._root_of(path)
        if root not in self._projects:
            try:
                self._projects[root] = (read_project(root), Evidence(root))
            except TestwrightError as error:
                self._projects[root] = error
        found = self._projects[root]
        if isinstance(found, TestwrightError):
            raise found
        return found
