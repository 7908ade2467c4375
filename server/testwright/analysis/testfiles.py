"""The test files that a project has: how they are named, and what they import."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.buffers import Buffers
from testwright.analysis.modules import looks_like_test_name
from testwright.analysis.targets import MAX_SOURCE_BYTES, decode_source, has_tests, parse_source
from testwright.analysis.walking import SKIPPED_FOLDERS, python_files
from testwright.errors import TargetError
from testwright.model import Project

USUAL_PATTERNS = ("test_*.py", "*_test.py", "*_tests.py")

OTHER_LEVELS = frozenset(
    {"integration", "integrations", "e2e", "end_to_end", "functional", "acceptance", "system", "smoke", "performance"}
    | {"perf", "bench", "benchmark", "benchmarks", "fuzz", "fuzzing", "regression", "typing", "fixtures", "data"}
)
"""Folders of tests that are no unit tests."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file of the project that is no test.

    Attributes:
        path: Absolute.
        parts: Its dotted name, split, below the deepest import root.
    """

    path: Path
    parts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a test file may call it, the preferred first."""
        return subject_names(self.path, self.parts)


@dataclass(frozen=True, slots=True)
class TestFile:
    """A file that pytest collects.

    Attributes:
        path: Absolute.
        subject: Its name without what marks it as a test: ``cart`` of ``test_cart.py``.
        pattern: The pattern that it follows: ``test_*.py``.
    """

    __test__ = False

    path: Path
    subject: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Imports:
    """What a file imports.

    Attributes:
        dotted: Names of modules, and names with what is taken from them: ``acme.cart``, ``acme.cart.Cart``.
        files: Files that relative imports may mean.
    """

    dotted: frozenset[str]
    files: frozenset[Path]

    def name(self, source: SourceFile) -> bool:
        """Whether a module is among them, under its own root or one above."""
        dotted = ".".join(source.parts)
        return source.path in self.files or any(
            name == dotted or name.endswith("." + dotted) or ("." in name and dotted.endswith("." + name))
            for name in self.dotted
        )


def subject_names(path: Path, parts: Sequence[str]) -> tuple[str, ...]:
    """What a test file may call a module, the preferred name first: ``parser`` for ``_parser.py``."""
    if path.stem == "__init__":
        package = parts[-1] if parts else path.parent.name
        return (package, "init", "__init__", f"{package}_init")
    if path.stem == "__main__":
        return ("main", "__main__", *((f"{parts[-2]}_main",) if len(parts) > 1 else ()))
    plain = path.stem.strip("_") or path.stem
    return (plain,) if plain == path.stem else (plain, path.stem)


def joined_names(parts: Sequence[str]) -> list[str]:
    """Longer names for a module, shorter ones first: ``billing_cart``, ``acme_billing_cart``."""
    plain = [part.strip("_") or part for part in parts if part != "__init__"]
    return ["_".join(plain[start:]) for start in range(len(plain) - 2, -1, -1)]


def survey(project: Project, buffers: Buffers | None = None) -> tuple[list[TestFile], list[SourceFile]]:
    """The test files and the other files of a project, those that an editor holds and the disk has not included."""
    held = buffers if buffers is not None else Buffers()
    tests: list[TestFile] = []
    sources: list[SourceFile] = []
    patterns = usable_patterns(project)
    for path in (*python_files(project.workspace), *_unsaved(project.workspace, held)):
        if path.name == "conftest.py":
            continue
        in_tests = any(path.is_relative_to(folder) for folder in project.test_paths)
        if looks_like_test_name(path, project.python_files) and (in_tests or _holds_tests(path, project, held)):
            subject, pattern = split_name(path.name, patterns)
            tests.append(TestFile(path, subject, pattern))
        elif not in_tests:
            sources.append(SourceFile(path, _parts(path, project)))
    return tests, sources


def usable_patterns(project: Project) -> list[str]:
    """Patterns from which a name can be made, the usual ones first."""
    usable = [pattern for pattern in project.python_files if re.fullmatch(r"[^*?/\[\]]*\*[^*?/\[\]]*\.py", pattern)]
    usable = [pattern for pattern in usable if pattern != "*.py"]
    return [
        *(name for name in USUAL_PATTERNS if name in usable),
        *(name for name in usable if name not in USUAL_PATTERNS),
    ]


def split_name(name: str, patterns: Sequence[str]) -> tuple[str, str]:
    """A test file's subject and the pattern that it follows; the stem and nothing when it follows none."""
    for pattern in (*patterns, *USUAL_PATTERNS):
        before, _, after = pattern.partition("*")
        if name.startswith(before) and name.endswith(after) and len(name) > len(before) + len(after):
            return name[len(before) : len(name) - len(after)], pattern
    return name.removesuffix(".py"), ""


def read_imports(path: Path, buffers: Buffers | None = None) -> Imports:
    """What a file imports, those inside functions too; nothing when it cannot be read or parsed."""
    tree = read_tree(path, buffers)
    if tree is None:
        return Imports(frozenset(), frozenset())
    dotted: set[str] = set()
    files: set[Path] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            dotted.add(node.module)
            dotted.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            files.update(_relative_files(path, node))
    return Imports(frozenset(dotted), frozenset(files))


def read_tree(path: Path, buffers: Buffers | None = None) -> ast.Module | None:
    """The syntax tree of a file, as an editor holds it if one does; None when it cannot be read or parsed."""
    try:
        data = buffers.data(path) if buffers else None
        if data is None:
            with path.open("rb") as file:
                data = file.read(MAX_SOURCE_BYTES)
        return parse_source(decode_source(data, path))
    except (OSError, TargetError, SyntaxError):
        return None


def _unsaved(workspace: Path, buffers: Buffers) -> Iterator[Path]:
    """Documents that would be among the project's Python files if they were saved, sorted."""
    for path in sorted(buffers):
        if not path.is_relative_to(workspace) or path.suffix != ".py" or path.exists():
            continue
        folders = path.relative_to(workspace).parts[:-1]
        if not any(name.startswith(".") or name in SKIPPED_FOLDERS for name in folders):
            yield path


def _relative_files(path: Path, node: ast.ImportFrom) -> Iterator[Path]:
    folder = path.parent
    for _ in range(node.level - 1):
        folder = folder.parent
    base = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
    for found in (base, *(base / alias.name for alias in node.names)):
        yield found.with_name(found.name + ".py")
        yield found / "__init__.py"


def _holds_tests(path: Path, project: Project, buffers: Buffers) -> bool:
    tree = read_tree(path, buffers)
    return tree is not None and has_tests(tree, project.python_functions)


def _parts(path: Path, project: Project) -> tuple[str, ...]:
    roots = [root for root in project.import_roots if path.is_relative_to(root)]
    deepest = max(roots, key=lambda root: len(root.parts), default=project.workspace)
    parts = path.relative_to(deepest).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts
