"""Which lines of the module run before there is any mutant, by the doing of others.

A test file that computes a table from the module, or another module that is decorated by one of its functions, keeps
what came of the unchanged code. Running the module anew for a mutant does not change that, so a test which looks at it
can notice nothing.
"""

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Callable, Sequence
from typing import Any

from .measure import Measure


class CollectionLines(importlib.abc.MetaPathFinder):
    """Measures the module from now on, but for the time in which it is imported itself.

    Args:
        module: Its dotted name.
        file: Its file.
    """

    def __init__(self, module: str, file: str) -> None:
        self._module = module
        self._measure = Measure(file)
        self._is_looking = False
        sys.meta_path.insert(0, self)
        self._measure.start()

    def end(self) -> "frozenset[int]":
        """Stop, and give the lines that ran."""
        sys.meta_path.remove(self)
        self._measure.stop()
        return frozenset(self._measure.raw()[0])

    def find_spec(
        self, fullname: str, path: "Sequence[str] | None" = None, target: Any = None
    ) -> "importlib.machinery.ModuleSpec | None":
        """Find the module as others do, and let its execution not be measured."""
        if fullname != self._module or self._is_looking:
            return None
        self._is_looking = True
        try:
            finders = [finder for finder in sys.meta_path if finder is not self]
            found = (finder.find_spec(fullname, path, target) for finder in finders)
            spec = next((spec for spec in found if spec is not None), None)
        finally:
            self._is_looking = False
        if spec is not None and hasattr(spec.loader, "exec_module"):
            loader: Any = spec.loader
            loader.exec_module = self._unmeasured(loader.exec_module)
        return spec

    def _unmeasured(self, execute: Callable[[Any], None]) -> Callable[[Any], None]:
        def executed(module: Any) -> None:
            self._measure.stop()
            try:
                execute(module)
            finally:
                self._measure.start()

        return executed
