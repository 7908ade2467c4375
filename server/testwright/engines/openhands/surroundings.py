"""What around a module an agent should know: fixtures, what the module uses, how the project's tests look.

Only the filtered copy of the workspace is read, as text.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from testwright.analysis.targets import parse_source
from testwright.model import Project, Target

MAX_BYTES = 200_000
"""Larger files are tables or generated code."""
MAX_DEPENDENCIES = 12
_DOC_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A file of the project, or a part of it.

    Attributes:
        path: Relative to the workspace, with slashes.
        text: Its text.
    """

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What was found.

    Attributes:
        fixtures: Of each ``conftest.py`` that holds for the test file: names, parameters and first words, the nearest
            file first.
        dependencies: Signatures of the project's own modules that the target imports.
        example: A test file of the project, for its style; the one nearest to the agreed file.
    """

    fixtures: tuple[Excerpt, ...] = ()
    dependencies: tuple[Excerpt, ...] = ()
    example: Excerpt | None = None


def gather(snapshot: Path, target: Target, project: Project, test_path: str) -> Surroundings:
    """Read the surroundings of a module.

    Args:
        snapshot: The filtered copy of the workspace.
        target: The module, in the workspace.
        project: What its settings say.
        test_path: The agreed file, relative, with slashes.

    Raises:
        SyntaxError: The module is no Python.
    """
    fixtures = [Excerpt(path, text) for path in _conftests(test_path) if (text := _read(snapshot, path, _fixtures))]
    return Surroundings(tuple(fixtures), _dependencies(snapshot, target, project), _example(snapshot, test_path))


def _conftests(test_path: str) -> Iterator[str]:
    for folder in PurePosixPath(test_path).parents:
        yield str(folder / "conftest.py")


def _fixtures(tree: ast.Module) -> str:
    return "\n".join(
        _signature(node)
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(map(_is_fixture, node.decorator_list))
    )


def _is_fixture(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    name = called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
    return name == "fixture"


def _dependencies(snapshot: Path, target: Target, project: Project) -> tuple[Excerpt, ...]:
    tree = parse_source(target.source)
    own = target.path.relative_to(target.workspace).as_posix()
    roots = [
        PurePosixPath(root.relative_to(project.workspace).as_posix())
        for root in dict.fromkeys((target.import_root, *project.import_roots))
        if root.is_relative_to(project.workspace)
    ]
    found: dict[str, str] = {}
    for name in _imported(tree, target):
        for path in _places(name, roots):
            if len(found) >= MAX_DEPENDENCIES:
                return tuple(Excerpt(*item) for item in found.items())
            if path == own or path in found:
                continue
            text = _read(snapshot, path, _outline)
            if text:
                found[path] = text
                break
    return tuple(Excerpt(*item) for item in found.items())


def _imported(tree: ast.Module, target: Target) -> Iterator[str]:
    """Dotted names that a module imports; of ``from a import b`` ``a.b`` too, which may be a module."""
    package = target.module.split(".")
    if target.path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names if base)
            yield base


def _places(name: str, roots: list[PurePosixPath]) -> Iterator[str]:
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return
    for root in roots:
        yield str(root.joinpath(*parts).with_suffix(".py"))
        yield str(root.joinpath(*parts, "__init__.py"))


def _outline(tree: ast.Module) -> str:
    """Signatures of what a module defines, with the first words of their documentation."""
    lines: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines.append(_signature(node))
        elif isinstance(node, ast.ClassDef):
            bases = ", ".join(ast.unparse(base) for base in node.bases)
            lines.append(_documented(node, f"class {node.name}({bases}):" if bases else f"class {node.name}:"))
            for item in node.body:
                if isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef):
                    lines.append(f"    {_signature(item)}")
                elif isinstance(item, ast.AnnAssign | ast.Assign):
                    lines.append(f"    {ast.unparse(item).partition(chr(10))[0][:_DOC_LENGTH]}")
    return "\n".join(lines)


def _signature(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    kind = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns is not None else ""
    return _documented(node, f"{kind} {node.name}({ast.unparse(node.args)}){returns}")


def _documented(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, head: str) -> str:
    """A definition's first line, its decorators before it and the first words of its documentation behind."""
    decorators = "".join(f"@{ast.unparse(decorator)} " for decorator in node.decorator_list)
    first = (ast.get_docstring(node) or "").strip().partition("\n")[0][:_DOC_LENGTH]
    return f"{decorators}{head}" + (f"  # {first}" if first else "")


def _example(snapshot: Path, test_path: str) -> Excerpt | None:
    """Another test file, the nearest first: of the same folder, then of those above and below."""
    own = PurePosixPath(test_path)
    for folder in own.parents:
        names = sorted(_test_files(snapshot, folder), key=lambda path: (len(PurePosixPath(path).parts), path))
        for path in names:
            text = _text(snapshot, path)
            if path != test_path and text is not None and "def test" in text:
                return Excerpt(path, text)
        if folder.name in ("tests", "test"):
            break
    return None


def _test_files(snapshot: Path, folder: PurePosixPath) -> Iterator[str]:
    place = snapshot / folder
    for pattern in ("test_*.py", "*_test.py"):
        for path in place.glob(pattern):
            yield path.relative_to(snapshot).as_posix()


def _read(snapshot: Path, path: str, part: Callable[[ast.Module], str]) -> str:
    """A part of a module of the copy; empty when it is none, or is nested too deeply to be written down."""
    text = _text(snapshot, path)
    if text is None:
        return ""
    try:
        return part(parse_source(text))
    except (SyntaxError, RecursionError):
        return ""


def _text(snapshot: Path, path: str) -> str | None:
    """A file of the copy; None when it is not there, too large, no text, or a link."""
    place = snapshot / path
    try:
        if place.is_symlink() or not place.is_file() or place.stat().st_size > MAX_BYTES:
            return None
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
