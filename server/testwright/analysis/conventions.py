"""Learn where a project keeps its unit tests, and how it names them, by counting the test files that it has.

A test file whose name is that of a module of the project is a vote for the way from that module to that file. The ways:

``mirrored``
    ``acme/billing/cart.py`` → ``tests/billing/test_cart.py``: the package's folders, its own name dropped.
``mirrored with the package``
    → ``tests/acme/billing/test_cart.py``.
``flat``
    → ``tests/test_cart.py``.
``beside``
    → ``acme/billing/test_cart.py``.
``beside, in a folder``
    → ``acme/billing/tests/test_cart.py``.

Without votes it is ``tests/`` mirrored with the package's name dropped, which is what most projects with one package
do: in a repository of one package, the name would stand in every path and say nothing. A folder ``unit`` in it is used
where there is one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from testwright.analysis.testfiles import OTHER_LEVELS, SourceFile, TestFile, read_imports, usable_patterns
from testwright.model import Project
from testwright.settings import Placement

Way = Literal["mirrored", "mirrored with the package", "flat", "beside", "beside, in a folder"]

FLAT_FROM = 3
"""Test files in one folder, with none in a subfolder, from which on that is taken for a habit."""


@dataclass(frozen=True, slots=True)
class Convention:
    """How this project places its tests.

    Attributes:
        way: The way from a module to its test file.
        base: Folder that the way starts from, absolute; for ``beside``, not used; for ``beside, in a folder``, only
            its name counts.
        pattern: How a test file is named: ``test_*.py``.
    """

    way: Way
    base: Path
    pattern: str

    def folder(self, path: Path, parts: Sequence[str]) -> Path:
        """Where the tests of a module go.

        Args:
            path: The module's file.
            parts: Its dotted name, split.
        """
        package = tuple(parts[:-1]) if path.stem != "__init__" else tuple(parts)
        match self.way:
            case "beside":
                return path.parent
            case "beside, in a folder":
                return path.parent / self.base.name
            case "flat":
                return self.base
            case "mirrored":
                return self.base.joinpath(*package[1:])
            case "mirrored with the package":
                return self.base.joinpath(*package)

    def name(self, subject: str) -> str:
        """The test file's name for a subject: ``test_cart.py``."""
        return self.pattern.replace("*", subject)


def convention_for(
    placement: Placement, project: Project, target: Path, tests: Sequence[TestFile], sources: Sequence[SourceFile]
) -> Convention:
    """The convention that holds for new test files: the project's own, as far as the user wants no other.

    The names of test files are the project's in any case.

    Args:
        placement: Where the user wants them: ``auto`` as the project has them, ``tests`` mirrored below the folder of
            tests, ``beside`` in the module's folder.
        project: The project.
        target: The module that a place is wanted for; tests of other parts of a repository with several count less.
        tests: Its test files.
        sources: Its other files.
    """
    unit_tests = [test for test in tests if not OTHER_LEVELS & set(test.path.relative_to(project.workspace).parts[:-1])]
    learned = _learned(project, target, unit_tests, sources)
    match placement:
        case "auto":
            return learned
        case "beside":
            return replace(learned, way="beside")
        case "tests" if learned.way.startswith("mirrored"):
            return learned
        case "tests":
            below = learned.base if learned.way == "flat" else _usual_base(project, target, unit_tests)
            return replace(learned, way="mirrored", base=below)


def _learned(
    project: Project, target: Path, unit_tests: Sequence[TestFile], sources: Sequence[SourceFile]
) -> Convention:
    """Count the votes."""
    pattern = _pattern(project, unit_tests)
    votes = _Votes(project, target)
    by_name: dict[str, list[SourceFile]] = defaultdict(list)
    for source in sources:
        for name in source.names:
            by_name[name].append(source)
    for test in unit_tests:
        votes.count(test.path, by_name.get(test.subject, []))
    chosen = votes.winner()
    if chosen is not None:
        way, base = chosen
        if way is None:  # each vote fits several ways, so the shape of the folder decides
            way = "flat" if _is_flat(base, unit_tests) else "mirrored"
        return Convention(way, base, pattern)
    base = _usual_base(project, target, unit_tests)
    return Convention("flat" if _is_flat(base, unit_tests) else "mirrored", base, pattern)


def _pattern(project: Project, tests: Iterable[TestFile]) -> str:
    patterns = usable_patterns(project)
    counted = Counter(test.pattern for test in tests if test.pattern in patterns)
    if counted:
        return max(patterns, key=lambda pattern: counted[pattern])
    return patterns[0] if patterns else "test_*.py"


