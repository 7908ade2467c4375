"""Puts a mutant in place, in a forked child that then runs tests on it."""

import ast
import gc
import os
import sys
import types
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .mutant_code import Compiler, code_signature
from .mutants import Mutant

_KEPT = (
    "__name__",
    "__doc__",
    "__package__",
    "__loader__",
    "__spec__",
    "__file__",
    "__cached__",
    "__path__",
    "__builtins__",
)
"""What the import system puts into a module before it runs."""

_VALUES = (type(None), bool, int, float, complex, str, bytes, tuple, frozenset, types.ModuleType)
"""Types whose objects may be the same in many places without having come from the module."""

Place = Callable[[], bool]
"""To be called in the child; True when the module still is one that can be imported."""


class Placing:
    """Ways to put mutants of one module in place.

    Args:
        module: The module, imported and unchanged.
        compiler: Of its source.
        test_modules: Modules whose imports of it must be renewed when it is run anew.
    """

    def __init__(self, module: types.ModuleType, compiler: Compiler, test_modules: Iterable[types.ModuleType]) -> None:
        self._module = module
        self._compiler = compiler
        self._living = _functions_of(compiler.filename)
        self._imports = [(vars(test_module), _imports_of(test_module)) for test_module in test_modules]

    def is_living(self, mutant: Mutant) -> bool:
        """Whether the function that holds the change is there, so that its code can be exchanged."""
        return self._compiler.outer_function(mutant) in self._living

    def exchanging(self, mutant: Mutant) -> Place:
        """Exchange the code of the function that holds the change, and of living functions nested in it."""
        pairs = self._compiler.functions(mutant)

        def place() -> bool:
            for old, new in pairs:
                for function in self._living.get((old.co_name, old.co_firstlineno), ()):
                    # Several lambdas may stand on one line.
                    if old.co_name != "<lambda>" or code_signature(function.__code__) == code_signature(old):
                        function.__code__ = new
            return True

        return place

    def reloading(self, mutant: "Mutant | None") -> Place:
        """Run the module anew in its own namespace, with the change when one is given."""

        def place() -> bool:
            try:
                code = self._compiler.module(mutant)
                before = dict(vars(self._module))
                _run_anew(self._module, code)
                _renew_elsewhere(before, vars(self._module))
                for namespace, imports in self._imports:
                    exec(imports, namespace)
            except Exception:
                return False
            return True

        return place


def _functions_of(file: str) -> dict[tuple[str, int], list[types.FunctionType]]:
    """Living functions whose code comes from ``file``, by the name and first line of their code."""
    wanted = os.path.realpath(file)
    resolved: dict[str, bool] = {}
    found: dict[tuple[str, int], list[types.FunctionType]] = {}
    for thing in gc.get_objects():
        if type(thing) is not types.FunctionType:
            continue
        code = thing.__code__
        name = code.co_filename
        if name not in resolved:
            resolved[name] = os.path.realpath(name) == wanted
        if resolved[name]:
            found.setdefault((code.co_name, code.co_firstlineno), []).append(thing)
    return found


def _imports_of(test_module: types.ModuleType) -> types.CodeType:
    file = test_module.__file__ or ""
    tree = ast.parse(Path(file).read_bytes())
    tree.body = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    code: types.CodeType = compile(tree, file, "exec", dont_inherit=True)
    return code


def _run_anew(module: types.ModuleType, code: types.CodeType) -> None:
    """Run ``code`` in the emptied namespace of the module; functions that others hold see what it makes."""
    namespace = vars(module)
    kept = {name: namespace[name] for name in _KEPT if name in namespace}
    # Submodules became attributes when they were imported, which will not happen again.
    children = {name: sys.modules.get(f"{module.__name__}.{name}") for name in namespace}
    kept.update((name, child) for name, child in children.items() if child is not None and namespace[name] is child)
    namespace.clear()
    namespace.update(kept)
    exec(code, namespace)


def _renew_elsewhere(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Where another module holds a function or class of the old namespace by a name, give it the new one."""
    renewed = {
        id(old): after[name]
        for name, old in before.items()
        if name in after and after[name] is not old and not isinstance(old, _VALUES)
    }
    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if not isinstance(namespace, dict) or namespace is after:
            continue
        for name, value in list(namespace.items()):
            new = renewed.get(id(value))
            if new is not None:
                namespace[name] = new
