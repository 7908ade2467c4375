"""Agree on the one file that a run may write, before anything runs.

The test file goes where this project keeps its tests, named as it names them. A test file that the module has already
is taken, never a second one made beside it; else ``conventions`` says where. Since one file is all that may be written,
the place must work without a new ``__init__.py``, and its name must not collide with that of another test file in
pytest's eyes.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.analysis.conventions import Convention, convention_for
from testwright.analysis.modules import looks_like_test_name
from testwright.analysis.targets import MAX_SOURCE_BYTES, decode_source, has_tests, parse_source, syntax_failure
from testwright.analysis.testfiles import (
    OTHER_LEVELS,
    Imports,
    SourceFile,
    TestFile,
    joined_names,
    read_imports,
    subject_names,
    survey,
)
from testwright.analysis.writable import check_writable_name
from testwright.errors import TargetError, WriteFailure, WriteRefused
from testwright.model import Project, Target, TestPlace
from testwright.settings import Placement

__all__ = ["agree_place", "check_writable_name"]

CLOSE = 0.85
"""Likeness (``difflib``) from which on a test file that imports the module counts as named after it."""


def agree_place(  # noqa: PLR0913 - what is wanted, and what is there
    project: Project,
    target: Target,
    output: Path | None = None,
    *,
    placement: Placement = "auto",
    dry_run: bool = False,
    buffers: Mapping[Path, str] | None = None,
) -> TestPlace:
    """Choose and check the test file, and read what is in it.

    Args:
        project: The project's settings.
        target: What tests are wanted for.
        output: The place that the user names, absolute; None to choose one.
        placement: Where a test file that is not there yet is put; its meaning is told in ``Settings``.
        dry_run: Whether nothing will be written, so that the folder need not be writable.
        buffers: Text of the documents that an editor holds, by absolute path; what is in the test file if it is among
            them, whatever is on the disk.

    Raises:
        WriteRefused: The place is not one that Testwright writes to.
        WriteFailure: It cannot be written.
        TargetError: A test file that is there has a syntax error or cannot be read; it stays as it is.
    """
    held = Buffers.of(buffers or {})
    path = _choose(project, target, placement, held) if output is None else _named(output, project)
    check_writable_name(path, project.workspace)
    if path == target.path:
        raise WriteRefused(f"{path} is the module under test.", next_step="Name another file with --output.")
    original = _read_existing(path, project, held)
    if not dry_run:
        _check_can_be_written(path)
    return TestPlace(
        path=path,
        exists=original is not None,
        digest="" if original is None else hashlib.sha256(original).hexdigest(),
        original=original,
        in_editor=path in held,
    )


def find_test_file(
    project: Project, target: Target, output: Path | None = None, buffers: Mapping[Path, str] | None = None
) -> Path | None:
    """The test file that the module has already, whether or not it may be written; None when it has none.

    Args:
        project: The project's settings.
        target: The module.
        output: The place that the user names, absolute; None to go by names and imports.
        buffers: Text of the documents that an editor holds, by absolute path.
    """
    held = Buffers.of(buffers or {})
    if output is not None:
        return output if output.is_file() or output in held else None
    return _existing_for(target, _Survey(*survey(project, held), held))


def find_test_files(
    project: Project, targets: Iterable[Target], buffers: Mapping[Path, str] | None = None
) -> Iterator[tuple[Target, Path | None]]:
    """The test file that each of many modules has already, as ``find_test_file``; the project is read once.

    Args:
        project: The project's settings.
        targets: The modules.
        buffers: Text of the documents that an editor holds, by absolute path.
    """
    held = Buffers.of(buffers or {})
    found = _Survey(*survey(project, held), held)
    return ((target, _existing_for(target, found)) for target in targets)


def _named(output: Path, project: Project) -> Path:
    """The place that the user names, below the workspace's resolved root."""
    path = output if output.is_absolute() else project.workspace / output
    if not path.is_relative_to(project.workspace):
        # the same folder by another name: a link above the workspace
        above = next((folder for folder in path.parents if _same_folder(folder, project.workspace)), None)
        if above is not None:
            path = project.workspace / path.relative_to(above)
    if path.is_dir() and not path.is_symlink():
        raise WriteRefused(
            f"{output} is a folder.", next_step="Name the test file itself: --output tests/test_module.py."
        )
    check_writable_name(path, project.workspace)
    if not looks_like_test_name(path, project.python_files):
        raise WriteRefused(
            f"pytest would not collect a file called {path.name}.",
            next_step=f"Name it after one of the project's patterns: {', '.join(project.python_files)}.",
        )
    return path


