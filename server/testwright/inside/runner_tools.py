"""Which pytest and coverage run in the box: the project's own where they are new enough, else those that we lend."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.metadata
import os
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

FLOORS = {"pytest": (7, 0), "coverage": (6, 5)}
"""Oldest versions that we can work with: pytest's public hooks, coverage's branches in its JSON report."""

_BRINGS = {
    "pytest": ("pytest", "_pytest", "pluggy", "iniconfig"),
    "coverage": ("coverage",),
}
"""Packages that must come from one hand when a tool is lent in place of the project's older one."""


class _Lender(importlib.abc.MetaPathFinder):
    """Finds named packages in the overlay before the project's own, for a project whose own are too old."""

    def __init__(self, overlay: str, packages: Sequence[str]) -> None:
        self._overlay = [overlay]
        self._packages = frozenset(packages)

    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]] = None, target: Any = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if path is None and fullname in self._packages:
            return importlib.machinery.PathFinder.find_spec(fullname, self._overlay, target)
        return None


class Tools:
    """pytest and coverage, imported before and apart from the module under test.

    The project's import roots are off ``sys.path`` meanwhile, so that a target which pytest or coverage also use
    (``packaging``, ``tomli``) is still imported from the workspace afterwards, and under measurement.

    Attributes:
        used_overlay: Tools that were lent: ``pytest``, ``coverage``.
    """

    def __init__(self, request: Dict[str, Any], wanted: Sequence[str]) -> None:
        self._overlay: str = request["overlay"]
        roots = list(request["import_roots"])
        sys.path[:] = [entry for entry in sys.path if entry not in roots]
        try:
            self.used_overlay = [tool for tool in FLOORS if self._prepare(tool)]
            for tool in wanted:
                importlib.import_module(tool)
        finally:
            sys.path[:] = [*roots, *(entry for entry in sys.path if entry not in roots)]
        self._forget(request["module"])
        # Programs that tests start as ``python -c`` see what the project's own pytest run would show them.
        sys.argv[:] = ["pytest"]

    def _prepare(self, tool: str) -> bool:
        """Make ``tool`` importable; True when it is lent."""
        own = _version(tool, [entry for entry in sys.path if entry != self._overlay])
        if own is None:
            return True
        if _numbers(own) < FLOORS[tool]:
            sys.meta_path.insert(0, _Lender(self._overlay, _BRINGS[tool]))
            return True
        return False

    def version(self, tool: str) -> str:
        """The version of ``tool`` that is used, without importing it; empty when it cannot be told."""
        module = sys.modules.get(tool)
        found = getattr(module, "__version__", None)
        if isinstance(found, str):
            return found
        lent = tool in self.used_overlay
        return _version(tool, [self._overlay] if lent else [p for p in sys.path if p != self._overlay]) or ""

    @staticmethod
    def _forget(module: str) -> None:
        """Drop the target's package where a tool has imported its own copy of it."""
        top = module.partition(".")[0]
        if any(top in packages for packages in _BRINGS.values()):
            return  # the tool itself is under test: it has one copy only
        for name in list(sys.modules):
            if name == top or name.startswith(top + "."):
                del sys.modules[name]


def _version(tool: str, path: List[str]) -> Optional[str]:
    for found in importlib.metadata.distributions(name=tool, path=path):
        version = found.version
        if isinstance(version, str):
            return version
    return None


def _numbers(version: str) -> Tuple[int, ...]:
    numbers = []
    for part in version.split(".")[:2]:
        digits = ""
        for character in part:
            if not character.isdigit():
                break
            digits += character
        if not digits:
            break
        numbers.append(int(digits))
    return tuple(numbers)


def is_file(module: Any, file: str) -> bool:
    """Whether a module was loaded from ``file``, also when it has put another object in its own place."""
    origins = [getattr(module, "__file__", None), getattr(getattr(module, "__spec__", None), "origin", None)]
    wanted = os.path.realpath(file)
    return any(isinstance(origin, str) and os.path.realpath(origin) == wanted for origin in origins)


def origin_of(module: Any) -> str:
    """Where a module was loaded from, in words."""
    found = getattr(module, "__file__", None) or getattr(getattr(module, "__spec__", None), "origin", None)
    return found if isinstance(found, str) else "nowhere that can be told"
