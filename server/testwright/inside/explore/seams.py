"""Where a function reaches into the world, and the statement that puts something known there for a test.

Environment variables, ``random``, ``sleep``, ``sys.argv``, standard input, and constants that are too large for a test
to reach what lies beyond them.
"""

from __future__ import annotations

import ast
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .program import Program
    from .subjects import Subject
    from .values import Values

_LARGE = 16
"""From here on a constant that a length or a count is compared with is out of reach for short inputs."""


@dataclass(frozen=True)
class Seam:
    """One place.

    Attributes:
        kind: ``environ``, ``random``, ``sleep``, ``argv``, ``stdin``, ``constant``.
        name: The variable, constant or function.
        owner: Source of the module or class that holds it.
        chance: How often a case uses it.
    """

    kind: str
    name: str
    owner: str
    chance: float


class Seams:
    """Seams by subject."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._direct: "dict[str, list[Seam]]" = {}
        constants = self._constants()
        for subject in program.subjects:
            node = program.node_of(subject)
            if node is not None:
                self._direct.setdefault(subject.qualname, []).extend(self._of(node, constants))

    def of(self, subject: Subject, closure: "list[Subject]") -> "list[Seam]":
        """Seams of a subject and of what it calls."""
        found: "list[Seam]" = []
        made = [
            s
            for s in self.program.subjects
            if s.style == "class" and subject.owner and issubclass(subject.owner, s.owner)
        ]
        for other in (subject, *closure, *made):
            for seam in self._direct.get(other.qualname, ()):
                if all((seam.kind, seam.name) != (known.kind, known.name) for known in found):
                    found.append(seam)
        return found

    def statements(self, seams: "list[Seam]", values: Values, rng: random.Random) -> "list[str]":
        """Statements for the seams that this case uses."""
        found = []
        for seam in seams:
            if rng.random() >= seam.chance:
                continue
            made = self._statement(seam, values, rng)
            if made:
                found.append(made)
        return found[:4]

    def _statement(self, seam: Seam, values: Values, rng: random.Random) -> str:
        names = self.program.names
        if seam.kind == "environ":
            value = rng.choice(("1", "true", "value", "0", "", values.text(seam.name.lower())))
            return f"monkeypatch.setenv({seam.name!r}, {value!r})" if "\0" not in value else ""
        if seam.kind == "random":
            return f"{names.bind('random')}.seed({rng.choice((0, 0, 1, 2, 3))})"
        if seam.kind == "sleep":
            return f"monkeypatch.setattr({names.bind('time')}, 'sleep', lambda seconds: None)"
        if seam.kind == "argv":
            words = [
                rng.choice(values.vocabulary.near_strings(()) or ["--help"]) for _ in range(rng.choice((0, 1, 2, 3)))
            ]
            return f"monkeypatch.setattr({names.bind('sys')}, 'argv', {['program', *words]!r})"
        if seam.kind == "stdin":
            stream = f"{names.bind('io', 'StringIO')}({values.file_text()!r})"
            return f"monkeypatch.setattr({names.bind('sys')}, 'stdin', {stream})"
        owner = seam.owner
        if owner == self.program.module.__name__:
            names.bind(owner)
        else:
            names.own_name(owner.partition(".")[0])
        return f"monkeypatch.setattr({owner}, {seam.name!r}, {rng.choice((1, 2, 3, 4, 4, 5))})"

    def _of(self, node: ast.AST, constants: "dict[str, str]") -> "list[Seam]":
        found: "list[Seam]" = []
        for inner in ast.walk(node):
            if isinstance(inner, ast.Call):
                callee = ast.unparse(inner.func)
                if callee.endswith(("environ.get", "getenv", "environ.pop")) and inner.args:
                    found.extend(_environment(inner.args[0], 0.4))
                elif callee == "input":
                    found.append(Seam("stdin", "stdin", "", 0.9))
                elif callee == "time.sleep":
                    found.append(Seam("sleep", "sleep", "", 0.9))
                elif callee.startswith("random.") or callee in ("randint", "choice", "shuffle", "uniform", "sample"):
                    found.append(Seam("random", "random", "", 1.0))
            elif isinstance(inner, ast.Subscript) and ast.unparse(inner.value).endswith("environ"):
                found.extend(_environment(inner.slice, 0.5))
            elif isinstance(inner, ast.Compare) and any(ast.unparse(c).endswith("environ") for c in inner.comparators):
                found.extend(_environment(inner.left, 0.4))
            elif isinstance(inner, ast.Attribute):
                text = ast.unparse(inner)
                if text == "sys.argv":
                    found.append(Seam("argv", "argv", "", 0.8))
                elif text == "sys.stdin":
                    found.append(Seam("stdin", "stdin", "", 0.7))
                elif inner.attr in constants and isinstance(inner.ctx, ast.Load):
                    found.append(Seam("constant", inner.attr, constants[inner.attr], 0.3))
            elif isinstance(inner, ast.Name) and inner.id in constants and isinstance(inner.ctx, ast.Load):
                found.append(Seam("constant", inner.id, constants[inner.id], 0.25))
        return found

    def _constants(self) -> "dict[str, str]":
        """Large whole numbers that the module or a class of it names, by name, with the owner's source."""
        found: "dict[str, str]" = {}

        def look(body: "list[ast.stmt]", owner: str, holder: Any) -> None:
            for node in body:
                if isinstance(node, ast.ClassDef):
                    inner = getattr(holder, node.name, None)
                    if inner is not None:
                        look(
                            node.body,
                            node.name if owner == self.program.module.__name__ else f"{owner}.{node.name}",
                            inner,
                        )
                targets = (
                    node.targets
                    if isinstance(node, ast.Assign)
                    else [node.target]
                    if isinstance(node, ast.AnnAssign)
                    else []
                )
                for target in targets:
                    if isinstance(target, ast.Name):
                        value = getattr(holder, target.id, None)
                        if type(value) is int and value >= _LARGE:
                            found[target.id] = owner

        look(self.program.tree.body, self.program.module.__name__, self.program.module)
        return found


def _environment(node: ast.AST, chance: float) -> "list[Seam]":
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        return [Seam("environ", node.value, "", chance)]
    return []