def _same_folder(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


# ------------------------------------------------------------------------------------------------ choosing


def _choose(project: Project, target: Target, placement: Placement, buffers: Buffers) -> Path:
    tests, sources = survey(project, buffers)
    existing = _existing_for(target, _Survey(tests, sources, buffers))
    if existing is not None:
        return existing
    convention = convention_for(placement, project, target.path, tests, sources)
    return _new(project, target, convention, tests, sources, buffers)


class _Survey:
    """The files of a project, for the search for the tests of one module or many.

    Args:
        tests: Its test files.
        sources: Its other files.
        buffers: What an editor holds.
    """

    def __init__(self, tests: Sequence[TestFile], sources: Sequence[SourceFile], buffers: Buffers) -> None:
        self._buffers = buffers
        self._tests: dict[str, list[TestFile]] = {}
        for test in tests:
            self._tests.setdefault(test.subject, []).append(test)
        self._subjects: dict[int, list[tuple[str, int]]] = {}
        for subject in self._tests:
            self._subjects.setdefault(len(subject), []).append((subject, _letters(subject)))
        self._sources: dict[str, list[SourceFile]] = {}
        for source in sources:
            for name in set(source.names):
                self._sources.setdefault(name, []).append(source)
        self._imports: dict[Path, Imports] = {}

    def named(self, names: Iterable[str]) -> list[TestFile]:
        """The test files with one of these subjects."""
        return [test for name in names for test in self._tests.get(name, ())]

    def named_alike(self, names: Collection[str]) -> list[TestFile]:
        """The test files whose subject is like one of these names, and is none of them."""
        alike = {subject for name in names for subject in self._alike(name)}
        return self.named(sorted(alike.difference(names)))

    def _alike(self, name: str) -> Iterator[str]:
        letters = _letters(name)
        for size, subjects in self._subjects.items():
            # So many letters may be in one of them alone when both are alike; that spares nearly all comparisons.
            shared = CLOSE * (size + len(name)) / 2 - 1e-6
            if shared > min(size, len(name)):
                continue
            for subject, theirs in subjects:
                only_ours, only_theirs = (letters & ~theirs).bit_count(), (theirs & ~letters).bit_count()
                if only_ours <= len(name) - shared and only_theirs <= size - shared and _is_close(subject, name):
                    yield subject

    def others(self, path: Path, names: Iterable[str]) -> list[SourceFile]:
        """The files beside one that a test file may call by one of its names."""
        return [source for name in names for source in self._sources.get(name, ()) if source.path != path]

    def imports(self, test: TestFile) -> Imports:
        """What a test file imports."""
        if test.path not in self._imports:
            self._imports[test.path] = read_imports(test.path, self._buffers)
        return self._imports[test.path]


def _existing_for(target: Target, survey: _Survey) -> Path | None:
    """The unit-test file that the module has already; the best one when it has several."""
    parts = tuple(target.module.split("."))
    names = set(subject_names(target.path, parts))
    longer = set(joined_names(parts))
    others = survey.others(target.path, names)
    ranked: list[tuple[tuple[int, ...], str, Path]] = []
    for test in (*survey.named(names | longer), *survey.named_alike(names)):
        is_named = test.subject in names or test.subject in longer
        folders = test.path.relative_to(target.workspace).parts[:-1]
        if OTHER_LEVELS & set(folders):
            continue
        imports = survey.imports(test)
        takes = _imports_target(imports, target, is_alone=not others)
        nearness = _nearness(test.path, target)
        if not takes and (not is_named or any(imports.name(other) for other in others) or (others and not nearness)):
            continue
        rank = (is_named, takes, nearness, "unit" in folders, -len(folders))
        ranked.append((tuple(int(part) for part in rank), str(test.path), test.path))
    best = max((rank for rank, _, _ in ranked), default=None)
    return min((name, path) for rank, name, path in ranked if rank == best)[1] if ranked else None


def _is_close(subject: str, name: str) -> bool:
    return difflib.SequenceMatcher(None, subject, name, autojunk=False).ratio() >= CLOSE


def _letters(name: str) -> int:
    """The letters of a name as a set of bits; some share one."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits


def _imports_target(imports: Imports, target: Target, *, is_alone: bool) -> bool:
    """Whether the module is imported, under any root; by its last name only when no other module has that."""
    if target.path in imports.files:
        return True
    for name in imports.dotted:
        if name == target.module or name.endswith("." + target.module):
            return True
        if target.module.endswith("." + name) and (is_alone or "." in name):
            return True
    return False


def _nearness(test: Path, target: Target) -> int:
    """How many folders, from the innermost out, a test file has in common with the module's package."""
    if test.parent == target.path.parent:
        return 100
    theirs = [part for part in test.relative_to(target.workspace).parts[:-1] if part not in ("tests", "test")]
    ours = target.path.relative_to(target.workspace).parts[:-1]
    common = 0
    for one, other in zip(reversed(theirs), reversed(ours), strict=False):
        if one != other:
            break
        common += 1
    return common


def _new(  # noqa: PLR0913, PLR0917 - what is known of the project, each once
    project: Project,
    target: Target,
    convention: Convention,
    tests: Sequence[TestFile],
    sources: Sequence[SourceFile],
    buffers: Buffers,
) -> Path:
    parts = tuple(target.module.split("."))
    names = subject_names(target.path, parts)
    wanted = convention.folder(target.path, parts)
    folder = wanted if convention.way.startswith("beside") else _without_new_packages(wanted, project.workspace)
    is_alone = not any(source.path != target.path and set(names) & set(source.names) for source in sources)
    candidates = [names[0], *joined_names(parts)]
    if (folder != wanted or convention.way == "flat") and not is_alone and len(candidates) > 1:
        candidates.append(candidates.pop(0))  # the folder does not say which of the modules of that name it is
    taken = {_collected_name(test.path, project.workspace) for test in tests} if _must_differ(project) else set()
    for subject in dict.fromkeys([*candidates, f"{candidates[-1]}_unit"]):
        path = folder / convention.name(subject)
        is_free = not os.path.lexists(path) and path not in buffers
        if is_free and _collected_name(path, project.workspace) not in taken:
            return path
        if path.is_symlink() and subject == names[0]:
            return path  # the module's own test file by name is a link: refused with that reason
    raise WriteRefused(
        f"Every name for the tests of {target.module} in {folder} is taken by tests of something else.",
        next_step="Name a file with --output.",
    )


def _must_differ(project: Project) -> bool:
    """Whether two test files of one name outside packages collide, as in all of pytest's import modes but one."""
    return project.import_mode != "importlib"


def _without_new_packages(folder: Path, workspace: Path) -> Path:
    """The folder, or the nearest that exists where test folders are packages and a new one would have to be, too."""
    existing = folder
    while not existing.is_dir() and existing != workspace:
        existing = existing.parent
    if existing not in (folder, workspace) and (existing / "__init__.py").is_file():
        return existing
    return folder


def _collected_name(path: Path, workspace: Path) -> str:
    """The name under which pytest imports a test file: with the packages around it, else by itself."""
    parts = [path.stem]
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder != workspace.parent:
        parts.append(folder.name)
        folder = folder.parent
    return ".".join(reversed(parts))


# ------------------------------------------------------------------------------------------------ what is there


def _read_existing(path: Path, project: Project, buffers: Buffers) -> bytes | None:
    """The bytes of the file, as the editor holds it if it does; None when it is not there.

    Raises:
        TargetError: It cannot be read or parsed.
        WriteRefused: It is no test file.
    """
    data = buffers.data(path)
    if data is None:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_SOURCE_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TargetError(
                f"The test file {path} cannot be read: {error.strerror or error}.", next_step="Check its permissions."
            ) from error
    if len(data) > MAX_SOURCE_BYTES:
        raise TargetError(
            f"The test file {path} is larger than {MAX_SOURCE_BYTES // 1024} KiB, so nothing is added to it.",
            next_step="Name another file with --output.",
        )
    source = decode_source(data, path)
    try:
        tree = parse_source(source)
    except SyntaxError as error:
        failure = syntax_failure(path, source, error)
        raise TargetError(
            f"The test file {failure.message}",
            next_step="Nothing was changed. Correct that line, or name another file with --output.",
        ) from error
    in_tests = any(path.is_relative_to(folder) for folder in project.test_paths)
    if tree.body and not in_tests and not has_tests(tree, project.python_functions):
        raise WriteRefused(
            f"{path} is there and holds no tests, so it is taken for a source file.",
            next_step="Name another file with --output.",
        )
    return data


def _check_can_be_written(path: Path) -> None:
    if path.exists() and not os.access(path, os.W_OK):
        raise WriteFailure(f"The test file {path} is read-only.", next_step="Make it writable, or give --dry-run.")
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK | os.X_OK):
        raise WriteFailure(
            f"{folder} cannot be written to, so {path.name} could not be saved there.",
            next_step="Make the folder writable, name a file elsewhere with --output, or give --dry-run for the diff.",
        )
