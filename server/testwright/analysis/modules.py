"""Files and the dotted names under which tests import them.

For a file there may be several answers: ``src/acme/cart.py`` can be ``acme.cart`` or ``src.acme.cart``. Which one holds
is decided in this order:

1. The deepest root that the project's settings declare and that is inside no package.
2. The root under which most import statements of the workspace resolve to the file's package.
3. ``src`` at the workspace's top, when it is no package itself.
4. The folder above the topmost package; for a file in no package, the workspace.
"""

from __future__ import annotations

import difflib
import itertools
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from testwright.analysis.walking import python_files
from testwright.errors import TargetError, UsageError
from testwright.model import Project

MAX_EVIDENCE_FILES = 400
MAX_EVIDENCE_BYTES = 256 * 1024
_IMPORT = re.compile(
    rb"^[ \t]*(?:from[ \t]+([A-Za-z_][\w.]*)[ \t]+import\b|import[ \t]+([A-Za-z_][\w.]*))", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class ModuleName:
    """How a file is imported.

    Attributes:
        dotted: ``acme.cart``.
        root: Folder that must be on ``sys.path`` for it.
    """

    dotted: str
    root: Path


def name_module(project: Project, path: Path) -> ModuleName:
    """The dotted name of a file.

    Args:
        project: Its project.
        path: Absolute, resolved.

    Raises:
        TargetError: No import statement can name it, or it is not in the workspace.
    """
    return name_in(project, path, Evidence(project.workspace))


def name_in(project: Project, path: Path, evidence: Evidence) -> ModuleName:
    """The dotted name of a file, as ``name_module``, by evidence that was gathered once for many files.

    Raises:
        TargetError: As there.
    """
    workspace = project.workspace
    if not path.parent.is_relative_to(workspace):
        raise TargetError(
            f"{path} is not in the workspace {workspace}.", next_step="Give --workspace with the folder that holds it."
        )
    if path == workspace / "__init__.py":
        raise TargetError(
            "The workspace's own folder is the package, so its __init__.py has no name inside the workspace.",
            next_step="Give --workspace with the folder above it.",
        )
    package_root = _package_root(path, workspace)
    roots = [root for root in _ancestors(path.parent, workspace) if _dotted(path, root) is not None]
    if not roots:
        raise _no_name(path, workspace)
    allowed = [root for root in roots if package_root.is_relative_to(root)]
    declared = next((root for root in allowed if root in project.declared_roots), None)
    usual = [root for root in roots if root == workspace / "src" or root in project.declared_roots]
    root = (
        declared
        or evidence.root_of(path, [*usual, *allowed])
        or next((root for root in usual if root in allowed), None)
        or _default(path, allowed or roots, package_root, workspace)
    )
    dotted = _dotted(path, root)
    if dotted is None:
        raise _no_name(path, workspace)
    return ModuleName(dotted, root)


class Evidence:
    """What the import statements of a workspace say of where its packages are; they are read when they are needed.

    Args:
        workspace: Absolute, resolved root.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._imported: tuple[str, ...] | None = None
        self._found: dict[frozenset[tuple[Path, frozenset[str]]], Path | None] = {}

    def root_of(self, path: Path, roots: list[Path]) -> Path | None:
        """The root under which most import statements find the file's package; None when none or two lead."""
        roots = list(dict.fromkeys(roots))
        if len(roots) < 2:
            return None
        heads = {root: frozenset(_heads(path, root)) for root in roots}
        asked = frozenset(heads.items())
        if asked not in self._found:
            self._found[asked] = self._leading(heads)
        return self._found[asked]

    def _leading(self, heads: dict[Path, frozenset[str]]) -> Path | None:
        if self._imported is None:
            self._imported = tuple(_imported_names(self._workspace))
        votes = dict.fromkeys(heads, 0)
        for imported in self._imported:
            for root, names in heads.items():
                if any(imported == name or imported.startswith(name + ".") for name in names):
                    votes[root] += 1
        best = max(votes.values())
        leading = [root for root in heads if votes[root] == best]
        return leading[0] if best and len(leading) == 1 else None


def module_path(root: Path, dotted: str) -> Path:
    """The file of a module below its root, as the import system finds it: a package's folder before a file."""
    base = root.joinpath(*dotted.split("."))
    package = base / "__init__.py"
    return package if package.is_file() else base.with_name(base.name + ".py")


def find_module_by_name(project: Project, name: str) -> Path:
    """The file of a module that is named, not located.

    Args:
        project: Where to look; test files and installed packages are not looked at.
        name: Dotted name (``acme.cart``), or the last parts of it (``cart``).

    Raises:
        UsageError: None has that name (the nearest are told), or several have (all are told).
    """
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise UsageError(
            f"{name!r} is not a module's name.",
            next_step="Give it as in an import statement, acme.cart, or give a path.",
        )
    modules = [(path, _path_parts(path, project.workspace)) for path in python_files(project.workspace)]
    matching = [path for path, found in modules if found[-len(parts) :] == tuple(parts)]
    if len(matching) > 1:
        matching = [path for path in matching if not looks_like_test_name(path, project.python_files)] or matching
    if len(matching) > 1:
        exact = [path for path in matching if _name_or_none(project, path) == name]
        matching = exact if len(exact) == 1 else matching
    if len(matching) == 1:
        return matching[0]
    if matching:
        shown = ", ".join(str(path.relative_to(project.workspace)) for path in matching[:8])
        raise UsageError(
            f"{len(matching)} modules are called {name}: {shown}.",
            next_step="Give more of the dotted name, or the path.",
        )
    known = {found[-1] for _, found in modules if found} | {".".join(found) for _, found in modules}
    raise UsageError(
        f"No module in {project.workspace} is called {name}.", next_step=did_you_mean(name, known) or "Give its path."
    )


def looks_like_test_name(path: Path, patterns: Iterable[str]) -> bool:
    """Whether pytest would collect a file of this name."""
    return path.name == "conftest.py" or any(path.match(pattern) for pattern in patterns if pattern)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the nearest names, or nothing when none is near."""
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(near)}?" if near else ""


# ------------------------------------------------------------------------------------------------ the roots


def _package_root(path: Path, workspace: Path) -> Path:
    """The folder above the topmost package that holds the file; its own folder when it is in none."""
    folder = path.parent
    while folder != workspace and (folder / "__init__.py").is_file():
        folder = folder.parent
    return folder


def _ancestors(folder: Path, workspace: Path) -> Iterator[Path]:
    """The folder and those above it up to the workspace, deepest first."""
    while True:
        yield folder
        if folder == workspace:
            return
        folder = folder.parent


def _dotted(path: Path, root: Path) -> str | None:
    """The name below a root; None when a part of it is no identifier."""
    parts = _path_parts(path, root)
    if not parts or not all(part.isidentifier() and not keyword.iskeyword(part) for part in parts):
        return None
    return ".".join(parts)


def _path_parts(path: Path, root: Path) -> tuple[str, ...]:
    parts = path.relative_to(root).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def _default(path: Path, allowed: list[Path], package_root: Path, workspace: Path) -> Path:
    in_package = package_root != path.parent
    if in_package and package_root in allowed:
        return package_root
    return workspace if workspace in allowed else allowed[0]


def _heads(path: Path, root: Path) -> set[str]:
    """Names that only an import with this root uses: the topmost package, or the modules beside a lone file."""
    parts = _path_parts(path, root)
    if len(parts) > 1 or path.name == "__init__.py":
        return {parts[0]}
    return {item.stem for item in root.glob("*.py") if item.stem.isidentifier() and item.stem != "__init__"}


def _imported_names(workspace: Path) -> Iterator[str]:
    for path in itertools.islice(python_files(workspace), MAX_EVIDENCE_FILES):
        try:
            with path.open("rb") as file:
                text = file.read(MAX_EVIDENCE_BYTES)
        except OSError:
            continue
        for match in _IMPORT.finditer(text):
            yield (match[1] or match[2]).decode("utf-8", "replace")


def _name_or_none(project: Project, path: Path) -> str | None:
    try:
        return name_module(project, path).dotted
    except TargetError:
        return None


def _no_name(path: Path, workspace: Path) -> TargetError:
    shown = path.relative_to(workspace)
    return TargetError(
        f"{shown} cannot be imported by name: {path.stem!r} is not a Python identifier, so no test can import it.",
        next_step="Rename the file to a name of letters, digits and underscores.",
    )
