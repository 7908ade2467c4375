"""A lock file as a graph: from what the project itself needs to all that is to be installed on one platform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from packaging.markers import InvalidMarker, Marker
from packaging.utils import canonicalize_name

from testwright.provisioning.dependencies.values import Dependencies, Notes, Platform, wrong

Kind = Literal["index", "local", "git", "url"]

_WHY: Mapping[Kind, str] = {
    "git": "comes from a version control repository, and its build would run its code",
    "url": "comes from an address of its own and not from an index",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """That something is needed.

    Attributes:
        name: Of the package, normalised.
        extras: Of it that are needed.
        marker: When; empty for always.
        version: The one of several that are locked; empty where there is one.
    """

    name: str
    extras: tuple[str, ...] = ()
    marker: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """A package of a lock file.

    Attributes:
        name: Normalised.
        version: Exact; empty for a local one.
        kind: Where it comes from.
        hashes: ``sha256:...`` of its files.
        has_wheels: Whether there is one among its files.
        needs: What it needs.
        extras: What each of its extras needs besides.
        marker: When it is installed at all; empty for always.
    """

    name: str
    version: str
    kind: Kind
    hashes: tuple[str, ...]
    has_wheels: bool
    needs: tuple[Edge, ...] = ()
    extras: Mapping[str, tuple[Edge, ...]] = field(default_factory=dict)
    marker: str = ""


@dataclass(slots=True)
class Walk:
    """Collects what one platform needs.

    Attributes:
        source: Name of the lock file, for errors.
        nodes: Packages by name; several of a name have different versions.
        platform: For which.
        notes: Get what is left out.
    """

    source: str
    nodes: Mapping[str, Sequence[Node]]
    platform: Platform
    notes: Notes
    found: dict[str, Node] = field(default_factory=dict)
    _seen: set[tuple[str, str, str]] = field(default_factory=set)

    def collect(self, edges: Sequence[Edge]) -> None:
        """Take in what edges lead to.

        Raises:
            SetupFailure: The lock does not hold it, or contradicts itself.
        """
        waiting = list(edges)
        while waiting:
            edge = waiting.pop()
            if not self.holds(edge.marker):
                continue
            node = self._node(edge)
            if not self.holds(node.marker):
                continue
            self._take(node)
            for extra in ("", *edge.extras):
                key = (node.name, node.version, canonicalize_name(extra) if extra else "")
                if key not in self._seen:
                    self._seen.add(key)
                    waiting += node.extras.get(key[2], ()) if extra else node.needs

    def holds(self, marker: str) -> bool:
        """Whether a marker holds on the platform.

        Raises:
            SetupFailure: It cannot be read.
        """
        if not marker:
            return True
        try:
            return Marker(marker).evaluate(self.platform.markers())
        except (InvalidMarker, ValueError) as error:
            raise wrong(self.source, f"has a marker that cannot be read: {marker[:80]!r}") from error

    def dependencies(self) -> Dependencies:
        """What was found."""
        wanted = [self.found[name] for name in sorted(self.found)]
        return Dependencies(
            source=self.source,
            requirements=tuple(
                " ".join((f"{node.name}=={node.version}", *(f"--hash={digest}" for digest in node.hashes)))
                for node in wanted
            ),
            is_locked=True,
            unbuilt=tuple(node.name for node in wanted if not node.has_wheels),
            notes=tuple(self.notes.kept),
        )

    def _node(self, edge: Edge) -> Node:
        named = [node for node in self.nodes.get(edge.name, ()) if not edge.version or node.version == edge.version]
        fitting = [node for node in named if self.holds(node.marker)] or named
        if not fitting:
            raise wrong(
                self.source,
                f"does not hold {edge.name}, which is asked for",
                "Lock the project again (uv lock, or poetry lock).",
            )
        return fitting[0]

    def _take(self, node: Node) -> None:
        if node.kind == "local":
            self.notes.add(f"{node.name} is code of the project itself, so it is not in the image; what it needs is.")
        elif node.kind != "index":
            self.notes.add(f"{node.name} was left out: it {_WHY[node.kind]}.")
        elif not node.hashes:
            raise wrong(self.source, f"has no hash of {node.name}", "Lock the project again (uv lock, or poetry lock).")
        elif self.found.setdefault(node.name, node).version != node.version:
            raise wrong(self.source, f"wants two versions of {node.name} at once", "Lock the project again.")
