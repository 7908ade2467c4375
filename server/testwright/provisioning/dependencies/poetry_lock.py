"""``poetry.lock``, with what ``pyproject.toml`` asks for (lock versions 1.1 to 2.1, as Poetry writes them)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from testwright.provisioning.dependencies.declared import groups_for_tests
from testwright.provisioning.dependencies.graph import Edge, Kind, Node, Walk
from testwright.provisioning.dependencies.values import (
    Dependencies,
    Notes,
    Platform,
    is_for_tests,
    table,
    tables,
    texts,
    wrong,
)

NAME = "poetry.lock"
_VERSIONS = ("1.1", "2.0", "2.1")
_KINDS: Mapping[str, Kind] = {"git": "git", "url": "url", "file": "local", "directory": "local"}


def read_poetry_lock(
    content: Mapping[str, object], pyproject: Mapping[str, object], platform: Platform
) -> Dependencies:
    """What a lock names for a platform.

    Args:
        content: The lock.
        pyproject: ``pyproject.toml``, which says what the project itself needs.
        platform: For which.

    Raises:
        SetupFailure: It is of another format, damaged, or older than ``pyproject.toml``.
    """
    version = table(content.get("metadata")).get("lock-version")
    if version not in _VERSIONS:
        raise wrong(NAME, f"is of format {version!r}, and {', '.join(_VERSIONS)} are known", "Run poetry lock.")
    # Formats before 2.0 have the files of all packages in one table.
    apart = table(table(content.get("metadata")).get("files"))
    nodes: dict[str, list[Node]] = {}
    for package in tables(content.get("package")):
        if isinstance(package.get("name"), str):
            node = _node(package, tables(package.get("files")) or tables(apart.get(str(package["name"]))))
            nodes.setdefault(node.name, []).append(node)
    notes = Notes()
    walk = Walk(NAME, nodes, platform, notes)
    walk.collect(list(_roots(pyproject, notes)))
    return walk.dependencies()


def _roots(pyproject: Mapping[str, object], notes: Notes) -> Iterator[Edge]:
    project, poetry = table(pyproject.get("project")), table(table(pyproject.get("tool")).get("poetry"))
    yield from _of_requirements(texts(project.get("dependencies")))
    extras = table(project.get("optional-dependencies"))
    notes.left_out("extras", extras)
    for name, needs in extras.items():
        if is_for_tests(name):
            yield from _of_requirements(texts(needs))
    yield from _of_requirements(groups_for_tests(pyproject, notes))
    own = dict(table(poetry.get("dependencies")))
    own.pop("python", None)
    wanted = {
        canonicalize_name(need)
        for name, needs in table(poetry.get("extras")).items()
        if is_for_tests(name)
        for need in texts(needs)
    }
    notes.left_out("extras", table(poetry.get("extras")))
    # With a [project] table, Poetry's own one only says more about what stands there.
    is_only_more = bool(project.get("dependencies"))
    for edge, is_optional in _of_poetry(own):
        if not is_only_more and (not is_optional or edge.name in wanted):
            yield edge
    groups = dict(table(poetry.get("group")))
    notes.left_out("dependency groups", groups)
    tests = [table(table(groups[name]).get("dependencies")) for name in groups if is_for_tests(name)]
    for needs in (table(poetry.get("dev-dependencies")), *tests):
        yield from (edge for edge, _ in _of_poetry(needs))


def _node(package: Mapping[str, object], files: list[Mapping[str, object]]) -> Node:
    markers = package.get("markers")
    if isinstance(markers, dict):  # one for each group; what a group wants is decided by the walk
        parts = [f"({marker})" for marker in markers.values() if isinstance(marker, str) and marker]
        markers = " or ".join(parts) if len(parts) == len(markers) else ""
    extras: dict[str, tuple[Edge, ...]] = {
        canonicalize_name(name): tuple(_of_requirements(_plain(need) for need in texts(needs)))
        for name, needs in table(package.get("extras")).items()
    }
    return Node(
        name=canonicalize_name(str(package["name"])),
        version=str(package.get("version", "")),
        kind=_KINDS.get(str(table(package.get("source")).get("type", "")), "index"),
        hashes=tuple(str(file["hash"]) for file in files if isinstance(file.get("hash"), str)),
        has_wheels=any(str(file.get("file", "")).endswith(".whl") for file in files),
        needs=tuple(edge for edge, is_optional in _of_poetry(table(package.get("dependencies"))) if not is_optional),
        extras=extras,
        marker=str(markers or ""),
    )


def _of_poetry(needs: Mapping[str, object]) -> Iterator[tuple[Edge, bool]]:
    """Edges of a table of Poetry's, and whether each is optional."""
    for name, value in needs.items():
        for detail in map(table, value if isinstance(value, list) else [value]):
            marker = detail.get("markers", "")
            edge = Edge(canonicalize_name(name), tuple(texts(detail.get("extras"))), str(marker))
            yield edge, bool(detail.get("optional")) or "extra ==" in edge.marker


def _of_requirements(lines: Iterable[str]) -> Iterator[Edge]:
    for line in lines:
        try:
            need = Requirement(line)
        except InvalidRequirement as error:
            raise wrong("pyproject.toml", f"has a requirement that cannot be read: {line[:80]!r}") from error
        yield Edge(canonicalize_name(need.name), tuple(sorted(need.extras)), str(need.marker or ""))


def _plain(need: str) -> str:
    """The name of ``name (>=1,<2)``: the version is what the lock has."""
    return need.partition("(")[0].strip()
