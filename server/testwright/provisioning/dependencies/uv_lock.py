"""``uv.lock``, as uv's documentation and its own files show it (format version 1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from packaging.utils import canonicalize_name

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

NAME = "uv.lock"
_LOCAL = ("editable", "virtual", "directory", "path")


def read_uv_lock(content: Mapping[str, object], platform: Platform) -> Dependencies:
    """What a lock names for a platform.

    Args:
        content: The file.
        platform: For which.

    Raises:
        SetupFailure: It is of another format, or damaged.
    """
    if content.get("version") != 1:
        raise wrong(
            NAME,
            f"is of format {content.get('version')!r}, and 1 is known",
            "Lock again with a version of uv that writes format 1.",
        )
    packages = [package for package in tables(content.get("package")) if isinstance(package.get("name"), str)]
    nodes: dict[str, list[Node]] = {}
    for package in packages:
        node = _node(package)
        nodes.setdefault(node.name, []).append(node)
    own = [package for package in packages if _local_place(package) == "."] or [
        package for package in packages if _local_place(package) is not None
    ]
    if not own:
        raise wrong(NAME, "names no package of the project itself", "Lock the project again: uv lock.")
    notes = Notes()
    walk = Walk(NAME, nodes, platform, notes)
    for package in own:
        walk.collect(_roots(package, notes))
    return walk.dependencies()


def _roots(package: Mapping[str, object], notes: Notes) -> list[Edge]:
    extras, groups = table(package.get("optional-dependencies")), table(package.get("dev-dependencies"))
    notes.left_out("extras", extras)
    notes.left_out("dependency groups", groups)
    taken = [value for named in (extras, groups) for name, value in named.items() if is_for_tests(name)]
    return [*_edges(package.get("dependencies")), *(edge for value in taken for edge in _edges(value))]


def _node(package: Mapping[str, object]) -> Node:
    wheels = tables(package.get("wheels"))
    files = [*wheels, table(package.get("sdist"))]
    return Node(
        name=canonicalize_name(str(package["name"])),
        version=str(package.get("version", "")),
        kind=_kind(package),
        hashes=tuple(str(file["hash"]) for file in files if isinstance(file.get("hash"), str)),
        has_wheels=bool(wheels),
        needs=tuple(_edges(package.get("dependencies"))),
        extras={
            canonicalize_name(name): tuple(_edges(value))
            for name, value in table(package.get("optional-dependencies")).items()
        },
    )


def _kind(package: Mapping[str, object]) -> Kind:
    source = table(package.get("source"))
    if "git" in source:
        return "git"
    if "url" in source:
        return "url"
    return "local" if any(key in source for key in _LOCAL) else "index"


def _local_place(package: Mapping[str, object]) -> str | None:
    source = table(package.get("source"))
    return next((str(source[key]) for key in ("virtual", "editable") if key in source), None)


def _edges(value: object) -> Iterable[Edge]:
    for need in tables(value):
        if isinstance(need.get("name"), str):
            yield Edge(
                name=canonicalize_name(str(need["name"])),
                extras=tuple(texts(need.get("extra"))),
                marker=str(need.get("marker", "")),
                version=str(need.get("version", "")),
            )