class _Votes:
    """Votes for a way and the folder that it starts from; None as a way is a vote that fits several."""

    def __init__(self, project: Project, target: Path) -> None:
        self.project = project
        self.workspace = project.workspace
        self.target = target
        self.counted: Counter[tuple[Way | None, Path]] = Counter()

    def count(self, test: Path, sources: Sequence[SourceFile]) -> None:
        """Count one test file, given the modules of its name."""
        if len(sources) > 1:
            imports = read_imports(test)
            sources = [source for source in sources if imports.name(source)] or sources
        found = [vote for source in sources if (vote := self._vote(test, source)) is not None]
        told = [vote for vote in found if vote[0] is not None and vote[0] != "flat"]
        if told:
            self.counted[told[0]] += 1
        elif len(sources) == 1 and found:  # where several modules have the name, a flat file speaks for none
            self.counted[found[0]] += 1

    def winner(self) -> tuple[Way | None, Path] | None:
        """The way with most votes and its folder with most; None without votes."""
        near = {vote: count for vote, count in self.counted.items() if self._is_near(vote)}
        if not near:
            return None
        ways: Counter[Way] = Counter()
        bases: Counter[Path] = Counter()
        for (voted, base), count in near.items():
            bases[base] += count
            if voted is not None:
                ways[voted] += count
        order: tuple[Way, ...] = ("mirrored", "mirrored with the package", "flat", "beside, in a folder", "beside")
        unclear = sum(count for (way, _), count in near.items() if way is None)
        most: Way = max(order, key=lambda item: ways[item])
        way: Way | None = most if ways else None
        is_beside = way is not None and way.startswith("beside")
        if way is not None and is_beside and unclear > ways[way]:
            way, is_beside = None, False
        fitting = {base for voted, base in near if voted == way or (voted is None and not is_beside)}
        return way, max(sorted(fitting), key=lambda base: (bases[base], base.name == "unit"))

    def _vote(self, test: Path, source: SourceFile) -> tuple[Way | None, Path] | None:
        folder = test.parent
        if folder == source.path.parent:
            return "beside", folder
        if folder.parent == source.path.parent and folder.name in ("tests", "test") and folder.parent != self.workspace:
            return "beside, in a folder", folder
        package = source.parts if source.path.stem == "__init__" else source.parts[:-1]
        parts = folder.relative_to(self.workspace).parts
        for way, tail in (("mirrored with the package", package), ("mirrored", package[1:])):
            if tail and len(parts) > len(tail) and parts[-len(tail) :] == tail:
                return ("mirrored" if way == "mirrored" else "mirrored with the package"), self._base(folder, len(tail))
        return ("flat" if len(package) > 1 else None), folder

    @staticmethod
    def _base(folder: Path, levels: int) -> Path:
        for _ in range(levels):
            folder = folder.parent
        return folder

    def _is_near(self, vote: tuple[Way | None, Path]) -> bool:
        """Whether a vote speaks for the target's part of the repository."""
        way, base = vote
        return way in ("beside", "beside, in a folder") or self.target.is_relative_to(self._tested_folder(base))

    def _tested_folder(self, base: Path) -> Path:
        """The folder whose code is tested below a folder: the one above the outermost test folder."""
        for path in self.project.test_paths:
            if path != self.workspace and base.is_relative_to(path):
                return path.parent
        parts = base.relative_to(self.workspace).parts
        names = [index for index, part in enumerate(parts) if part in ("tests", "test", "testing")]
        return self.workspace.joinpath(*parts[: names[0]]) if names else base.parent


def _is_flat(base: Path, tests: Iterable[TestFile]) -> bool:
    inside = [test.path.parent for test in tests if test.path.is_relative_to(base)]
    return len(inside) >= FLAT_FROM and all(folder == base for folder in inside)


def _usual_base(project: Project, target: Path, tests: Sequence[TestFile]) -> Path:
    """The folder that the settings name, or that holds most tests, or ``tests``; ``unit`` in it where there is one."""
    declared = [project.workspace / name for name in project.declared_test_paths if _is_plain(name)]
    near = [path for path in project.test_paths if path != project.workspace and target.is_relative_to(path.parent)]
    held = {path: sum(test.path.is_relative_to(path) for test in tests) for path in near}
    if any(held.values()):
        base = max(near, key=lambda path: held[path])
    else:
        base = next(iter([*declared, *near]), project.workspace / "tests")
    unit = base / "unit"
    return unit if unit.is_dir() and not unit.is_symlink() else base


def _is_plain(name: str) -> bool:
    path = Path(name)
    return (
        bool(path.parts)
        and not path.is_absolute()
        and ".." not in path.parts
        and not any(char in name for char in "*?[\0")
    )
