"""Which files of the workspace the embedded engine reads examples from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from testwright.model import Target

MAX_FILES = 60
MAX_BYTES = 400_000
"""Larger files are tables or generated code, not examples."""
_DOCUMENTS = (".md", ".rst", ".txt")
_MAX_DEPTH = 5


def harvest_paths(snapshot: Path, target: Target) -> tuple[Path, ...]:
    """Files with documentation, tests or call sites of the target, the likeliest first.

    Args:
        snapshot: The filtered copy of the workspace; only this is read.
        target: The target, in the workspace.

    Returns:
        Paths in the snapshot, at most ``MAX_FILES``.
    """
    word = target.module.rpartition(".")[2].strip("_")
    own = snapshot / target.path.relative_to(target.workspace)
    documents: list[Path] = []
    tests: list[Path] = []
    siblings: list[Path] = []
    sources: list[Path] = []
    for path in _walk(snapshot, 0):
        if path == own:
            continue
        if path.suffix.lower() in _DOCUMENTS or path.name.upper().startswith("README"):
            if path.name.lower() not in ("license.txt", "requirements.txt", "record.txt"):
                documents.append(path)
        elif path.suffix == ".py" and _is_test(path):
            tests.append(path)
        elif path.suffix == ".py":
            (siblings if path.parent == own.parent else sources).append(path)
    # What names the module comes before what does not.
    tests.sort(key=lambda path: (word not in path.stem, len(path.parts), str(path)))
    documents.sort(key=lambda path: (len(path.parts), not path.name.upper().startswith("README"), str(path)))
    siblings.sort()
    sources.sort(key=lambda path: (len(path.parts), str(path)))
    return (*documents[:12], *tests[:20], *siblings[:20], *sources[:20])[:MAX_FILES]


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.is_symlink() or entry.name.startswith("."):
            continue
        if entry.is_dir():
            if depth < _MAX_DEPTH:
                yield from _walk(entry, depth + 1)
        elif _readable(entry):
            yield entry


def _readable(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_BYTES
    except OSError:
        return False


def _is_test(path: Path) -> bool:
    return path.stem.startswith("test_") or path.stem.endswith("_test") or "tests" in path.parts
